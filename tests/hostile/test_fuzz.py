"""Random damage to small valid files. A failing case prints its seed; THRESH_FUZZ_SEEDS sets how many are tried."""

import os
import random

import pytest
from models import mlp, save, save_bert
from refusal import check_refusal, listing

SEEDS = int(os.environ.get("THRESH_FUZZ_SEEDS", 40))


def damage(data, seed):
    """A few flips, runs of one byte, cuts, repeats and insertions."""
    generator = random.Random(seed)
    data = bytearray(data)
    for _ in range(generator.randint(1, 4)):
        at = generator.randrange(len(data)) if data else 0
        length = generator.randint(1, 16)
        kind = generator.choice(["flip", "fill", "cut", "repeat", "insert", "truncate"])
        if kind == "flip" and data:
            data[at] ^= 1 << generator.randrange(8)
        elif kind == "fill":
            data[at : at + length] = bytes([generator.choice([0, 0x7F, 0x80, 0xFF])]) * len(data[at : at + length])
        elif kind == "cut":
            del data[at : at + length]
        elif kind == "repeat":
            data[at:at] = data[at : at + length]
        elif kind == "insert":
            data[at:at] = generator.randbytes(length)
        elif kind == "truncate" and generator.random() < 0.2:
            del data[at:]
    return bytes(data)


def check(run_tool, seed, folder, arguments, output):
    """Damage may go unnoticed where it only changes values; else it is refused and leaves nothing behind."""
    before = listing(folder)
    result = run_tool(*arguments, timeout=60)
    note = f"seed {seed}: exit code {result.returncode}\n{result.stderr}"
    assert result.returncode in (0, 1), note
    if result.returncode == 1:
        check_refusal(result)
        assert listing(folder) == before, note
    elif output:
        assert output.exists(), note


@pytest.mark.parametrize("seed", range(SEEDS))
def test_onnx(run_tool, tmp_path, seed):
    path = save(mlp(), tmp_path)
    path.write_bytes(damage(path.read_bytes(), seed))
    check(run_tool, seed, tmp_path, ["thresh", "compile", path, "-o", tmp_path / "out.so"], tmp_path / "out.so")


@pytest.mark.parametrize("file", ["config.json", "model.safetensors"])
@pytest.mark.parametrize("seed", range(SEEDS))
def test_checkpoint(run_tool, tmp_path, seed, file):
    checkpoint = save_bert(tmp_path / "checkpoint")
    data = (checkpoint / file).read_bytes()
    # Only the header: damage to the tensors' values is no damage.
    size = len(data) if file == "config.json" else 8 + int.from_bytes(data[:8], "little")
    (checkpoint / file).write_bytes(damage(data[:size], seed) + data[size:])
    check(run_tool, seed, tmp_path, ["thresh", "compile", checkpoint, "--emit=graph"], None)


@pytest.mark.parametrize("seed", range(SEEDS))
def test_weights(run_tool, tmp_path, seed):
    model = save(mlp(), tmp_path)
    assert run_tool("thresh", "compile", model, "-o", tmp_path / "out.so").returncode == 0
    weights = tmp_path / "out.weights.safetensors"
    weights.write_bytes(damage(weights.read_bytes(), seed))
    check(run_tool, seed, tmp_path, ["thresh-run", tmp_path / "out.so", "--random", 1], None)
