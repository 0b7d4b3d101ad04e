#!/usr/bin/env python3
"""A feed-forward block with chosen neurons, by its sparse kernels and densely, for several numbers of rows.

The block has the shape of Spark Gemma-2 2B and random weights. Prints a table: the time of the sparse block over that of
the dense one, in turns, by format of the weights, by the share of neurons that a row chooses, and by rows.
"""

import argparse
import os
import pathlib
import subprocess
import sys
import tempfile
import time

import numpy as np

ROOT = pathlib.Path(__file__).resolve().parents[2]


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build", help="the build folder")
    parser.add_argument("--formats", type=lambda text: text.split(","), default=["q8", "q4", "bf16", "none"])
    parser.add_argument("--shares", type=lambda text: [float(part) for part in text.split(",")], default=[2, 8, 16, 25, 50])
    parser.add_argument("--rows", type=lambda text: [int(part) for part in text.split(",")], default=[1, 2, 4, 8, 16, 64, 512])
    parser.add_argument("--shape", type=lambda text: [int(part) for part in text.split("x")], default=[13824, 1024, 1280, 2304])
    parser.add_argument("--target", default="host")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--rounds", type=int, default=5, help="turns of each; the fastest counts")
    return parser.parse_args()


def entry(shape, k, file, rows):
    """The block as text of the graph stage: N neurons, r inputs of the gate, K of the up projection, D outputs."""
    neurons, first, rest, outputs = shape
    matrices = {"gate": (neurons, first), "up": (neurons, rest), "down": (outputs, neurons)}
    text, offset = "", 0
    for name, (height, width) in matrices.items():
        type_, length = f"tensor<{height}x{width}xf32>", 4 * height * width
        source = f'<file = "{file}", offset = {offset}, length = {length}, tensor = "{name}", type = {type_}>'
        text += f"thresh.parameter @{name} : {type_} from {source}\n"
        offset += length
    types = [f"tensor<{height}x{width}xf32>" for height, width in matrices.values()]
    loads = "\n".join(f"%{name} = thresh.load_parameter @{name} : {type_}" for name, type_ in zip(matrices, types))
    in_, out = f"tensor<{rows}x{first + rest}xf32>", f"tensor<{rows}x{outputs}xf32>"
    return f"""{text}func.func @block(%x: {in_}) -> {out} {{
      {loads}
      %y = thresh.sparse_ffn gelu_tanh first_dims({first}) %x gate %gate up %up down %down topk({k})
        : ({in_}, {", ".join(types)}) -> {out}
      return %y : {out}
    }}"""


def compile_block(arguments, thresh, folder, weights, share, dense):
    name = f"{weights}_{share}_{dense}"
    k = round(arguments.shape[0] * share / 100)
    (folder / f"{name}.mlir").write_text(entry(arguments.shape, k, folder / "weights.bin", "?"))
    command = [arguments.build / "bin" / "thresh", "compile", folder / f"{name}.mlir", "-o", folder / f"{name}.so"]
    command += ["--quantize", weights, "--target", arguments.target] + ["--dense"] * dense
    result = subprocess.run(list(map(str, command)), capture_output=True, text=True)
    if result.returncode != 0:
        sys.exit(result.stderr)
    return thresh.Model(folder / f"{name}.so")


def seconds(model, x):
    start = time.perf_counter()
    model.run([x], entry="block")
    return time.perf_counter() - start


def compare(arguments, sparse, dense, rows):
    """The fastest call of either."""
    width = arguments.shape[1] + arguments.shape[2]
    x = np.random.default_rng(rows).standard_normal((rows, width)).astype(np.float32)
    best = [np.inf, np.inf]
    for _ in range(arguments.rounds + 1):
        for which, model in enumerate((sparse, dense)):
            best[which] = min(best[which], seconds(model, x))
    return best


def main():
    arguments = parse()
    os.environ["THRESH_RUNTIME_LIBRARY"] = str(arguments.build / "lib" / "libthresh_runtime.so")
    sys.path.insert(0, str(ROOT / "runtime" / "python"))
    import thresh

    thresh.set_num_threads(arguments.threads)
    neurons, first, rest, outputs = arguments.shape
    print("| weights | chosen | " + " | ".join(f"{rows} rows" for rows in arguments.rows) + " |")
    print("|---|---|" + "---|" * len(arguments.rows))
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        count = neurons * (first + rest + outputs)
        (np.random.default_rng(1).standard_normal(count, dtype=np.float32) / np.float32(rest**0.5)).tofile(folder / "weights.bin")
        for weights in arguments.formats:
            dense = compile_block(arguments, thresh, folder, weights, arguments.shares[0], True)
            for share in arguments.shares:
                sparse = compile_block(arguments, thresh, folder, weights, share, False)
                cells = []
                for rows in arguments.rows:
                    ours, theirs = compare(arguments, sparse, dense, rows)
                    cells.append(f"{ours / theirs:.2f} ({ours * 1e3:.2f} ms)")
                print(f"| {weights} | {share:g} % | " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
