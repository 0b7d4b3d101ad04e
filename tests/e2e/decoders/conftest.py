"""Sessions of compiled decoders."""

import ctypes
import os
import sys

import pytest
from decoder_session import Session


@pytest.fixture(scope="session")
def runtime(root, build):
    """The Python package, on the runtime of this build."""
    if "THRESH_SANITIZE:BOOL=ON" in (build / "CMakeCache.txt").read_text():
        pytest.skip("Python cannot load a library built with AddressSanitizer")
    os.environ["THRESH_RUNTIME_LIBRARY"] = str(build / "lib" / "libthresh_runtime.so")
    sys.path.insert(0, str(root / "runtime" / "python"))
    from thresh import _library

    return _library


@pytest.fixture(scope="session")
def compile_decoder(runtime, run_tool, tmp_path_factory):
    """compile_decoder(FOLDER, option...) compiles a checkpoint; the result makes sessions."""
    opened = []

    def compile_(folder, *options):
        path = tmp_path_factory.mktemp("library") / "model.so"
        result = run_tool("thresh", "compile", folder, "-o", path, *options)
        assert result.returncode == 0, result.stderr
        model, choice = ctypes.c_void_p(), runtime.OpenOptions(None, None, 0)
        runtime.call("thresh_model_open", os.fsencode(path), ctypes.byref(choice), ctypes.byref(model))
        opened.append(model)
        return lambda: Session(model)

    return compile_
