#!/usr/bin/env python3
"""Prints what the models are worth on held-out text: bits per byte in JAX and compiled, what is active, decode speed."""

import argparse
import itertools
import pathlib
import tempfile

import jax
import numpy as np
from tokenizers import Tokenizer

import compiled
import data
import export
import model
from plot import quality_plot

BATCH, ROUNDS = 8, 5
FORMATS = ("none", "q8", "q4")
NAMES = {"dense": "dense twin", "spark": "Spark"}


class HeldOut:
    """Evenly spaced sequences of the held-out text, and the bytes that their tokens stand for."""

    def __init__(self, folder, length, count, texts):
        tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        stream = data.encode(tokenizer, texts)
        count = max(1, min(count // length, (len(stream) - 1) // length) // BATCH) * BATCH
        starts = np.arange(count) * ((len(stream) - 1) // count)
        self.tokens = np.stack([stream[start : start + length + 1] for start in starts]).astype(np.int32)
        self.bytes = data.token_bytes(tokenizer)[self.tokens[:, 1:]].sum()

    def bits_per_byte(self, nats):
        return nats / np.log(2) / self.bytes


def in_jax(params, fields, held_out):
    """(bits per byte, counts of each layer: "tokens" [sequences, heads, length] and "neurons" [sequences, length])."""

    @jax.jit
    def evaluate(tokens):
        logits, counts = model.forward(params, tokens[:, :-1], fields)
        return model.token_losses(logits, tokens[:, 1:]).sum(), counts

    results = [evaluate(batch) for batch in held_out.tokens.reshape(-1, BATCH, held_out.tokens.shape[1])]
    counts = jax.tree.map(lambda *parts: np.concatenate(parts), *(counts for _, counts in results))
    return held_out.bits_per_byte(sum(float(loss) for loss, _ in results)), counts


def when_compiled(library, held_out):
    losses = (model.token_losses(library(tokens[:-1]), tokens[1:]).sum() for tokens in held_out.tokens)
    return held_out.bits_per_byte(sum(map(float, losses)))


def decode_speeds(libraries, held_out, depth):
    """Tokens per second of each library in sessions of at least `depth` tokens: medians of rounds that they take by turns."""
    tokens = held_out.tokens[0, :-1]
    rounds = [[library.decode_seconds(tokens, depth) for library in libraries.values()] for _ in range(ROUNDS)]
    return dict(zip(libraries, 1 / np.median(rounds, 0), strict=True))


def without_sparsity(fields):
    """The same weights when everything survives."""
    return fields | {"ffn_topk": fields["intermediate_size"], "attention_topk": fields["max_position_embeddings"]}


def activity(fields, counts):
    """(mean, deviation) by layer of the active neurons in % and of the attended tokens where there are more than those to
    choose, and the share of the tokens seen that the latter are, in %."""
    neurons, tokens, shares = [], [], []
    for layer, found in enumerate(counts):
        active = 100 * found["neurons"] / fields["intermediate_size"]
        length = found["tokens"].shape[-1]
        seen = np.minimum(np.arange(length) + 1, fields["sliding_window"] if layer % 2 == 0 else length)
        chooses = seen > fields["attention_topk"]
        attended = found["tokens"][..., chooses]
        neurons.append((active.mean(), active.std()))
        tokens.append((attended.mean(), attended.std()))
        shares.append(100 * (attended / seen[chooses]).mean())
    return neurons, tokens, shares


def measure_in_jax(loaded, held_out):
    """(bits per byte by name, what was active in the Spark model)."""
    fields, params = loaded["spark"]
    spark, counts = in_jax(params, fields, held_out)
    losses = {
        "dense twin, JAX": in_jax(*loaded["dense"][::-1], held_out)[0],
        "Spark, JAX": spark,
        "Spark without its sparsity, JAX": in_jax(params, without_sparsity(fields), held_out)[0],
    }
    return losses, activity(fields, counts)


def measure_compiled(arguments, folders, loaded, held_out):
    """(bits per byte, tokens per second, both by name; what `thresh compare` says of Spark's first sequence)."""
    fields, params = loaded["spark"]
    with tempfile.TemporaryDirectory() as scratch:
        libraries = {}
        for kind, form in itertools.product(folders, FORMATS):
            path = pathlib.Path(scratch) / f"{kind}-{form}.so"
            compiled.compile_folder(arguments.build, folders[kind], path, "--quantize", form)
            name = f"{NAMES[kind]}, compiled, {'f32' if form == 'none' else form}"
            libraries[name] = compiled.Compiled(arguments.build, path)
            if (kind, form) == ("spark", "none"):
                tokens = held_out.tokens[0, :-1]
                report = compiled.compare(arguments.build, path, tokens, model.forward(params, tokens[None], fields)[0][0])
        speeds = decode_speeds(libraries, held_out, arguments.depth)
        losses = {name: when_compiled(library, held_out) for name, library in libraries.items()}
    return losses, speeds, report


def print_tables(losses, speeds, neurons, tokens, shares):
    base = next(iter(losses.values()))
    print(f"{'model':34} {'bits/byte':>12} {'to dense':>10} {'decoded tokens/s':>18}")
    for name, loss in losses.items():
        rate = f"{speeds[name]:.0f}" if name in speeds else ""
        print(f"{name:34} {loss:12.4f} {f'{100 * (loss / base - 1):+.2f} %':>10} {rate:>18}")
    print(f"\n{'layer':>5} {'active neurons':>20} {'attended tokens':>20} {'of those seen':>14}   mean and deviation over tokens")
    for layer, (active, attended, share) in enumerate(zip(neurons, tokens, shares, strict=True)):
        left, right = "{:.1f} % +- {:.1f} %".format(*active), "{:.1f} +- {:.1f}".format(*attended)
        print(f"{layer:5} {left:>20} {right:>20} {share:12.1f} %")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=pathlib.Path, help="has the checkpoint folders dense and spark")
    parser.add_argument("--tokens", type=int, default=32768, help="held-out tokens (default: %(default)s)")
    parser.add_argument("--depth", type=int, default=448, help="tokens of a session whose decoding is timed")
    parser.add_argument("--plot", type=pathlib.Path, default=pathlib.Path("quality.svg"), help="picture (default: %(default)s)")
    compiled.add_options(parser)
    arguments = parser.parse_args()
    folders = {kind: arguments.folder / kind for kind in model.CONFIGS}
    loaded = {kind: export.load(folder) for kind, folder in folders.items()}
    texts = data.split(data.headers())[1]
    held_out = HeldOut(folders["spark"], loaded["spark"][0]["max_position_embeddings"], arguments.tokens, texts)
    losses, (neurons, tokens, shares) = measure_in_jax(loaded, held_out)
    more, speeds, report = measure_compiled(arguments, folders, loaded, held_out)
    losses |= more
    print(f"{held_out.tokens[:, 1:].size} held-out tokens, {held_out.bytes} bytes")
    print_tables(losses, speeds, neurons, tokens, shares)
    print(f"\nSpark compiled in f32 against JAX, the tokens of one sequence (check.py tells ties from errors):\n{report}", end="")
    quality_plot(losses, speeds, neurons, tokens, arguments.plot)
    print(f"\nwrote {arguments.plot}")


if __name__ == "__main__":
    main()
