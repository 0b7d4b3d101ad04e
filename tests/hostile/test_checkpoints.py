"""Checkpoint folders that are wrong in one way each."""

import json

import numpy
import pytest
from models import bert_config, bert_tensors, rewrite_header, save_bert
from refusal import expect_compile_refused

WORDS = "embeddings.word_embeddings.weight"
TYPES = "embeddings.token_type_embeddings.weight"


@pytest.fixture
def checkpoint(tmp_path):
    return save_bert(tmp_path / "checkpoint")


@pytest.fixture
def refused(run_tool, tmp_path):
    """refused(folder, needle...): compiling the folder is refused, and nothing is left in or beside it."""
    return lambda folder, *needles: expect_compile_refused(run_tool, tmp_path, folder, *needles)


def test_the_checkpoint_they_start_from_compiles(run_tool, checkpoint, tmp_path):
    result = run_tool("thresh", "compile", checkpoint, "-o", tmp_path / "out.so")
    assert result.returncode == 0, result.stderr


def test_empty_folder(refused, tmp_path):
    (tmp_path / "empty").mkdir()
    refused(tmp_path / "empty", "config.json")


def test_no_weights(refused, checkpoint):
    (checkpoint / "model.safetensors").unlink()
    refused(checkpoint, "model.safetensors")


# ------------------------------------------------------------------------------
# config.json
# ------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"model_type": "bert",}', "\xff\xfe", "[" * 100000])
def test_config_that_is_no_json_object(refused, checkpoint, text):
    (checkpoint / "config.json").write_text(text, encoding="latin-1")
    refused(checkpoint, "config.json")


@pytest.mark.parametrize(
    "field, value",
    [
        ("model_type", "frobnicator"),
        ("model_type", 7),
        ("hidden_size", "8"),
        ("hidden_size", -8),
        ("hidden_size", 0),
        ("hidden_size", 8.5),
        ("hidden_size", 2**63),
        ("hidden_size", None),
        ("num_attention_heads", 3),
        ("num_hidden_layers", 2**31),
        ("vocab_size", []),
        ("hidden_act", "frob"),
        ("hidden_act", {}),
        ("layer_norm_eps", -1),
        ("layer_norm_eps", "small"),
        ("position_embedding_type", "relative_key"),
        ("is_decoder", True),
    ],
)
def test_config_field(refused, tmp_path, field, value):
    refused(save_bert(tmp_path / "checkpoint", config={**bert_config(), field: value}), "config.json", f"/{field}")


@pytest.mark.parametrize("field", ["model_type", "hidden_size", "vocab_size", "num_hidden_layers", "num_attention_heads"])
def test_config_without_a_field(refused, tmp_path, field):
    config = bert_config()
    del config[field]
    refused(save_bert(tmp_path / "checkpoint", config=config), "config.json", field)


# ------------------------------------------------------------------------------
# Tensors that do not fit the model
# ------------------------------------------------------------------------------


def test_missing_tensor(refused, tmp_path):
    tensors = bert_tensors()
    del tensors[WORDS]
    refused(save_bert(tmp_path / "checkpoint", tensors=tensors), WORDS)


@pytest.mark.parametrize("array", [numpy.zeros((11, 9), numpy.float32), numpy.zeros((8, 11), numpy.float32), numpy.zeros(88, numpy.float32)])
def test_tensor_of_a_wrong_shape(refused, tmp_path, array):
    refused(save_bert(tmp_path / "checkpoint", tensors={**bert_tensors(), WORDS: array}), WORDS)


@pytest.mark.parametrize("dtype", [numpy.int32, numpy.uint8, numpy.bool_, numpy.float64])
def test_tensor_of_a_wrong_dtype(refused, tmp_path, dtype):
    refused(save_bert(tmp_path / "checkpoint", tensors={**bert_tensors(), WORDS: numpy.zeros((11, 8), dtype)}), WORDS)


# ------------------------------------------------------------------------------
# The safetensors file
# ------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [0, 4, 8, 100, -1])
def test_truncated_weights(refused, checkpoint, size):
    path = checkpoint / "model.safetensors"
    path.write_bytes(path.read_bytes()[:size])
    refused(checkpoint, "model.safetensors")


@pytest.mark.parametrize("length", [0, 1, 2**24, 2**63, 2**64 - 1])
def test_header_length(refused, checkpoint, length):
    path = checkpoint / "model.safetensors"
    path.write_bytes(length.to_bytes(8, "little") + path.read_bytes()[8:])
    refused(checkpoint, "model.safetensors")


@pytest.mark.parametrize("text", [b"{", b"[]", b"{}", b'{"a": 1}', b"\xff" * 20, b"[" * 200000])
def test_header_text(refused, checkpoint, text):
    rewrite_header(checkpoint / "model.safetensors", lambda header: text)
    refused(checkpoint, "model.safetensors")


def test_overlapping_tensors(refused, checkpoint):
    def overlap(header):
        header[TYPES]["data_offsets"] = [header[WORDS]["data_offsets"][0], header[WORDS]["data_offsets"][0] + 64]

    rewrite_header(checkpoint / "model.safetensors", overlap)
    refused(checkpoint, "model.safetensors")


def test_bytes_after_the_last_tensor(refused, checkpoint):
    path = checkpoint / "model.safetensors"
    path.write_bytes(path.read_bytes() + bytes(64))
    refused(checkpoint, "model.safetensors")


def test_tensor_listed_twice(refused, checkpoint):
    """In two places: a second mention of the same place is no harm, and the reference reader takes it."""

    def repeat(header):
        begin, end = header[TYPES]["data_offsets"]
        entry = json.dumps({WORDS: {**header[WORDS], "data_offsets": [begin, end]}})[1:-1]
        return (json.dumps(header)[:-1] + ", " + entry + "}").encode()

    rewrite_header(checkpoint / "model.safetensors", repeat)
    refused(checkpoint, "model.safetensors", "data_offsets")


@pytest.mark.parametrize(
    "field, value",
    [
        ("data_offsets", [0, 2**63]),
        ("data_offsets", [0, 2**64]),
        ("data_offsets", [-8, 344]),
        ("data_offsets", [352, 0]),
        ("data_offsets", [0]),
        ("data_offsets", "0-352"),
        ("data_offsets", [0.5, 352.5]),
        ("shape", [2**63 - 1, 2]),
        ("shape", [2**32, 2**32]),
        ("shape", [-11, -8]),
        ("shape", 88),
        ("shape", [11.0, "8"]),
        ("dtype", "F33"),
        ("dtype", 32),
        ("dtype", None),
    ],
)
def test_header_entry(refused, checkpoint, field, value):
    def edit(header):
        header[WORDS][field] = value

    rewrite_header(checkpoint / "model.safetensors", edit)
    refused(checkpoint, "model.safetensors", WORDS)


# ------------------------------------------------------------------------------
# Shards
# ------------------------------------------------------------------------------


def shard(checkpoint, weight_map):
    """Renames the one file to a shard, and writes an index with this map."""
    (checkpoint / "model.safetensors").rename(checkpoint / "part.safetensors")
    index = checkpoint / "model.safetensors.index.json"
    index.write_text(json.dumps({"metadata": {}, "weight_map": weight_map}))


@pytest.mark.parametrize("place", ["../part.safetensors", "nowhere.safetensors", "", ".", 7, None, "config.json"])
def test_shard_elsewhere(refused, checkpoint, place):
    shard(checkpoint, {**dict.fromkeys(bert_tensors(), "part.safetensors"), WORDS: place})
    (checkpoint.parent / "part.safetensors").write_bytes((checkpoint / "part.safetensors").read_bytes())
    refused(checkpoint)


def test_shard_without_the_tensor(refused, checkpoint):
    shard(checkpoint, {**dict.fromkeys(bert_tensors(), "part.safetensors"), "phantom.weight": "part.safetensors"})
    refused(checkpoint, "phantom.weight")


@pytest.mark.parametrize("weight_map", [None, [], {}, "part.safetensors"])
def test_index_without_a_map(refused, checkpoint, weight_map):
    shard(checkpoint, weight_map)
    refused(checkpoint)
