"""The error that quantised weights bring into a product, beside that of llama.cpp's formats on the same matrix."""

import numpy as np
import pytest
from decoder_checkpoints import llama, prefix_of, random_tensors, save
from gguf import GGMLQuantizationType, quants
from quantized_reference import stored_matrices

FIELDS = llama(hidden_size=256, intermediate_size=544, vocab_size=200, num_hidden_layers=4)
RIVALS = {"q8": GGMLQuantizationType.Q8_0, "q4": GGMLQuantizationType.Q4_0}
SEED = 23


def with_outliers(random, shape):
    """Normal, but for one row of k in fifty, which is larger by 20."""
    return random.normal(size=shape) * np.where(random.random(shape[1]) < 0.02, 20, 1)


# What the weights of a layer look like; all are scaled to the size of trained ones.
DISTRIBUTIONS = {
    "normal": lambda random, shape: random.normal(size=shape),
    "heavy tails": lambda random, shape: random.standard_t(3, shape),
    "uniform": lambda random, shape: random.uniform(-1, 1, shape),
    "outliers": with_outliers,
}


def make_tensors():
    random = np.random.default_rng(SEED)
    tensors = random_tensors(FIELDS)
    for layer, draw in enumerate(DISTRIBUTIONS.values()):
        for name, array in tensors.items():
            if name.startswith(f"layers.{layer}.") and array.ndim == 2:
                tensors[name] = (draw(random, array.shape) * 0.02).astype(np.float32)
    return tensors


def relative_error(matrix, exact, vectors):
    """Of the products with `vectors` [K, any]."""
    expected = exact.astype(np.float64) @ vectors
    return np.linalg.norm(matrix.astype(np.float64) @ vectors - expected) / np.linalg.norm(expected)


@pytest.mark.parametrize("kind", RIVALS)
def test_products_are_at_least_as_exact_as_llamas(run_tool, tmp_path, capsys, kind):
    tensors = make_tensors()
    checkpoint = save(tmp_path / "checkpoint", FIELDS, tensors, prefix_of(FIELDS))
    result = run_tool("thresh", "compile", checkpoint, "-o", tmp_path / "model.so", "--context", 24, "--quantize", kind)
    assert result.returncode == 0, result.stderr
    packed = stored_matrices(tmp_path / "model.weights.safetensors", kind, prefix_of(FIELDS))
    assert len(packed) == 2 + 7 * len(DISTRIBUTIONS)

    random = np.random.default_rng(SEED)
    lines = [f"relative error of W x, {kind}, seed {SEED}{'thresh':>14}{'llama.cpp':>12}"]
    wrong = []
    for name, (q, scale) in packed.items():
        exact = tensors[name]
        rival = quants.dequantize(quants.quantize(exact, RIVALS[kind]), RIVALS[kind])
        vectors = random.normal(size=(exact.shape[1], 64))
        ours, theirs = (relative_error(matrix, exact, vectors) for matrix in ((q * scale)[: len(exact)], rival))
        lines.append(f"{name:<44}{ours:>12.6f}{theirs:>12.6f}")
        if ours > theirs:
            wrong.append(lines[-1])
    with capsys.disabled():
        print("", *lines, sep="\n")
    assert not wrong
