"""all-MiniLM-L6-v2, a real model, by both roads against onnxruntime."""

import json

import numpy as np
import pytest
from safetensors.numpy import load_file

TOLERANCE = 2e-5
SHAPES = [(batch, length) for batch in (1, 4) for length in (1, 7, 128, 256)]
VOCABULARY = 30522


def random_inputs(batch, length):
    """Random tokens; the sentences of a batch end at different places."""
    random = np.random.default_rng(batch * 1000 + length)
    mask = np.ones((batch, length), np.int64)
    for row in range(batch):
        mask[row, max(1, length - row * length // 5) :] = 0
    return {
        "input_ids": random.integers(0, VOCABULARY, (batch, length)),
        "attention_mask": mask,
        "token_type_ids": random.integers(0, 2, (batch, length)),
    }


@pytest.fixture(scope="module")
def onnx_library(compile_model, minilm_onnx):
    return compile_model(minilm_onnx)


@pytest.fixture(scope="module")
def from_checkpoint(thresh, minilm_library):
    return thresh.Model(minilm_library)


@pytest.fixture(scope="module")
def from_onnx(thresh, onnx_library):
    return thresh.Model(onnx_library)


def states(model, inputs):
    return model.run(inputs)["last_hidden_state"]


@pytest.mark.parametrize("batch, length", SHAPES)
def test_both_roads_agree_with_onnxruntime(from_checkpoint, from_onnx, minilm_reference, batch, length):
    inputs = random_inputs(batch, length)
    expected = minilm_reference.run(None, inputs)[0]
    ours = states(from_checkpoint, inputs)
    assert np.abs(ours - expected).max() <= TOLERANCE
    assert np.abs(states(from_onnx, inputs) - expected).max() <= TOLERANCE
    assert np.abs(states(from_onnx, inputs) - ours).max() <= 1e-6


@pytest.mark.parametrize("batch, length", [(1, 3), (4, 200), (2, 31)])
def test_inputs_left_out_are_ones_and_zeros(from_checkpoint, batch, length):
    ids = random_inputs(batch, length)["input_ids"]
    full = {"input_ids": ids, "attention_mask": np.ones_like(ids), "token_type_ids": np.zeros_like(ids)}
    assert np.array_equal(states(from_checkpoint, {"input_ids": ids}), states(from_checkpoint, full))


def test_declared_signature(from_checkpoint):
    assert [(info.name, info.dtype, info.shape, info.optional) for info in from_checkpoint.inputs] == [
        ("input_ids", "i64", ("batch", "seq"), False),
        ("attention_mask", "i64", ("batch", "seq"), True),
        ("token_type_ids", "i64", ("batch", "seq"), True),
    ]
    assert [(info.name, info.dtype, info.shape) for info in from_checkpoint.outputs] == [
        ("last_hidden_state", "f32", ("batch", "seq", 384))
    ]


def test_masked_tokens_do_not_matter(from_checkpoint):
    inputs = random_inputs(1, 20)
    inputs["attention_mask"][:, 12:] = 0
    masked = states(from_checkpoint, inputs)[:, :12]
    short = states(from_checkpoint, {name: array[:, :12] for name, array in inputs.items()})
    assert np.abs(masked - short).max() <= TOLERANCE


def test_bad_calls_are_refused_and_the_model_goes_on(thresh, from_checkpoint):
    good = random_inputs(1, 5)
    before = states(from_checkpoint, good)
    bad = {
        "30522": {"input_ids": np.array([[5, VOCABULARY]])},
        "max_position_embeddings": {"input_ids": np.zeros((1, 513), np.int64)},
        "i64": {"input_ids": np.zeros((1, 5), np.int32)},
        "batch": {"input_ids": np.zeros((2, 5), np.int64), "attention_mask": np.ones((1, 5), np.int64)},
    }
    for needle, inputs in bad.items():
        with pytest.raises(thresh.ThreshError, match=needle):
            from_checkpoint.run(inputs)
    assert np.array_equal(states(from_checkpoint, good), before)


def test_longest_sentence(from_checkpoint, minilm_reference):
    inputs = random_inputs(1, 512)
    assert np.abs(states(from_checkpoint, inputs) - minilm_reference.run(None, inputs)[0]).max() <= TOLERANCE


def test_empty_batch_and_empty_sentence(from_checkpoint):
    assert states(from_checkpoint, {"input_ids": np.zeros((0, 7), np.int64)}).shape == (0, 7, 384)
    assert states(from_checkpoint, {"input_ids": np.zeros((3, 0), np.int64)}).shape == (3, 0, 384)


def test_external_data(thresh, compile_model, write_onnx, minilm_checkpoint, from_onnx):
    external = thresh.Model(compile_model(write_onnx(minilm_checkpoint, "--external-data")))
    inputs = random_inputs(2, 9)
    assert np.array_equal(states(external, inputs), states(from_onnx, inputs))


def test_embedded_weights(thresh, compile_model, minilm_checkpoint, from_checkpoint, tmp_path):
    library = compile_model(minilm_checkpoint, "--embed-weights")
    assert [path.name for path in library.parent.iterdir()] == ["model.so"]
    moved = library.rename(tmp_path / "alone.so")
    inputs = random_inputs(2, 9)
    assert np.array_equal(states(thresh.Model(moved), inputs), states(from_checkpoint, inputs))


def test_fixed_dimensions(thresh, compile_model, minilm_checkpoint, minilm_reference):
    model = thresh.Model(compile_model(minilm_checkpoint, "--dim", "batch=2", "--dim", "seq=24"))
    assert model.outputs[0].shape == (2, 24, 384)
    inputs = random_inputs(2, 24)
    assert np.abs(states(model, inputs) - minilm_reference.run(None, inputs)[0]).max() <= TOLERANCE
    with pytest.raises(thresh.ThreshError):
        model.run(random_inputs(1, 24))


def test_weights_file_is_plain_safetensors(minilm_library, minilm_checkpoint):
    path = minilm_library.with_name("model.weights.safetensors")
    stored, packed = load_file(minilm_checkpoint / "model.safetensors"), load_file(path)
    for name, array in packed.items():
        if name.startswith("__pad_"):
            assert not array.any()
        elif name.endswith(".packed"):
            panels, rows, width = array.shape
            matrix = array.transpose(1, 0, 2).reshape(rows, panels * width)
            expected = stored[name.removesuffix(".packed")].T
            assert np.array_equal(matrix[:, : expected.shape[1]], expected)
            assert not matrix[:, expected.shape[1] :].any()
        else:
            assert np.array_equal(array, stored[name])
    data = path.read_bytes()
    length = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + length])
    assert (8 + length) % 4096 == 0
    big = [entry for name, entry in header.items() if name.endswith(".packed")]
    assert big and all(entry["data_offsets"][0] % 4096 == 0 for entry in big)
