#!/usr/bin/env python3
"""Writes trained models as checkpoint folders in the spelling of Hugging Face, weights rounded to bfloat16."""

import argparse
import json
import pathlib
import shutil

import jax.numpy as jnp
import ml_dtypes
import numpy as np
from safetensors.numpy import load_file, save_file

import model

ARCHITECTURES = {"gemma2": "Gemma2ForCausalLM", "spark_gemma2": "SparkGemma2ForCausalLM"}


def export(kind, runs, folder):
    """The last checkpoint of `runs`/`kind` becomes the checkpoint folder `folder`."""
    fields = model.CONFIGS[kind]
    with np.load(runs / kind / "checkpoint.npz") as saved:
        tensors = {name: saved[name].astype(ml_dtypes.bfloat16) for name in model.shapes(fields)}
    folder.mkdir(parents=True, exist_ok=True)
    config = {"architectures": [ARCHITECTURES[fields["model_type"]]], "torch_dtype": "bfloat16", **fields}
    generation = {"bos_token_id": fields["bos_token_id"], "eos_token_id": fields["eos_token_id"], "do_sample": False}
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    (folder / "config.json").write_text(json.dumps(config, indent=2) + "\n")
    (folder / "generation_config.json").write_text(json.dumps(generation, indent=2) + "\n")
    shutil.copyfile(runs / "tokenizer.json", folder / "tokenizer.json")


def load(folder):
    """(fields, tensors in f32) of a checkpoint folder."""
    tensors = load_file(folder / "model.safetensors")
    return json.loads((folder / "config.json").read_text()), {
        name: jnp.asarray(tensor, jnp.float32) for name, tensor in tensors.items()
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=pathlib.Path, default=pathlib.Path("runs"), help="folder that train.py wrote")
    parser.add_argument("--out", type=pathlib.Path, required=True, help="gets the folders dense and spark")
    arguments = parser.parse_args()
    for kind in model.CONFIGS:
        export(kind, arguments.runs, arguments.out / kind)
        print(arguments.out / kind)


if __name__ == "__main__":
    main()
