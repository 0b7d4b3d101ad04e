"""Spark decoders with narrower weights, against numpy that computes with what the weights file holds."""

import numpy as np
import pytest
from quantized_reference import HALVES, on_grid, plain_error, rounded, stored_matrices, stored_rows, stored_tensors
from spark_reference import SparkDecoder
from test_spark import spark, spark_tensors

IDS = np.random.default_rng(2).integers(0, 50, 24)
# Layer 1 is dense; the halves of the others are whole groups of 32.
FIELDS = spark(hidden_size=64, ffn_topk=[24, 0, 9], ffn_predictor_dims=[32, 0, 32])
SPARSE = {f"layers.{layer}.mlp.{role}_proj.weight" for layer in (0, 2) for role in ("up", "down")}


class QuantizedSpark(SparkDecoder):
    """Products with `matrices` are those of quantised activations, and so are those with the up rows among `rows`, which
    are what sparse kernels read."""

    def __init__(self, fields, tensors, matrices, rows):
        super().__init__(fields, {**tensors, **matrices, **rows})
        self.quantized = (matrices.keys() - rows.keys()) | {name for name in rows if "up_proj" in name}

    def product(self, x, name, weight):
        return super().product(on_grid(x) if name in self.quantized else x, name, weight)


def by_neuron(name, matrix):
    return matrix.T if "down_proj" in name else matrix


def read_weights(compiled, kind, tensors):
    """The matrices of the dense products, and those by row, as the model has them; no group is farther from the model's
    weights than the plain choice of scale would be."""
    matrices = {
        name: (q * scale)[: len(tensors[name])]
        for name, (q, scale) in stored_matrices(compiled.weights, kind, "model.").items()
    }
    rows = stored_rows(compiled.weights, kind, "model.")
    for name, matrix in rows.items():
        exact = by_neuron(name, tensors[name])
        error = ((matrix - exact) ** 2).reshape(len(exact), -1, 32).sum(-1)
        assert (error <= plain_error(exact, kind) * (1 + 1e-5)).all(), name
    return matrices, {name: by_neuron(name, matrix) for name, matrix in rows.items()}


def shares(ours, expected):
    """The largest difference, as a share of the largest logit."""
    return (np.abs(ours - expected) / np.abs(expected).max()).max()


def check(run, reference):
    """An activation on the border of two integers goes either way by the order of f32 sums (test_quantized.py): that happens
    in few short texts, and all others agree as f32 does."""
    errors = [shares(run(text), reference(text)) for text in np.split(IDS, 8)]
    assert max(errors) <= 0.05 and sum(error <= 1e-5 for error in errors) >= 6, errors


@pytest.mark.parametrize("kind", ["q8", "q4"])
def test_quantized(kind, compile_case):
    tensors = spark_tensors(FIELDS)
    compiled = compile_case(FIELDS, tensors, "--quantize", kind)
    matrices, rows = read_weights(compiled, kind, tensors)
    # Of many tokens, layer 0 computes all of its neurons, by dense products.
    assert rows.keys() == SPARSE and SPARSE - matrices.keys() == {name for name in SPARSE if "layers.2" in name}

    def token_by_token(text):
        decoder = QuantizedSpark(FIELDS, tensors, matrices, rows)
        return np.concatenate([decoder.append([token]) for token in text])

    check(lambda text: compiled.start().decode(text), token_by_token)
    # Of a short text, layer 2 computes its chosen neurons.
    kept = {name: rows[name] for name in SPARSE if "layers.2" in name}
    check(
        lambda text: compiled.start().run("score", text),
        lambda text: QuantizedSpark(FIELDS, tensors, matrices, kept).append(text),
    )


@pytest.mark.parametrize("half", ["f16", "bf16"])
def test_halves(half, compile_case):
    tensors = spark_tensors(FIELDS)
    compiled = compile_case(FIELDS, tensors, "--quantize", half)
    by_row = {name: tensor.dtype for name, tensor in stored_tensors(compiled.weights).items() if name.endswith(".rows")}
    assert by_row == {f"model.{name}.rows": HALVES[half] for name in SPARSE}
    narrow = {name: rounded(array, half) if array.ndim == 2 else array for name, array in tensors.items()}
    expected, session = SparkDecoder(FIELDS, narrow).append(IDS), compiled.start()
    ours = np.concatenate([session.run("prefill", IDS[:9]), session.run("score", IDS[9:14]), session.decode(IDS[14:])])
    assert shares(ours, expected[8:]) <= 2e-5


def test_widths_that_groups_do_not_fill(compile_case):
    """Up rows of 44: those of the layer stay f32, down rows too, and the log says so; the rest is quantised."""
    fields = {**FIELDS, "ffn_predictor_dims": [20, 0, 32]}
    tensors = spark_tensors(fields)
    compiled = compile_case(fields, tensors, "--quantize", "q8")
    place = "model.layers.0.mlp: the weights of 'thresh.active_rows' stay as they are: a width of 44 is no multiple of 32"
    assert compiled.log.count("stay as they are") == compiled.log.count(place) == 1
    matrices, rows = read_weights(compiled, "q8", tensors)
    kept = {name: tensors[name] for name in SPARSE if name.startswith("layers.0")}
    assert rows.keys() == SPARSE - kept.keys()

    def token_by_token(text):
        quantized = {name: matrix for name, matrix in matrices.items() if name not in kept}
        decoder = QuantizedSpark(fields, tensors, quantized, rows)
        return np.concatenate([decoder.append([token]) for token in text])

    check(lambda text: compiled.start().decode(text), token_by_token)
