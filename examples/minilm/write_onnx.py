#!/usr/bin/env python3
"""Writes a BERT checkpoint folder as an ONNX file, with the graph that PyTorch's exporters make of it.

Inputs input_ids, attention_mask, token_type_ids (int64 [batch, seq], both dynamic), output last_hidden_state.
Linear weights are stored transposed, shapes are computed in the graph, the activation is Gelu-20.
"""

import argparse
import json
import pathlib

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from safetensors.numpy import load_file

OPSET = 20
IR_VERSION = 10


class BertGraph:
    """Collects the nodes and initializers of one encoder."""

    def __init__(self, config, weights):
        self.config = config
        self.weights = weights
        self.nodes = []
        self.initializers = {}
        self.constants = 0

    def node(self, name, op, *inputs, **attributes):
        """Adds one node called `name`; returns the name of its output."""
        output = f"{name}/{op}_output_0"
        self.nodes.append(helper.make_node(op, list(inputs), [output], name=f"{name}/{op}", **attributes))
        return output

    def weight(self, name, transposed=False):
        """The initializer of a tensor of the checkpoint."""
        key = f"{name}.transposed" if transposed else name
        if key not in self.initializers:
            array = self.weights[name].astype(np.float32)
            self.initializers[key] = numpy_helper.from_array(np.ascontiguousarray(array.T if transposed else array), key)
        return key

    def constant(self, value, dtype):
        """The output of a Constant node."""
        output = f"/Constant_{self.constants}_output_0"
        self.constants += 1
        tensor = numpy_helper.from_array(np.array(value, dtype))
        self.nodes.append(helper.make_node("Constant", [], [output], name=output.removesuffix("_output_0"), value=tensor))
        return output

    def extent(self, name, tensor, dimension):
        """A dimension of `tensor` as an int64 vector of one element."""
        shape = self.node(name, "Shape", tensor)
        extent = self.node(name, "Gather", shape, self.constant(dimension, np.int64), axis=0)
        return self.node(name, "Unsqueeze", extent, self.constant([0], np.int64))

    def linear(self, name, x):
        path = "/" + name.replace(".", "/")
        product = self.node(path, "MatMul", x, self.weight(f"{name}.weight", transposed=True))
        return self.node(path, "Add", self.weight(f"{name}.bias"), product)

    def layer_norm(self, name, x):
        scale, bias = self.weight(f"{name}.weight"), self.weight(f"{name}.bias")
        epsilon = self.config["layer_norm_eps"]
        return self.node("/" + name.replace(".", "/"), "LayerNormalization", x, scale, bias, axis=-1, epsilon=epsilon)

    def embeddings(self):
        path = "/embeddings"
        positions = np.arange(self.config["max_position_embeddings"], dtype=np.int64)[None]
        self.initializers["embeddings.position_ids"] = numpy_helper.from_array(positions, "embeddings.position_ids")
        zero, one = self.constant([0], np.int64), self.constant([1], np.int64)
        seq = self.extent(path, "input_ids", 1)
        position_ids = self.node(path, "Slice", "embeddings.position_ids", zero, seq, one, one)
        lookups = {"word": "input_ids", "token_type": "token_type_ids", "position": position_ids}
        found = {
            kind: self.node(f"{path}/{kind}_embeddings", "Gather", self.weight(f"embeddings.{kind}_embeddings.weight"), ids)
            for kind, ids in lookups.items()
        }
        x = self.node(f"{path}/types", "Add", found["word"], found["token_type"])
        x = self.node(f"{path}/positions", "Add", x, found["position"])
        return self.layer_norm("embeddings.LayerNorm", x)

    def mask(self):
        """What is added to the scores: 0 for a token that counts, the least float for one that does not."""
        x = self.node("/mask/1", "Unsqueeze", "attention_mask", self.constant([1], np.int64))
        x = self.node("/mask/2", "Unsqueeze", x, self.constant([2], np.int64))
        x = self.node("/mask", "Cast", x, to=TensorProto.FLOAT)
        x = self.node("/mask", "Sub", self.constant(1, np.float32), x)
        return self.node("/mask", "Mul", x, self.constant(np.finfo(np.float32).min, np.float32))

    def attention(self, name, x, mask):
        heads = self.config["num_attention_heads"]
        width = self.config["hidden_size"] // heads
        path = "/" + name.replace(".", "/")

        def split(role, permutation):
            projected = self.linear(f"{name}.self.{role}", x)
            place = f"{path}/self/{role}/heads"
            batch, seq = self.extent(f"{place}/batch", projected, 0), self.extent(f"{place}/seq", projected, 1)
            shape = self.node(place, "Concat", batch, seq, self.constant([heads], np.int64), self.constant([width], np.int64), axis=0)
            return self.node(place, "Transpose", self.node(place, "Reshape", projected, shape), perm=permutation)

        query, key, value = split("query", [0, 2, 1, 3]), split("key", [0, 2, 3, 1]), split("value", [0, 2, 1, 3])
        scores = self.node(f"{path}/self/scores", "MatMul", query, key)
        scores = self.node(f"{path}/self/scale", "Mul", scores, self.constant(width**-0.5, np.float32))
        scores = self.node(f"{path}/self/mask", "Add", scores, mask)
        weights = self.node(f"{path}/self", "Softmax", scores, axis=-1)
        context = self.node(f"{path}/self/context", "MatMul", weights, value)
        context = self.node(f"{path}/self/context", "Transpose", context, perm=[0, 2, 1, 3])
        batch, seq = self.extent(f"{path}/self/batch", context, 0), self.extent(f"{path}/self/seq", context, 1)
        shape = self.node(f"{path}/self/shape", "Concat", batch, seq, self.constant([heads * width], np.int64), axis=0)
        context = self.node(f"{path}/self", "Reshape", context, shape)
        dense = self.linear(f"{name}.output.dense", context)
        return self.layer_norm(f"{name}.output.LayerNorm", self.node(f"{path}/output", "Add", dense, x))

    def layer(self, name, x, mask):
        x = self.attention(f"{name}.attention", x, mask)
        path = "/" + name.replace(".", "/")
        inner = self.node(f"{path}/intermediate", "Gelu", self.linear(f"{name}.intermediate.dense", x))
        dense = self.linear(f"{name}.output.dense", inner)
        return self.layer_norm(f"{name}.output.LayerNorm", self.node(f"{path}/output", "Add", dense, x))

    def build(self):
        x = self.embeddings()
        mask = self.mask()
        for index in range(self.config["num_hidden_layers"]):
            x = self.layer(f"encoder.layer.{index}", x, mask)
        self.nodes[-1].output[0] = "last_hidden_state"
        dims = ["batch", "seq"]
        inputs = [
            helper.make_tensor_value_info(name, TensorProto.INT64, dims)
            for name in ("input_ids", "attention_mask", "token_type_ids")
        ]
        output = helper.make_tensor_value_info("last_hidden_state", TensorProto.FLOAT, [*dims, self.config["hidden_size"]])
        graph = helper.make_graph(self.nodes, "main_graph", inputs, [output], list(self.initializers.values()))
        opset = [helper.make_opsetid("", OPSET)]
        return helper.make_model(graph, opset_imports=opset, ir_version=IR_VERSION, producer_name="thresh-examples")


def read_checkpoint(folder):
    """config.json, and the tensors without the prefix that checkpoints with a head have."""
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    if config.get("hidden_act", "gelu") != "gelu":
        raise SystemExit(f"write_onnx.py: {folder}: expects hidden_act \"gelu\", but got {config['hidden_act']!r}")
    weights = load_file(folder / "model.safetensors")
    return config, {name.removeprefix("bert."): array for name, array in weights.items()}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("checkpoint", type=pathlib.Path, help="folder with config.json and model.safetensors")
    parser.add_argument("output", type=pathlib.Path, help="the .onnx file to write")
    parser.add_argument("--external-data", action="store_true", help="put the weights into OUTPUT.data beside it")
    arguments = parser.parse_args()

    model = BertGraph(*read_checkpoint(arguments.checkpoint)).build()
    onnx.checker.check_model(model)
    location = f"{arguments.output.name}.data"
    # The writer appends to a data file that is there.
    (arguments.output.parent / location).unlink(missing_ok=True)
    onnx.save_model(model, arguments.output, save_as_external_data=arguments.external_data, location=location)


if __name__ == "__main__":
    main()
