"""The ratchet: ONNX node tests that have passed pass again."""

import os
import pathlib

import cases
import pytest
import run
import runner


@pytest.fixture
def suite(build, environment, monkeypatch):
    """suite(names): how these tests go, by name."""
    monkeypatch.setenv("THRESH_RUNTIME_LIBRARY", str(pathlib.Path(build).resolve() / "lib" / "libthresh_runtime.so"))

    def go(names):
        return runner.run_suite(cases.load(set(names)), pathlib.Path(build).resolve(), environment, os.cpu_count())

    return go


def not_passed(results):
    return {name: result for name, result in results.items() if result.status != runner.PASSED}


def test_ratchet_names_tests_of_the_tiers():
    known = {name for names in cases.tiers().values() for name in names}
    assert run.passing() and run.passing() <= known


def test_sample(suite):
    """Every fifteenth test of the ratchet."""
    assert not not_passed(suite(sorted(run.passing())[::15]))


@pytest.mark.slow
def test_all(suite):
    results = suite(run.passing())
    assert set(results) == run.passing()
    assert not not_passed(results)
