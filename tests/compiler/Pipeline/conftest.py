"""The Python package on the runtime of this build, and libraries compiled from text."""

import os
import sys

import pytest


@pytest.fixture(scope="session")
def thresh(root, build):
    if "THRESH_SANITIZE:BOOL=ON" in (build / "CMakeCache.txt").read_text():
        pytest.skip("Python cannot load a library built with AddressSanitizer")
    os.environ["THRESH_RUNTIME_LIBRARY"] = str(build / "lib" / "libthresh_runtime.so")
    sys.path.insert(0, str(root / "runtime" / "python"))
    import thresh

    return thresh


@pytest.fixture(scope="session")
def compiled(thresh, run_tool, tmp_path_factory):
    """compiled(text, options...) compiles a module of the graph stage and opens the library."""

    def compile_text(text, *options):
        folder = tmp_path_factory.mktemp("library")
        (folder / "graph.mlir").write_text(text)
        result = run_tool("thresh", "compile", folder / "graph.mlir", "-o", folder / "graph.so", *options)
        assert result.returncode == 0, result.stderr
        return thresh.Model(folder / "graph.so")

    return compile_text
