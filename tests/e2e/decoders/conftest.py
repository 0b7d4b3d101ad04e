"""Sessions of compiled decoders."""

import ctypes
import os

import pytest
from decoder_session import Session


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
