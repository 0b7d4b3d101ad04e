"""Cases of test_values.py: functions of the graph stage, inputs for them, and what numpy makes of them."""

import math

import numpy as np

SEED = 11
random = np.random.default_rng(SEED)

TYPES = {
    "f16": np.float16,
    "f32": np.float32,
    "f64": np.float64,
    "i8": np.int8,
    "i16": np.int16,
    "i32": np.int32,
    "i64": np.int64,
    "i1": np.bool_,
}
TOLERANCE = {np.dtype(np.float16): 2e-3, np.dtype(np.float32): 3e-6, np.dtype(np.float64): 1e-13}


class Case:
    """One entry point: `text` is what follows `func.func @name`; `expected` are its outputs in order."""

    def __init__(self, name, text, inputs, *expected):
        self.name, self.text = name, text
        self.inputs = [np.asarray(array, order="C") for array in inputs]
        self.expected = [np.asarray(array) for array in expected]


def floats(*shape, dtype=np.float32):
    return np.asarray(random.standard_normal(shape)).astype(dtype)


def integers(*shape, low=-100, high=100, dtype=np.int32):
    return np.asarray(random.integers(low, high, shape)).astype(dtype)


def interface():
    """What goes in and out unchanged, twice, or not at all."""
    x, y = floats(3, 4), floats(5)
    yield Case("identity", "(%x: tensor<?x4xf32>) -> tensor<?x4xf32> { return %x : tensor<?x4xf32> }", [x], x)
    yield Case(
        "input_twice",
        "(%x: tensor<?x4xf32>) -> (tensor<?x4xf32>, tensor<?x4xf32>) { return %x, %x : tensor<?x4xf32>, tensor<?x4xf32> }",
        [x], x, x,
    )
    yield Case(
        "result_twice",
        """(%x: tensor<?x4xf32>) -> (tensor<?x4xf32>, tensor<?x4xf32>) {
          %y = arith.negf %x : tensor<?x4xf32>
          return %y, %y : tensor<?x4xf32>, tensor<?x4xf32>
        }""",
        [x], -x, -x,
    )
    yield Case(
        "unused_input",
        """(%x: tensor<?x4xf32>, %unused: tensor<?xf32>) -> tensor<?x4xf32> {
          %y = arith.addf %x, %x : tensor<?x4xf32>
          return %y : tensor<?x4xf32>
        }""",
        [x, y], x + x,
    )
    yield Case(
        "only_constants",
        """() -> (tensor<2xf32>, tensor<3xi64>, tensor<i1>) {
          %a = arith.constant dense<[1.5, -2.0]> : tensor<2xf32>
          %b = arith.constant dense<7> : tensor<3xi64>
          %c = arith.constant dense<true> : tensor<i1>
          return %a, %b, %c : tensor<2xf32>, tensor<3xi64>, tensor<i1>
        }""",
        [], np.array([1.5, -2], np.float32), np.full(3, 7), np.array(True),
    )
    yield Case(
        "result_and_its_use",
        """(%x: tensor<?x4xf32>) -> (tensor<?x4xf32>, tensor<?xf32>) {
          %y = arith.mulf %x, %x : tensor<?x4xf32>
          %s = thresh.reduce sum %y dimensions [1] : tensor<?x4xf32> -> tensor<?xf32>
          return %y, %s : tensor<?x4xf32>, tensor<?xf32>
        }""",
        [x], x * x, (x * x).sum(1),
    )
    yield Case(
        "view_of_input",
        """(%x: tensor<3x4xf32>) -> (tensor<12xf32>, tensor<2x2xf32>) {
          %r = thresh.reshape %x to [] : tensor<3x4xf32> to tensor<12xf32>
          %s = tensor.extract_slice %x[1, 2] [2, 2] [1, 1] : tensor<3x4xf32> to tensor<2x2xf32>
          return %r, %s : tensor<12xf32>, tensor<2x2xf32>
        }""",
        [x], x.reshape(12), x[1:, 2:],
    )
    yield Case(
        "result_and_its_view",
        """(%x: tensor<3x4xf32>) -> (tensor<3x4xf32>, tensor<2x6xf32>) {
          %y = arith.addf %x, %x : tensor<3x4xf32>
          %r = thresh.reshape %y to [] : tensor<3x4xf32> to tensor<2x6xf32>
          return %y, %r : tensor<3x4xf32>, tensor<2x6xf32>
        }""",
        [x], x + x, (x + x).reshape(2, 6),
    )


def ranks():
    """Rank 0, rank 8, and extents of 0 and 1."""
    a, b, deep = floats(), floats(), floats(2, 1, 3, 2, 1, 2, 2, 3)
    yield Case(
        "scalars",
        "(%a: tensor<f32>, %b: tensor<f32>) -> tensor<f32> { %c = arith.divf %a, %b : tensor<f32> return %c : tensor<f32> }",
        [a, b], a / b,
    )
    yield Case(
        "scalar_to_matrix",
        """(%a: tensor<f32>, %x: tensor<?x?xf32>) -> tensor<?x?xf32> {
          %c0 = arith.constant 0 : index
          %c1 = arith.constant 1 : index
          %m = tensor.dim %x, %c0 : tensor<?x?xf32>
          %n = tensor.dim %x, %c1 : tensor<?x?xf32>
          %w = thresh.broadcast %a to [%m, %n] : tensor<f32> to tensor<?x?xf32>
          %y = arith.mulf %x, %w : tensor<?x?xf32>
          return %y : tensor<?x?xf32>
        }""",
        [a, deep.reshape(12, 12)], deep.reshape(12, 12) * a,
    )
    yield Case(
        "rank8",
        """(%x: tensor<2x1x3x?x1x2x2x3xf32>) -> tensor<3x2x2x1x2x?x1x3xf32> {
          %t = thresh.transpose %x [7, 6, 5, 4, 0, 3, 1, 2] : tensor<2x1x3x?x1x2x2x3xf32> -> tensor<3x2x2x1x2x?x1x3xf32>
          %y = math.absf %t : tensor<3x2x2x1x2x?x1x3xf32>
          return %y : tensor<3x2x2x1x2x?x1x3xf32>
        }""",
        [deep], np.abs(deep.transpose(7, 6, 5, 4, 0, 3, 1, 2)),
    )
    empty = floats(0, 4)
    yield Case(
        "empty",
        """(%x: tensor<?x4xf32>, %z: tensor<0x4xf32>) -> (tensor<?x4xf32>, tensor<0x4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<?xf32>) {
          %y = math.exp %x : tensor<?x4xf32>
          %w = math.exp %z : tensor<0x4xf32>
          %s = thresh.reduce sum %x dimensions [0] : tensor<?x4xf32> -> tensor<4xf32>
          %t = thresh.reduce max %z dimensions [0] : tensor<0x4xf32> -> tensor<4xf32>
          %r = thresh.reduce sum %x dimensions [1] : tensor<?x4xf32> -> tensor<?xf32>
          return %y, %w, %s, %t, %r : tensor<?x4xf32>, tensor<0x4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<?xf32>
        }""",
        [empty, empty], empty, empty, np.zeros(4, np.float32), np.full(4, -np.inf, np.float32), np.zeros(0, np.float32),
    )
    yield Case(
        "matmul_of_nothing",
        """(%a: tensor<?x?xf32>, %b: tensor<?x8xf32>) -> (tensor<?x8xf32>) {
          %c = thresh.matmul %a, %b : tensor<?x?xf32>, tensor<?x8xf32> -> tensor<?x8xf32>
          return %c : tensor<?x8xf32>
        }""",
        [floats(3, 0), floats(0, 8)], np.zeros((3, 8), np.float32),
    )
    rows = floats(0, 5)
    yield Case(
        "rows_of_nothing",
        """(%x: tensor<?x5xf32>, %g: tensor<5xf32>, %w: tensor<5x24xf32>) -> (tensor<?x5xf32>, tensor<?x5xf32>, tensor<?x24xf32>, tensor<?xi64>) {
          %s = thresh.softmax %x dimension(1) : tensor<?x5xf32> -> tensor<?x5xf32>
          %n = thresh.layer_norm %x scale %g axis(1) epsilon(1.0e-5) : (tensor<?x5xf32>, tensor<5xf32>) -> tensor<?x5xf32>
          %m = thresh.matmul %x, %w : tensor<?x5xf32>, tensor<5x24xf32> -> tensor<?x24xf32>
          %a = thresh.arg_reduce max %x dimension(1) : tensor<?x5xf32> -> tensor<?xi64>
          return %s, %n, %m, %a : tensor<?x5xf32>, tensor<?x5xf32>, tensor<?x24xf32>, tensor<?xi64>
        }""",
        [rows, floats(5), floats(5, 24)], rows, rows, floats(0, 24), np.zeros(0, np.int64),
    )


def arithmetic():
    """Every element type through a few ops; integers wrap."""
    for name, dtype in TYPES.items():
        if name == "i1":
            a, b = integers(37, low=0, high=2) == 1, integers(37, low=0, high=2) == 1
            ops, results = ["arith.andi", "arith.ori", "arith.xori"], [a & b, a | b, a ^ b]
        elif name.startswith("f"):
            a, b = floats(37, dtype=dtype), floats(37, dtype=dtype)
            ops = ["arith.addf", "arith.subf", "arith.mulf", "arith.divf", "arith.maximumf"]
            results = [a + b, a - b, a * b, a / b, np.maximum(a, b)]
        else:
            a, b = integers(37, low=-128, high=128, dtype=dtype), integers(37, low=1, high=100, dtype=dtype)
            ops = ["arith.addi", "arith.muli", "arith.divsi", "arith.remsi", "arith.minsi", "arith.shli"]
            shift = np.left_shift(a, np.minimum(b, 3))
            quotient = (np.sign(a).astype(np.int64) * (np.abs(a.astype(np.int64)) // b)).astype(dtype)
            results = [a + b, a * b, quotient, np.fmod(a, b), np.minimum(a, b), shift]
        lines, types = [], ", ".join(f"tensor<?x{name}>" for _ in ops)
        for index, op in enumerate(ops):
            right = "%b"
            if op == "arith.shli":
                lines.append(f"%c = arith.constant 3 : index %n = arith.constant 0 : index %d = tensor.dim %a, %n : tensor<?x{name}>")
                lines.append(f"%three = arith.constant dense<3> : tensor<{name}>")
                lines.append(f"%wide = thresh.broadcast %three to [%d] : tensor<{name}> to tensor<?x{name}>")
                lines.append(f"%least = arith.minsi %b, %wide : tensor<?x{name}>")
                right = "%least"
            lines.append(f"%r{index} = {op} %a, {right} : tensor<?x{name}>")
        returned = ", ".join(f"%r{index}" for index in range(len(ops)))
        body = "\n".join(lines)
        yield Case(
            f"arithmetic_{name}",
            f"(%a: tensor<?x{name}>, %b: tensor<?x{name}>) -> ({types}) {{\n{body}\nreturn {returned} : {types} }}",
            [a, b], *results,
        )
    u8, v8 = integers(40, low=0, high=256, dtype=np.uint8), integers(40, low=1, high=256, dtype=np.uint8)
    yield Case(
        "unsigned",
        """(%a: tensor<?xi8> {thresh.dtype = "u8"}, %b: tensor<?xi8> {thresh.dtype = "u8"})
            -> (tensor<?xi8> {thresh.dtype = "u8"}, tensor<?xi8> {thresh.dtype = "u8"}, tensor<?xi1>, tensor<?xf32>, tensor<?xi32>) {
          %q = arith.divui %a, %b : tensor<?xi8>
          %m = arith.maxui %a, %b : tensor<?xi8>
          %l = arith.cmpi ult, %a, %b : tensor<?xi8>
          %f = arith.uitofp %a : tensor<?xi8> to tensor<?xf32>
          %i = arith.extui %b : tensor<?xi8> to tensor<?xi32>
          return %q, %m, %l, %f, %i : tensor<?xi8>, tensor<?xi8>, tensor<?xi1>, tensor<?xf32>, tensor<?xi32>
        }""",
        [u8, v8], u8 // v8, np.maximum(u8, v8), u8 < v8, u8.astype(np.float32), v8.astype(np.int32),
    )
    mask, x = integers(40, low=0, high=2) == 1, floats(40)
    x[3], x[7] = np.nan, 0
    with np.errstate(invalid="ignore"):
        yield Case(
            "booleans",
            """(%p: tensor<?xi1>, %x: tensor<?xf32>) -> (tensor<?xf32>, tensor<?xi1>, tensor<?xi64>, tensor<?xi64>, tensor<?xi1>, tensor<?xf32>) {
              %f = arith.uitofp %p : tensor<?xi1> to tensor<?xf32>
              %z = arith.constant dense<0.0> : tensor<f32>
              %c0 = arith.constant 0 : index
              %n = tensor.dim %x, %c0 : tensor<?xf32>
              %zeros = thresh.broadcast %z to [%n] : tensor<f32> to tensor<?xf32>
              %t = arith.cmpf ugt, %x, %zeros : tensor<?xf32>
              %u = arith.extui %p : tensor<?xi1> to tensor<?xi64>
              %s = arith.extsi %p : tensor<?xi1> to tensor<?xi64>
              %e = arith.cmpi ne, %p, %t : tensor<?xi1>
              %w = arith.select %p, %x, %zeros : tensor<?xi1>, tensor<?xf32>
              return %f, %t, %u, %s, %e, %w : tensor<?xf32>, tensor<?xi1>, tensor<?xi64>, tensor<?xi64>, tensor<?xi1>, tensor<?xf32>
            }""",
            [mask, x], mask.astype(np.float32), ~(x <= 0), mask.astype(np.int64), -mask.astype(np.int64),
            mask != ~(x <= 0), np.where(mask, x, np.float32(0)),
        )
    bits = floats(33).view(np.uint32) >> 16 << 16
    brain = (bits >> 16).astype(np.uint16)
    yield Case(
        "bfloat16",
        """(%x: tensor<?xbf16>) -> (tensor<?xf32>, tensor<?xbf16>) {
          %w = arith.extf %x : tensor<?xbf16> to tensor<?xf32>
          %t = arith.truncf %w : tensor<?xf32> to tensor<?xbf16>
          return %w, %t : tensor<?xf32>, tensor<?xbf16>
        }""",
        [brain], bits.view(np.float32), brain,
    )


DIMS = """%c0 = arith.constant 0 : index %c1 = arith.constant 1 : index %c2 = arith.constant 2 : index
          %m = tensor.dim %x, %c0 : tensor<?x?xf32> %n = tensor.dim %x, %c1 : tensor<?x?xf32>"""


def slices():
    """Slices of inputs and of results."""
    x = floats(6, 10)
    yield Case(
        "slices",
        f"""(%x: tensor<?x?xf32>, %y: tensor<6x10xf32>) -> (tensor<?x?xf32>, tensor<3x10xf32>, tensor<2x5xf32>, tensor<10xf32>, tensor<?xf32>) {{
          {DIMS}
          %k = arith.subi %m, %c2 : index
          %a = tensor.extract_slice %x[%c2, 0] [%k, %n] [1, 1] : tensor<?x?xf32> to tensor<?x?xf32>
          %b = tensor.extract_slice %y[0, 0] [3, 10] [1, 1] : tensor<6x10xf32> to tensor<3x10xf32>
          %c = tensor.extract_slice %y[1, 0] [2, 5] [3, 2] : tensor<6x10xf32> to tensor<2x5xf32>
          %d = tensor.extract_slice %y[4, 0] [1, 10] [1, 1] : tensor<6x10xf32> to tensor<10xf32>
          %e = tensor.extract_slice %x[0, 3] [%k, 1] [1, 1] : tensor<?x?xf32> to tensor<?xf32>
          return %a, %b, %c, %d, %e : tensor<?x?xf32>, tensor<3x10xf32>, tensor<2x5xf32>, tensor<10xf32>, tensor<?xf32>
        }}""",
        [x, x], x[2:], x[:3], x[1:5:3, ::2], x[4], x[:4, 3],
    )
    yield Case(
        "slice_of_result",
        f"""(%x: tensor<?x?xf32>) -> (tensor<?x2xf32>) {{
          {DIMS}
          %s = arith.mulf %x, %x : tensor<?x?xf32>
          %a = tensor.extract_slice %s[0, 0] [%m, 2] [1, 1] : tensor<?x?xf32> to tensor<?x2xf32>
          %b = tensor.extract_slice %s[0, 2] [%m, 2] [1, 1] : tensor<?x?xf32> to tensor<?x2xf32>
          %r = arith.subf %a, %b : tensor<?x2xf32>
          return %r : tensor<?x2xf32>
        }}""",
        [x], (x * x)[:, :2] - (x * x)[:, 2:4],
    )


def concatenations():
    """Concatenations and pads, of nothing too."""
    x, y = floats(6, 10), floats(3, 10)
    for name, first in [("both", y), ("left_empty", floats(0, 10))]:
        yield Case(
            f"concat_{name}",
            """(%x: tensor<?x10xf32>, %y: tensor<?x10xf32>) -> tensor<?x10xf32> {
              %c = tensor.concat dim(0) %y, %x, %y : (tensor<?x10xf32>, tensor<?x10xf32>, tensor<?x10xf32>) -> tensor<?x10xf32>
              return %c : tensor<?x10xf32>
            }""",
            [x, first], np.concatenate([first, x, first]),
        )
    nothing = floats(0, 10)
    yield Case(
        "concat_of_empties",
        """(%x: tensor<?x10xf32>, %y: tensor<0x10xf32>) -> (tensor<?x10xf32>, tensor<0x10xf32>, tensor<2x10xf32>) {
          %a = tensor.concat dim(0) %x, %x : (tensor<?x10xf32>, tensor<?x10xf32>) -> tensor<?x10xf32>
          %b = tensor.concat dim(0) %y, %y : (tensor<0x10xf32>, tensor<0x10xf32>) -> tensor<0x10xf32>
          %k = arith.constant dense<2.0> : tensor<2x10xf32>
          %c = tensor.concat dim(0) %y, %k : (tensor<0x10xf32>, tensor<2x10xf32>) -> tensor<2x10xf32>
          return %a, %b, %c : tensor<?x10xf32>, tensor<0x10xf32>, tensor<2x10xf32>
        }""",
        [nothing, nothing], nothing, nothing, np.full((2, 10), 2, np.float32),
    )
    yield Case(
        "concat_columns",
        """(%x: tensor<?x10xf32>) -> tensor<?x22xf32> {
          %a = math.absf %x : tensor<?x10xf32>
          %c0 = arith.constant 0 : index
          %m = tensor.dim %x, %c0 : tensor<?x10xf32>
          %s = tensor.extract_slice %x[0, 4] [%m, 2] [1, 1] : tensor<?x10xf32> to tensor<?x2xf32>
          %c = tensor.concat dim(1) %a, %s, %x : (tensor<?x10xf32>, tensor<?x2xf32>, tensor<?x10xf32>) -> tensor<?x22xf32>
          return %c : tensor<?x22xf32>
        }""",
        [x], np.concatenate([np.abs(x), x[:, 4:6], x], axis=1),
    )
    yield Case(
        "pad",
        """(%x: tensor<?x10xf32>, %z: tensor<0x2xf32>) -> (tensor<?x13xf32>, tensor<3x2xf32>) {
          %v = arith.constant 1.5 : f32
          %a = tensor.pad %x low[1, 0] high[2, 3] {
          ^bb0(%i: index, %j: index):
            tensor.yield %v : f32
          } : tensor<?x10xf32> to tensor<?x13xf32>
          %b = tensor.pad %z low[1, 0] high[2, 0] {
          ^bb0(%i: index, %j: index):
            tensor.yield %v : f32
          } : tensor<0x2xf32> to tensor<3x2xf32>
          return %a, %b : tensor<?x13xf32>, tensor<3x2xf32>
        }""",
        [x, floats(0, 2)], np.pad(x, ((1, 2), (0, 3)), constant_values=1.5), np.full((3, 2), 1.5, np.float32),
    )


def reshapes():
    """Reshapes, broadcasts, computed and repeated elements."""
    x = floats(6, 10)
    yield Case(
        "generate",
        """(%x: tensor<?xi64>, %s: tensor<i64>) -> tensor<?x3xi64> {
          %c0 = arith.constant 0 : index
          %n = tensor.dim %x, %c0 : tensor<?xi64>
          %step = tensor.extract %s[] : tensor<i64>
          %r = tensor.generate %n {
          ^bb0(%i: index, %j: index):
            %a = arith.index_cast %i : index to i64
            %b = arith.muli %a, %step : i64
            %c = arith.index_cast %j : index to i64
            %d = arith.addi %b, %c : i64
            %e = tensor.extract %x[%i] : tensor<?xi64>
            %f = arith.addi %d, %e : i64
            tensor.yield %f : i64
          } : tensor<?x3xi64>
          return %r : tensor<?x3xi64>
        }""",
        [np.array([10, 20]), np.array(5)], np.array([[10, 11, 12], [25, 26, 27]]),
    )
    yield Case(
        "reshapes",
        """(%x: tensor<?x10xf32>) -> tensor<?x5xf32> {
          %c0 = arith.constant 0 : index
          %c2 = arith.constant 2 : index
          %c10 = arith.constant 10 : index
          %m = tensor.dim %x, %c0 : tensor<?x10xf32>
          %all = arith.muli %m, %c10 : index
          %twice = arith.muli %m, %c2 : index
          %a = thresh.reshape %x to [%all] : tensor<?x10xf32> to tensor<?xf32>
          %b = math.absf %a : tensor<?xf32>
          %c = thresh.reshape %b to [%m] : tensor<?xf32> to tensor<2x?x5xf32>
          %d = thresh.transpose %c [1, 0, 2] : tensor<2x?x5xf32> -> tensor<?x2x5xf32>
          %e = thresh.reshape %d to [%twice] : tensor<?x2x5xf32> to tensor<?x5xf32>
          return %e : tensor<?x5xf32>
        }""",
        [x], np.abs(x).reshape(2, 6, 5).transpose(1, 0, 2).reshape(12, 5),
    )
    for name, other in [("one", floats(1, 10)), ("full", floats(6, 10)), ("units", floats(1, 1))]:
        yield Case(
            f"broadcast_{name}",
            f"""(%x: tensor<?x?xf32>, %y: tensor<?x?xf32>) -> tensor<?x?xf32> {{
              {DIMS}
              %w = thresh.broadcast %y to [%m, %n] : tensor<?x?xf32> to tensor<?x?xf32>
              %r = arith.addf %x, %w : tensor<?x?xf32>
              return %r : tensor<?x?xf32>
            }}""",
            [x, other], x + other,
        )
    yield Case(
        "odd_maps",
        """(%x: tensor<12xf32>) -> tensor<24xf32> {
          %e = tensor.empty() : tensor<24xf32>
          %r = linalg.generic {indexing_maps = [affine_map<(i) -> (i floordiv 2)>, affine_map<(i) -> (i)>], iterator_types = ["parallel"]}
              ins(%x : tensor<12xf32>) outs(%e : tensor<24xf32>) {
          ^bb0(%in: f32, %out: f32):
            linalg.yield %in : f32
          } -> tensor<24xf32>
          return %r : tensor<24xf32>
        }""",
        [x.ravel()[:12]], np.repeat(x.ravel()[:12], 2),
    )


def softmax(x, axis):
    e = np.exp(x - x.max(axis, keepdims=True))
    return e / e.sum(axis, keepdims=True)


def reductions():
    """Reductions over some and over all dimensions, argmax and argmin, softmax and norms."""
    x = floats(5, 7, 9)
    kinds = {"sum": np.sum, "prod": np.prod, "max": np.max, "min": np.min, "mean": np.mean}
    for kind, function in kinds.items():
        yield Case(
            f"reduce_{kind}",
            f"""(%x: tensor<?x7x?xf32>) -> (tensor<f32>, tensor<?x?xf32>, tensor<7xf32>, tensor<1x1x?xf32>) {{
              %a = thresh.reduce {kind} %x dimensions [0, 1, 2] : tensor<?x7x?xf32> -> tensor<f32>
              %b = thresh.reduce {kind} %x dimensions [1] : tensor<?x7x?xf32> -> tensor<?x?xf32>
              %c = thresh.reduce {kind} %x dimensions [0, 2] : tensor<?x7x?xf32> -> tensor<7xf32>
              %d = thresh.reduce {kind} %x dimensions [0, 1] keep : tensor<?x7x?xf32> -> tensor<1x1x?xf32>
              return %a, %b, %c, %d : tensor<f32>, tensor<?x?xf32>, tensor<7xf32>, tensor<1x1x?xf32>
            }}""",
            [x], *(function(x.astype(np.float64), axes, keepdims=keep).astype(np.float32)
                   for axes, keep in [((0, 1, 2), False), (1, False), ((0, 2), False), ((0, 1), True)]),
        )
    i = integers(4, 33, low=-5, high=5)
    yield Case(
        "reduce_integers",
        """(%x: tensor<?x33xi32>) -> (tensor<?xi32>, tensor<i32>, tensor<?xi1>, tensor<i1>) {
          %s = thresh.reduce sum %x dimensions [1] : tensor<?x33xi32> -> tensor<?xi32>
          %m = thresh.reduce max %x dimensions [0, 1] : tensor<?x33xi32> -> tensor<i32>
          %c0 = arith.constant 0 : index
          %n = tensor.dim %x, %c0 : tensor<?x33xi32>
          %z = arith.constant dense<3> : tensor<i32>
          %t = thresh.broadcast %z to [%n] : tensor<i32> to tensor<?x33xi32>
          %p = arith.cmpi sle, %x, %t : tensor<?x33xi32>
          %a = thresh.reduce and %p dimensions [1] : tensor<?x33xi1> -> tensor<?xi1>
          %o = thresh.reduce or %p dimensions [0, 1] : tensor<?x33xi1> -> tensor<i1>
          return %s, %m, %a, %o : tensor<?xi32>, tensor<i32>, tensor<?xi1>, tensor<i1>
        }""",
        [i], i.sum(1, dtype=np.int32), i.max(), (i <= 3).all(1), (i <= 3).any(),
    )
    ties = np.round(floats(6, 40) * 2)
    ties[2, 17] = ties[2, 30] = np.nan
    argmin = ties.argmin(0)
    yield Case(
        "arg_reduce",
        """(%x: tensor<?x40xf32>) -> (tensor<?xi64>, tensor<?x1xi64>, tensor<40xi64>) {
          %a = thresh.arg_reduce max %x dimension(1) : tensor<?x40xf32> -> tensor<?xi64>
          %b = thresh.arg_reduce max %x dimension(1) last keep : tensor<?x40xf32> -> tensor<?x1xi64>
          %c = thresh.arg_reduce min %x dimension(0) : tensor<?x40xf32> -> tensor<40xi64>
          return %a, %b, %c : tensor<?xi64>, tensor<?x1xi64>, tensor<40xi64>
        }""",
        [ties], ties.argmax(1), 39 - ties[:, ::-1].argmax(1).reshape(-1, 1), argmin,
    )
    yield Case(
        "softmax",
        """(%x: tensor<?x7x?xf32>) -> (tensor<?x7x?xf32>, tensor<?x7x?xf32>, tensor<?x7x?xf32>) {
          %a = thresh.softmax %x dimension(2) : tensor<?x7x?xf32> -> tensor<?x7x?xf32>
          %b = thresh.softmax %x dimension(0) : tensor<?x7x?xf32> -> tensor<?x7x?xf32>
          %c = thresh.softmax %x dimension(1) log : tensor<?x7x?xf32> -> tensor<?x7x?xf32>
          return %a, %b, %c : tensor<?x7x?xf32>, tensor<?x7x?xf32>, tensor<?x7x?xf32>
        }""",
        [x], softmax(x, 2), softmax(x, 0), np.log(softmax(x.astype(np.float64), 1)).astype(np.float32),
    )
    g, b = floats(7, 9), floats(7, 9)
    centred = x - x.mean((1, 2), keepdims=True)
    norm = centred / np.sqrt((centred**2).mean((1, 2), keepdims=True) + 1e-5)
    yield Case(
        "norms",
        """(%x: tensor<?x7x9xf32>, %g: tensor<7x9xf32>, %b: tensor<7x9xf32>, %h: tensor<9xf32>) -> (tensor<?x7x9xf32>, tensor<?x7x9xf32>) {
          %n = thresh.layer_norm %x scale %g bias %b axis(1) epsilon(1.0e-5) : (tensor<?x7x9xf32>, tensor<7x9xf32>, tensor<7x9xf32>) -> tensor<?x7x9xf32>
          %r = thresh.rms_norm %x scale %h axis(2) epsilon(1.0e-6) : (tensor<?x7x9xf32>, tensor<9xf32>) -> tensor<?x7x9xf32>
          return %n, %r : tensor<?x7x9xf32>, tensor<?x7x9xf32>
        }""",
        [x, g, b, g[0]], norm * g + b, x / np.sqrt((x**2).mean(2, keepdims=True) + 1e-6) * g[0],
    )


def matmuls():
    """Matmuls and what joins them."""
    a, w, bias = floats(5, 11), floats(11, 37), floats(37)
    gelu = np.vectorize(lambda v: v * 0.5 * (1 + math.erf(v / math.sqrt(2))))
    pre = a.astype(np.float64) @ w + bias
    yield Case(
        "epilogue",
        """(%a: tensor<?x11xf32>, %w: tensor<11x37xf32>, %b: tensor<37xf32>) -> (tensor<?x37xf32>) {
          %c0 = arith.constant 0 : index
          %m = tensor.dim %a, %c0 : tensor<?x11xf32>
          %p = thresh.matmul %a, %w : tensor<?x11xf32>, tensor<11x37xf32> -> tensor<?x37xf32>
          %wide = thresh.broadcast %b to [%m] : tensor<37xf32> to tensor<?x37xf32>
          %s = arith.addf %p, %wide : tensor<?x37xf32>
          %half = arith.constant dense<0.70710678> : tensor<f32>
          %halves = thresh.broadcast %half to [%m] : tensor<f32> to tensor<?x37xf32>
          %t = arith.mulf %s, %halves : tensor<?x37xf32>
          %e = math.erf %t : tensor<?x37xf32>
          %one = arith.constant dense<1.0> : tensor<f32>
          %ones = thresh.broadcast %one to [%m] : tensor<f32> to tensor<?x37xf32>
          %u = arith.addf %e, %ones : tensor<?x37xf32>
          %v = arith.mulf %s, %u : tensor<?x37xf32>
          %h = arith.constant dense<0.5> : tensor<f32>
          %hs = thresh.broadcast %h to [%m] : tensor<f32> to tensor<?x37xf32>
          %r = arith.mulf %v, %hs : tensor<?x37xf32>
          return %r : tensor<?x37xf32>
        }""",
        [a, w, bias], gelu(pre).astype(np.float32),
    )
    second = floats(37, 3)
    yield Case(
        "chain",
        """(%a: tensor<?x11xf32>, %w: tensor<11x37xf32>, %v: tensor<37x3xf32>) -> (tensor<?x3xf32>, tensor<?x37xf32>) {
          %p = thresh.matmul %a, %w : tensor<?x11xf32>, tensor<11x37xf32> -> tensor<?x37xf32>
          %q = thresh.matmul %p, %v : tensor<?x37xf32>, tensor<37x3xf32> -> tensor<?x3xf32>
          return %q, %p : tensor<?x3xf32>, tensor<?x37xf32>
        }""",
        [a, w, second], a @ w @ second, a @ w,
    )
    for name, dtype in [("f64", np.float64), ("f16", np.float16), ("i32", np.int32), ("i64", np.int64)]:
        make = floats if name.startswith("f") else integers
        l, r = make(5, 20, dtype=dtype), make(33, 20, dtype=dtype)
        product = (l.astype(np.float64) @ r.astype(np.float64).T).astype(dtype)
        yield Case(
            f"matmul_{name}",
            f"""(%a: tensor<?x20x{name}>, %b: tensor<33x20x{name}>) -> tensor<?x33x{name}> {{
              %c = thresh.matmul %a, %b {{transpose_rhs}} : tensor<?x20x{name}>, tensor<33x20x{name}> -> tensor<?x33x{name}>
              return %c : tensor<?x33x{name}>
            }}""",
            [l, r], product,
        )


def attention():
    """Attention with a mask, of static and of dynamic extents."""
    q, k, v, mask = floats(2, 3, 4, 8), floats(2, 3, 6, 8), floats(2, 3, 6, 8), floats(2, 6)
    scores = q @ k.transpose(0, 1, 3, 2) * np.float32(0.35) + mask[:, None, None, :]
    for name, extents in [("static", "2x3x4x8 2x3x6x8 2x6 2x3x4x6"), ("dynamic", "?x?x?x8 ?x?x?x8 ?x? ?x?x?x?")]:
        tq, tk, tm, ts = (f"tensor<{extent}xf32>" for extent in extents.split())
        sizes = "%nb, %nh, %nq, %nk" if name == "dynamic" else ""
        yield Case(
            f"attention_{name}",
            f"""(%q: {tq} {{thresh.dims = ["b", "h", "m", ""]}}, %k: {tk} {{thresh.dims = ["b", "h", "n", ""]}},
                 %v: {tk} {{thresh.dims = ["b", "h", "n", ""]}}, %mask: {tm} {{thresh.dims = ["b", "n"]}}) -> {tq} {{
              %c0 = arith.constant 0 : index %c1 = arith.constant 1 : index %c2 = arith.constant 2 : index
              %nb = tensor.dim %q, %c0 : {tq} %nh = tensor.dim %q, %c1 : {tq}
              %nq = tensor.dim %q, %c2 : {tq} %nk = tensor.dim %k, %c2 : {tk}
              %p = thresh.matmul %q, %k {{transpose_rhs}} : {tq}, {tk} -> {ts}
              %scale = arith.constant dense<0.35> : tensor<f32>
              %scales = thresh.broadcast %scale to [{sizes}] : tensor<f32> to {ts}
              %s = arith.mulf %p, %scales : {ts}
              %units = thresh.reshape %mask to [{"%nb, %nk" if sizes else ""}] : {tm} to tensor<{"?x1x1x?" if sizes else "2x1x1x6"}xf32>
              %wide = thresh.broadcast %units to [{sizes}] : tensor<{"?x1x1x?" if sizes else "2x1x1x6"}xf32> to {ts}
              %t = arith.addf %s, %wide : {ts}
              %w = thresh.softmax %t dimension(3) : {ts} -> {ts}
              %r = thresh.matmul %w, %v : {ts}, {tk} -> {tq}
              return %r : {tq}
            }}""",
            [q, k, v, mask], softmax(scores, 3) @ v,
        )


def mixed():
    """Gathers, shared values, branches, and what runs as loops."""
    table, ids = floats(10, 4), np.array([[0, -1, 9], [-10, 3, 3]])
    yield Case(
        "gather",
        """(%t: tensor<?x4xf32>, %i: tensor<?x3xi64>, %j: tensor<i32>) -> (tensor<?x3x4xf32>, tensor<?xf32>) {
          %a = thresh.gather %t[%i] dimension(0) : tensor<?x4xf32>, tensor<?x3xi64> -> tensor<?x3x4xf32>
          %b = thresh.gather %t[%j] dimension(1) : tensor<?x4xf32>, tensor<i32> -> tensor<?xf32>
          return %a, %b : tensor<?x3x4xf32>, tensor<?xf32>
        }""",
        [table, ids, np.array(-2, np.int32)], table[ids], table[:, 2],
    )
    x = floats(6, 6)
    yield Case(
        "diamond",
        """(%x: tensor<?x6xf32>) -> tensor<?x6xf32> {
          %e = math.exp %x : tensor<?x6xf32>
          %s = arith.addf %e, %x : tensor<?x6xf32>
          %t = thresh.transpose %e [1, 0] : tensor<?x6xf32> -> tensor<6x?xf32>
          %m = thresh.matmul %s, %t : tensor<?x6xf32>, tensor<6x?xf32> -> tensor<?x?xf32>
          %r = thresh.matmul %m, %e : tensor<?x?xf32>, tensor<?x6xf32> -> tensor<?x6xf32>
          %f = arith.subf %r, %s : tensor<?x6xf32>
          return %f : tensor<?x6xf32>
        }""",
        [x], ((np.exp(x) + x).astype(np.float64) @ np.exp(x).T @ np.exp(x) - np.exp(x) - x).astype(np.float32),
    )
    for taken in (True, False):
        yield Case(
            f"branch_{taken}",
            """(%x: tensor<?x6xf32>, %p: tensor<i1>) -> tensor<?x6xf32> {
              %c = tensor.extract %p[] : tensor<i1>
              %r = scf.if %c -> tensor<?x6xf32> {
                %n = arith.negf %x : tensor<?x6xf32>
                scf.yield %n : tensor<?x6xf32>
              } else {
                scf.yield %x : tensor<?x6xf32>
              }
              return %r : tensor<?x6xf32>
            }""",
            [x, np.array(taken)], -x if taken else x,
        )
    yield Case(
        "rank9",
        """(%x: tensor<6x6xf32>) -> tensor<6x6xf32> {
          %r = thresh.reshape %x to [] : tensor<6x6xf32> to tensor<1x1x1x1x1x1x1x6x6xf32>
          %e = math.exp %r : tensor<1x1x1x1x1x1x1x6x6xf32>
          %t = thresh.transpose %e [0, 1, 2, 3, 4, 5, 6, 8, 7] : tensor<1x1x1x1x1x1x1x6x6xf32> -> tensor<1x1x1x1x1x1x1x6x6xf32>
          %y = thresh.reshape %t to [] : tensor<1x1x1x1x1x1x1x6x6xf32> to tensor<6x6xf32>
          return %y : tensor<6x6xf32>
        }""",
        [x], np.exp(x).T,
    )
    yield Case(
        "loops",
        """(%x: tensor<?x6xf32>) -> (tensor<?x6xf32>, tensor<?xf32>) {
          %y = math.cbrt %x : tensor<?x6xf32>
          %r = thresh.reduce sum %y dimensions [1] : tensor<?x6xf32> -> tensor<?xf32>
          return %y, %r : tensor<?x6xf32>, tensor<?xf32>
        }""",
        [x], np.cbrt(x), np.cbrt(x).sum(1),
    )


GENERATORS = (interface, ranks, arithmetic, slices, concatenations, reshapes, reductions, matmuls, attention, mixed)
GROUPS = {group.__name__: list(group()) for group in GENERATORS}
