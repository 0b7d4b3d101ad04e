"""Key and value caches in fewer bits: the model is then one whose keys and values are rounded, and nothing else."""

import json

import ml_dtypes
import numpy as np
import pytest
from decoder_checkpoints import CASES, prefix_of, random_tensors, save
from decoder_reference import Decoder, to_eight_bits

CONTEXT = 160
IDS = np.random.default_rng(9).integers(0, 50, CONTEXT)
MODELS = {
    "llama": CASES["llama"],
    "opt": CASES["opt"],
    "gpt2": CASES["gpt2"],
    "gemma2_rings": {**CASES["gemma2"], "sliding_window": 7},
    "mistral_rings": {**CASES["mistral"], "sliding_window": 4},
}


def rounded_to(dtype):
    return lambda rows: rows.astype(np.float32).astype(dtype).astype(np.float64)


ROUNDING = {"f16": rounded_to(np.float16), "bf16": rounded_to(ml_dtypes.bfloat16), "q8": to_eight_bits}
# The most that the rounding moves the logits, as a share of them (root mean squares).
LOSS = {"f16": 1e-3, "bf16": 1e-2, "q8": 2e-2}
# Keys and values next to the middle of two roundings go either way; how far these few move the logits, as a share of
# how far all rounding does.
UNDECIDED = 0.5


def rms(x):
    return np.sqrt(np.mean(np.square(x)))


def context_of(fields):
    return min(CONTEXT, fields.get("n_positions", CONTEXT), 64 if fields["model_type"] == "opt" else CONTEXT)


@pytest.mark.parametrize("name", sorted(MODELS))
@pytest.mark.parametrize("cache", sorted(ROUNDING))
def test_only_keys_and_values_are_rounded(name, cache, tmp_path, compile_decoder):
    fields = MODELS[name]
    tensors, ids = random_tensors(fields), IDS[: context_of(fields)]
    save(tmp_path / "checkpoint", fields, tensors, prefix_of(fields))
    start = compile_decoder(tmp_path / "checkpoint", "--context", len(ids), "--kv-cache", cache)
    whole = Decoder(fields, tensors).append(ids)
    expected = Decoder(fields, tensors, ROUNDING[cache]).append(ids)
    session = start()
    in_turns = np.concatenate([session.run("score", ids[:20]), session.decode(ids[20:40]), session.run("score", ids[40:])])
    for ours in (start().run("score", ids), start().decode(ids), in_turns):
        assert rms(ours - expected) <= UNDECIDED * rms(expected - whole)
        assert 0 < rms(ours - whole) <= LOSS[cache] * rms(whole)


def test_rings_rewind_and_fork(tmp_path, compile_decoder):
    fields = MODELS["mistral_rings"]
    tensors = random_tensors(fields)
    save(tmp_path / "checkpoint", fields, tensors, prefix_of(fields))
    session = compile_decoder(tmp_path / "checkpoint", "--context", CONTEXT, "--kv-cache", "q8")()
    first = session.run("score", IDS)
    session.rewind(CONTEXT - 30)
    fork = session.fork()
    assert np.abs(session.decode(IDS[-30:]) - first[-30:]).max() <= 1e-4
    assert np.abs(fork.run("score", IDS[-30:]) - first[-30:]).max() <= 1e-4


def test_sessions_are_a_third_of_the_size(tmp_path, run_tool):
    """One byte an element and four a row of 16, in place of four an element; a description asks for it too."""
    fields = MODELS["gemma2_rings"]
    save(tmp_path / "checkpoint", fields, random_tensors(fields), "model.")
    description = {"model": "checkpoint", "context_window_size": CONTEXT, "kv_cache": "q8"}
    (tmp_path / "model.json").write_text(json.dumps(description))
    assert run_tool("thresh", "compile", tmp_path / "model.json", "-o", tmp_path / "m.so").returncode == 0
    states = json.loads(run_tool("thresh", "inspect", tmp_path / "m.so", "--json").stdout)["states"]["list"]
    kinds = {state["name"]: (state["dtype"], state["shape"], state.get("window")) for state in states}
    assert kinds["key_0"] == ("i8", [71, 2, 16], 7) and kinds["key_0_scale"] == ("f32", [71, 2], 7)
    assert kinds["value_1"] == ("i8", [CONTEXT, 2, 16], None) and kinds["value_1_scale"] == ("f32", [CONTEXT, 2], None)
    assert len(states) == 12


def test_unknown_formats(tmp_path, run_tool):
    result = run_tool("thresh", "compile", tmp_path, "-o", tmp_path / "m.so", "--kv-cache", "q2")
    assert result.returncode == 1 and "f32, f16, bf16, q8" in result.stderr
