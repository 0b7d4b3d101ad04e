"""The corpus of examples/train-spark; its models need JAX, which check.py of that folder compares with."""

import numpy as np
import pytest


@pytest.fixture(scope="module")
def texts(data):
    """Some of the headers."""
    return dict(list(data.headers().items())[::20])


def test_headers(data, texts):
    assert len(texts) > 100
    assert all(path.endswith(".h") and path.split("/")[0] in data.PARTS for path in texts)
    assert not any("TableGen'erated" in text[:200] for text in texts.values())


def test_missing_headers(data, tmp_path):
    with pytest.raises(SystemExit, match="expects the headers of llvm-22-dev and libmlir-22-dev"):
        data.headers(tmp_path)


def test_split(data, texts):
    train, held_out = data.split(texts)
    assert len(train) + len(held_out) == len(texts)
    assert data.split(dict(list(texts.items())[::-1])) == [train[::-1], held_out[::-1]]
    share = np.mean([data.is_held_out(f"llvm/{name}.h") for name in range(20000)])
    assert abs(share - data.HELD_OUT_SHARE) < 0.006


def test_tokens_are_the_text(data, texts):
    some = list(texts.values())[:20]
    tokenizer = data.train_tokenizer(some)
    stream = data.encode(tokenizer, some)
    assert tokenizer.get_vocab_size() <= data.VOCABULARY
    assert data.token_bytes(tokenizer)[stream].sum() == sum(len(text.encode()) for text in some)
    begins = np.flatnonzero(stream == tokenizer.token_to_id(data.BEGIN))
    ends = np.flatnonzero(stream == tokenizer.token_to_id(data.END))
    assert len(begins) == len(ends) == len(some)
    assert [tokenizer.decode(stream[a:b]) for a, b in zip(begins, ends, strict=True)] == some


def test_batches(data):
    """Each epoch sees every piece once, at other places than the one before; a step's batch depends on nothing else."""
    tokens, length, size = np.arange(1000), 30, 4
    pieces = (len(tokens) - length - 1) // length
    steps = [data.batch(tokens, step, size, length, seed=1) for step in range(2 * pieces // size)]
    assert all(batch.shape == (size, length + 1) and (np.diff(batch) == 1).all() for batch in steps)
    starts = np.concatenate(steps)[:, 0]
    first, second = starts[:pieces], starts[pieces : 2 * pieces]
    for epoch in (first, second):
        assert (np.diff(np.sort(epoch)) == length).all()
    assert first[0] % length != second[0] % length
    assert (data.batch(tokens, 3, size, length, seed=1) == steps[3]).all()
    assert (data.batch(tokens, 3, size, length, seed=2) != steps[3]).any()
