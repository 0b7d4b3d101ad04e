#!/usr/bin/env python3
"""Trains the dense twin and the Spark model by turns, on the same batches, and goes on where it was stopped."""

import argparse
import itertools
import json
import os
import pathlib
import time

import jax
import jax.numpy as jnp
import numpy as np
import optax

import data
import model
from plot import loss_plot

SEED = 20261123
BATCH, LENGTH = 4, 512
STEPS = 1350
WARM_UP = 50
DECAY = 0.5
MUON_RATE, ADAM_RATE = 0.02, 0.004
ANNEAL = 900
TURN = 100
HELD_OUT_BATCHES = 8


def rates(steps):
    """A short warm-up, a plateau, and a linear decay to 0 over the last part: the plateau can be made longer while it lasts."""
    decay = int(steps * DECAY)
    return lambda step: jnp.minimum(1, jnp.minimum((step + 1) / WARM_UP, (steps - step) / decay))


def anneal(step):
    """How far the share of survivors has shrunk from a half to its end, 0 to 1."""
    return jnp.minimum(1, step / ANNEAL)


def optimiser(fields, steps):
    """Muon for the matrices of the layers, Adam for the table of tokens and the norms."""
    scale, matrix = rates(steps), optax.contrib.MuonDimensionNumbers(reduction_axis=1, output_axis=0)
    return optax.contrib.muon(
        learning_rate=lambda step: MUON_RATE * scale(step),
        adam_learning_rate=lambda step: ADAM_RATE * scale(step),
        adam_b2=0.95,
        muon_weight_dimension_numbers={
            name: matrix if "layers." in name and len(shape) == 2 else None
            for name, shape in model.shapes(fields).items()
        },
    )


class Run:
    """One model in training: `folder` holds its checkpoint and its log."""

    def __init__(self, kind, folder, steps, train, held_out, bytes_of):
        self.fields, self.folder, self.steps = model.CONFIGS[kind], folder / kind, steps
        self.kind, self.train, self.step, self.log = kind, train, 0, []
        pieces = np.arange(HELD_OUT_BATCHES * BATCH) * (len(held_out) // (HELD_OUT_BATCHES * BATCH))
        self.held_out = np.stack([held_out[start : start + LENGTH + 1] for start in pieces]).astype(np.int32)
        self.held_out_bytes = bytes_of[self.held_out[:, 1:]].sum()
        self.optimiser = optimiser(self.fields, steps)
        params = model.initialise(self.fields, SEED)
        self.state = params, self.optimiser.init(params)
        self.update = jax.jit(self._update, donate_argnums=0)
        self.evaluate = jax.jit(lambda params, tokens: model.losses(params, tokens, self.fields).sum())
        self.restore()

    def _update(self, state, tokens, step):
        def mean_loss(params):
            return model.losses(params, tokens, self.fields, anneal(step)).mean()

        params, memory = state
        loss, gradients = jax.value_and_grad(mean_loss)(params)
        updates, memory = self.optimiser.update(gradients, memory, params)
        return (optax.apply_updates(params, updates), memory), loss

    def restore(self):
        file = self.folder / "checkpoint.npz"
        if not file.exists():
            return
        params, memory = self.state
        leaves, tree = jax.tree.flatten(memory)
        with np.load(file) as saved:
            self.step, self.log = int(saved["step"]), json.loads(str(saved["log"]))
            params = {name: jnp.asarray(saved[name]) for name in params}
            memory = jax.tree.unflatten(tree, [jnp.asarray(saved[f"memory.{i}"]) for i in range(len(leaves))])
        self.state = params, memory

    def save(self):
        """The checkpoint appears whole or not at all."""
        self.folder.mkdir(parents=True, exist_ok=True)
        params, memory = self.state
        arrays = params | {f"memory.{i}": leaf for i, leaf in enumerate(jax.tree.leaves(memory))}
        with open(self.folder / "checkpoint.part", "wb") as file:
            np.savez(file, step=self.step, log=json.dumps(self.log), **jax.device_get(arrays))
            file.flush()
            os.fsync(file.fileno())
        os.replace(self.folder / "checkpoint.part", self.folder / "checkpoint.npz")

    def bits_per_byte(self):
        batches = self.held_out.reshape(HELD_OUT_BATCHES, BATCH, -1)
        return sum(float(self.evaluate(self.state[0], b)) for b in batches) / np.log(2) / self.held_out_bytes

    def turn(self):
        """Trains for a few steps, measures, saves."""
        begin, cpu, total = time.time(), time.process_time(), 0.0
        last = min(self.step + TURN, self.steps)
        count = last - self.step
        while self.step < last:
            tokens = data.batch(self.train, self.step, BATCH, LENGTH, SEED)
            self.state, loss = self.update(self.state, tokens, self.step)
            total += float(loss)
            self.step += 1
        cpu = (time.process_time() - cpu) / 60
        held_out = self.bits_per_byte()
        self.log.append({"step": last, "loss": total / count, "held_out": held_out, "cpu_minutes": cpu})
        self.save()
        speed = count * BATCH * LENGTH / (time.time() - begin)
        spent = sum(entry["cpu_minutes"] for entry in self.log)
        print(
            f"{time.strftime('%H:%M:%S')} {self.kind} step {last}/{self.steps}: loss {total / count:.4f} nats/token, "
            f"held out {held_out:.4f} bits/byte, {speed:.0f} tokens/s, {spent:.1f} CPU minutes",
            flush=True,
        )


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=pathlib.Path, default=pathlib.Path("runs"), help="folder of corpus, checkpoints, logs")
    parser.add_argument("--steps", type=int, default=STEPS, help="length of both trainings (default: %(default)s)")
    parser.add_argument("--model", choices=[*model.CONFIGS, "both"], default="both")
    arguments = parser.parse_args()
    train, held_out, tokenizer = data.prepare(arguments.runs)
    kinds = list(model.CONFIGS) if arguments.model == "both" else [arguments.model]
    bytes_of = data.token_bytes(tokenizer)
    runs = [Run(kind, arguments.runs, arguments.steps, train, held_out, bytes_of) for kind in kinds]
    for run in itertools.cycle(runs):
        if all(run.step >= run.steps for run in runs):
            break
        if run.step < run.steps and run.step == min(run.step for run in runs):
            run.turn()
            loss_plot({run.kind: run.log for run in runs}, arguments.runs / "loss.svg")


if __name__ == "__main__":
    main()
