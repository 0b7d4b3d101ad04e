#!/usr/bin/env python3
"""Time and peak memory of `thresh compile`: MiniLM cold and warm, and a random checkpoint of a given size."""

import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

import numpy

ROOT = pathlib.Path(__file__).resolve().parents[2]
THRESH = ROOT / "build" / "bin" / "thresh"
CHUNK = 64 << 20


def compile_once(model, folder, cache):
    """(seconds, peak resident bytes) of one compilation with the given kernel cache."""
    environment = {**os.environ, "THRESH_CACHE_DIR": str(cache)}
    start = time.monotonic()
    process = subprocess.Popen([THRESH, "compile", model, "-o", folder / "out.so"], env=environment)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"thresh compile {model} failed")
    return time.monotonic() - start, usage.ru_maxrss * 1024


def write_checkpoint(folder, size):
    """A BERT checkpoint of about `size` bytes of random weights, written piece by piece."""
    width, inner, positions = 1024, 4096, 512
    vocabulary = 30000
    layer_bytes = 4 * (4 * width * width + 2 * width * inner)
    layers = max(1, (size - 4 * width * vocabulary) // layer_bytes)
    config = {
        "model_type": "bert",
        "hidden_size": width,
        "intermediate_size": inner,
        "num_hidden_layers": layers,
        "num_attention_heads": 16,
        "max_position_embeddings": positions,
        "vocab_size": vocabulary,
    }
    shapes = {
        "embeddings.word_embeddings.weight": (vocabulary, width),
        "embeddings.position_embeddings.weight": (positions, width),
        "embeddings.token_type_embeddings.weight": (2, width),
    }
    norms, linears = ["embeddings.LayerNorm"], {}
    for index in range(layers):
        layer = f"encoder.layer.{index}"
        norms += [f"{layer}.attention.output.LayerNorm", f"{layer}.output.LayerNorm"]
        for name in ("attention.self.query", "attention.self.key", "attention.self.value", "attention.output.dense"):
            linears[f"{layer}.{name}"] = (width, width)
        linears[f"{layer}.intermediate.dense"] = (inner, width)
        linears[f"{layer}.output.dense"] = (width, inner)
    for name in norms:
        shapes[f"{name}.weight"] = shapes[f"{name}.bias"] = (width,)
    for name, shape in linears.items():
        shapes[f"{name}.weight"], shapes[f"{name}.bias"] = shape, shape[:1]

    header, offset = {}, 0
    for name, shape in shapes.items():
        end = offset + 4 * int(numpy.prod(shape))
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [offset, end]}
        offset = end
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(config))
    random = numpy.random.default_rng(1)
    with open(folder / "model.safetensors", "wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for written in range(0, offset, CHUNK):
            count = min(CHUNK, offset - written) // 4
            file.write((random.random(count, numpy.float32) * 0.04 - 0.02).tobytes())
    return offset


def report(what, cost):
    seconds, memory = cost
    print(f"| {what} | {seconds:.1f} s | {memory / 1e6:.0f} MB |", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=float, default=1.0, help="GB of random weights (default: %(default)s)")
    arguments = parser.parse_args()
    fetch = [sys.executable, ROOT / "examples" / "minilm" / "fetch.py"]
    minilm = subprocess.run(fetch, check=True, capture_output=True, text=True).stdout.strip()

    print("| model | time | peak memory |")
    print("|---|---|---|")
    with tempfile.TemporaryDirectory() as scratch:
        folder = pathlib.Path(scratch)
        report("MiniLM, cold", compile_once(minilm, folder, folder / "cache"))
        report("MiniLM, warm", compile_once(minilm, folder, folder / "cache"))
        size = write_checkpoint(folder / "large", int(arguments.size * 1e9))
        report(f"{size / 1e9:.2f} GB, cold", compile_once(folder / "large", folder, folder / "cache"))
        report(f"{size / 1e9:.2f} GB, warm", compile_once(folder / "large", folder, folder / "cache"))


if __name__ == "__main__":
    main()
