"""What Thresh makes of a checkpoint folder: libraries, their logits and how fast they are."""

import os
import pathlib
import subprocess
import sys
import tempfile
import time

import numpy as np

ROOT = pathlib.Path(__file__).resolve().parents[2]


def add_options(parser):
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build", help="build folder (default: %(default)s)")


def run(command):
    """What a command prints; its messages end this program if it fails."""
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(done.stderr)
    return done.stdout


def compile_folder(build, folder, library, *options):
    """The path `library`."""
    run([build / "bin" / "thresh", "compile", folder, "-o", library, *options])
    return library


def compare(build, library, tokens, logits):
    """What `thresh compare` prints about a library's logits [tokens, vocabulary] and those given."""
    with tempfile.TemporaryDirectory() as scratch:
        files = {name: pathlib.Path(scratch) / f"{name}.npy" for name in ("input_ids", "logits")}
        np.save(files["input_ids"], np.asarray(tokens, np.int64))
        np.save(files["logits"], np.asarray(logits, np.float32))
        command = [build / "bin" / "thresh", "compare", library, "--entry", "score"]
        command += ["--input", f"input_ids={files['input_ids']}", "--expect", f"logits={files['logits']}"]
        return run(command)


class Compiled:
    """A session of a library."""

    def __init__(self, build, library):
        os.environ.setdefault("THRESH_RUNTIME_LIBRARY", str(build / "lib" / "libthresh_runtime.so"))
        sys.path.insert(0, str(ROOT / "runtime" / "python"))
        import thresh

        self.session = thresh.Model(library).session()

    def __call__(self, tokens):
        """Float32 [tokens, vocabulary], of one sequence from its start: token by token, as sparse layers compute sparsely."""
        self.session.rewind(0)
        return self.session.score([int(token) for token in tokens], "decode")

    def decode_seconds(self, tokens, depth):
        """Seconds a token, of the tokens behind the first `depth`."""
        if self.session.position < depth:
            self(tokens[:depth])
        self.session.rewind(depth)
        rest = [int(token) for token in tokens[depth:]]
        begin = time.perf_counter()
        self.session.score(rest, "decode")
        return (time.perf_counter() - begin) / len(rest)

    def greedy(self, prompt, count):
        """The `count` likeliest tokens after the prompt."""
        logits, tokens = self(prompt)[-1], []
        while True:
            tokens.append(int(np.argmax(logits)))
            if len(tokens) == count:
                return tokens
            logits = self.session.score(tokens[-1:], "decode")[-1]
