"""Every graph op, lowered by -convert-thresh-to-linalg and run by upstream's loops, against numpy in float64."""

import subprocess
import sys

import numpy as np
import pytest

from lowered import ELEMENT_TYPES, call, compile_module, tensor_type

random = np.random.default_rng(7)
NAN, INF = np.nan, np.inf


def floats(*shape, dtype=np.float32):
    return random.standard_normal(shape).astype(dtype)


def integers(*shape, low=-9, high=10, dtype=np.int32):
    return random.integers(low, high, shape, dtype=dtype)


class Case:
    """One function: `text` is its body up to %r, with {0}, {1}.. for the argument types and {r} for the result's."""

    def __init__(self, name, text, inputs, expected, dynamic=None, dynamic_result=(), dims=None):
        self.name, self.inputs = name, [np.array(array, order="C") for array in inputs]
        self.expected = np.asarray(expected)
        dynamic = dynamic or [()] * len(inputs)
        types = [tensor_type(array, dyn) for array, dyn in zip(self.inputs, dynamic)]
        result = tensor_type(self.expected, dynamic_result)
        attributes = [f" {{thresh.dims = {names}}}" for names in dims] if dims else [""] * len(types)
        arguments = ", ".join(f"%{i}: {type}{attr}" for i, (type, attr) in enumerate(zip(types, attributes)))
        self.source = (
            f"func.func @{name}({arguments}) -> {result} attributes {{llvm.emit_c_interface}} {{\n"
            + "\n".join("  " + line.strip() for line in text.format(*types, r=result).strip().splitlines())
            + f"\n  return %r : {result}\n}}\n"
        )

    def tolerance(self):
        return {"f16": 2e-3, "f32": 2e-6, "f64": 1e-13}.get(ELEMENT_TYPES[self.expected.dtype], 0)


def sizes(tensor, *dims):
    """Lines that define %d<dim> as extents of an argument."""
    lines = [f"%k{dim} = arith.constant {dim} : index\n%d{dim} = tensor.dim %{tensor}, %k{dim} : {{{tensor}}}" for dim in dims]
    return "\n".join(lines) + "\n"


def broadcasts():
    row, column, scalar, cube = floats(4), floats(3, 1), floats(), floats(2, 1, 4)
    target = floats(2, 3, 4)
    text = "%r = thresh.broadcast %0 to [] : {0} to {r}"
    for name, array in [("row", row), ("column", column), ("scalar", scalar), ("cube", cube), ("same", target)]:
        yield Case(f"broadcast_{name}", text, [array], np.broadcast_to(array, (2, 3, 4)))
    like = sizes(1, 0, 1, 2) + "%r = thresh.broadcast %0 to [%d0, %d1, %d2] : {0} to {r}"
    everywhere = (0, 1, 2)
    for name, array in [("one", cube), ("full", target), ("units", floats(1, 1, 1))]:
        yield Case(f"broadcast_dynamic_{name}", like, [array, target], np.broadcast_to(array, (2, 3, 4)),
                   [everywhere, everywhere], everywhere)
    mixed = sizes(1, 0) + "%r = thresh.broadcast %0 to [%d0] : {0} to {r}"
    yield Case("broadcast_dynamic_mixed", mixed, [cube, target], np.broadcast_to(cube, (2, 3, 4)), [(0,), (0,)], (0,))
    expanded = """%u = thresh.reshape %0 to [] : {0} to tensor<2x1x4xf32>
                  %r = thresh.broadcast %u to [] : tensor<2x1x4xf32> to {r}"""
    matrix = floats(2, 4)
    yield Case("broadcast_of_unsqueezed", expanded, [matrix], np.broadcast_to(matrix[:, None], (2, 3, 4)))


def reshapes():
    x = floats(2, 3, 4)
    for shape in [(24,), (6, 4), (2, 12), (4, 6), (3, 8), (2, 3, 2, 2), (1, 2, 3, 1, 4, 1), (8, 3), (1, 24, 1)]:
        name = "reshape_" + "x".join(map(str, shape))
        yield Case(name, "%r = thresh.reshape %0 to [] : {0} to {r}", [x], x.reshape(shape))
    yield Case("reshape_to_scalar", "%r = thresh.reshape %0 to [] : {0} to {r}", [np.full((1, 1), 2, np.float32)],
               np.float32(2))
    yield Case("reshape_from_scalar", "%r = thresh.reshape %0 to [] : {0} to {r}", [np.full((), 3, np.float32)],
               np.full((1, 1), 3, np.float32))
    yield Case("reshape_empty", "%r = thresh.reshape %0 to [] : {0} to {r}", [floats(0, 3)], floats(7, 0))
    split = sizes(0, 0, 1) + "%r = thresh.reshape %0 to [%d0, %d1] : {0} to {r}"
    yield Case("reshape_split", split, [x], x.reshape(2, 3, 2, 2), [(0, 1)], (0, 1))
    merge = sizes(0, 0, 1) + "%n = arith.muli %d0, %d1 : index\n%r = thresh.reshape %0 to [%n] : {0} to {r}"
    yield Case("reshape_merge", merge, [x], x.reshape(6, 4), [(0, 1)], (0,))
    cut = "%two = arith.constant 2 : index\n%r = thresh.reshape %0 to [%two, %two] : {0} to {r}"
    yield Case("reshape_cut", cut, [x], x.reshape(2, 3, 2, 2), [(0, 1)], (0, 2))
    mix = "%e = arith.constant 8 : index\n%t = arith.constant 3 : index\n%r = thresh.reshape %0 to [%e, %t] : {0} to {r}"
    yield Case("reshape_unrelated", mix, [x], x.reshape(8, 3), [(0, 1, 2)], (0, 1))
    yield Case("reshape_dynamic_to_static", "%r = thresh.reshape %0 to [] : {0} to {r}", [x], x.reshape(8, 3), [(0, 2)])
    yield Case("reshape_dynamic_to_scalar", "%r = thresh.reshape %0 to [] : {0} to {r}", [np.full((1, 1), 5, np.float32)],
               np.float32(5), [(0, 1)])


def transposes():
    x = floats(2, 3, 4)
    for permutation in [(0, 1, 2), (0, 2, 1), (2, 0, 1), (1, 2, 0), (2, 1, 0)]:
        text = f"%r = thresh.transpose %0 {list(permutation)} : {{0}} -> {{r}}"
        yield Case("transpose_" + "".join(map(str, permutation)), text, [x], x.transpose(permutation), [(0, 2)],
                   tuple(d for d in range(3) if permutation[d] in (0, 2)))


def matmuls():
    text, transposed = "%r = thresh.matmul %0, %1 : {0}, {1} -> {r}", "%r = thresh.matmul %0, %1 {{transpose_rhs}} : {0}, {1} -> {r}"
    for dtype in (np.float16, np.float32, np.float64):
        a, b, c = floats(2, 3, 5, dtype=dtype), floats(2, 5, 4, dtype=dtype), floats(5, 4, dtype=dtype)
        exact = lambda x, y: np.matmul(x.astype(np.float64), y.astype(np.float64)).astype(dtype)
        name = np.dtype(dtype).name
        yield Case(f"matmul_{name}", text, [a[0], c], exact(a[0], c))
        yield Case(f"matmul_batched_{name}", text, [a, b], exact(a, b), [(0, 1), (0,)], (0, 1))
        yield Case(f"matmul_shared_{name}", text, [a, c], exact(a, c), [(0, 1), ()], (0, 1))
        yield Case(f"matmul_transposed_{name}", transposed, [a, np.swapaxes(b, 1, 2)], exact(a, b))
    i, j = integers(3, 5), integers(5, 4)
    yield Case("matmul_int32", text, [i, j], i @ j)
    yield Case("matmul_empty_contraction", text, [floats(3, 0), floats(0, 4)], np.zeros((3, 4), np.float32))


def softmax(x, axis, log=False):
    x = x.astype(np.float64)
    with np.errstate(invalid="ignore"):
        centred = x - x.max(axis, keepdims=True)
        total = np.exp(centred).sum(axis, keepdims=True)
        return centred - np.log(total) if log else np.exp(centred) / total


def normalisations():
    special = np.array([[1, 2, -INF, 3], [-INF] * 4, [1, NAN, 2, 3], [INF, 1, 2, 3], [1e4, -1e4, 9999, 0]], np.float32)
    for name, x in [("plain", floats(2, 3, 4)), ("half", floats(2, 3, 4, dtype=np.float16)), ("special", special)]:
        for axis in range(x.ndim):
            for log in (False, True):
                text = f"%r = thresh.softmax %0 dimension({axis}) {'log' if log else ''} : {{0}} -> {{r}}"
                yield Case(f"softmax_{name}_{axis}_{log}", text, [x], softmax(x, axis, log).astype(x.dtype), [(0,)], (0,))

    def normalise(x, axis, epsilon, centre):
        x = x.astype(np.float64)
        axes = tuple(range(axis, x.ndim))
        x = x - x.mean(axes, keepdims=True) if centre else x
        return x / np.sqrt((x * x).mean(axes, keepdims=True) + epsilon)

    for name, x in [("plain", floats(2, 3, 4)), ("half", floats(2, 3, 4, dtype=np.float16)), ("shifted", floats(2, 3, 4) + 1000)]:
        for axis in range(3):
            scale, bias = floats(*x.shape[axis:], dtype=x.dtype), floats(*x.shape[axis:], dtype=x.dtype)
            dynamic = [(0,), (0,) if axis == 0 else (), (0,) if axis == 0 else ()]
            layer = (normalise(x, axis, 1e-5, True) * scale + bias).astype(x.dtype)
            text = f"%r = thresh.layer_norm %0 scale %1 bias %2 axis({axis}) epsilon(1.0e-5) : ({{0}}, {{1}}, {{2}}) -> {{r}}"
            case = Case(f"layer_norm_{name}_{axis}", text, [x, scale, bias], layer, dynamic, (0,))
            if name == "shifted":
                case.tolerance = lambda: 5e-4
            yield case
            rms = (normalise(x, axis, 1e-6, False) * scale).astype(x.dtype)
            text = f"%r = thresh.rms_norm %0 scale %1 axis({axis}) epsilon(1.0e-6) : ({{0}}, {{1}}) -> {{r}}"
            yield Case(f"rms_norm_{name}_{axis}", text, [x, scale], rms, dynamic[:2], (0,))
    x, scale = floats(2, 4), floats(4)
    text = "%r = thresh.layer_norm %0 scale %1 axis(1) epsilon(1.0e-5) : ({0}, {1}) -> {r}"
    yield Case("layer_norm_without_bias", text, [x, scale], (normalise(x, 1, 1e-5, True) * scale).astype(np.float32))


def rotate(x, cos, sin, interleaved):
    """Pairs as complex numbers times cos + i sin, in float64."""
    x, turn = x.astype(np.float64), (cos.astype(np.float64) + 1j * sin)[:, None]
    width = 2 * cos.shape[1]
    first, second = (x[..., :width:2], x[..., 1:width:2]) if interleaved else np.split(x[..., :width], 2, axis=-1)
    turned = (first + 1j * second) * turn
    parts = np.stack([turned.real, turned.imag], -1 if interleaved else -2)
    return np.concatenate([parts.reshape(*x.shape[:2], width), x[..., width:]], -1)


def rotations():
    for name, pairs in [("whole", 4), ("part", 3), ("one_pair", 1)]:
        for interleaved in (False, True):
            for dtype in (np.float16, np.float32):
                x, cos, sin = floats(3, 2, 8, dtype=dtype), floats(3, pairs, dtype=dtype), floats(3, pairs, dtype=dtype)
                word = "interleaved" if interleaved else ""
                text = f"%r = thresh.rotary_embedding %0, %1, %2 {word} : ({{0}}, {{1}}, {{2}}) -> {{r}}"
                yield Case(f"rotary_{name}_{word}_{np.dtype(dtype).name}", text, [x, cos, sin],
                           rotate(x, cos, sin, interleaved).astype(dtype), [(0,)] * 3, (0,))


REDUCTIONS = {"sum": np.sum, "prod": np.prod, "max": np.max, "min": np.min, "mean": np.mean, "and": np.all, "or": np.any}


def reduce_text(kind, axes, keep):
    return f"%r = thresh.reduce {kind} %0 dimensions {list(axes)} {'keep' if keep else ''} : {{0}} -> {{r}}"


def reductions():
    arrays = {"float": floats(2, 3, 4), "half": floats(2, 3, 4, dtype=np.float16), "int": integers(2, 3, 4)}
    for name, x in arrays.items():
        for kind in ("sum", "prod", "max", "min", "mean"):
            for axes in [(0,), (1,), (0, 2), (0, 1, 2)]:
                wide = x.astype(np.float64) if name != "int" else x
                expected = np.trunc(x.mean(axes)) if name == "int" and kind == "mean" else REDUCTIONS[kind](wide, axes)
                keep = len(axes) == 2 or kind == "max"
                expected = np.asarray(expected).astype(x.dtype)
                expected = expected.reshape([1 if d in axes else n for d, n in enumerate(x.shape)]) if keep else expected
                result = (() if 1 in axes else (1,)) if keep else (() if 1 in axes else (0 if 0 in axes else 1,))
                yield Case(f"reduce_{kind}_{name}_{''.join(map(str, axes))}", reduce_text(kind, axes, keep), [x],
                           expected, [(1,)], result)
    flags = random.integers(0, 2, (3, 4)).astype(bool)
    flags[0], flags[1] = True, False
    for kind in ("and", "or"):
        yield Case(f"reduce_{kind}", reduce_text(kind, (1,), False), [flags], REDUCTIONS[kind](flags, 1))
    neutral = {"sum": 0, "prod": 1, "max": -INF, "min": INF, "mean": NAN}
    for kind, value in neutral.items():
        yield Case(f"reduce_{kind}_nothing", reduce_text(kind, (1,), False), [floats(2, 0)],
                   np.full(2, value, np.float32), [(1,)])
    integer_neutral = {"max": np.iinfo(np.int32).min, "min": np.iinfo(np.int32).max, "mean": 0}
    for kind, value in integer_neutral.items():
        yield Case(f"reduce_{kind}_no_integers", reduce_text(kind, (0,), False), [integers(0, 2)],
                   np.full(2, value, np.int32), [(0,)])
    with_nan = np.array([[1, NAN, 2], [3, 1, 2]], np.float32)
    for kind in ("max", "min"):
        yield Case(f"reduce_{kind}_nan", reduce_text(kind, (1,), False), [with_nan], REDUCTIONS[kind](with_nan, 1))


def arg_reductions():
    ties = np.array([[1, 3, 3, 0], [2, 2, 2, 2], [-INF] * 4, [1, NAN, 5, NAN], [INF, 1, INF, -INF]], np.float32)
    for kind, numpy in [("max", np.argmax), ("min", np.argmin)]:
        for last in (False, True):
            for keep in (False, True):
                for name, x in [("float", ties), ("int", integers(3, 5, low=0, high=3))]:
                    expected = x.shape[1] - 1 - numpy(x[:, ::-1], 1) if last else numpy(x, 1)
                    expected = expected.astype(np.int64)[:, None] if keep else expected.astype(np.int64)
                    words = ("last " if last else "") + ("keep" if keep else "")
                    text = f"%r = thresh.arg_reduce {kind} %0 dimension(1) {words} : {{0}} -> {{r}}"
                    yield Case(f"arg{kind}_{name}_{last}_{keep}", text, [x], expected, [(0,)], (0,))
    x = floats(4, 3)
    yield Case("argmax_outer", "%r = thresh.arg_reduce max %0 dimension(0) : {0} -> {r}", [x], x.argmax(0))


def gathers():
    x = floats(3, 5, 4)
    for axis in range(3):
        extent = x.shape[axis]
        for name, shape in [("scalar", ()), ("row", (6,)), ("grid", (2, 3))]:
            for dtype in (np.int32, np.int64):
                indices = np.asarray(random.integers(-extent, extent, shape), dtype)
                text = f"%r = thresh.gather %0[%1] dimension({axis}) : {{0}}, {{1}} -> {{r}}"
                yield Case(f"gather_{axis}_{name}_{np.dtype(dtype).name}", text, [x, indices], np.take(x, indices, axis))
    text = "%r = thresh.gather %0[%1] dimension(0) : {0}, {1} -> {r}"
    indices = np.array([0, -1, 2, -3], np.int64)
    yield Case("gather_dynamic", text, [x, indices], x[indices], [(0, 1, 2), (0,)], (0, 1, 2))
    yield Case("gather_nothing", text, [x, indices[:0]], x[:0], [(0,), (0,)], (0,))
    yield Case("gather_out_of_range", text, [x, np.array([0, 3], np.int64)], x[:2])
    yield Case("gather_before_range", text, [x, np.array([-4, 0], np.int64)], x[:2])


def quantized_matrix(kind, rows, depth):
    """(codes, scales, q [rows, depth], W [rows, depth]) of random integers, the extremes among them; rows past the last are noise."""
    low, high, zero = {"q8": (-127, 128, 128), "q4": (-8, 8, 8)}[kind]
    panels = -(-rows // 16)
    q = random.integers(low, high, (panels * 16, depth))
    q[0, :32], q[-1, :32] = low, high - 1
    scales = random.uniform(-0.1, 0.1, (panels, depth // 32, 16)).astype(np.float16)
    # [panel, row within it, line, 4 rows of k]
    lines = (q + zero).reshape(panels, 16, depth // 4, 4).transpose(0, 2, 1, 3)
    codes = lines if kind == "q8" else lines[:, 0::2] | lines[:, 1::2] << 4
    scale_of = np.repeat(scales.transpose(0, 2, 1).reshape(panels * 16, -1), 32, 1)
    return codes.astype(np.uint8).view(np.int8), scales, q[:rows], (q * scale_of.astype(np.float64))[:rows]


def quantized():
    for kind in ("q8", "q4"):
        text = f"%r = thresh.quantized_matmul {kind} %0, %1, %2 : {{0}}, {{1}}, {{2}} -> {{r}}"
        for rows, depth in [(1, 32), (16, 64), (40, 96)]:
            codes, scales, q, matrix = quantized_matrix(kind, rows, depth)
            x = floats(3, depth)
            x[1, :32] = 0
            groups = x.reshape(3, -1, 32)
            step = np.abs(groups).max(-1, keepdims=True) / np.float32(127)
            rounded = np.rint(groups / np.where(step == 0, np.float32(1), step)) * step.astype(np.float64)
            yield Case(f"quantized_matmul_{kind}_{rows}", text, [x, codes, scales],
                       (rounded.reshape(3, depth) @ matrix.T).astype(np.float32), [(0,), (), ()], (0,))
        # Integers of steps and scales that are powers of two: every sum is exact, whatever its order.
        codes, scales, q, _ = quantized_matrix(kind, 40, 128)
        x = integers(2, 128, low=-127, high=128).astype(np.float32)
        x[:, ::32] = 127
        exact = Case(f"quantized_matmul_{kind}_exact", text, [x, codes, np.full_like(scales, 0.25)],
                     (x.astype(np.int64) @ q.T * 0.25).astype(np.float32), [(0,), (), ()], (0,))
        exact.tolerance = lambda: 0
        yield exact
        codes, scales, _, matrix = quantized_matrix(kind, 40, 64)
        text = f"%r = thresh.quantized_gather {kind} %1, %2[%0] rows(40) : {{1}}, {{2}}, {{0}} -> {{r}}"
        for name, shape, dtype in [("scalar", (), np.int32), ("row", (6,), np.int64), ("grid", (2, 3), np.int64), ("none", (0,), np.int64)]:
            indices = np.asarray(random.integers(-40, 40, shape), dtype)
            yield Case(f"quantized_gather_{kind}_{name}", text, [indices, codes, scales], matrix[indices].astype(np.float32))
        ends = np.array([0, 39, -1, -40], np.int64)
        yield Case(f"quantized_gather_{kind}_ends", text, [ends, codes, scales], matrix[ends].astype(np.float32), [(0,), (), ()], (0,))
    padding = np.array([0, 40], np.int64)
    yield Case("quantized_gather_padding", text, [padding, codes, scales], matrix[:2].astype(np.float32))


FAMILIES = [broadcasts, reshapes, transposes, matmuls, normalisations, rotations, reductions, arg_reductions, gathers,
            quantized]
CASES = {case.name: case for family in FAMILIES for case in family()}
FAILING = ("gather_out_of_range", "gather_before_range", "quantized_gather_padding")


@pytest.fixture(scope="module")
def library_folder(build, tmp_path_factory):
    folder = tmp_path_factory.mktemp("numerics")
    source = "".join(case.source for case in CASES.values())
    compile_module(build / "bin" / "thresh-opt", source, folder)
    return folder


@pytest.fixture(scope="module")
def library(library_folder):
    import ctypes

    return ctypes.CDLL(library_folder / "module.so")


@pytest.mark.parametrize("name", [name for name in CASES if name not in FAILING])
def test_case(library, name):
    case = CASES[name]
    result = call(library, name, case.inputs, case.expected.dtype, case.expected.ndim)
    assert result.shape == case.expected.shape
    np.testing.assert_allclose(result.astype(np.float64), case.expected.astype(np.float64), rtol=case.tolerance(),
                               atol=case.tolerance())


@pytest.mark.parametrize("name", FAILING)
def test_failing_check(library_folder, name):
    """An index out of range ends the run before anything is read."""
    program = (
        f"import ctypes, sys; sys.path[:0] = {sys.path!r}; from test_numerics import CASES, call; c = CASES[{name!r}]; "
        f"call(ctypes.CDLL({str(library_folder / 'module.so')!r}), {name!r}, c.inputs, c.expected.dtype, c.expected.ndim)"
    )
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert result.returncode < 0
    assert "is outside a dimension of extent" in result.stdout + result.stderr
