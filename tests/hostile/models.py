"""Small valid models that the hostile cases start from."""

import json

import numpy
import onnx
import safetensors.numpy
from onnx import TensorProto, helper, numpy_helper

OPSET = 17
WIDTH, INNER, LAYERS, HEADS, VOCABULARY, POSITIONS = 8, 16, 1, 2, 11, 12


def mlp():
    """y[batch, 40] = relu(x[batch, 64] @ w + b), as an onnx.ModelProto."""
    random = numpy.random.default_rng(7)
    weights = random.standard_normal((64, 40)).astype(numpy.float32)
    bias = random.standard_normal(40).astype(numpy.float32)
    graph = helper.make_graph(
        [
            helper.make_node("MatMul", ["x", "w"], ["product"], name="project"),
            helper.make_node("Add", ["product", "b"], ["sum"], name="shift"),
            helper.make_node("Relu", ["sum"], ["y"], name="clip"),
        ],
        "mlp",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", 64])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["batch", 40])],
        [numpy_helper.from_array(weights, "w"), numpy_helper.from_array(bias, "b")],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=8)


def save(model, folder, name="model.onnx"):
    """Writes the model unchecked: the cases are invalid on purpose."""
    path = folder / name
    path.write_bytes(model.SerializeToString())
    return path


def initializer(model, name):
    return next(tensor for tensor in model.graph.initializer if tensor.name == name)


def node(model, name):
    return next(node for node in model.graph.node if node.name == name)


def make_external(tensor, location, offset=0, length=None):
    """Moves the tensor's data to a file; returns the bytes that belong there."""
    data = tensor.raw_data
    tensor.ClearField("raw_data")
    tensor.data_location = onnx.TensorProto.EXTERNAL
    del tensor.external_data[:]
    length = len(data) if length is None else length
    for key, value in (("location", location), ("offset", offset), ("length", length)):
        entry = tensor.external_data.add()
        entry.key, entry.value = key, str(value)
    return data


def bert_config():
    return {
        "model_type": "bert",
        "architectures": ["BertModel"],
        "hidden_act": "gelu",
        "hidden_size": WIDTH,
        "intermediate_size": INNER,
        "layer_norm_eps": 1e-12,
        "max_position_embeddings": POSITIONS,
        "num_attention_heads": HEADS,
        "num_hidden_layers": LAYERS,
        "type_vocab_size": 2,
        "vocab_size": VOCABULARY,
    }


def bert_tensors():
    shapes = {
        "embeddings.word_embeddings.weight": (VOCABULARY, WIDTH),
        "embeddings.position_embeddings.weight": (POSITIONS, WIDTH),
        "embeddings.token_type_embeddings.weight": (2, WIDTH),
    }
    layer = "encoder.layer.0"
    for name in ("embeddings.LayerNorm", f"{layer}.attention.output.LayerNorm", f"{layer}.output.LayerNorm"):
        shapes[f"{name}.weight"] = shapes[f"{name}.bias"] = (WIDTH,)
    for name in ("self.query", "self.key", "self.value", "output.dense"):
        shapes[f"{layer}.attention.{name}.weight"] = (WIDTH, WIDTH)
        shapes[f"{layer}.attention.{name}.bias"] = (WIDTH,)
    shapes[f"{layer}.intermediate.dense.weight"] = (INNER, WIDTH)
    shapes[f"{layer}.intermediate.dense.bias"] = (INNER,)
    shapes[f"{layer}.output.dense.weight"] = (WIDTH, INNER)
    shapes[f"{layer}.output.dense.bias"] = (WIDTH,)
    random = numpy.random.default_rng(11)
    return {name: random.standard_normal(shape).astype(numpy.float32) for name, shape in shapes.items()}


def save_bert(folder, config=None, tensors=None):
    """A checkpoint folder; `config` and `tensors` override the valid ones."""
    folder.mkdir(exist_ok=True)
    (folder / "config.json").write_text(json.dumps(bert_config() if config is None else config))
    safetensors.numpy.save_file(bert_tensors() if tensors is None else tensors, folder / "model.safetensors")
    return folder


def rewrite_header(path, edit):
    """Replaces a safetensors file's JSON header by what `edit` makes of it (a dict, bytes, or None for edited in place)."""
    raw = path.read_bytes()
    size = int.from_bytes(raw[:8], "little")
    header = json.loads(raw[8 : 8 + size])
    changed = edit(header)
    text = changed if isinstance(changed, bytes) else json.dumps(header if changed is None else changed).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + raw[8 + size :])
