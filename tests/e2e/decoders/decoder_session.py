"""Compiled decoders and their sequences, through the C API."""

import ctypes
import os

import numpy as np


class Session:
    """One sequence of a compiled decoder, through the C API."""

    def __init__(self, model):
        from thresh import _library

        self.api, self.model = _library, model
        self.handle = ctypes.c_void_p()
        self.api.call("thresh_session_create", model, ctypes.byref(self.handle))

    def run(self, entry, ids, room=None):
        """The logits of an entry point on more tokens; `room`: into a buffer of so many bytes."""
        ids = np.ascontiguousarray(ids, np.int64)
        given, answer = self.api.Input(), self.api.Output()
        given.dtype, given.rank, given.data, given.bytes = 10, 1, ids.ctypes.data, ids.nbytes
        given.shape[0] = len(ids)
        if room is not None:
            buffer = ctypes.create_string_buffer(room + 1)
            answer.buffer, answer.buffer_bytes = ctypes.addressof(buffer), room
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


class Compiled:
    """A checkpoint's library: its weights file, what the compiler said, and sessions."""

    def __init__(self, runtime, run_tool, folder, model, *options):
        library = folder / "model.so"
        result = run_tool("thresh", "compile", model, "-o", library, *options)
        assert result.returncode == 0, result.stderr
        self.weights, self.log = folder / "model.weights.safetensors", result.stderr
        self.model, choice = ctypes.c_void_p(), runtime.OpenOptions(None, None, 0)
        runtime.call("thresh_model_open", os.fsencode(library), ctypes.byref(choice), ctypes.byref(self.model))

    def start(self):
        return Session(self.model)
