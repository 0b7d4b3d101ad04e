"""A whole decoder in the style of onnxruntime-genai: one prefill and steps of one token, against onnxruntime."""

import numpy as np
import pytest
from genai_decoder import VOCABULARY, Builder, cache, past_of

TOLERANCE = 1e-4
STEPS = 8


@pytest.fixture(scope="module", params=[("none", False), ("packed", True)], ids=["separate", "packed"])
def decoder(request, pair):
    zeros, packed = request.param
    return pair(Builder(np.random.default_rng(31), zeros, packed).build())


@pytest.mark.parametrize("rows", [0, 32], ids=["growing", "buffer"])
@pytest.mark.parametrize("prompt", [1, 7, 20])
def test_prefill_and_steps(decoder, rows, prompt):
    print("seed", prompt)
    rng = np.random.default_rng(prompt)
    past = [cache(1, rows), cache(1, rows)]
    for step in range(STEPS + 1):
        count, total = (prompt, prompt) if step == 0 else (1, prompt + step)
        fed = {"input_ids": rng.integers(0, VOCABULARY, (1, count)), "attention_mask": np.ones((1, total), np.int64)}
        # Each engine goes on with its own caches, so that errors would grow.
        expected, actual = decoder.expected({**fed, **past[0]}), decoder.actual({**fed, **past[1]})
        assert np.abs(expected["logits"]).max() > 0.1
        assert np.abs(actual["logits"] - expected["logits"]).max() <= TOLERANCE
        past = [past_of(expected), past_of(actual)]


def test_batch_of_unequal_prompts(decoder):
    rng = np.random.default_rng(32)
    lengths = np.array([6, 3])
    past = [cache(2, 32), cache(2, 32)]
    for step in range(STEPS + 1):
        columns = max(lengths) + step
        ids = rng.integers(0, VOCABULARY, (2, max(lengths) if step == 0 else 1))
        fed = {"input_ids": ids, "attention_mask": (np.arange(columns) < lengths[:, None] + step).astype(np.int64)}
        expected, actual = decoder.expected({**fed, **past[0]}), decoder.actual({**fed, **past[1]})
        for entry, length in enumerate(lengths):
            valid = length if step == 0 else 1
            difference = actual["logits"][entry, :valid] - expected["logits"][entry, :valid]
            assert np.abs(difference).max() <= TOLERANCE
        past = [past_of(expected), past_of(actual)]
