"""Sparse kernels of feed-forward blocks, of one row and of many, against their dense twin and numpy in float64."""

import math
from statistics import NormalDist
from typing import NamedTuple

import numpy as np
import pytest

SEED = 31
NAN, INF = np.nan, np.inf
erf = np.vectorize(math.erf)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


ACTIVATIONS = {
    "identity": lambda x: x,
    "relu": lambda x: np.maximum(x, 0),
    "relu2": lambda x: np.maximum(x, 0) ** 2,
    "silu": lambda x: x * sigmoid(x),
    "gelu": lambda x: x / 2 * (1 + erf(x / math.sqrt(2))),
    "gelu_tanh": lambda x: 0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))),
    "quick_gelu": lambda x: x * sigmoid(1.702 * x),
    "sigmoid": sigmoid,
    "tanh": np.tanh,
}


def above(scores, quantile, factor):
    """Scores less their threshold: what must be positive to survive."""
    centred = scores.astype(np.float64) - scores.astype(np.float64).mean()
    return centred - math.sqrt((centred**2).mean() * factor) * quantile


def close(given, expected):
    """Equal within 1e-5 of the largest value, and NaN at the same places."""
    scale = np.abs(expected[np.isfinite(expected)]).max(initial=0)
    np.testing.assert_allclose(given, expected, rtol=0, atol=1e-5 * scale)


# ===------------------------------------------------------------------------===
# thresh.choose_rows
# ===------------------------------------------------------------------------===

# name: n, k that the quantile stands for, variance factor, activation, mask
CHOICES = {
    "alone": (1, 0.5, 1, "identity", False),
    "pair": (2, 1, 2, "silu", False),
    "short": (15, 3, 1, "relu", False),
    "line": (16, 4, 1, "gelu_tanh", False),
    "line_and_one": (17, 16, 17 / 16, "gelu_tanh", True),
    "many": (1000, 80, 1, "gelu", False),
    "most": (1000, 990, 1000 / 999, "tanh", True),
    "spark": (13824, 1106, 1, "gelu_tanh", False),
    **{f"act_{name}": (100, 20, 1, name, mask) for name, mask in zip(ACTIVATIONS, [False, True] * 5)},
}


def choice_entry(name):
    n, k, factor, activation, mask = CHOICES[name]
    text = f"{activation} %s quantile({NormalDist().inv_cdf(1 - k / n):.17e}) variance_factor({factor:.17e})" + " mask" * mask
    types = f"tensor<1x{n}xi32>, tensor<1x{n}xf32>, tensor<1xi32>"
    return f"""func.func @{name}(%s: tensor<1x{n}xf32>) -> ({types}) {{
      %i, %v, %n = thresh.choose_rows {text} : tensor<1x{n}xf32> -> {types}
      return %i, %v, %n : {types}
    }}"""


@pytest.fixture(scope="session")
def choices(compiled):
    return compiled("\n".join(map(choice_entry, CHOICES)))


def run(model, entry, *inputs):
    return list(model.run([np.asarray(array, order="C") for array in inputs], entry=entry).values())


def chosen(model, name, scores):
    """The survivors and their values; the padding behind them is as promised."""
    indices, values, count = run(model, name, scores.reshape(1, -1).astype(np.float32))
    count = int(count[0])
    assert 0 <= count <= scores.size
    padded = min(-(-count // 16) * 16, scores.size)
    assert not indices[0, count:padded].any() and not values[0, count:padded].any()
    assert (np.diff(indices[0, :count]) > 0).all()
    return indices[0, :count], values[0, :count]


@pytest.mark.parametrize("name", CHOICES)
def test_choose_rows(choices, name):
    print(f"seed {SEED}")
    n, k, factor, activation, mask = CHOICES[name]
    random = np.random.default_rng(SEED)
    for shift, scale in ((0, 1), (3, 2), (-50, 10)):
        scores = (random.standard_normal(n) * scale + shift).astype(np.float32)
        rest = above(scores, NormalDist().inv_cdf(1 - k / n), factor)
        indices, values = chosen(choices, name, scores)
        survives = np.zeros(n, bool)
        survives[indices] = True
        decided = np.abs(rest) >= 1e-5 * scale
        assert (survives == (rest > 0))[decided].all() and (n == 1 or decided.mean() > 0.99)
        close(values, ACTIVATIONS[activation]((scores.astype(np.float64) if mask else rest)[indices]))


def test_choose_rows_of_odd_scores(choices):
    """NaN is never cut away and makes all survive, as infinity does; of equal scores none survives."""
    scores = np.linspace(-1, 1, 1000, dtype=np.float32)
    for odd in (NAN, INF, -INF):
        scores[7] = odd
        indices, values = chosen(choices, "many", scores)
        assert (indices == np.arange(1000)).all() and np.isnan(values).all()
        indices, values = chosen(choices, "most", scores)
        assert (indices == np.arange(1000)).all()
        np.testing.assert_allclose(values, np.tanh(scores), rtol=1e-5)
    for value in (0, 4):
        assert len(chosen(choices, "many", np.full(1000, value, np.float32))[0]) == 0
        assert len(chosen(choices, "alone", np.full(1, value, np.float32))[0]) == 0


def test_choose_rows_none_and_all(choices):
    """Of two values half and half, mean 0 and deviation 1: a quantile above 1 leaves none, one below -1 all."""
    scores = np.tile(np.array([-1, 1], np.float32), 500)
    assert len(chosen(choices, "many", scores)[0]) == 0
    indices, values = chosen(choices, "most", scores)
    assert (indices == np.arange(1000)).all()
    np.testing.assert_allclose(values, np.tanh(scores), rtol=1e-5)


# ===------------------------------------------------------------------------===
# Blocks
# ===------------------------------------------------------------------------===


class Block(NamedTuple):
    neurons: int
    width: int
    first: int  # dimensions that the gate sees; 0: all, as the up projection does
    outputs: int
    k: int | None
    activation: str = "gelu_tanh"
    gated: bool = True
    mask: bool = False
    unbiased: bool = False
    signs: bool = False  # gate rows are one row and its negative in turn


KERNELS = {
    "spark": Block(96, 52, 20, 64, 9),
    "two_neurons": Block(2, 5, 0, 3, 1),
    "all_but_one_dimension": Block(33, 61, 60, 1, 4),
    "one_dimension": Block(130, 40, 1, 77, 129),
    "one_survivor": Block(1000, 96, 32, 48, 1, unbiased=True),
    "wide": Block(1500, 300, 128, 257, 120, "silu"),
    "gate": Block(80, 24, 0, 16, 8, "relu"),
    "gate_mask": Block(81, 24, 0, 17, 40, "tanh", mask=True),
    "up_alone": Block(96, 24, 0, 31, 9, "relu2", gated=False),
    "up_alone_mask": Block(97, 25, 0, 32, 9, "sigmoid", gated=False, mask=True, unbiased=True),
    "all_survive": Block(96, 20, 12, 24, 95, signs=True),
    "none_survives": Block(96, 20, 12, 24, 8, signs=True),
}
DENSE = {
    "k_zero": Block(96, 52, 20, 64, 0),
    "k_all": Block(96, 52, 20, 64, 96),
    "no_predictor": Block(40, 12, 0, 9, None, "silu"),
}


def random_blocks(count):
    random = np.random.default_rng(SEED)
    for _ in range(count):
        neurons, width = (int(random.integers(low, 200)) for low in (3, 2))
        yield Block(
            neurons,
            width,
            int(random.integers(0, width)),
            int(random.integers(1, 200)),
            int(random.integers(1, neurons)),
            str(random.choice(list(ACTIVATIONS))),
            mask=bool(random.integers(2)),
            unbiased=bool(random.integers(2)),
        )


KERNELS.update((f"random_{number}", block) for number, block in enumerate(random_blocks(8)))
BLOCKS = {**KERNELS, **DENSE}


def block_weights(name):
    """gate (if there is one), up, down."""
    block, random = BLOCKS[name], np.random.default_rng([SEED, list(BLOCKS).index(name)])
    shapes = [(block.neurons, block.width - block.first), (block.outputs, block.neurons)]
    if block.gated:
        shapes.insert(0, (block.neurons, block.first or block.width))
    weights = [random.standard_normal(shape).astype(np.float32) / np.float32(math.sqrt(shape[1])) for shape in shapes]
    if block.signs:
        weights[0][:] = weights[0][0]
        weights[0][1::2] *= -1
    return weights


def block_text(name, entry, rows):
    """The entry point `entry` on `rows` rows; the weights are parameters of the block's name."""
    block = BLOCKS[name]
    predictor = "none" if block.k is None else f"first_dims({block.first})" if block.first else "gate"
    roles = ["gate", "up", "down"][not block.gated :]
    types = [f"tensor<{height}x{width}xf32>" for height, width in (array.shape for array in block_weights(name))]
    loads = "".join(f"%{role} = thresh.load_parameter @{name}_{role} : {type_}\n" for role, type_ in zip(roles, types))
    text = f"{block.activation} {predictor} %x" + " gate %gate" * block.gated + " up %up down %down"
    text += (f" topk({block.k})" if block.k is not None else "") + " mask" * block.mask + " unbiased" * block.unbiased
    input_, results = f"tensor<{rows}x{block.width}xf32>", f"(tensor<{rows}x{block.outputs}xf32>, tensor<{rows}xi64>)"
    return f"""func.func @{entry}(%x: {input_}) -> {results} {{
      {loads}%y, %n = thresh.sparse_ffn {text} : ({input_}, {", ".join(types)}) -> {results}
      return %y, %n : {results[1:-1]}
    }}"""


def block_entry(name, file, offset):
    """The text, and the offset behind its weights."""
    parameters, roles = "", ["gate", "up", "down"][not BLOCKS[name].gated :]
    for role, array in zip(roles, block_weights(name)):
        type_ = f"tensor<{array.shape[0]}x{array.shape[1]}xf32>"
        source = f'<file = "{file}", offset = {offset}, length = {array.nbytes}, tensor = "{name}.{role}", type = {type_}>'
        parameters += f"thresh.parameter @{name}_{role} : {type_} from {source}\n"
        offset += array.nbytes
    return parameters + block_text(name, name, 1) + "\n" + block_text(name, f"{name}_many", "?"), offset


@pytest.fixture(scope="session")
def graph(tmp_path_factory):
    """The text of all blocks; their weights are in a file."""
    file, offset, entries = tmp_path_factory.mktemp("weights") / "weights.bin", 0, []
    file.write_bytes(b"".join(array.tobytes() for name in BLOCKS for array in block_weights(name)))
    for name in BLOCKS:
        entry, offset = block_entry(name, file, offset)
        entries.append(entry)
    return "\n".join(entries)


@pytest.fixture(scope="session")
def models(graph, compiled):
    """By kernels, and by the dense meaning."""
    return compiled(graph), compiled(graph, "--dense")


def meaning(name, x):
    """Result, survivors, and how far each score is above its threshold, of one row in float64."""
    block, weights = BLOCKS[name], [array.astype(np.float64) for array in block_weights(name)]
    x = x.astype(np.float64).reshape(-1)
    up, down = weights[-2] @ (x[block.first :] if block.first else x), weights[-1]
    scores = weights[0] @ (x[: block.first] if block.first else x) if block.gated else up
    rest = np.full(block.neurons, INF if block.k is None or block.k >= block.neurons else -INF)
    values = scores
    if block.k is not None and 0 < block.k < block.neurons:
        n = block.neurons
        rest = above(scores, NormalDist().inv_cdf(1 - block.k / n), n / (n - 1) if block.unbiased else 1)
        values = scores if block.mask else np.maximum(rest, 0)
    inner = np.where(rest > 0, ACTIVATIONS[block.activation](values) * (up if block.gated else 1), 0)
    return down @ inner, rest


@pytest.mark.parametrize("name", BLOCKS)
def test_blocks(models, name):
    print(f"seed {SEED}, {BLOCKS[name]}")
    random = np.random.default_rng(SEED)
    for scale in (1, 1, 30):
        x = (random.standard_normal((1, BLOCKS[name].width)) * scale).astype(np.float32)
        expected, rest = meaning(name, x)
        doubtful = np.abs(rest) < 1e-5 * scale
        assert doubtful.sum() <= 1
        for model in models:
            given, count = run(model, name, x)
            assert 0 <= int(count[0]) - (rest[~doubtful] > 0).sum() <= doubtful.sum()
            close(given[0], expected)
        twins = [run(model, name, x)[0] for model in models]
        close(*twins)


# Rows of one call that give no chunk of work its full size, one row among them.
ROWS = [1, 2, 3, 17, 64, 100]


@pytest.mark.parametrize("name", BLOCKS)
def test_many_rows(models, name):
    print(f"seed {SEED}, {BLOCKS[name]}")
    random = np.random.default_rng(SEED)
    for rows in ROWS:
        x = random.standard_normal((rows, BLOCKS[name].width)).astype(np.float32)
        references = [meaning(name, row) for row in x]
        outputs = [run(model, f"{name}_many", x) for model in models]
        for given, count in outputs:
            close(given, np.array([expected for expected, _ in references]))
            for found, (_, rest) in zip(count, references):
                doubtful = np.abs(rest) < 1e-5
                assert 0 <= int(found) - (rest[~doubtful] > 0).sum() <= doubtful.sum()
        close(outputs[0][0], outputs[1][0])


@pytest.mark.parametrize("name", KERNELS)
def test_odd_rows_among_others(models, name):
    """A row of zeros chooses nothing; NaN and infinity stay in their row, and are what they are in the dense twin."""
    x = np.random.default_rng(SEED).standard_normal((6, BLOCKS[name].width)).astype(np.float32)
    x[1], x[2, 0], x[4, -1] = 0, NAN, INF
    (given, count), (expected, counted) = (run(model, f"{name}_many", x) for model in models)
    np.testing.assert_array_equal(count, counted)
    assert count[1] == 0 and not given[1].any()
    np.testing.assert_array_equal(np.isnan(given), np.isnan(expected))
    finite = np.isfinite(expected)
    close(given[finite], expected[finite])


def test_none_and_all(models):
    x = np.random.default_rng(SEED).standard_normal((1, 20)).astype(np.float32)
    given, count = run(models[0], "none_survives", x)
    assert count[0] == 0 and not given.any()
    assert run(models[0], "all_survive", x)[1][0] == 96


@pytest.mark.parametrize("name", KERNELS)
def test_odd_inputs(models, name):
    """Zeros leave no neuron active. NaN and infinity reach what they reach in the dense twin."""
    width = BLOCKS[name].width
    zeros = np.zeros((1, width), np.float32)
    for model in models:
        given, count = run(model, name, zeros)
        assert count[0] == 0 and not given.any()
    for odd in (NAN, INF, -INF):
        for place in (0, width - 1):
            x = np.random.default_rng(SEED).standard_normal((1, width)).astype(np.float32)
            x[0, place] = odd
            (given, count), (expected, counted) = (run(model, name, x) for model in models)
            assert count == counted
            np.testing.assert_array_equal(np.isnan(given), np.isnan(expected))
            finite = np.isfinite(expected)
            close(given[finite], expected[finite])


def test_same_bits_every_time(models):
    x = np.random.default_rng(SEED).standard_normal((1, 300)).astype(np.float32)
    first = run(models[0], "wide", x)[0]
    for _ in range(20):
        np.testing.assert_array_equal(run(models[0], "wide", x)[0], first)


def test_touched_bytes(models):
    """A call counts the rows that it is expected to choose, or all."""
    block, (gate, up, down) = BLOCKS["spark"], block_weights("spark")
    sparse, dense = (model.touched_bytes(0, "spark") for model in models)
    assert dense == gate.nbytes + up.nbytes + down.nbytes
    assert sparse == gate.nbytes + (up.nbytes + down.nbytes) * block.k // block.neurons
    assert models[0].touched_bytes(0, "spark_many") == dense


def test_kernels_are_chosen(graph, run_tool, tmp_path):
    """Blocks that have a kernel get it, of many rows only where each chooses few neurons; --dense takes it away."""
    (tmp_path / "graph.mlir").write_text(graph)
    few = sum(block.k / block.neurons <= 0.1 for block in KERNELS.values())
    assert 0 < few < len(KERNELS)
    for options, count in (((), len(KERNELS) + few), (("--dense",), 0)):
        result = run_tool("thresh", "compile", tmp_path / "graph.mlir", "--emit=kernels", *options)
        assert result.returncode == 0, result.stderr
        assert result.stdout.count("thresh.launch @thresh_active_rows") == count
