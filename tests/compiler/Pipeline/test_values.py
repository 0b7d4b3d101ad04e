"""Odd but valid graphs, compiled and run by the runtime's Python package, against numpy.

The graphs and inputs are in graphs.py. The cases of a group are the entry points of one library, so that a group costs
one compilation.
"""

import functools

import numpy as np
import pytest

from graphs import GROUPS, SEED, TOLERANCE

CASES = [pytest.param(group, case, id=f"{group}-{case.name}") for group, cases in GROUPS.items() for case in cases]


@pytest.fixture(scope="session")
def library(compiled):
    """The library of a group."""

    @functools.lru_cache(maxsize=None)
    def compile_group(group):
        return compiled("\n".join(f"func.func @{case.name}{case.text}" for case in GROUPS[group]))

    return compile_group


@pytest.mark.parametrize("group, case", CASES)
def test_values(library, group, case):
    print(f"seed {SEED}")
    outputs = list(library(group).run(case.inputs, entry=case.name).values())
    assert len(outputs) == len(case.expected)
    for number, (output, expected) in enumerate(zip(outputs, case.expected)):
        assert output.dtype == expected.dtype and output.shape == expected.shape, f"output {number}"
        tolerance = TOLERANCE.get(output.dtype, 0)
        scale = np.abs(expected[np.isfinite(expected)]).max(initial=1) if tolerance else 1
        np.testing.assert_allclose(output, expected, rtol=0, atol=tolerance * scale, err_msg=f"output {number}")
