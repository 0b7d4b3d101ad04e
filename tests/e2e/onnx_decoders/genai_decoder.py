"""A small decoder as onnxruntime-genai's model builder writes them, with random weights.

Inputs input_ids and attention_mask [batch, total], past_key_values.N.key/.value [batch, key heads, rows, width]; outputs
logits and present.N.key/.value. GroupQueryAttention with rotary embedding, SimplifiedLayerNormalization once, then
SkipSimplifiedLayerNormalization, projections in MatMulNBits, the embedding in GatherBlockQuantized.
"""

import numpy as np
import onnx
from onnx import TensorProto, helper
from test_block_quantized import quantised

F32, I32, I64 = TensorProto.FLOAT, TensorProto.INT32, TensorProto.INT64
VOCABULARY, WIDTH, HEADS, KEY_HEADS, HEAD, INNER, LAYERS, POSITIONS, BLOCK = 96, 64, 4, 2, 16, 96, 2, 64, 32


class Builder:
    def __init__(self, rng, zeros, packed):
        self.rng, self.zeros, self.packed = rng, zeros, packed
        self.nodes, self.constants = [], {}

    def constant(self, name, array):
        self.constants[name] = array
        return name

    def node(self, op, inputs, outputs, domain="", **attributes):
        self.nodes.append(helper.make_node(op, inputs, outputs, name="/" + outputs[0], domain=domain, **attributes))
        return outputs[0]

    def linear(self, x, name, columns, rows):
        """x W^T with W in blocks of 4 bits whose elements are about 1 / sqrt(columns)."""
        parts = quantised(self.rng, rows, columns, 4, BLOCK, self.zeros)
        parts["scales"] = (0.2 + self.rng.random(parts["scales"].shape, np.float32)) / (4 * np.float32(columns) ** 0.5)
        names = [self.constant(f"{name}.{part}", array) for part, array in parts.items()]
        sizes = dict(K=columns, N=rows, bits=4, block_size=BLOCK)
        return self.node("MatMulNBits", [x, *names], [name], "com.microsoft", **sizes)

    def scale(self, name):
        return self.constant(name + ".weight", 1 + 0.1 * self.rng.standard_normal(WIDTH).astype(np.float32))

    def embed(self):
        parts = quantised(self.rng, VOCABULARY, WIDTH, 4, BLOCK, "none")
        table = self.constant("embed.codes", parts["B"].reshape(VOCABULARY, -1))
        scales = self.constant("embed.scales", parts["scales"])
        attributes = dict(bits=4, block_size=BLOCK, gather_axis=0, quantize_axis=1)
        return self.node("GatherBlockQuantized", [table, "input_ids", scales], ["x"], "com.microsoft", **attributes)

    def lengths(self):
        """seqlens_k and total_sequence_length out of attention_mask."""
        self.node("ReduceSum", ["attention_mask", self.constant("one", np.array([1]))], ["tokens"], keepdims=1)
        self.node("Sub", ["tokens", "one"], ["last"])
        self.node("Cast", ["last"], ["seqlens_k"], to=I32)
        self.node("Shape", ["attention_mask"], ["mask_shape"])
        self.node("Gather", ["mask_shape", self.constant("second", np.array(1))], ["columns"], axis=0)
        self.node("Cast", ["columns"], ["total_sequence_length"], to=I32)
        angles = np.outer(np.arange(POSITIONS), 10000.0 ** -(np.arange(HEAD // 2) / (HEAD // 2))).astype(np.float32)
        self.constant("cos_cache", np.cos(angles))
        self.constant("sin_cache", np.sin(angles))

    def attention(self, x, layer):
        name = f"layers.{layer}"
        wide, narrow = HEADS * HEAD, KEY_HEADS * HEAD
        if self.packed:
            heads = [self.linear(x, name + ".qkv", WIDTH, wide + 2 * narrow), "", ""]
        else:
            columns = {".q": wide, ".k": narrow, ".v": narrow}
            heads = [self.linear(x, name + part, WIDTH, count) for part, count in columns.items()]
        past = [f"past_key_values.{layer}.key", f"past_key_values.{layer}.value"]
        present = [f"present.{layer}.key", f"present.{layer}.value"]
        mixed = self.node(
            "GroupQueryAttention",
            [*heads, *past, "seqlens_k", "total_sequence_length", "cos_cache", "sin_cache"],
            [name + ".mixed", *present],
            "com.microsoft",
            num_heads=HEADS,
            kv_num_heads=KEY_HEADS,
            do_rotary=1,
            scale=HEAD**-0.5,
        )
        return self.linear(mixed, name + ".o", wide, WIDTH)

    def feed_forward(self, x, layer):
        name = f"layers.{layer}"
        gate = self.linear(x, name + ".gate", WIDTH, INNER)
        up = self.linear(x, name + ".up", WIDTH, INNER)
        squashed = self.node("Sigmoid", [gate], [name + ".sigmoid"])
        active = self.node("Mul", [gate, squashed], [name + ".silu"])
        return self.linear(self.node("Mul", [active, up], [name + ".inner"]), name + ".down", INNER, WIDTH)

    def add_norm(self, x, branch, name, last=False):
        """The sum of both, and that normalised."""
        outputs = [name] if last else [name, "", "", name + ".sum"]
        self.node(
            "SkipSimplifiedLayerNormalization", [x, branch, self.scale(name)], outputs, "com.microsoft", epsilon=1e-5
        )
        return name, name + ".sum"

    def build(self):
        self.lengths()
        x = self.embed()
        attributes = dict(axis=-1, epsilon=1e-5, stash_type=1)
        normal = self.node("SimplifiedLayerNormalization", [x, self.scale("norm")], ["norm"], **attributes)
        for layer in range(LAYERS):
            normal, x = self.add_norm(x, self.attention(normal, layer), f"layers.{layer}.post")
            normal, x = self.add_norm(x, self.feed_forward(normal, layer), f"layers.{layer}.next", layer + 1 == LAYERS)
        self.linear(normal, "logits", WIDTH, VOCABULARY)
        return self.model()

    def model(self):
        declare = helper.make_tensor_value_info
        inputs = [declare("input_ids", I64, ["batch", "length"]), declare("attention_mask", I64, ["batch", "total"])]
        outputs = [declare("logits", F32, ["batch", "length", VOCABULARY])]
        for layer in range(LAYERS):
            for part in ("key", "value"):
                name = f"{layer}.{part}"
                inputs.append(declare("past_key_values." + name, F32, ["batch", KEY_HEADS, "past", HEAD]))
                outputs.append(declare("present." + name, F32, ["batch", KEY_HEADS, "present", HEAD]))
        constants = [onnx.numpy_helper.from_array(array, name) for name, array in self.constants.items()]
        graph = helper.make_graph(self.nodes, "decoder", inputs, outputs, constants)
        imports = [helper.make_opsetid("", 21), helper.make_opsetid("com.microsoft", 1)]
        return helper.make_model(graph, opset_imports=imports, ir_version=10)


def cache(batch, rows):
    """A past without content."""
    names = [f"past_key_values.{layer}.{part}" for layer in range(LAYERS) for part in ("key", "value")]
    return {name: np.zeros((batch, KEY_HEADS, rows, HEAD), np.float32) for name in names}


def past_of(results):
    return {f"past_key_values{name[7:]}": array for name, array in results.items() if name.startswith("present")}
