"""The mock libraries, compiled for these tests, and the package from the source tree."""

import os
import subprocess
import sys

import pytest


@pytest.fixture(scope="session")
def mock(root, tmp_path_factory):
    """mock(DEFINE, ...) compiles tests/runtime/Inputs/mock_library.c and returns the library's path."""

    def compile_mock(*defines):
        path = tmp_path_factory.mktemp("mock") / "mock.so"
        source = root / "tests" / "runtime" / "Inputs" / "mock_library.c"
        command = ["cc", "-shared", "-fPIC", "-O1", f"-I{root / 'runtime' / 'include'}", source, "-o", path]
        subprocess.run([*command, *(f"-D{define}" for define in defines)], check=True)
        return path

    return compile_mock


@pytest.fixture(scope="session")
def mock_path(mock):
    """The mock library without weights."""
    return mock()


@pytest.fixture(scope="session")
def thresh(root, build):
    """The package, on the runtime of this build."""
    if "THRESH_SANITIZE:BOOL=ON" in (build / "CMakeCache.txt").read_text():
        pytest.skip("Python cannot load a library built with AddressSanitizer")
    os.environ["THRESH_RUNTIME_LIBRARY"] = str(build / "lib" / "libthresh_runtime.so")
    sys.path.insert(0, str(root / "runtime" / "python"))
    import thresh

    return thresh
