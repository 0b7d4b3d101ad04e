"""MatMulNBits and GatherBlockQuantized against onnxruntime: bits, block sizes, zero points, rows that end in a block."""

import numpy as np
import pytest
from node_models import node_model, normal
from onnx import TensorProto

F32, I32, I64, U8 = TensorProto.FLOAT, TensorProto.INT32, TensorProto.INT64, TensorProto.UINT8


def pack(codes, bits):
    """uint8 codes [..., n] as bytes [..., ceil(n * bits / 8)], low bits first."""
    per_byte = 8 // bits
    padding = [(0, 0)] * (codes.ndim - 1) + [(0, -codes.shape[-1] % per_byte)]
    parts = np.pad(codes, padding).reshape(*codes.shape[:-1], -1, per_byte)
    return (parts << (bits * np.arange(per_byte))).sum(-1).astype(np.uint8)


def quantised(rng, rows, columns, bits, block, zeros):
    """Constants of a random matrix: codes [rows, blocks, bytes], scales and zero points [rows, blocks]."""
    blocks = -(-columns // block)
    draw = lambda *shape: rng.integers(0, 2**bits, shape, np.uint8)  # noqa: E731
    constants = {"B": pack(draw(rows, blocks, block), bits), "scales": normal(rng, rows, blocks) / 2**bits}
    if zeros == "packed":
        constants["zero_points"] = pack(draw(rows, blocks), bits)
    elif zeros == "float":
        constants["zero_points"] = normal(rng, rows, blocks) + np.float32(2 ** (bits - 1))
    return constants


@pytest.mark.parametrize("zeros", ["none", "packed", "float"])
@pytest.mark.parametrize(
    "bits, block, rows, columns",
    [(4, 16, 5, 48), (4, 32, 33, 64), (4, 32, 7, 40), (4, 64, 3, 200), (4, 256, 16, 256), (4, 128, 9, 100),
     (8, 16, 5, 48), (8, 32, 33, 64), (8, 128, 4, 130), (2, 32, 8, 96)],
)  # fmt: skip
def test_matmul(pair, bits, block, rows, columns, zeros):
    if zeros == "float" and bits != 4:
        pytest.skip("onnxruntime takes float zero points for 4 bits only")
    seed = 1000 * bits + block + rows + columns
    print("seed", seed)
    rng = np.random.default_rng(seed)
    constants = quantised(rng, rows, columns, bits, block, zeros)
    has_bias = rows % 2 == 1
    if has_bias:
        constants["bias"] = normal(rng, rows)
    inputs = {
        "A": (F32, ["batch", "length", columns]),
        "B": (),
        "scales": (),
        "zero_points": () if "zero_points" in constants else None,
        "g_idx": None,
        "bias": () if has_bias else None,
    }
    outputs = {"Y": (F32, ["batch", "length", rows])}
    model = pair(
        node_model("MatMulNBits", inputs, outputs, constants=constants, K=columns, N=rows, bits=bits, block_size=block)
    )
    for batch, length in [(1, 1), (1, 5), (2, 3)]:
        given = {"A": normal(rng, batch, length, columns)}
        expected, actual = model.expected(given)["Y"], model.actual(given)["Y"]
        assert np.abs(actual - expected).max() <= 1e-5 * max(1, np.abs(expected).max())


@pytest.mark.parametrize("index_type, numpy_type", [(I64, np.int64), (I32, np.int32)])
@pytest.mark.parametrize("zeros", ["none", "packed"])
@pytest.mark.parametrize("bits, block, rows, columns", [(4, 16, 11, 48), (4, 32, 20, 96), (8, 32, 7, 64), (8, 128, 5, 256)])
def test_gather(pair, bits, block, rows, columns, zeros, index_type, numpy_type):
    seed = 2000 * bits + block + rows + columns
    print("seed", seed)
    rng = np.random.default_rng(seed)
    constants = quantised(rng, rows, columns, bits, block, zeros)
    constants["data"] = constants.pop("B").reshape(rows, -1)
    inputs = {
        "data": (),
        "indices": (index_type, ["batch", "length"]),
        "scales": (),
        "zero_points": () if "zero_points" in constants else None,
    }
    outputs = {"output": (F32, ["batch", "length", columns])}
    model = pair(
        node_model(
            "GatherBlockQuantized", inputs, outputs, constants=constants, bits=bits, block_size=block,
            gather_axis=0, quantize_axis=1,
        )
    )  # fmt: skip
    for batch, length in [(1, 1), (2, 5), (1, 0)]:
        indices = rng.integers(-rows - 2, rows + 2, (batch, length)).astype(numpy_type)
        expected, actual = model.expected({"indices": indices})["output"], model.actual({"indices": indices})["output"]
        assert actual.shape == expected.shape and np.array_equal(actual, expected)
