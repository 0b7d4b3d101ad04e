#!/usr/bin/env python3
"""Checks that checkpoint folders compile and that the libraries compute what JAX computes; exit code 1 where they do not.

A token attends to what scores at least a threshold. Where a score equals it up to rounding, the last bit decides: such
ties are found by moving the thresholds a little, and what this changes in JAX is what a library may differ by.
"""

import argparse
import pathlib
import tempfile

import jax
import numpy as np
from tokenizers import Tokenizer

import compiled
import data
import export
import model

TOLERANCE = 1e-4
NUDGE = 3e-6
PROMPT = 64


class Reference:
    """Logits of a checkpoint folder in JAX."""

    def __init__(self, fields, params):
        self.length = fields["max_position_embeddings"]
        self.forward = jax.jit(lambda ids, nudge: model.forward(params, ids, fields, nudge=nudge)[0][0])

    def __call__(self, tokens, nudge=0.0):
        """[tokens, vocabulary]. What follows a token changes nothing before it: one length does for all."""
        ids = np.pad(tokens, (0, self.length - len(tokens))).astype(np.int32)
        return np.asarray(self.forward(ids[None], nudge))[: len(tokens)]

    def with_ties(self, tokens):
        """(logits, for each token how far they move where a tie goes the other way)."""
        logits = self(tokens)
        moved = [np.abs(self(tokens, nudge) - logits).max(-1) for nudge in (-NUDGE, NUDGE)]
        return logits, np.maximum(*moved)


def compare_logits(reference, logits, tokens):
    """(largest difference of tokens that depend on no tie, the same of those that do or 0, how many do, largest excess over
    what is allowed)."""
    differences, ties = [], []
    for start in range(0, len(tokens), reference.length):
        piece = tokens[start : start + reference.length]
        expected, moved = reference.with_ties(piece)
        differences.append(np.abs(logits(piece) - expected).max(-1))
        ties.append(moved)
    difference, tie = np.concatenate(differences), np.concatenate(ties)
    tied = tie > TOLERANCE
    worst, worst_tied = (difference[which].max(initial=0) for which in (~tied, tied))
    return worst, worst_tied, int(tied.sum()), (difference - tie).max() - TOLERANCE


def compare_greedy(reference, prompt, given):
    """Where a greedy continuation leaves that of JAX, or None; of tokens equal within TOLERANCE either may follow."""
    expected, tie = reference.with_ties(np.array([*prompt, *given]))
    for index, token in enumerate(given):
        row = expected[len(prompt) - 1 + index]
        if row[token] < row.max() - TOLERANCE - 2 * tie[len(prompt) - 1 + index]:
            return f"token {index} of the continuation: expects {row.argmax()}, but got {token}"
    return None


def check(folder, arguments, texts):
    """Prints what was found; whether it is as it should be."""
    reference = Reference(*export.load(folder))
    stream = data.encode(Tokenizer.from_file(str(folder / "tokenizer.json")), texts)
    prompt = [int(token) for token in stream[:PROMPT]]
    with tempfile.TemporaryDirectory() as scratch:
        library = compiled.compile_folder(arguments.build, folder, pathlib.Path(scratch) / "model.so")
        logits = compiled.Compiled(arguments.build, library)
        worst, worst_tied, ties, excess = compare_logits(reference, logits, stream[: arguments.tokens])
        wrong = compare_greedy(reference, prompt, logits.greedy(prompt, arguments.greedy))
    print(f"{folder}: logits of {arguments.tokens - ties} tokens differ by at most {worst:.1e}")
    if ties:
        print(f"{folder}: logits of {ties} tokens that depend on a tie differ by at most {worst_tied:.1e}")
    print(f"{folder}: {wrong or f'greedy continuations equal over {arguments.greedy} tokens'}")
    return excess <= 0 and wrong is None


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folders", type=pathlib.Path, nargs="+", help="checkpoint folders that export.py wrote")
    parser.add_argument("--tokens", type=int, default=1024, help="held-out tokens to compare (default: %(default)s)")
    parser.add_argument("--greedy", type=int, default=256, help="tokens to continue with (default: %(default)s)")
    compiled.add_options(parser)
    arguments = parser.parse_args()
    texts = data.split(data.headers())[1]
    results = [check(folder, arguments, texts) for folder in arguments.folders]
    raise SystemExit(0 if all(results) else 1)


if __name__ == "__main__":
    main()
