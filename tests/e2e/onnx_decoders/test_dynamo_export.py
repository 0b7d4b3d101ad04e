"""A Llama with ReLU as PyTorch's dynamo exports it, plain ops only, of dynamic length."""

import numpy as np
import onnxruntime

TOLERANCE = 1e-4


def test_lengths(golden, thresh, compile_model):
    model = thresh.Model(compile_model(golden / "llama_relu.onnx"))
    reference = onnxruntime.InferenceSession(golden / "llama_relu.onnx")
    for length in (1, 2, 21, 100):
        tokens = np.random.default_rng(length).integers(0, 320, (1, length))
        expected = reference.run(None, {"input_ids": tokens})[0]
        assert np.abs(model.run({"input_ids": tokens})["out"] - expected).max() <= TOLERANCE
