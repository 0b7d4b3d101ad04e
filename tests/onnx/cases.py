"""The node tests of the onnx package that Thresh is held to, with what it needs at compile time bound."""

import json
import pathlib
import warnings
from typing import NamedTuple

import ml_dtypes
import numpy
import onnx
from onnx import numpy_helper
from onnx.backend.test.loader import load_model_tests

FOLDER = pathlib.Path(__file__).resolve().parent

# Inputs that decide shapes: an ahead-of-time compiler wants them constant, the suite feeds them at run time.
BOUND_INPUTS = {
    "Compress": [1],
    "ConstantOfShape": [0],
    "CumProd": [1],
    "CumSum": [1],
    "Expand": [1],
    "NonZero": [0],
    "OneHot": [1],
    "Pad": [1, 3],
    "Range": [0, 1, 2],
    "Reshape": [1],
    "Slice": [1, 2, 3, 4],
    "Split": [1],
    "Squeeze": [1],
    "Tile": [1],
    "TopK": [1],
    "Trilu": [1],
    "Unsqueeze": [1],
    **{f"Reduce{kind}": [1] for kind in "L1 L2 LogSum LogSumExp Max Mean Min Prod Sum SumSquare".split()},
}


class Case(NamedTuple):
    """One node test."""

    name: str
    tier: str
    model: onnx.ModelProto
    inputs: dict[str, numpy.ndarray]
    """What remains to be fed, by name."""
    outputs: list[numpy.ndarray]
    rtol: float
    atol: float


def tiers():
    """Tier -> names of its tests, in the order of the table."""
    return json.loads((FOLDER / "tiers.json").read_text())


def to_array(value):
    return numpy_helper.to_array(value) if isinstance(value, onnx.TensorProto) else numpy.asarray(value)


def bind(model, inputs):
    """Turns the inputs that decide shapes into initializers; returns the model and the inputs that are left."""
    bound = onnx.ModelProto()
    bound.CopyFrom(model)
    names = {
        node.input[index]
        for node in bound.graph.node
        for index in BOUND_INPUTS.get(node.op_type, [])
        if index < len(node.input) and node.input[index] in inputs
    }
    for name in sorted(names):
        bound.graph.initializer.append(numpy_helper.from_array(inputs[name], name))
    for value in [value for value in bound.graph.input if value.name in names]:
        bound.graph.input.remove(value)
    return bound, {name: array for name, array in inputs.items() if name not in names}


def load(wanted=None):
    """The cases of all tiers, or those in `wanted`, in the order of the tiers."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        tests = {test.name: test for test in load_model_tests(kind="node")}
    cases = []
    for tier, names in tiers().items():
        for name in names:
            if wanted is not None and name not in wanted:
                continue
            test = tests[name]
            arrays, outputs = test.data_sets[0]
            inputs = {value.name: to_array(array) for value, array in zip(test.model.graph.input, arrays)}
            model, inputs = bind(test.model, inputs)
            outputs = [to_array(output) for output in outputs]
            cases.append(Case(name, tier, model, inputs, outputs, test.rtol, test.atol))
    return cases


def compare(case, results):
    """What is wrong with `results` (name -> array), by the rules of onnx's own runner; None when nothing is."""
    for value, expected in zip(case.model.graph.output, case.outputs):
        result = results[value.name]
        if expected.dtype == ml_dtypes.bfloat16:
            result = result.view(ml_dtypes.bfloat16)
        if result.dtype != expected.dtype or result.shape != expected.shape:
            return f"{value.name}: expects {expected.dtype}{expected.shape}, but got {result.dtype}{result.shape}"
        rtol = case.rtol
        if expected.dtype == ml_dtypes.bfloat16:
            rtol = max(rtol, 2**-6)
            result, expected = result.astype(numpy.float32), expected.astype(numpy.float32)
        try:
            numpy.testing.assert_allclose(result, expected, rtol=rtol, atol=case.atol)
        except AssertionError as error:
            return f"{value.name}: " + " ".join(str(error).split())[:300]
    return None
