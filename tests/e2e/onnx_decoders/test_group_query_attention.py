"""GroupQueryAttention against onnxruntime: prefill, decode and chunks, caches that grow and buffers that stay."""

import numpy as np
import pytest
from node_models import node_model, normal
from onnx import TensorProto

F32, I32, I64 = TensorProto.FLOAT, TensorProto.INT32, TensorProto.INT64
TOLERANCE = 2e-6
WIDTH, POSITIONS = 16, 32

# Heads, key heads, and what else a node has: "packed", "positions", "bias", the pairs of a rotary table, attributes.
CASES = {
    "groups-of-1": dict(heads=2, key_heads=2),
    "groups-of-2": dict(heads=4, key_heads=2),
    "groups-of-4": dict(heads=4, key_heads=1),
    "packed": dict(heads=4, key_heads=2, packed=True),
    "scale": dict(heads=4, key_heads=2, attributes=dict(scale=0.5)),
    "softcap": dict(heads=4, key_heads=2, attributes=dict(softcap=2.0)),
    "window": dict(heads=4, key_heads=2, attributes=dict(local_window_size=3)),
    "one-key": dict(heads=4, key_heads=2, attributes=dict(local_window_size=1)),
    "not-causal": dict(heads=4, key_heads=2, attributes=dict(causal=0)),
    "bias": dict(heads=4, key_heads=2, bias=True, attributes=dict(softcap=3.0)),
    "rotary": dict(heads=4, key_heads=2, pairs=8),
    "interleaved": dict(heads=4, key_heads=2, pairs=8, attributes=dict(rotary_interleaved=1)),
    "partial": dict(heads=4, key_heads=2, pairs=8, width=32),
    "partial-interleaved": dict(heads=4, key_heads=2, pairs=8, width=32, attributes=dict(rotary_interleaved=1)),
    "positions": dict(heads=4, key_heads=2, pairs=8, positions=True),
    "all": dict(
        heads=8,
        key_heads=2,
        pairs=8,
        width=32,
        packed=True,
        attributes=dict(local_window_size=4, softcap=5.0, rotary_interleaved=1),
    ),
}


def attention_model(heads, key_heads, width=WIDTH, packed=False, pairs=0, positions=False, bias=False, attributes=None):
    columns = (heads + 2 * key_heads) * width if packed else heads * width
    keys = None if packed else (F32, ["batch", "length", key_heads * width])
    cache = (F32, ["batch", key_heads, "past", width])
    table = (F32, [POSITIONS, pairs]) if pairs else None
    inputs = {
        "query": (F32, ["batch", "length", columns]),
        "key": keys,
        "value": keys,
        "past_key": cache,
        "past_value": cache,
        "seqlens_k": (I32, ["batch"]),
        "total_sequence_length": (I32, []),
        "cos_cache": table,
        "sin_cache": table,
        "position_ids": (I64, ["batch", "length"]) if positions else None,
        "attention_bias": (F32, ["bias_batch", "bias_heads", "length", "total"]) if bias else None,
    }
    cache = (F32, ["batch", key_heads, "present", width])
    outputs = {"output": (F32, ["batch", "length", heads * width]), "present_key": cache, "present_value": cache}
    return node_model(
        "GroupQueryAttention",
        inputs,
        outputs,
        num_heads=heads,
        kv_num_heads=key_heads,
        do_rotary=int(pairs > 0),
        **(attributes or {}),
    )


class Calls:
    """Random inputs of one case, call by call."""

    def __init__(self, rng, case):
        self.rng = rng
        self.heads, self.key_heads = case["heads"], case["key_heads"]
        self.width = case.get("width", WIDTH)
        self.case = case
        self.constant = {}
        if pairs := case.get("pairs", 0):
            angles = normal(rng, POSITIONS, pairs)
            self.constant = {"cos_cache": np.cos(angles), "sin_cache": np.sin(angles)}

    def cache(self, batch, rows):
        return {name: normal(self.rng, batch, self.key_heads, rows, self.width) for name in ("past_key", "past_value")}

    def inputs(self, lengths, count, past):
        """`count` new tokens; `lengths` are the keys of each entry of the batch with them."""
        batch, total = len(lengths), max(lengths)
        parts = {"query": self.heads, "key": self.key_heads, "value": self.key_heads}
        if self.case.get("packed"):
            parts = {"query": self.heads + 2 * self.key_heads}
        fed = {name: normal(self.rng, batch, count, heads * self.width) for name, heads in parts.items()}
        fed.update(past)
        fed.update(self.constant)
        fed["seqlens_k"] = np.array(lengths, np.int32) - 1
        fed["total_sequence_length"] = np.array(total, np.int32)
        if self.case.get("positions"):
            starts = np.zeros(batch, int) if count == total else np.array(lengths) - count
            fed["position_ids"] = starts[:, None] + np.arange(count)[None]
        if self.case.get("bias"):
            fed["attention_bias"] = normal(self.rng, batch, 1 if count > 1 else self.heads, count, total)
        return fed


def past_of(results):
    return {"past_key": results["present_key"], "past_value": results["present_value"]}


def compare(pair, inputs, valid=None):
    """Runs both; `valid` tokens of each entry count, all without it. Gives what onnxruntime gave.

    Of a cache the rows up to the last key of an entry count: onnxruntime clears the others when it has to copy."""
    expected, actual = pair.expected(inputs), pair.actual(inputs)
    assert {name: array.shape for name, array in actual.items()} == {n: a.shape for n, a in expected.items()}
    for entry, last in enumerate(inputs["seqlens_k"]):
        tokens, rows = valid[entry] if valid else None, last + 1
        difference = actual["output"][entry, :tokens] - expected["output"][entry, :tokens]
        assert np.abs(difference).max() <= TOLERANCE
        for name in ("present_key", "present_value"):
            difference = actual[name][entry, :, :rows] - expected[name][entry, :, :rows]
            assert np.abs(difference).max() <= TOLERANCE
    return expected


@pytest.fixture(scope="module", params=CASES)
def subject(request, pair):
    case = CASES[request.param]
    return pair(attention_model(**case)), case


def seeded(seed, case):
    print("seed", seed)
    return Calls(np.random.default_rng(seed), case)


@pytest.mark.parametrize("batch", [1, 2])
def test_growing_cache(subject, batch):
    model, case = subject
    calls = seeded(100 + batch, case)
    results = compare(model, calls.inputs([5] * batch, 5, calls.cache(batch, 0)))
    for length in (6, 7, 8):
        results = compare(model, calls.inputs([length] * batch, 1, past_of(results)))


@pytest.mark.parametrize("batch", [1, 2])
def test_buffer_that_stays(subject, batch):
    model, case = subject
    calls = seeded(200 + batch, case)
    past = {name: np.zeros_like(rows) for name, rows in calls.cache(batch, 12).items()}
    results = compare(model, calls.inputs([4] * batch, 4, past))
    for length in (5, 6, 7, 12):
        results = compare(model, calls.inputs([length] * batch, 1, past_of(results)))


def test_chunk_after_a_past(subject):
    model, case = subject
    calls = seeded(300, case)
    compare(model, calls.inputs([9], 3, calls.cache(1, 6)))
    past = calls.cache(1, 12)
    for rows in past.values():
        rows[:, :, 9:] = 0
    compare(model, calls.inputs([9], 3, past))


def test_entries_of_unequal_length(subject):
    model, case = subject
    if case.get("bias"):
        pytest.skip("the bias of onnxruntime is that of the longest entry")
    calls = seeded(400, case)
    results = compare(model, calls.inputs([5, 2], 5, calls.cache(2, 0)), valid=[5, 2])
    compare(model, calls.inputs([6, 3], 1, past_of(results)))
    past = {name: np.zeros_like(rows) for name, rows in calls.cache(2, 12).items()}
    results = compare(model, calls.inputs([5, 2], 5, past), valid=[5, 2])
    compare(model, calls.inputs([6, 3], 1, past_of(results)))
