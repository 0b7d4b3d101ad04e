"""Writes FOLDER/model.onnx with its weights in FOLDER/data/weights.bin, at offsets that are aligned to nothing."""

import pathlib
import sys

import numpy
import onnx
from onnx import TensorProto, helper

folder = pathlib.Path(sys.argv[1])
(folder / "data").mkdir()
arrays = {
    "w0": numpy.full(20, 0.25, numpy.float32),
    "w1": numpy.full(20, 0.75, numpy.float32),
    "small": numpy.array([1, 2], numpy.float32),
}
data, tensors = b"abc", []
for name, array in arrays.items():
    tensor = TensorProto(name=name, data_type=TensorProto.FLOAT, dims=array.shape, data_location=TensorProto.EXTERNAL)
    for key, value in (("location", "data/weights.bin"), ("offset", len(data)), ("length", array.nbytes)):
        entry = tensor.external_data.add()
        entry.key, entry.value = key, str(value)
    data += array.tobytes()
    tensors.append(tensor)
(folder / "data" / "weights.bin").write_bytes(data)
graph = helper.make_graph(
    [
        helper.make_node("Mul", ["x", "w0"], ["a"]),
        helper.make_node("Add", ["a", "w1"], ["b"]),
        helper.make_node("Mul", ["z", "small"], ["c"]),
    ],
    "external",
    [helper.make_tensor_value_info(name, TensorProto.FLOAT, [size]) for name, size in (("x", 20), ("z", 2))],
    [helper.make_tensor_value_info(name, TensorProto.FLOAT, [size]) for name, size in (("b", 20), ("c", 2))],
    tensors,
)
onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), folder / "model.onnx")
