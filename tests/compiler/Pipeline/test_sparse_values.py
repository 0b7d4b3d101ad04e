"""Sparse ops of a module, compiled by their dense meaning, against numpy in float64."""

import math
from statistics import NormalDist

import numpy as np
import pytest

SEED = 23
random = np.random.default_rng(SEED)
NAN = np.nan


def floats(*shape):
    return random.standard_normal(shape).astype(np.float32)


@pytest.fixture(autouse=True)
def reseed():
    """Each test sees the same numbers, whichever others run."""
    global random
    random = np.random.default_rng(SEED)


def above(x, k, unbiased=False):
    """x - theta of each row."""
    x = x.astype(np.float64)
    n = x.shape[-1]
    theta = x.mean(-1, keepdims=True) + x.std(-1, ddof=int(unbiased), keepdims=True) * NormalDist().inv_cdf(1 - k / n)
    return x - theta


def statistical_topk(x, k, mask=False, unbiased=False):
    if k == 0:
        return np.zeros_like(x)
    if k >= x.shape[-1]:
        return x
    rest = above(x, k, unbiased)
    return np.where(rest > 0, x, 0) if mask else np.maximum(rest, 0)



TOPK_KINDS = {"shift": "", "mask": " mask", "unbiased": " unbiased", "both": " mask unbiased"}
STATIC_SHAPES = [(1, 1), (2, 7), (3, 64), (2, 3, 100), (5, 13824)]


def topk_entry(name, shape, k, kind):
    type_ = f"tensor<{'x'.join(shape)}xf32>"
    return f"""func.func @{name}(%x: {type_}) -> {type_} {{
      %r = thresh.statistical_topk %x k({k}){TOPK_KINDS[kind]} : {type_}
      return %r : {type_}
    }}"""


def topk_counts(n):
    return sorted({0, 1, n // 12, n // 2, n - 1, n, n + 1} - {-1})


@pytest.fixture(scope="session")
def statistical(compiled):
    entries = []
    for number, shape in enumerate(STATIC_SHAPES):
        for k in topk_counts(shape[-1]):
            for kind in TOPK_KINDS:
                entries.append(topk_entry(f"static_{number}_{k}_{kind}", [str(extent) for extent in shape], k, kind))
    entries += [topk_entry(f"dynamic_{k}_{kind}", ["?", "?"], k, kind) for k in (0, 1, 5, 256) for kind in TOPK_KINDS]
    return compiled("\n".join(entries))


def run(model, entry, *inputs):
    outputs = list(model.run([np.asarray(array, order="C") for array in inputs], entry=entry).values())
    return outputs[0] if len(outputs) == 1 else outputs


def compare_topk(given, x, k, kind):
    """Outside of the rounding of the threshold, survivors are the same and values agree."""
    expected = statistical_topk(x, k, kind in ("mask", "both"), kind in ("unbiased", "both"))
    close = np.zeros(x.shape, bool) if k == 0 or k >= x.shape[-1] else np.abs(above(x, k, kind in ("unbiased", "both"))) < 1e-5
    assert close.mean() < 0.01
    np.testing.assert_allclose(given[~close], expected[~close], rtol=0, atol=1e-5)
    assert ((given != 0) == (expected != 0))[~close].all()


@pytest.mark.parametrize("kind", TOPK_KINDS)
@pytest.mark.parametrize("number", range(len(STATIC_SHAPES)))
def test_statistical_topk(statistical, number, kind):
    print(f"seed {SEED}")
    for k in topk_counts(STATIC_SHAPES[number][-1]):
        x = floats(*STATIC_SHAPES[number]) * 2 + 3
        compare_topk(run(statistical, f"static_{number}_{k}_{kind}", x), x, k, kind)


@pytest.mark.parametrize("kind", TOPK_KINDS)
@pytest.mark.parametrize("k", [0, 1, 5, 256])
def test_quantile_follows_the_length(statistical, k, kind):
    """Both tails, the middle, and lengths around k."""
    print(f"seed {SEED}")
    for n in sorted({1, 2, max(k - 1, 1), max(k, 1), k + 1, 2 * k + 1, 300, 4096}):
        x = floats(3, n)
        compare_topk(run(statistical, f"dynamic_{k}_{kind}", x), x, k, kind)


@pytest.mark.parametrize("k", [1, 5, 256])
def test_quantile_accuracy(statistical, k):
    """theta = x - result where something survives: that of float64 up to the rounding of f32."""
    print(f"seed {SEED}")
    for n in sorted({k + 1, k + 2, 2 * k, 3 * k, 100 * k, 100000}):
        x = floats(2, n)
        x[:, 0] = 2 * math.sqrt(n)
        given = x.max(1) - run(statistical, f"dynamic_{k}_shift", x).max(1).astype(np.float64)
        np.testing.assert_allclose(given, x.max(1) - above(x, k).max(1), rtol=1e-6, atol=1e-6 * x.max())


def test_statistical_topk_of_odd_rows(statistical):
    """NaN reaches every element or stays visible; of equal elements none stands out."""
    x = floats(2, 300)
    x[0, 7] = NAN
    shifted, masked = (run(statistical, f"dynamic_5_{kind}", x) for kind in ("shift", "mask"))
    assert np.isnan(shifted[0]).all() and not np.isnan(shifted[1]).any()
    assert np.isnan(masked[0, 7]) and not np.isnan(masked[1]).any()
    constant = np.full((2, 300), 4, np.float32)
    assert (run(statistical, "dynamic_5_shift", constant) == 0).all()
    assert (run(statistical, "dynamic_5_mask", constant) == 0).all()


def test_count_error(statistical, compiled):
    """How many of n Gaussian elements survive against the k asked for; the printed table is what dialects/README.md quotes."""
    sizes = [256, 1024, 4096, 13824, 32768, 131072]
    shares = [0.02, 0.08, 0.25]
    counts = {(n, share): round(n * share) for n in sizes for share in shares}
    text = "\n".join(topk_entry(f"n{n}_k{k}", ["64", str(n)], k, "shift") for (n, _), k in counts.items())
    model = compiled(text)
    print(f"\nseed {SEED}, 64 rows each: mean and largest |survivors - k| / k")
    for n in sizes:
        x = np.random.default_rng(SEED + n).standard_normal((64, n)).astype(np.float32)
        line = f"n {n:6d}"
        for share in shares:
            k = counts[n, share]
            errors = np.abs((run(model, f"n{n}_k{k}", x) > 0).sum(1) - k) / k
            line += f"   k {k:5d}: {errors.mean():6.2%} {errors.max():6.2%}"
            assert errors.mean() < 4 * math.sqrt(1 / k)
        print(line)



WIDTH, NEURONS, FIRST, RANK = 12, 60, 5, 16
ACTIVATIONS = {
    "gelu_tanh": lambda x: 0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))),
    "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
    "relu2": lambda x: np.maximum(x, 0) ** 2,
    "silu": lambda x: x / (1 + np.exp(-x)),
}
# name: activation, predictor, gated, k, granularity, mask
BLOCKS = {
    "spark": ("gelu_tanh", "first_dims", True, 9, 1, False),
    "spark_mask": ("gelu_tanh", "first_dims", True, 9, 1, True),
    "spark_sigmoid": ("sigmoid", "first_dims", True, 20, 1, False),
    "spark_all": ("gelu_tanh", "first_dims", True, 60, 1, False),
    "spark_none": ("gelu_tanh", "first_dims", True, 0, 1, False),
    "gate": ("gelu_tanh", "gate", True, 9, 1, False),
    "gate_blocks": ("silu", "gate", True, 4, 5, True),
    "up_alone": ("relu2", "gate", False, 9, 1, True),
    "router": ("silu", "router", False, 3, 6, True),
    "router_gated": ("silu", "router", True, 20, 1, True),
    "low_rank": ("gelu_tanh", "low_rank", True, 15, 1, True),
    "dense": ("silu", "none", True, None, 1, False),
    "dense_up": ("relu2", "none", False, None, 1, False),
}


def block_weights(name):
    own = np.random.default_rng([SEED, list(BLOCKS).index(name)])

    def floats(*shape):
        return own.standard_normal(shape).astype(np.float32)

    _, predictor, gated, _, granularity, _ = BLOCKS[name]
    first = FIRST if predictor == "first_dims" else 0
    blocks = NEURONS // granularity
    weights = {"router": [floats(blocks, WIDTH)], "low_rank": [floats(RANK, WIDTH), floats(blocks, RANK)]}.get(predictor, [])
    if gated:
        weights.append(floats(NEURONS, first or WIDTH))
    return [*weights, floats(NEURONS, WIDTH - first), floats(WIDTH, NEURONS)]


def block_entry(name, weights):
    activation, predictor, gated, k, granularity, mask = BLOCKS[name]
    types = [f"tensor<{array.shape[0]}x{array.shape[1]}xf32>" for array in weights]
    arguments = ", ".join(f"%w{i}: {type_}" for i, type_ in enumerate(types))
    own = len(weights) - 2 - gated
    text = f"{activation} {predictor}" + (f"({FIRST})" if predictor == "first_dims" else "") + " %x"
    text += (" by " + ", ".join(f"%w{i}" for i in range(own))) if own else ""
    text += f" gate %w{own}" if gated else ""
    text += f" up %w{len(weights) - 2} down %w{len(weights) - 1}" + (f" topk({k})" if k is not None else "")
    text += (f" granularity({granularity})" if granularity > 1 else "") + (" mask" if mask else "")
    results = f"(tensor<?x{WIDTH}xf32>, tensor<?xi64>)"
    return f"""func.func @{name}(%x: tensor<?x{WIDTH}xf32>, {arguments}) -> {results} {{
      %y, %n = thresh.sparse_ffn {text} : (tensor<?x{WIDTH}xf32>, {", ".join(types)}) -> {results}
      return %y, %n : tensor<?x{WIDTH}xf32>, tensor<?xi64>
    }}"""


def feed_forward(name, x, weights):
    activation, predictor, gated, k, granularity, mask = BLOCKS[name]
    x, weights = x.astype(np.float64), [array.astype(np.float64) for array in weights]
    act, first = ACTIVATIONS[activation], FIRST if predictor == "first_dims" else 0
    down, up = weights[-1], x[:, first:] @ weights[-2].T
    values = (x[:, :first] if first else x) @ weights[-3].T if gated else up
    scores = {
        "router": lambda: x @ weights[0].T,
        "low_rank": lambda: np.maximum(x @ weights[0].T, 0) @ weights[1].T,
    }.get(predictor, lambda: values.reshape(len(x), -1, granularity).max(2))()
    active = np.ones(values.shape, bool)
    if k is not None and k < scores.shape[1]:
        rest = above(scores, k) if k else np.full(scores.shape, -1.0)
        assert (np.abs(rest) > 1e-5).all()
        active = np.repeat(rest > 0, granularity, axis=1)
        values = values if mask else np.maximum(rest, 0)
    inner = np.where(active, act(values) * (up if gated else 1), 0)
    return inner @ down.T, active.sum(1)


@pytest.fixture(scope="session")
def blocks(compiled):
    weights = {name: block_weights(name) for name in BLOCKS}
    return weights, compiled("\n".join(block_entry(name, weights[name]) for name in BLOCKS))


@pytest.mark.parametrize("name", BLOCKS)
def test_sparse_ffn(blocks, name):
    print(f"seed {SEED}")
    weights, model = blocks
    for rows in (1, 7):
        x = floats(rows, WIDTH)
        expected, survivors = feed_forward(name, x, weights[name])
        given, counts = run(model, name, x, *weights[name])
        assert (counts == survivors).all()
        np.testing.assert_allclose(given, expected, rtol=0, atol=1e-5 * max(np.abs(expected).max(), 1))



# name: partial, k, softplus, cap, window, exact, unbiased; heads 4 on 2, width 8, values of width 6, scale 0.5
ATTENTIONS = {
    "spark": (4, 5, True, 3.0, 0, False, False),
    "window": (4, 5, True, 3.0, 9, False, False),
    "unbiased": (2, 5, True, None, 0, False, True),
    "exact": (4, 5, True, 3.0, 0, True, False),
    "plain": (4, 5, False, 3.0, 0, False, False),
    "whole_key": (8, 5, False, None, 12, False, False),
    "whole_key_exact": (8, 3, False, None, 0, True, False),
    "one": (4, 1, True, None, 0, False, False),
    "all": (4, None, True, 3.0, 0, False, False),
    "dense": (8, None, False, None, 6, False, False),
    "k_is_window": (4, 6, True, None, 6, False, False),
}


def attention_entry(name):
    """Queries and keys come in parts: the first dimensions, then the others if there are any."""
    partial, k, softplus, cap, window, exact, unbiased = ATTENTIONS[name]
    text = (f"topk({k})" if k else "") + " exact" * exact + " unbiased" * unbiased + " scale(0.5)"
    text += " softplus(0.25)" * softplus + (f" cap({cap})" if cap else "") + (f" window({window})" if window else "")
    widths = [partial, 8 - partial][: 1 + (partial < 8)]
    queries = {f"%q{part}": f"tensor<?x4x{width}xf32>" for part, width in enumerate(widths)}
    keys = {f"%k{part}": f"tensor<?x2x{width}xf32>" for part, width in enumerate(widths)}
    operands = {**queries, **keys, "%v": "tensor<?x2x6xf32>"}
    results = "(tensor<?x4x6xf32>, tensor<?x4xi64>)"
    arguments = ", ".join(f"{operand}: {type_}" for operand, type_ in operands.items())
    return f"""func.func @{name}({arguments}, %at: tensor<i64>) -> {results} {{
      %scalar = tensor.extract %at[] : tensor<i64>
      %p = arith.index_cast %scalar : i64 to index
      %y, %n = thresh.topk_attention {" rest ".join(queries)} key {" rest ".join(keys)} value %v at %p {text}
        : ({", ".join(operands.values())}, index) -> {results}
      return %y, %n : tensor<?x4x6xf32>, tensor<?x4xi64>
    }}"""


def run_attention(model, name, query, key, value, position):
    partial = ATTENTIONS[name][0]
    parts = [part for array in (query, key) for part in (array[..., :partial], array[..., partial:]) if part.shape[-1]]
    return run(model, name, *parts, value, np.int64(position))


def attention(name, query, key, value, position):
    partial, k, softplus, cap, window, exact, unbiased = ATTENTIONS[name]
    query, key, value = (array.astype(np.float64) for array in (query, key, value))
    result, counts = np.zeros((len(query), 4, 6)), np.zeros((len(query), 4), int)
    bound = (lambda s: cap * np.tanh(s / cap)) if cap else (lambda s: s)
    for row, head in np.ndindex(len(query), 4):
        end = position + row + 1
        keys = key[max(0, end - window) if window else 0 : end, head // 2]
        values = value[max(0, end - window) if window else 0 : end, head // 2]
        q = query[row, head]
        scores = bound(keys[:, :partial] @ q[:partial] * 0.5)
        chosen = np.ones(len(scores), bool)
        if k and k < len(scores):
            theta = np.sort(scores)[-k]
            if not exact:
                theta = scores.mean() + scores.std(ddof=int(unbiased)) * NormalDist().inv_cdf(1 - k / len(scores))
                theta = min(theta, scores.max())
            chosen = scores >= theta
        full = scores if softplus else bound(keys @ q * 0.5)
        weights = np.where(chosen, np.exp(full - full[chosen].max()), 0)
        weights /= weights.sum()
        if softplus:
            weights = weights * np.logaddexp(0, keys[:, partial:] @ q[partial:] * 0.25)
        result[row, head], counts[row, head] = weights @ values, chosen.sum()
    return result, counts


@pytest.fixture(scope="session")
def attentions(compiled):
    return compiled("\n".join(attention_entry(name) for name in ATTENTIONS))


@pytest.mark.parametrize("name", ATTENTIONS)
def test_topk_attention(attentions, name):
    print(f"seed {SEED}")
    for rows, position in ((1, 0), (1, 4), (1, 5), (1, 6), (1, 40), (17, 0), (9, 11)):
        length = rows + position
        query, key, value = floats(rows, 4, 8), floats(length, 2, 8), floats(length, 2, 6)
        expected, counts = attention(name, query, key, value, position)
        given, survivors = run_attention(attentions, name, query, key, value, position)
        assert (survivors == counts).all()
        np.testing.assert_allclose(given, expected, rtol=0, atol=1e-5)


def test_topk_attention_of_equal_keys(attentions):
    """Nothing stands out: all are kept, and the weights are equal."""
    query, key, value = np.zeros((1, 4, 8), np.float32), floats(30, 2, 8), floats(30, 2, 6)
    given, survivors = run_attention(attentions, "plain", query, key, value, 29)
    assert (survivors == 30).all()
    np.testing.assert_allclose(given[0, ::2], value.mean(0), rtol=0, atol=1e-5)


def test_the_greatest_key_always_survives(attentions):
    """Half of the scores are 1 and half are -1: theta = 0 + 1 * Q lies above both."""
    key = np.ones((40, 2, 8), np.float32)
    key[::2] = -1
    query = np.full((1, 4, 8), 0.5, np.float32)
    _, survivors = run_attention(attentions, "spark", query, key, floats(40, 2, 6), 39)
    assert (survivors == 20).all()



# name: n, k, suffix, buckets, kept
TOPKS = {
    "exact": (50, 7, "", 1, 50),
    "none": (50, 0, "", 1, 50),
    "sorted": (9, 9, "", 1, 9),
    "two_stages": (60, 8, " recall(0.9) buckets(12) kept(2)", 12, 2),
    "half_recall": (64, 16, " recall(0.5) buckets(16) kept(1)", 16, 1),
}


def topk(x, k, buckets, kept):
    """Of equal elements the first; NaN is greatest."""
    nan = np.isnan(x)
    order = sorted(range(len(x)), key=lambda i: (not nan[i], 0 if nan[i] else -x[i], i))
    taken, chosen = [0] * buckets, []
    for i in order:
        if taken[i % buckets] < kept:
            taken[i % buckets] += 1
            chosen.append(i)
    return np.array(chosen[:k], np.int64)


@pytest.fixture(scope="session")
def topks(compiled):
    entry = """func.func @{0}(%x: tensor<?x2x{1}xf32>) -> (tensor<?x2x{2}xf32>, tensor<?x2x{2}xi64>) {{
      %v, %i = thresh.topk %x k({2}){3} : tensor<?x2x{1}xf32> -> tensor<?x2x{2}xf32>, tensor<?x2x{2}xi64>
      return %v, %i : tensor<?x2x{2}xf32>, tensor<?x2x{2}xi64>
    }}"""
    return compiled("\n".join(entry.format(name, n, k, suffix) for name, (n, k, suffix, _, _) in TOPKS.items()))


@pytest.mark.parametrize("name", TOPKS)
def test_topk(topks, name):
    print(f"seed {SEED}")
    n, k, _, buckets, kept = TOPKS[name]
    x = floats(3, 2, n)
    x[1] = np.round(x[1])
    x[2, 0, n // 2], x[2, 0, 3], x[2, 1, 1] = NAN, NAN, np.inf
    values, indices = run(topks, name, x)
    expected = np.array([[topk(x[i, j], k, buckets, kept) for j in range(2)] for i in range(3)], np.int64).reshape(3, 2, k)
    assert (indices == expected).all()
    np.testing.assert_array_equal(values, np.take_along_axis(x, expected, 2))
