"""Attention over chosen keys, one token at a time: the kernel against numpy in float64 and against the dense twin."""

import json

import numpy as np
import pytest
from decoder_checkpoints import save
from spark_reference import SparkDecoder
from test_spark import compare, spark, spark_tensors

IDS = np.random.default_rng(17).integers(0, 50, 60)

# 60 tokens of context: below, at and above every k, and longer than a block of 16 keys.
CASES = {
    "plain": spark(attention_topk=6, attention_predictor_dims=8),
    "window": spark(attention_topk=9, attention_predictor_dims=4, sliding_window=33),
    "multi_query": spark(attention_topk=16, attention_predictor_dims=10, num_key_value_heads=1),
    "no_cap": spark(attention_topk=17, attention_predictor_dims=2, attn_logit_softcapping=None),
}


def checkpoint(tmp_path, fields):
    tensors = spark_tensors(fields)
    return save(tmp_path / "checkpoint", fields, tensors, "model."), tensors


@pytest.mark.parametrize("name", sorted(CASES))
def test_decode(name, tmp_path, compile_decoder):
    """From the first token on."""
    fields = CASES[name]
    folder, tensors = checkpoint(tmp_path, fields)
    reference = SparkDecoder(fields, tensors)
    compare(compile_decoder(folder)().decode(IDS), np.concatenate([reference.append([token]) for token in IDS]))


@pytest.mark.parametrize(("cache", "tolerance"), [("f16", 2e-4), ("bf16", 2e-3)])
def test_narrow_caches(cache, tolerance, tmp_path, compile_decoder, run_tool):
    """The kernel reads the rows as they are stored; the answers are those of the dense twin on the same caches.

    The two sum in another order, so that now and then an element rounds to the neighbour when it is stored."""
    folder, _ = checkpoint(tmp_path, CASES["window"])
    emitted = run_tool("thresh", "compile", folder, "--emit=sparse", "--kv-cache", cache).stdout
    kernels = [line for line in emitted.splitlines() if "thresh.attend_chosen" in line]
    widths = [4, 12, 16]  # first dimensions of keys, the others, values
    assert len(kernels) == 3 and all(f"tensor<?x2x{width}x{cache}>" in line for line in kernels for width in widths)
    sessions = [compile_decoder(folder, "--kv-cache", cache, *dense)() for dense in ((), ("--dense",))]
    given, expected = (session.decode(IDS) for session in sessions)
    np.testing.assert_allclose(given, expected, rtol=0, atol=tolerance * np.abs(expected).max())
    np.testing.assert_allclose(given[:1], expected[:1], rtol=0, atol=1e-5 * np.abs(expected).max())


def test_integer_caches(tmp_path, compile_decoder, run_tool):
    """The kernel reads integers with their scales; the answers are those of the dense twin on the same caches, but for
    elements that round to the neighbour when they are stored."""
    folder, _ = checkpoint(tmp_path, CASES["window"])
    emitted = run_tool("thresh", "compile", folder, "--emit=sparse", "--kv-cache", "q8")
    kernels = [line for line in emitted.stdout.splitlines() if "thresh.attend_chosen" in line]
    assert len(kernels) == 3 and all(line.count("xi8>") == line.count("tensor<?x2xf32>") == 3 for line in kernels)
    assert "self_attn: 'thresh.topk_attention' gets no sparse kernel: it is not known" in emitted.stderr
    sessions = [compile_decoder(folder, "--kv-cache", "q8", *dense)() for dense in ((), ("--dense",))]
    given, expected = (session.decode(IDS) for session in sessions)
    np.testing.assert_allclose(given, expected, rtol=0, atol=2e-2 * np.abs(expected).max())
    np.testing.assert_allclose(given[:1], expected[:1], rtol=0, atol=1e-5 * np.abs(expected).max())


def test_states(tmp_path, compile_model, run_tool):
    """The first dimensions of keys and the others are states of their own."""
    folder, _ = checkpoint(tmp_path, CASES["plain"])
    states = json.loads(run_tool("thresh", "inspect", compile_model(folder), "--json").stdout)["states"]["list"]
    shapes = {state["name"]: state["shape"][1:] for state in states}
    assert (shapes["key_1"], shapes["key_rest_1"], shapes["value_1"]) == ([2, 8], [2, 8], [2, 16])


def test_sessions_go_back(tmp_path, compile_decoder):
    """Rows that an abandoned continuation left behind in the caches are not seen."""
    folder, _ = checkpoint(tmp_path, CASES["plain"])
    session = compile_decoder(folder)()
    expected = session.decode(IDS)
    session.rewind(40)
    session.decode(IDS[::-1][:20])
    session.rewind(40)
    assert np.array_equal(session.decode(IDS[40:]), expected[40:])
