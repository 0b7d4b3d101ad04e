"""The comparison of feed-forward blocks runs through on a small shape."""

import subprocess
import sys


def test_small_shape(root, build, environment):
    script = root / "tests" / "benchmarks" / "sparse_ffn.py"
    options = ["--build", build, "--shape", "64x32x32x64", "--formats", "none,q8", "--shares", "8", "--rows", "1,5", "--rounds", "1"]
    command = [sys.executable, script, *map(str, options)]
    result = subprocess.run(command, capture_output=True, text=True, timeout=300, env=environment)
    assert result.returncode == 0, result.stderr
    lines = result.stdout.splitlines()
    assert lines[0] == "| weights | chosen | 1 rows | 5 rows |"
    assert [line.split(" | ")[:2] for line in lines[2:]] == [["| none", "8 %"], ["| q8", "8 %"]]
