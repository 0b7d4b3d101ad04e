"""`thresh bench --kernels` of a decoder: every launch of a token is timed, and the bytes are those that a token touches."""

import json

import pytest


@pytest.mark.parametrize("options", [(), ("--quantize", "q8", "--kv-cache", "f16")])
def test_kernels_of_a_token(run_tool, golden, compile_model, options):
    library = compile_model(golden / "gemma2", *options)
    metadata = json.loads(run_tool("thresh", "inspect", library, "--json").stdout)
    result = run_tool("thresh", "bench", library, "--kernels", "--depth", "3,20", "--tokens", "2", "--rounds", "1", "--json")
    assert result.returncode == 0, result.stderr
    for each in json.loads(result.stdout)["depths"]:
        launches = [launch for launch in metadata["launches"] if launch["entry"] == "decode"]
        assert sum(kernel["launches"] for kernel in each["kernels"]) == len(launches)
        assert sum(kernel.get("bytes", 0) for kernel in each["kernels"]) == each["touched_bytes"]
        assert all(kernel["seconds"] > 0 for kernel in each["kernels"])
