"""ONNX models of one node, and runs of them by Thresh and by onnxruntime."""

import numpy as np
import onnx
import onnxruntime
from onnx import helper

CONTRIB = "com.microsoft"


def node_model(op, inputs, outputs, *, domain=CONTRIB, constants=None, opset=21, **attributes):
    """A model of one node.

    inputs: name -> (type, shape) in the node's order, None for one left out; outputs likewise.
    constants: name -> array of the inputs that are initializers; their entry in `inputs` is anything but None.
    """
    constants = constants or {}
    node = helper.make_node(
        op,
        [name if declared is not None else "" for name, declared in inputs.items()],
        [name if declared is not None else "" for name, declared in outputs.items()],
        name="node",
        domain=domain,
        **attributes,
    )
    while node.input and not node.input[-1]:
        node.input.pop()
    declare = helper.make_tensor_value_info
    graph = helper.make_graph(
        [node],
        "graph",
        [declare(n, *d) for n, d in inputs.items() if d is not None and n not in constants],
        [declare(n, *d) for n, d in outputs.items() if d is not None],
        [onnx.numpy_helper.from_array(array, name) for name, array in constants.items()],
    )
    imports = [helper.make_opsetid("", opset), helper.make_opsetid(CONTRIB, 1)]
    return helper.make_model(graph, opset_imports=imports, ir_version=10)


class Pair:
    """One model in onnxruntime and compiled by Thresh."""

    def __init__(self, model, thresh, compile_model, folder):
        path = folder / "model.onnx"
        path.write_bytes(model.SerializeToString())
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 4
        self.reference = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        self.names = [output.name for output in self.reference.get_outputs()]
        self.compiled = thresh.Model(compile_model(path))

    def expected(self, inputs):
        return dict(zip(self.names, self.reference.run(None, inputs)))

    def actual(self, inputs):
        return self.compiled.run(inputs)


def normal(rng, *shape):
    return rng.standard_normal(shape).astype(np.float32)
