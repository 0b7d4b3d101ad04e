"""Sessions of compiled decoders."""

import ctypes
import os

import pytest
from decoder_checkpoints import prefix_of, save
from decoder_session import Compiled, Session


@pytest.fixture(scope="session")
def runtime(thresh):
    """The C API, through the Python package."""
    from thresh import _library

    return _library


@pytest.fixture(scope="session")
def compile_decoder(runtime, compile_model):
    """compile_decoder(FOLDER, option...) compiles a checkpoint; the result makes sessions."""

    def compile_(folder, *options):
        model, choice = ctypes.c_void_p(), runtime.OpenOptions(None, None, 0)
        runtime.call("thresh_model_open", os.fsencode(compile_model(folder, *options)), ctypes.byref(choice), ctypes.byref(model))
        return lambda: Session(model)

    return compile_


@pytest.fixture
def compile_case(runtime, run_tool, tmp_path):
    """compile_case(fields, tensors, option...): a checkpoint of these, compiled for 24 tokens."""

    def make(fields, tensors, *options):
        checkpoint = save(tmp_path / "checkpoint", fields, tensors, prefix_of(fields))
        return Compiled(runtime, run_tool, tmp_path, checkpoint, "--context", 24, *options)

    return make
