"""decode.py runs through on a small shape and on the trained models, without the rival."""

import json
import re
import subprocess
import sys
import xml.etree.ElementTree as xml

import pytest


@pytest.fixture
def run_benchmark(root, build, environment, tmp_path):
    def run(*arguments):
        command = [sys.executable, root / "tests" / "benchmarks" / "decode.py", "--thresh", build / "bin" / "thresh"]
        command += ["--out", tmp_path / "out", "--no-rival", "--small", *arguments]
        return subprocess.run(list(map(str, command)), capture_output=True, text=True, env=environment, timeout=300)

    return run


def test_small_shape(run_benchmark, tmp_path):
    result = run_benchmark("--quick", "--formats", "q8,q4", "--contexts", "20,4", "--tokens", "3", "--prompt", "16")
    assert result.returncode == 0, result.stderr
    rows = [line.split(" | ") for line in result.stdout.splitlines() if line.startswith(("| dense", "| spark"))]
    models = [f"{model} {weights}" for weights in ("q8", "q4") for model in ("dense", "spark")]
    assert [(row[0], row[1]) for row in rows] == [(f"| {model}", case) for model in models for case in ("4", "20", "prefill of 16")]
    for row in rows:
        assert re.fullmatch(r"\d+\.\d\d \(\d+\.\d\d to \d+\.\d\d\)", row[2]), row
        assert row[3] == "-"
    assert result.stdout.count("a read loop makes ") == 4
    assert (tmp_path / "out" / "decode.md").read_text() == result.stdout
    picture = xml.parse(tmp_path / "out" / "decode.svg").getroot()
    assert len(picture.findall("{http://www.w3.org/2000/svg}rect")) == 4 + 8 + 4  # background, legend, decode, prefill
    for model, model_type in (("dense", "gemma2"), ("spark", "spark_gemma2")):
        config = json.loads((tmp_path / "out" / "decode" / model / "q8" / "config.json").read_text())
        assert (config["model_type"], config["num_hidden_layers"]) == (model_type, 2)


def test_checkpoints(run_benchmark, root, tmp_path):
    folder = root / "examples" / "tiny-spark"
    result = run_benchmark("--quick", "--checkpoints", folder, "--formats", "q8", "--contexts", "4", "--tokens", "3", "--prompt", "16")
    assert result.returncode == 0, result.stderr
    rows = [line.split(" | ")[:2] for line in result.stdout.splitlines() if line.startswith(("| dense", "| spark"))]
    assert rows == [[f"| {model} q8", case] for model in ("dense", "spark") for case in ("4", "prefill of 16")]
    assert str(folder) in (tmp_path / "out" / "decode.svg").read_text()


@pytest.mark.parametrize("arguments", [["--formats", "q3"], ["--models", "moe"], ["--contexts", "4,x"], ["--kv-cache", "q2"], ["--checkpoints", "nowhere"]], ids=str)
def test_refusals(run_benchmark, arguments):
    result = run_benchmark(*arguments)
    assert result.returncode == 2 and arguments[0] in result.stderr


def test_the_rivals_files_are_pinned(root):
    text = (root / "tests" / "benchmarks" / "rival_requirements.txt").read_text()
    packages = [line for line in text.splitlines() if line and line[0] not in "# "]
    assert packages and len(packages) == len(re.findall(r"--hash=sha256:[0-9a-f]{64}", text))
    assert all(re.match(r"[\w-]+==[\d.]+ \\$", line) for line in packages)
