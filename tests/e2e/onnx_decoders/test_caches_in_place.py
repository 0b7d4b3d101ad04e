"""One buffer as past and present: the new rows go into it, and nothing else of it changes."""

import ctypes
import json

import numpy as np
import pytest
from genai_decoder import LAYERS, VOCABULARY, Builder, cache, past_of
from node_models import node_model, normal
from onnx import TensorProto

F32, I64 = TensorProto.FLOAT, TensorProto.INT64


class InPlace:
    """A library whose outputs go where the caller says, through the C API."""

    def __init__(self, thresh, path):
        from thresh import _library, _tensors

        self.error, self.api, self.tensors = thresh.ThreshError, _library, _tensors
        self.model, self.session = ctypes.c_void_p(), ctypes.c_void_p()
        options = _library.OpenOptions(None, None, 0)
        _library.call("thresh_model_open", str(path).encode(), ctypes.byref(options), ctypes.byref(self.model))
        _library.call("thresh_session_create", self.model, ctypes.byref(self.session))

    def aliases(self):
        metadata = json.loads(self.api.library().thresh_model_metadata(self.model).decode())
        return {o["name"]: o["alias"] for o in metadata["entries"][0]["outputs"] if "alias" in o}

    def run(self, inputs, outputs):
        """Writes `outputs`, name -> array of at least the bytes that it takes."""
        slots, wanted = (self.api.Input * len(inputs))(), (self.api.Output * len(outputs))()
        for slot, (name, array) in zip(slots, inputs.items()):
            self.tensors._fill_input(slot, name, array, None)
        for slot, (name, array) in zip(wanted, outputs.items()):
            slot.name, slot.buffer, slot.buffer_bytes = name.encode(), array.ctypes.data, array.nbytes
        self.api.call("thresh_session_run", self.session, 0, slots, len(inputs), wanted, len(outputs))

    def __del__(self):
        self.api.library().thresh_session_free(self.session)
        self.api.library().thresh_model_close(self.model)


@pytest.fixture
def in_place(thresh, compile_model, tmp_path):
    def open_(model):
        path = tmp_path / "model.onnx"
        path.write_bytes(model.SerializeToString())
        return InPlace(thresh, compile_model(path))

    return open_


@pytest.mark.parametrize("axis, shape", [(1, (2, 8, 4)), (2, (2, 3, 8, 4)), (3, (2, 2, 3, 8))])
def test_scatter_writes_its_rows_only(in_place, axis, shape):
    rows = [*shape[:axis], "length", *shape[axis + 1 :]]
    inputs = {"past": (F32, shape), "update": (F32, rows), "write_indices": (I64, [2])}
    model = in_place(node_model("TensorScatter", inputs, {"present": (F32, shape)}, domain="", opset=24, axis=axis))
    assert model.aliases() == {"present": "past"}
    rng = np.random.default_rng(41)
    past = normal(rng, *shape)
    for length, starts in [(1, [0, 7]), (3, [5, 2]), (8, [0, 0]), (0, [8, 3])]:
        update = normal(rng, *(length if extent == "length" else extent for extent in rows))
        expected = past.copy()
        for entry, start in enumerate(starts):
            np.moveaxis(expected[entry], axis - 1, 0)[start : start + length] = np.moveaxis(update[entry], axis - 1, 0)
        given = {"past": past, "update": update, "write_indices": np.array(starts)}
        copy = np.empty_like(past)
        model.run(given, {"present": copy})
        model.run(given, {"present": past})
        assert np.array_equal(copy, expected) and np.array_equal(past, expected)
    for starts in ([0, 7], [-1, 0]):
        before = past.copy()
        given = {"past": past, "update": normal(rng, *(2 if e == "length" else e for e in rows))}
        with pytest.raises(model.error, match="do not fit into a cache of 8"):
            model.run({**given, "write_indices": np.array(starts)}, {"present": past})
        assert np.array_equal(past, before)


def test_decoder_keeps_one_buffer(in_place, pair):
    builder = Builder(np.random.default_rng(42), "none", False)
    onnx_model = builder.build()
    model, reference = in_place(onnx_model), pair(onnx_model)
    names = [f"{layer}.{part}" for layer in range(LAYERS) for part in ("key", "value")]
    assert model.aliases() == {f"present.{name}": f"past_key_values.{name}" for name in names}
    rng = np.random.default_rng(43)
    buffers, past = cache(1, 32), cache(1, 32)
    for total, count in [(5, 5), (6, 1), (7, 1), (10, 3), (11, 1)]:
        ids = rng.integers(0, VOCABULARY, (1, count))
        fed = {"input_ids": ids, "attention_mask": np.ones((1, total), np.int64)}
        logits = np.empty((1, count, VOCABULARY), np.float32)
        present = {f"present{name[15:]}": array for name, array in buffers.items()}
        model.run({**fed, **buffers}, {"logits": logits, **present})
        expected = reference.expected({**fed, **past})
        assert np.abs(logits - expected["logits"]).max() <= 1e-4
        past = past_of(expected)
        for name, array in buffers.items():
            assert np.abs(array - past[name]).max() <= 1e-5


def test_a_cache_cannot_grow_in_its_own_memory(in_place):
    model = in_place(Builder(np.random.default_rng(44), "none", False).build())
    memory = {name: np.zeros(4 * rows.size, np.float32) for name, rows in cache(1, 8).items()}
    buffers = {name: memory[name][: rows.size].reshape(rows.shape) for name, rows in cache(1, 8).items()}
    present = {f"present{name[15:]}": array for name, array in memory.items()}
    fed = {"input_ids": np.array([[1]]), "attention_mask": np.ones((1, 9), np.int64)}
    with pytest.raises(model.error, match="a cache of 8 rows cannot become one of 9 in its own memory"):
        model.run({**fed, **buffers}, present)
