"""Sessions of compiled decoders."""

import ctypes
import os
import sys

import numpy as np
import pytest


class Session:
    """One sequence of a compiled decoder, through the C API."""

    def __init__(self, model):
        from thresh import _library

        self.api, self.model = _library, model
        self.handle = ctypes.c_void_p()
        self.api.call("thresh_session_create", model, ctypes.byref(self.handle))

    def run(self, entry, ids):
        """The logits of an entry point on more tokens."""
        ids = np.ascontiguousarray(ids, np.int64)
        given, answer = self.api.Input(), self.api.Output()
        given.dtype, given.rank, given.data, given.bytes = 10, 1, ids.ctypes.data, ids.nbytes
        given.shape[0] = len(ids)
        names = [
            self.api.library().thresh_model_entry(self.model, i).contents.name.decode()
            for i in range(self.api.library().thresh_model_num_entries(self.model))
        ]
        self.api.call(
            "thresh_session_run", self.handle, names.index(entry), ctypes.byref(given), 1, ctypes.byref(answer), 1
        )
        data = ctypes.cast(answer.data, ctypes.POINTER(ctypes.c_float))
        return np.ctypeslib.as_array(data, tuple(answer.shape[: answer.rank])).copy()

    def decode(self, ids):
        """The logits of each token, one call each."""
        return np.concatenate([self.run("decode", [token]) for token in ids])

    @property
    def position(self):
        return self.api.library().thresh_session_position(self.handle)

    def rewind(self, position):
        self.api.call("thresh_session_rewind", self.handle, position)

    def fork(self):
        fork = object.__new__(Session)
        fork.api, fork.model, fork.handle = self.api, self.model, ctypes.c_void_p()
        self.api.call("thresh_session_fork", self.handle, ctypes.byref(fork.handle))
        return fork

    def __del__(self):
        self.api.library().thresh_session_free(self.handle)


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
