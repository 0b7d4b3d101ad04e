#!/usr/bin/env python3
"""Decode and prefill speed in the shape of Gemma-2 2B, dense and Spark, against llama.cpp's dense model in one run.

Compiles the shapes from a config.json with random weights, makes llama.cpp's file of the dense one with make_gguf.py,
and lets all run in turns. The Spark model has as many weights and touches 8 % of its neurons and 256 tokens. Prints a
table and writes it to OUT with a picture. The first run installs llama.cpp and writes 4.3 GB of model files into the
user's cache. With --checkpoints both are real models, for example those of examples/tiny-spark.
"""

import argparse
import json
import math
import os
import pathlib
import statistics
import subprocess
import sys
import time

from bar_chart import write_bar_charts
from llama_cpp import LlamaCpp, user_cache

ROOT = pathlib.Path(__file__).resolve().parents[2]
GEMMA2_2B = {
    "model_type": "gemma2",
    "architectures": ["Gemma2ForCausalLM"],
    "vocab_size": 256000,
    "hidden_size": 2304,
    "intermediate_size": 9216,
    "num_hidden_layers": 26,
    "num_attention_heads": 8,
    "num_key_value_heads": 4,
    "head_dim": 256,
    "hidden_activation": "gelu_pytorch_tanh",
    "max_position_embeddings": 8192,
    "rms_norm_eps": 1e-6,
    "rope_theta": 10000.0,
    "query_pre_attn_scalar": 256,
    "sliding_window": 4096,
    "attn_logit_softcapping": 50.0,
    "final_logit_softcapping": 30.0,
    "tie_word_embeddings": True,
    "torch_dtype": "bfloat16",
}
# Tried in seconds: small, but of the same kind.
SMALL = {
    "vocab_size": 2048,
    "hidden_size": 256,
    "intermediate_size": 512,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 64,
    "query_pre_attn_scalar": 64,
}
# The Spark Transformer's Gemma-2 2B (reference/sparse-methods.md, 1.4): 1.5 times the neurons, three thinner matrices.
SPARK = {
    "model_type": "spark_gemma2",
    "architectures": ["SparkGemma2ForCausalLM"],
    "intermediate_size": 13824,
    "ffn_topk": 1106,
    "ffn_predictor_dims": 1024,
    "attention_topk": 256,
    "attention_predictor_dims": 128,
}
SMALL_SPARK = {
    "intermediate_size": 768,
    "ffn_topk": 61,
    "ffn_predictor_dims": 128,
    "attention_topk": 8,
    "attention_predictor_dims": 32,
}
MODELS = ("dense", "spark")
KINDS = {"q8": "Q8_0", "q4": "Q4_0", "bf16": "BF16", "f16": "F16", "none": "F32"}
CACHE_BYTES = {"f32": 4, "f16": 2, "bf16": 2}  # of an element of the keys and values


def integers(text):
    return sorted({int(part) for part in text.split(",")})


def some_of(known):
    def parse_names(text):
        chosen = text.split(",")
        if unknown := set(chosen) - set(known):
            raise argparse.ArgumentTypeError(f"expects some of {', '.join(known)}, but got {', '.join(sorted(unknown))}")
        return chosen

    return parse_names


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--formats", type=some_of(KINDS), default="q8,q4", help="of the weights, with commas (default: %(default)s)")
    parser.add_argument("--models", type=some_of(MODELS), default="dense,spark", help="ours, with commas (default: %(default)s)")
    parser.add_argument("--contexts", type=integers, default="16,512,4096", help="tokens before the timed ones (default: %(default)s)")
    parser.add_argument("--prompt", type=int, default=512, help="tokens of the timed prefill (default: %(default)s)")
    parser.add_argument("--checkpoints", type=pathlib.Path, help="folder of checkpoints dense and spark instead of random weights; without llama.cpp")
    parser.add_argument("--tokens", type=int, default=16, help="timed tokens of a turn (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=3, help="rounds of both engines, 3 turns each (default: %(default)s)")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--kv-cache", choices=CACHE_BYTES, default="f16", help="format of keys and values (default: %(default)s)")
    parser.add_argument("--layers", type=int, help="fewer layers than the 26")
    parser.add_argument("--small", action="store_true", help="a model of two small layers")
    parser.add_argument("--quick", action="store_true", help="one round of one turn")
    parser.add_argument("--no-rival", action="store_true", help="leave llama.cpp out")
    parser.add_argument("--thresh", type=pathlib.Path, default=ROOT / "build" / "bin" / "thresh", help="the compiler")
    parser.add_argument("--shared", type=pathlib.Path, default=ROOT.parent / "shared", help="folder that holds peers/make_gguf.py")
    parser.add_argument("--out", type=pathlib.Path, default=ROOT / "build" / "benchmarks", help="folder of table and picture")
    arguments = parser.parse_args()
    for name in arguments.models if arguments.checkpoints else []:
        if not (arguments.checkpoints / name / "config.json").is_file():
            parser.error(f"--checkpoints expects a checkpoint folder at {arguments.checkpoints / name}")
    if arguments.quick:
        arguments.rounds = 1
    arguments.turns = 1 if arguments.quick else 3
    return arguments


def make_config(arguments, model):
    """The fields of config.json, which for a checkpoint are its own."""
    if arguments.checkpoints:
        return json.loads((arguments.checkpoints / model / "config.json").read_text())
    config = {**GEMMA2_2B, **(SMALL if arguments.small else {})}
    if model == "spark":
        config.update({**SPARK, **(SMALL_SPARK if arguments.small else {})})
    if arguments.layers:
        config["num_hidden_layers"] = arguments.layers
    return config


# ===------------------------------------------------------------------------===
# Ours
# ===------------------------------------------------------------------------===


def run(command):
    """Standard output of a command, seconds, and its peak resident bytes."""
    start = time.monotonic()
    process = subprocess.Popen([str(word) for word in command], stdout=subprocess.PIPE, text=True)
    output = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"{command[0]} {command[1]} failed")
    return output, time.monotonic() - start, usage.ru_maxrss * 1024


def compile_model(arguments, name, weights):
    """What is known about one of our models before it runs."""
    folder = arguments.out / "decode" / name / weights
    folder.mkdir(parents=True, exist_ok=True)
    config = make_config(arguments, name)
    if arguments.checkpoints:
        source = [arguments.checkpoints / name]
    else:
        source = [folder / "config.json", "--random-weights", "1"]
        source[0].write_text(json.dumps(config, indent=2))
    longest = max(max(arguments.contexts) + arguments.tokens + 1, arguments.prompt)
    context = math.ceil(longest / 512) * 512
    library = folder / "model.so"
    command = [arguments.thresh, "compile", *source, "-o", library]
    command += ["--quantize", weights, "--kv-cache", arguments.kv_cache, "--context", context]
    _, seconds, memory = run(command)
    return {
        "name": f"{name} {weights}",
        "library": library,
        "compile_seconds": seconds,
        "compile_memory": memory,
        "rates": Samples(),
        "layers": config["num_hidden_layers"],
    }


def bench(arguments, library, *options):
    command = [arguments.thresh, "bench", library, "--threads", arguments.threads, "--rounds", arguments.turns, "--json"]
    return json.loads(run([*command, *options])[0])


def decode_ours(arguments, library):
    depths = ",".join(map(str, arguments.contexts))
    return bench(arguments, library, "--entry", "decode", "--depth", depths, "--tokens", arguments.tokens)


def prefill_ours(arguments, library):
    return bench(arguments, library, "--entry", "prefill", "--tokens", arguments.prompt)


# ===------------------------------------------------------------------------===
# Both in turns
# ===------------------------------------------------------------------------===


class Samples:
    """Tokens a second of one engine: by depth, and of prefill under the key "prefill"."""

    def __init__(self):
        self.rates = {}

    def add(self, key, rates):
        self.rates.setdefault(key, []).extend(rates)

    def median(self, key):
        return statistics.median(self.rates[key]) if key in self.rates else None

    def text(self, key):
        if key not in self.rates:
            return "-"
        return f"{self.median(key):.2f} ({min(self.rates[key]):.2f} to {max(self.rates[key]):.2f})"


def add_ours(samples, report, key=None):
    for depth in report["depths"]:
        rates = [1 / seconds for seconds in depth["seconds_per_token"]["turns"]]
        samples.add(depth["depth"] if key is None else key, rates)


def measure_rival(arguments, rival, model, samples):
    common = ["-t", arguments.threads, "-r", arguments.turns, "-ctk", arguments.kv_cache, "-ctv", arguments.kv_cache]
    depths = ",".join(map(str, arguments.contexts))
    for record in rival.bench(model, [*common, "-p", 0, "-n", arguments.tokens, "-d", depths]):
        samples.add(record["n_depth"], record["samples_ts"])
    for record in rival.bench(model, [*common, "-p", arguments.prompt, "-n", 0]):
        samples.add("prefill", record["samples_ts"])


def rival_bytes(arguments, config, model):
    """Bytes that llama.cpp reads for a token, by depth: the file, whose embedding is also the head, and the cache."""
    row = 2 * config["num_key_value_heads"] * config["head_dim"] * CACHE_BYTES[arguments.kv_cache]
    rows = {depth: min(depth + arguments.tokens // 2, config["sliding_window"]) for depth in arguments.contexts}
    return {depth: model.stat().st_size + config["num_hidden_layers"] * row * rows[depth] for depth in arguments.contexts}


def measure(arguments, weights, rival):
    """Everything about one format of the weights: our models, then llama.cpp's, in each round."""
    models = [compile_model(arguments, name, weights) for name in arguments.models]
    config, theirs, machine = make_config(arguments, "dense"), Samples(), {}
    file = rival and rival.make_model(arguments.shared / "peers" / "make_gguf.py", config, KINDS[weights])
    for _ in range(arguments.rounds):
        for model in models:
            decode = decode_ours(arguments, model["library"])
            add_ours(model["rates"], decode)
            add_ours(model["rates"], prefill_ours(arguments, model["library"]), "prefill")
            model["bytes"] = {depth["depth"]: depth["touched_bytes"] for depth in decode["depths"]}
            for name, rate in decode["machine"].items():
                machine[name] = max(rate, machine.get(name, 0))
        if rival:
            measure_rival(arguments, rival, file, theirs)
    rival_model = {"rates": theirs, "layers": config["num_hidden_layers"]}
    rival_model["bytes"] = rival_bytes(arguments, config, file) if rival else {}
    return {"weights": weights, "models": models, "rival": rival_model, "machine": machine}


# ===------------------------------------------------------------------------===
# Report
# ===------------------------------------------------------------------------===


def ratio(ours, theirs):
    return f"{ours / theirs:.2f}" if theirs else "-"


def share(rate, touched, machine):
    if not rate:
        return "-"
    return f"{rate * touched / 1e9:.1f} GB/s, {rate * touched / machine['read_bytes_per_s']:.0%}"


def attention_seconds(model, depth):
    """Seconds that a layer's attention takes longer at this depth than at the first one."""
    rates = model["rates"]
    first = min((key for key in rates.rates if key != "prefill"), default=depth)
    if depth == first or rates.median(depth) is None:
        return None
    return (1 / rates.median(depth) - 1 / rates.median(first)) / model["layers"]


def microseconds(seconds):
    return "-" if seconds is None else f"{seconds * 1e6:.0f}"


def rows(arguments, result, model):
    """Lines of the table: one of our models beside llama.cpp's."""
    ours, theirs, rival, machine = model["rates"], result["rival"]["rates"], result["rival"], result["machine"]
    for depth in arguments.contexts:
        touched, rate, other = model["bytes"][depth], ours.median(depth), theirs.median(depth)
        cells = [model["name"], depth, ours.text(depth), theirs.text(depth), ratio(rate, other), f"{touched / 1e6:.0f}"]
        cells += [share(rate, touched, machine), share(other, rival["bytes"].get(depth), machine)]
        yield cells + [microseconds(attention_seconds(engine, depth)) for engine in (model, rival)]
    cells = [model["name"], f"prefill of {arguments.prompt}", ours.text("prefill"), theirs.text("prefill")]
    yield cells + [ratio(ours.median("prefill"), theirs.median("prefill"))] + ["-"] * 5


def table(arguments, results):
    lines = [
        "| model | context | thresh tokens/s | llama.cpp tokens/s, dense | ratio | MB touched | of read, ours"
        " | of read, theirs | attention us a layer, ours | theirs |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for result in results:
        for model in result["models"]:
            lines += ["| " + " | ".join(map(str, cells)) + " |" for cells in rows(arguments, result, model)]
    lines.append("")
    for result in results:
        machine = result["machine"]
        for model in result["models"]:
            lines.append(
                f"{model['name']}: compiled in {model['compile_seconds']:.0f} s with {model['compile_memory'] / 1e9:.2f} GB"
                f" of memory; a read loop makes {machine['read_bytes_per_s'] / 1e9:.1f} GB/s on {arguments.threads} threads,"
                f" {machine['read_bytes_per_s_one_thread'] / 1e9:.1f} on one"
            )
    return "\n".join(lines)


def draw(arguments, results, path):
    names = [f"thresh, {name}" for name in arguments.models] + ["llama.cpp, dense"]
    engines = [[model["rates"] for model in result["models"]] + [result["rival"]["rates"]] for result in results]
    panels = []
    for result, rates in zip(results, engines):
        groups = [(f"context {depth}", [each.median(depth) for each in rates]) for depth in arguments.contexts]
        panels.append((f"decode, {result['weights']}, tokens/s", groups))
    groups = [(result["weights"], [each.median("prefill") for each in rates]) for result, rates in zip(results, engines)]
    panels.append((f"prefill of {arguments.prompt}, tokens/s", groups))
    shape = f"{'small' if arguments.small else 'Gemma-2 2B'} shape, random weights"
    write_bar_charts(path, f"{arguments.checkpoints or shape}, {arguments.threads} threads", names, panels)


def main():
    arguments = parse()
    rival = None if arguments.no_rival or arguments.checkpoints else LlamaCpp(user_cache())
    arguments.out.mkdir(parents=True, exist_ok=True)
    results = [measure(arguments, weights, rival) for weights in arguments.formats]
    text = table(arguments, results)
    print(text)
    (arguments.out / "decode.md").write_text(text + "\n")
    draw(arguments, results, arguments.out / "decode.svg")
    print(f"wrote {arguments.out / 'decode.md'} and {arguments.out / 'decode.svg'}", file=sys.stderr)


if __name__ == "__main__":
    main()
