"""Layers with a sliding window keep the last tokens in rings: any number of tokens a call, any number of wraps."""

import json

import numpy as np
import pytest
from decoder_checkpoints import CASES, prefix_of, random_tensors, save
from decoder_reference import Decoder

CONTEXT = 300
STEPS_BACK = 64  # that a ring keeps beyond its window
IDS = np.random.default_rng(5).integers(0, 50, CONTEXT)
TOLERANCE = 1e-4
MODELS = {
    "mistral_1": {**CASES["mistral"], "sliding_window": 1},
    "mistral_7": {**CASES["mistral"], "sliding_window": 7},
    "qwen2_4": {**CASES["qwen2"], "sliding_window": 4, "max_window_layers": 1},
    "gemma2_7": {**CASES["gemma2"], "sliding_window": 7},
    "gemma3_4": {**CASES["gemma3"], "sliding_window": 4},
    "phi3_7": {**CASES["phi3"], "sliding_window": 7},
}


class Model:
    """A compiled decoder and what it should answer."""

    def __init__(self, fields, compile_decoder, folder, *options):
        self.fields, self.tensors = fields, random_tensors(fields)
        save(folder, fields, self.tensors, prefix_of(fields))
        self.start = compile_decoder(folder, "--context", CONTEXT, *options)
        self.window = fields["sliding_window"]
        self.capacity = self.window + STEPS_BACK
        self.logits = self.reference().append(IDS)

    def reference(self):
        return Decoder(self.fields, self.tensors)

    def after(self, ids):
        """The logits at all of these tokens."""
        return self.reference().append(ids)


@pytest.fixture(scope="module", params=sorted(MODELS))
def model(request, compile_decoder, tmp_path_factory):
    return Model(MODELS[request.param], compile_decoder, tmp_path_factory.mktemp("windows") / "checkpoint")


@pytest.fixture(scope="module")
def mistral(compile_decoder, tmp_path_factory):
    return Model(MODELS["mistral_7"], compile_decoder, tmp_path_factory.mktemp("windows") / "checkpoint")


def is_close(ours, expected):
    return np.abs(ours - expected).max() <= TOLERANCE


def chunks_of(size):
    return [IDS[i : i + size] for i in range(0, CONTEXT, size)]


def test_scores_in_chunks(model):
    for size in (1, 3, model.capacity - 1, model.capacity, model.capacity + 1, 2 * model.capacity, CONTEXT):
        session = model.start()
        ours = np.concatenate([session.run("score", chunk) for chunk in chunks_of(size)])
        assert is_close(ours, model.logits), size


def test_prefill_in_chunks(model):
    for size in (3, model.capacity, model.capacity + 1):
        session = model.start()
        for end, chunk in zip(range(size, CONTEXT + size, size), chunks_of(size)):
            assert is_close(session.run("prefill", chunk), model.logits[min(end, CONTEXT) - 1]), (size, end)


def test_token_by_token(model):
    assert is_close(model.start().decode(IDS), model.logits)


def test_entries_take_turns(model):
    """Every entry finds the rows that the others left."""
    random = np.random.default_rng(7)
    for _ in range(4):
        session, done = model.start(), 0
        while done < CONTEXT:
            entry = random.choice(["decode", "prefill", "score"])
            count = 1 if entry == "decode" else min(int(random.integers(1, 2 * model.capacity)), CONTEXT - done)
            ours = session.run(entry, IDS[done : done + count])
            done += count
            assert is_close(ours, model.logits[done - len(ours) : done]), (entry, count, done)


@pytest.mark.parametrize("back", [1, 30, STEPS_BACK + 1])
def test_rewind_within_the_ring(model, back):
    for length in (200, model.capacity + 3):
        session = model.start()
        session.run("prefill", IDS[:length])
        session.rewind(length - back)
        other = np.concatenate([IDS[: length - back], IDS[::-1][:90]])
        expected = model.after(other)[length - back :]
        assert is_close(session.run("score", other[length - back : length - back + 5]), expected[:5])
        assert is_close(session.decode(other[length - back + 5 :]), expected[5:])


def test_rewind_out_of_the_ring(mistral, runtime):
    session, first = mistral.start(), 200 - STEPS_BACK - 1
    session.run("prefill", IDS[:200])
    message = (
        f"'position' expects 0 or {first} to 200, but got {first - 1}: state 'key_0' holds {mistral.capacity} tokens "
        f"only and a token looks back on {mistral.window}"
    )
    with pytest.raises(runtime.ThreshError, match=message):
        session.rewind(first - 1)
    session.rewind(150)
    assert is_close(session.run("prefill", IDS[150:160]), mistral.logits[159])
    with pytest.raises(runtime.ThreshError, match=f"expects 0 or {first} to 160, but got 1: "):
        session.rewind(1)
    session.rewind(0)
    assert is_close(session.run("score", IDS), mistral.logits)


def test_rewind_before_anything_is_lost(mistral):
    for position in (1, 2, mistral.window, mistral.capacity - 1):
        session = mistral.start()
        session.run("prefill", IDS[: mistral.capacity])
        session.rewind(position)
        assert is_close(session.run("score", IDS[position:]), mistral.logits[position:])


def test_forks_have_rings_of_their_own(mistral):
    for length in (3, mistral.capacity, 150):
        session = mistral.start()
        session.run("prefill", IDS[:length])
        fork = session.fork()
        other = np.concatenate([IDS[:length], IDS[::-1][:100]])
        assert is_close(fork.run("score", other[length:]), mistral.after(other)[length:])
        assert is_close(session.decode(IDS[length:]), mistral.logits[length:])


def test_half_caches(compile_decoder, tmp_path, mistral):
    """Rounding keys and values to 11 bits moves logits by less than a hundredth; a wrong row moves them by more."""
    half = Model(mistral.fields, compile_decoder, tmp_path / "checkpoint", "--kv-cache", "f16")
    session = half.start()
    ours = np.concatenate([session.run("score", IDS[:100]), session.decode(IDS[100:])])
    assert 0 < np.abs(ours - half.logits).max() <= 0.02 < np.abs(half.logits[1:] - half.logits[:-1]).max()


def test_sessions_are_smaller(run_tool, tmp_path):
    """Two of three layers keep a ring."""
    fields = MODELS["gemma2_7"]
    save(tmp_path / "checkpoint", fields, random_tensors(fields), "model.")
    library = tmp_path / "m.so"
    assert run_tool("thresh", "compile", tmp_path / "checkpoint", "-o", library, "--context", CONTEXT).returncode == 0
    states = json.loads(run_tool("thresh", "inspect", library, "--json").stdout)["states"]
    rows = [(state["shape"][0], state.get("window")) for state in states["list"]]
    assert rows == [(71, 7), (71, 7), (CONTEXT, None), (CONTEXT, None), (71, 7), (71, 7)]
    kept = sum(rows for rows, _ in rows)
    assert states["bytes"] == kept * 4 * fields["num_key_value_heads"] * fields["head_dim"]
    text = run_tool("thresh", "inspect", library).stdout
    assert "x2   f32[300, 2, 16]\n  x4   f32[71, 2, 16], ring for a window of 7\n" in text
