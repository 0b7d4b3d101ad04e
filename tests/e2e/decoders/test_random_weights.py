"""Noise in place of a checkpoint's weights: of a seed and the tensors' names, the same on every machine."""

import json

import numpy as np
import pytest
from decoder_checkpoints import gemma, llama

IDS = np.random.default_rng(2).integers(0, 50, 8)
SIZES = {"hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 1}
# Tied and with a head of its own.
CASES = {"gemma2": gemma("gemma2", **SIZES), "llama": llama(**SIZES)}


@pytest.fixture
def compile_noise(run_tool, tmp_path):
    """compile_noise(fields, seed, option...) writes a lone config.json; the result is the weights file."""

    def compile_(fields, seed, *options):
        folder = tmp_path / str(len(list(tmp_path.iterdir())))
        folder.mkdir()
        (folder / "config.json").write_text(json.dumps(fields))
        command = ["compile", folder / "config.json", "-o", folder / "model.so", "--random-weights", seed, "--context", 16]
        result = run_tool("thresh", *command, *options)
        assert result.returncode == 0, result.stderr
        return folder / "model.weights.safetensors"

    return compile_


@pytest.mark.parametrize("kind", ["none", "q4"])
@pytest.mark.parametrize("name", sorted(CASES))
def test_seeds(name, kind, compile_noise):
    first, again, other = (compile_noise(CASES[name], seed, "--quantize", kind).read_bytes() for seed in (7, 7, 8))
    assert first == again
    assert first != other and len(first) == len(other)


@pytest.mark.parametrize("name", sorted(CASES))
def test_a_lone_config_runs(name, tmp_path, compile_decoder):
    """Its logits are numbers that tell tokens apart; another seed, other logits; a folder is as good as the file."""
    (tmp_path / "config.json").write_text(json.dumps(CASES[name]))
    start, other = (compile_decoder(tmp_path, "--random-weights", seed, "--context", 16) for seed in (7, 8))
    logits = start().run("score", IDS)
    assert logits.shape == (8, 50) and np.isfinite(logits).all() and (logits.std(1) > 0).all()
    session = start()
    in_turns = np.concatenate([session.run("prefill", IDS[:3]), session.decode(IDS[3:])])
    assert np.abs(in_turns - logits[2:]).max() <= 2e-5 * np.abs(logits).max()
    assert np.abs(other().run("score", IDS) - logits).max() > 1e-2 * np.abs(logits).max()


def test_weights_without_a_seed_are_missed(run_tool, tmp_path):
    (tmp_path / "config.json").write_text(json.dumps(CASES["llama"]))
    result = run_tool("thresh", "compile", tmp_path, "-o", tmp_path / "model.so")
    assert result.returncode == 1 and result.stderr.startswith("error: ")
    assert [path.name for path in tmp_path.iterdir()] == ["config.json"]
