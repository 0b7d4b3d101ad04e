"""Pairs of an onnxruntime session and a compiled library."""

import pytest
from node_models import Pair


@pytest.fixture(scope="session")
def pair(thresh, compile_model, tmp_path_factory):
    """pair(MODEL) opens an onnx.ModelProto with both."""
    return lambda model: Pair(model, thresh, compile_model, tmp_path_factory.mktemp("onnx"))
