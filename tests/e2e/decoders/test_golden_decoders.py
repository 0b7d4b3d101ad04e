"""The answers of transformers 5.23 (float32, eager attention) on the golden checkpoints."""

import json
import pathlib

import numpy as np
import pytest

GOLDEN = pathlib.Path(__file__).resolve().parent.parent / "golden"


@pytest.fixture(scope="module", params=["llama", "gemma2", "opt"])
def golden(request, compile_decoder):
    """(sessions, input ids, logits at each of them, the 16 greedy tokens after them)."""
    folder = GOLDEN / request.param
    answer = json.loads((folder / "golden.json").read_text())
    return compile_decoder(folder), answer["input_ids"], np.load(folder / "golden_logits.npy"), answer["greedy"]


def error(ours, logits):
    """The largest difference, as a share of what is allowed: 1e-4, and 2e-5 of the largest logit."""
    return np.abs(ours - logits).max() / min(1e-4, 2e-5 * np.abs(logits).max())


def test_all_positions_in_one_call(golden):
    start, ids, logits, _ = golden
    assert error(start().run("score", ids), logits) <= 1


def test_token_by_token(golden):
    start, ids, logits, _ = golden
    assert error(start().decode(ids), logits) <= 1


@pytest.mark.parametrize("split", [1, 7, 8, 20])
def test_prefill_in_two_calls(golden, split):
    start, ids, logits, _ = golden
    session = start()
    ours = [session.run("prefill", part)[0] for part in (ids[:split], ids[split:])]
    assert error(np.array(ours), logits[[split - 1, -1]]) <= 1


def test_greedy_tokens(golden):
    start, ids, _, greedy = golden
    session = start()
    answer, tokens = session.run("prefill", ids), []
    for _ in greedy:
        tokens.append(int(answer[0].argmax()))
        answer = session.run("decode", tokens[-1:])
    assert tokens == greedy


def test_a_refused_call_leaves_the_session_as_it_was(golden, runtime):
    start, ids, logits, _ = golden
    session = start()
    session.run("prefill", ids[:10])
    for token in (-1, 320):
        with pytest.raises(runtime.ThreshError, match=f"token {token} is not in the vocabulary of 320 tokens"):
            session.run("decode", [token])
    with pytest.raises(runtime.ThreshError, match="256"):
        session.run("prefill", [1] * 247)
    assert session.position == 10
    assert error(session.run("score", ids[10:]), logits[10:]) <= 1
