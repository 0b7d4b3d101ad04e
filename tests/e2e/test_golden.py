"""Small BERTs: the answers of transformers, the forms a checkpoint comes in, every activation."""

import json
import shutil

import ml_dtypes
import numpy as np
import onnxruntime
import pytest
from bert_reference import ACTIVATIONS, Bert
from safetensors.numpy import load_file, save_file

TOLERANCE = 2e-5


@pytest.fixture(scope="module")
def config(golden):
    return json.loads((golden / "bert" / "config.json").read_text())


@pytest.fixture(scope="module")
def weights(golden):
    return load_file(golden / "bert" / "model.safetensors")


@pytest.fixture(scope="module")
def ids(golden):
    return np.array([json.loads((golden / "bert" / "golden.json").read_text())["input_ids"]])


@pytest.fixture(scope="module")
def answer(golden):
    return np.load(golden / "bert" / "golden_last_hidden_state.npy")


@pytest.fixture(scope="module")
def states(thresh, compile_model):
    """states(MODEL, inputs) compiles and runs."""
    return lambda model, inputs: thresh.Model(compile_model(model)).run(inputs)["last_hidden_state"]


@pytest.fixture(scope="module")
def plain(golden, states, ids):
    """The hidden states of the golden checkpoint."""
    return states(golden / "bert", {"input_ids": ids})


@pytest.fixture
def save(tmp_path, config):
    """save(weights, field=value) writes a checkpoint folder with these fields of config.json changed."""

    def save_(weights, **fields):
        folder = tmp_path / "checkpoint"
        folder.mkdir()
        (folder / "config.json").write_text(json.dumps({**config, **fields}))
        save_file(weights, folder / "model.safetensors")
        return folder

    return save_


def test_checkpoint_answers_as_transformers(plain, answer):
    assert np.abs(plain[0] - answer).max() <= TOLERANCE


def test_dynamo_export_answers_as_transformers(golden, thresh, compile_model, ids, answer):
    model = thresh.Model(compile_model(golden / "bert.onnx"))
    assert np.abs(model.run({"input_ids": ids})["out"][0] - answer).max() <= TOLERANCE
    reference = onnxruntime.InferenceSession(golden / "bert.onnx")
    for length in (2, 21, 100, 256):
        tokens = np.random.default_rng(length).integers(0, 320, (1, length))
        expected = reference.run(None, {"input_ids": tokens})[0]
        assert np.abs(model.run({"input_ids": tokens})["out"] - expected).max() <= TOLERANCE


def test_shards(save, states, weights, ids, plain):
    folder = save(weights)
    (folder / "model.safetensors").unlink()
    names = sorted(weights)
    files = {"model-00001-of-00002.safetensors": names[::2], "model-00002-of-00002.safetensors": names[1::2]}
    for file, part in files.items():
        save_file({name: weights[name] for name in part}, folder / file)
    index = {"metadata": {}, "weight_map": {name: file for file, part in files.items() for name in part}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    assert np.array_equal(states(folder, {"input_ids": ids}), plain)


def test_links_as_download_caches_make_them(save, states, weights, ids, plain, tmp_path):
    folder = save(weights)
    blob = shutil.move(folder / "model.safetensors", tmp_path / "blob")
    (folder / "model.safetensors").symlink_to(blob)
    assert np.array_equal(states(folder, {"input_ids": ids}), plain)


def test_names_with_prefix_and_of_old_checkpoints(save, states, weights, ids, plain):
    old = {"LayerNorm.weight": "LayerNorm.gamma", "LayerNorm.bias": "LayerNorm.beta"}
    renamed = {}
    for name, array in weights.items():
        for new_name, old_name in old.items():
            name = name.replace(new_name, old_name)
        renamed[f"bert.{name}"] = array
    renamed["cls.predictions.bias"] = np.zeros(3, np.int32)
    assert np.array_equal(states(save(renamed), {"input_ids": ids}), plain)


@pytest.mark.parametrize("dtype", [np.float16, ml_dtypes.bfloat16])
def test_half_precision_weights_compute_in_f32(save, states, config, weights, ids, dtype):
    halves = {name: array.astype(dtype) for name, array in weights.items()}
    ours = states(save(halves), {"input_ids": ids})
    expected = Bert(config, halves).run(ids, np.ones_like(ids), np.zeros_like(ids))
    assert np.abs(ours - expected).max() <= TOLERANCE


@pytest.mark.parametrize("name", sorted(ACTIVATIONS))
def test_activations(save, states, config, weights, ids, name):
    ours = states(save(weights, hidden_act=name), {"input_ids": ids})
    reference = Bert({**config, "hidden_act": name}, weights)
    assert np.abs(ours - reference.run(ids, np.ones_like(ids), np.zeros_like(ids))).max() <= TOLERANCE


def test_masks(save, states, config, weights):
    random = np.random.default_rng(3)
    tokens = random.integers(0, 320, (4, 19))
    mask = random.integers(0, 2, (4, 19))
    mask[1] = 0
    mask[2] = 3
    types = random.integers(0, 2, (4, 19))
    inputs = {"input_ids": tokens, "attention_mask": mask, "token_type_ids": types}
    assert np.abs(states(save(weights), inputs) - Bert(config, weights).run(tokens, mask, types)).max() <= TOLERANCE


@pytest.mark.parametrize(
    "fields",
    [
        {"num_attention_heads": 1},
        {"num_attention_heads": 64},
        {"num_hidden_layers": 1},
        {"num_hidden_layers": 0},
        {"layer_norm_eps": 0.5},
    ],
)
def test_shapes_of_models(save, states, config, weights, ids, fields):
    ours = states(save(weights, **fields), {"input_ids": ids})
    expected = Bert({**config, **fields}, weights).run(ids, np.ones_like(ids), np.zeros_like(ids))
    assert np.abs(ours - expected).max() <= TOLERANCE


def test_odd_widths(save, states, config):
    """No dimension is a multiple of a vector."""
    random = np.random.default_rng(5)
    width, inner, vocabulary, positions = 21, 35, 13, 11
    fields = {
        **config,
        "hidden_size": width,
        "intermediate_size": inner,
        "num_attention_heads": 3,
        "num_hidden_layers": 2,
        "vocab_size": vocabulary,
        "max_position_embeddings": positions,
        "type_vocab_size": 1,
    }
    shapes = {
        "embeddings.word_embeddings.weight": (vocabulary, width),
        "embeddings.token_type_embeddings.weight": (1, width),
        "embeddings.position_embeddings.weight": (positions, width),
    }
    sizes = {"embeddings.LayerNorm": (width,)}
    for layer in range(2):
        name = f"encoder.layer.{layer}"
        for role in ("attention.self.query", "attention.self.key", "attention.self.value", "attention.output.dense"):
            sizes[f"{name}.{role}"] = (width, width)
        sizes[f"{name}.intermediate.dense"], sizes[f"{name}.output.dense"] = (inner, width), (width, inner)
        sizes[f"{name}.attention.output.LayerNorm"] = sizes[f"{name}.output.LayerNorm"] = (width,)
    for name, shape in sizes.items():
        shapes[f"{name}.weight"], shapes[f"{name}.bias"] = shape, shape[:1]
    weights = {name: random.normal(0, 0.3, shape).astype(np.float32) for name, shape in shapes.items()}
    folder = save(weights, **fields)
    for batch, length in ((1, 1), (2, 5), (3, 11)):
        tokens = random.integers(0, vocabulary, (batch, length))
        expected = Bert(fields, weights).run(tokens, np.ones_like(tokens), np.zeros_like(tokens))
        assert np.abs(states(folder, {"input_ids": tokens}) - expected).max() <= TOLERANCE
