"""What Thresh makes of a checkpoint folder: libraries, and their logits."""

import json
import os
import pathlib
import subprocess
import sys

import numpy as np

ROOT = pathlib.Path(__file__).resolve().parents[2]


def add_options(parser):
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build", help="build folder (default: %(default)s)")


def command(build, *arguments):
    """Output of `thresh`; its messages end this program."""
    done = subprocess.run([build / "bin" / "thresh", *arguments], capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(done.stderr)
    return done.stdout


def compile_folder(build, folder, library, *options):
    command(build, "compile", folder, "-o", library, *options)
    return library


def decode_speed(build, library, depth):
    """Tokens per second at batch 1, in a session of `depth` tokens."""
    report = json.loads(command(build, "bench", library, "--entry", "decode", "--depth", str(depth), "--json"))
    return report["depths"][0]["tokens_per_s"]


class Logits:
    """Logits of a library for sequences of tokens."""

    def __init__(self, build, library):
        os.environ.setdefault("THRESH_RUNTIME_LIBRARY", str(build / "lib" / "libthresh_runtime.so"))
        sys.path.insert(0, str(ROOT / "runtime" / "python"))
        import thresh

        self.session = thresh.Model(library).session()

    def __call__(self, tokens):
        """Float32 [tokens, vocabulary], of one sequence from its start: token by token, as sparse layers compute sparsely."""
        self.session.rewind(0)
        return self.session.score([int(token) for token in tokens], "decode")

    def greedy(self, prompt, count):
        """The `count` likeliest tokens after the prompt."""
        logits, tokens = self(prompt)[-1], []
        while True:
            tokens.append(int(np.argmax(logits)))
            if len(tokens) == count:
                return tokens
            logits = self.session.score(tokens[-1:], "decode")[-1]
