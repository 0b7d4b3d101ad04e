#!/usr/bin/env python3
"""Latency of all-MiniLM-L6-v2 against onnxruntime in one run, for several lengths."""

import argparse
import json
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
FOLDER = ROOT / "build" / "benchmarks"
THRESH = ROOT / "build" / "bin" / "thresh"


def make_model():
    """The checkpoint as an ONNX file, and its library."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    examples = ROOT / "examples" / "minilm"
    fetched = subprocess.run([sys.executable, examples / "fetch.py"], check=True, capture_output=True, text=True)
    model, library = FOLDER / "minilm.onnx", FOLDER / "minilm.so"
    subprocess.run([sys.executable, examples / "write_onnx.py", fetched.stdout.strip(), model], check=True)
    subprocess.run([THRESH, "compile", model, "-o", library], check=True)
    return model, library


def bench(model, library, batch, length, arguments):
    command = [THRESH, "bench", library, "--vs", "onnxruntime", "--model", model, "--json"]
    command += ["--dim", f"batch={batch}", "--dim", f"seq={length}", "--threads", str(arguments.threads)]
    command += ["--rounds", str(arguments.rounds)]
    return json.loads(subprocess.run(list(map(str, command)), check=True, capture_output=True, text=True).stdout)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lengths", default="16,128,256", help="tokens, with commas (default: %(default)s)")
    parser.add_argument("--batch", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=10)
    arguments = parser.parse_args()

    model, library = make_model()
    print("| batch x length | thresh ms | onnxruntime ms | ratio | by round | GFLOP/s | of peak |")
    print("|---|---|---|---|---|---|---|")
    for length in map(int, arguments.lengths.split(",")):
        report = bench(model, library, arguments.batch, length, arguments)
        ours, theirs = report["thresh"]["median_s"], report["rival"]["median_s"]
        low, high = report["ratio_of_rounds"]
        rate = report["flops"] / ours
        print(
            f"| {arguments.batch} x {length} | {ours * 1e3:.2f} | {theirs * 1e3:.2f} | {report['ratio']:.2f}"
            f" | {low:.2f} to {high:.2f} | {rate / 1e9:.0f} | {rate / report['machine']['peak_flops_per_s']:.0%} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
