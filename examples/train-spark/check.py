#!/usr/bin/env python3
"""Checks that checkpoint folders compile and that the libraries compute what JAX computes; exit code 1 where they do not."""

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
PROMPT = 64


def worst_difference(jax_logits, logits, tokens, length):
    """The largest difference over the tokens, in sequences of at most `length`."""
    worst = 0.0
    for start in range(0, len(tokens), length):
        piece = tokens[start : start + length]
        worst = max(worst, float(np.abs(jax_logits(piece) - logits(piece)).max()))
    return worst


def first_difference(jax_logits, prompt, given):
    """Where a greedy continuation leaves that of JAX, as text; a choice between equals (within TOLERANCE) may go either way."""
    tokens, ties = list(prompt), 0
    for index, token in enumerate(given):
        logits = jax_logits(np.array(tokens))[-1]
        if logits[token] < logits.max() - TOLERANCE:
            return f"expects token {logits.argmax()} at place {index} of the continuation, but got {token}"
        ties += token != logits.argmax()
        tokens.append(token)
    return f"equal over {len(given)} tokens, {ties} ties"


def check(folder, arguments, texts):
    """Prints what was found; whether it is as it should be."""
    fields, params = export.load(folder)
    length = fields["max_position_embeddings"]
    stream = data.encode(Tokenizer.from_file(str(folder / "tokenizer.json")), texts)
    forward = jax.jit(lambda ids: model.forward(params, ids, fields)[0][0])

    def jax_logits(tokens):
        """What follows a token changes nothing before it: one length, one compilation."""
        return np.asarray(forward(np.pad(tokens, (0, length - len(tokens)))[None].astype(np.int32)))[: len(tokens)]

    with tempfile.TemporaryDirectory() as scratch:
        library = compiled.compile_folder(arguments.build, folder, pathlib.Path(scratch) / "model.so")
        logits = compiled.Logits(arguments.build, library)
        worst = worst_difference(jax_logits, logits, stream[: arguments.tokens], length)
        prompt = [int(token) for token in stream[:PROMPT]]
        greedy = first_difference(jax_logits, prompt, logits.greedy(prompt, arguments.greedy))
    print(f"{folder}: logits differ by at most {worst:.1e} over {arguments.tokens} tokens; greedy continuation: {greedy}")
    return worst <= TOLERANCE and greedy.startswith("equal")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
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
