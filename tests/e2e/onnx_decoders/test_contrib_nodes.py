"""The smaller ops of onnxruntime's decoders against onnxruntime: norms with a skip, rotary embedding, gelus."""

import numpy as np
import pytest
from node_models import node_model, normal
from onnx import TensorProto

F32, I64 = TensorProto.FLOAT, TensorProto.INT64
TOLERANCE = 2e-6
ROWS = ["batch", "length", 24]
SHAPES = [(1, 1), (1, 7), (3, 2)]


def check(pair, given):
    expected, actual = pair.expected(given), pair.actual(given)
    for name, array in expected.items():
        assert actual[name].shape == array.shape
        assert np.abs(actual[name] - array).max() <= TOLERANCE * max(1, np.abs(array).max()), name


@pytest.mark.parametrize("attributes", [{}, {"epsilon": 0.01}])
@pytest.mark.parametrize("with_deviation", [False, True])
def test_simplified_layer_norm(pair, attributes, with_deviation):
    outputs = {"y": (F32, ROWS), "deviation": (F32, ["batch", "length", 1]) if with_deviation else None}
    inputs = {"x": (F32, ROWS), "scale": (F32, [24])}
    model = pair(node_model("SimplifiedLayerNormalization", inputs, outputs, domain="", axis=-1, **attributes))
    rng = np.random.default_rng(11)
    for shape in SHAPES:
        check(model, {"x": normal(rng, *shape, 24), "scale": normal(rng, 24)})


@pytest.mark.parametrize("attributes", [{}, {"epsilon": 0.01}])
@pytest.mark.parametrize("with_bias", [False, True])
@pytest.mark.parametrize("with_sum", [False, True])
@pytest.mark.parametrize("op", ["SkipSimplifiedLayerNormalization", "SkipLayerNormalization"])
def test_skip_norms(pair, op, attributes, with_bias, with_sum):
    has_beta = op == "SkipLayerNormalization"
    inputs = {"input": (F32, ROWS), "skip": (F32, ROWS), "gamma": (F32, [24])}
    if has_beta:
        inputs["beta"] = (F32, [24])
    inputs["bias"] = (F32, [24]) if with_bias else None
    outputs = {"y": (F32, ROWS), "mean": None, "inv_std_var": None, "sum": (F32, ROWS) if with_sum else None}
    model = pair(node_model(op, inputs, outputs, **attributes))
    rng = np.random.default_rng(12)
    for shape in SHAPES:
        # Small numbers tell the default epsilon from a larger one.
        given = {"input": normal(rng, *shape, 24) * 1e-3, "skip": normal(rng, *shape, 24) * 1e-3}
        vectors = {name: normal(rng, 24) for name in ("gamma", "beta", "bias") if inputs.get(name)}
        if with_bias:
            vectors["bias"] *= 1e-3
        check(model, {**given, **vectors})


@pytest.mark.parametrize("interleaved", [0, 1])
@pytest.mark.parametrize("form", ["flat", "flat-heads", "partial", "heads-first"])
@pytest.mark.parametrize("one_position", [False, True])
def test_rotary_embedding(pair, form, interleaved, one_position):
    heads, width, pairs = 3, 16, 4 if form == "partial" else 8
    attributes = {"interleaved": interleaved}
    if form in ("flat-heads", "partial"):
        attributes["num_heads"] = heads
    if form == "partial":
        attributes["rotary_embedding_dim"] = 2 * pairs
    shape = ["batch", heads, "length", width] if form == "heads-first" else ["batch", "length", heads * width]
    inputs = {
        "input": (F32, shape),
        "position_ids": (I64, [1] if one_position else ["batch", "length"]),
        "cos_cache": (F32, [20, pairs]),
        "sin_cache": (F32, [20, pairs]),
    }
    model = pair(node_model("RotaryEmbedding", inputs, {"output": (F32, shape)}, **attributes))
    rng = np.random.default_rng(13)
    for batch, length in SHAPES:
        angles = normal(rng, 20, pairs)
        sizes = (batch, heads, length, width) if form == "heads-first" else (batch, length, heads * width)
        positions = np.array([5]) if one_position else rng.integers(0, 20, (batch, length))
        tables = {"cos_cache": np.cos(angles), "sin_cache": np.sin(angles)}
        check(model, {"input": normal(rng, *sizes), "position_ids": positions, **tables})


@pytest.mark.parametrize("op, with_bias", [("Gelu", 0), ("QuickGelu", 0), ("FastGelu", 0), ("FastGelu", 1), ("BiasGelu", 1)])
def test_gelus(pair, op, with_bias):
    inputs = {"x": (F32, ROWS), "bias": (F32, [24]) if with_bias else None}
    model = pair(node_model(op, inputs, {"y": (F32, ROWS)}))
    rng = np.random.default_rng(14)
    for shape in SHAPES:
        given = {"x": 3 * normal(rng, *shape, 24)}
        if with_bias:
            given["bias"] = normal(rng, 24)
        check(model, given)
