"""Decoder language models in numpy, float64: each family written out from its definition, without the compiler's tables."""

import math

import numpy as np


def gelu_tanh(x):
    return 0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))


ACTIVATIONS = {
    "silu": lambda x: x / (1 + np.exp(-x)),
    "relu": lambda x: np.maximum(x, 0),
    "relu2": lambda x: np.maximum(x, 0) ** 2,
    "gelu_pytorch_tanh": gelu_tanh,
    "gelu_new": gelu_tanh,
}


def rms_norm(x, weight, epsilon):
    return x / np.sqrt((x * x).mean(-1, keepdims=True) + epsilon) * weight


def layer_norm(x, weight, bias, epsilon):
    centred = x - x.mean(-1, keepdims=True)
    return centred / np.sqrt((centred * centred).mean(-1, keepdims=True) + epsilon) * weight + bias


def softmax(x):
    powers = np.exp(x - x.max(-1, keepdims=True))
    return powers / powers.sum(-1, keepdims=True)


def rotate(x, cos, sin):
    """Rotates the first 2 * cos.shape[1] elements of x [n, heads, d], element i with element i + cos.shape[1]."""
    half = cos.shape[1]
    first, second, rest = x[..., :half], x[..., half : 2 * half], x[..., 2 * half :]
    cos, sin = cos[:, None], sin[:, None]
    return np.concatenate([first * cos - second * sin, second * cos + first * sin, rest], -1)


def frequencies(scaling, base, width, max_positions, original, length):
    """The angle per position of each pair, and what cosines and sines are multiplied with, for `length` tokens."""
    kind = scaling.get("rope_type", scaling.get("type", "default"))
    powers = base ** (np.arange(0, width, 2) / width)
    plain = 1 / powers
    original = scaling.get("original_max_position_embeddings", original)
    if kind == "default":
        return plain, 1.0
    if kind == "linear":
        return plain / scaling["factor"], 1.0
    if kind == "dynamic":
        factor = scaling["factor"]
        stretch = factor * max(length, max_positions) / max_positions - (factor - 1)
        return (base * stretch ** (width / (width - 2))) ** (-np.arange(0, width, 2) / width), 1.0
    if kind == "llama3":
        low, high, factor = scaling["low_freq_factor"], scaling["high_freq_factor"], scaling["factor"]
        waves = 2 * math.pi / plain
        smooth = np.clip((original / waves - low) / (high - low), 0, 1)
        return (1 - smooth) * plain / factor + smooth * plain, 1.0
    if kind == "yarn":
        factor = scaling["factor"]

        def pair_of(turns):
            return width * math.log(original / (turns * 2 * math.pi)) / (2 * math.log(base))

        low, high = pair_of(scaling.get("beta_fast", 32)), pair_of(scaling.get("beta_slow", 1))
        if scaling.get("truncate", True):
            low, high = math.floor(low), math.ceil(high)
        low, high = max(low, 0), min(high, width - 1)
        ramp = np.clip((np.arange(width // 2) - low) / (high - low), 0, 1)
        default = 0.1 * math.log(factor) + 1
        return plain / factor * ramp + plain * (1 - ramp), scaling.get("attention_factor", default)
    assert kind in ("longrope", "su")
    factors = scaling["long_factor" if length > original else "short_factor"]
    stretch = max_positions / original
    default = math.sqrt(1 + math.log(stretch) / math.log(original)) if stretch > 1 else 1.0
    return plain / np.array(factors), scaling.get("attention_factor", default)


def to_eight_bits(rows):
    """Each row rounded to multiples of its largest magnitude / 127."""
    scale = np.abs(rows).max(-1, keepdims=True) / 127
    return np.round(rows / np.where(scale == 0, 1, scale)) * scale


class Decoder:
    """One session. `fields` are what the family calls them; `tensors` have no prefix but `lm_head`. Keys and values are
    what `stored` makes of them."""

    def __init__(self, fields, tensors, stored=lambda rows: rows):
        self.fields, self.stored = fields, stored
        self.tensors = {name: np.asarray(array, np.float64) for name, array in tensors.items()}
        self.family = fields["model_type"]
        self.position = 0
        self.caches = {}
        if self.family == "gpt2":
            names = ("n_embd", "n_head", "n_layer")
        else:
            names = ("hidden_size", "num_attention_heads", "num_hidden_layers")
        self.width, self.heads, self.layers = (fields[name] for name in names)
        self.kv = fields.get("num_key_value_heads", self.heads)
        self.dim = fields.get("head_dim") or self.width // self.heads

    def product(self, x, name, weight):
        """x W^T of a matrix [rows out, rows in]."""
        return x @ weight.T

    def linear(self, x, name):
        weight = self.tensors[name + ".weight"]
        product = self.product(x, name + ".weight", weight.T if self.family == "gpt2" else weight)
        return product + self.tensors.get(name + ".bias", 0)

    def norm(self, x, name):
        weight = self.tensors[name + ".weight"]
        if self.family in ("gpt2", "opt"):
            return layer_norm(x, weight, self.tensors[name + ".bias"], 1e-5)
        if self.family.startswith("gemma"):
            weight = 1 + weight
        return rms_norm(x, weight, self.fields["rms_norm_eps"])

    def window(self, layer):
        """Tokens that a layer sees, or None for all."""
        fields = self.fields
        if self.family in ("mistral", "phi3"):
            return fields["sliding_window"]
        if "layer_types" in fields:
            return fields["sliding_window"] if fields["layer_types"][layer] == "sliding_attention" else None
        if self.family in ("qwen2", "qwen3"):
            slides = fields.get("use_sliding_window") and layer >= fields["max_window_layers"]
        elif self.family == "gemma2":
            slides = layer % 2 == 0
        elif self.family == "gemma3_text":
            slides = (layer + 1) % fields.get("sliding_window_pattern", 6) != 0
        else:
            slides = False
        return fields["sliding_window"] if slides else None

    def rope(self, layer):
        """(scaling, base) of a layer."""
        fields = self.fields
        new = fields.get("rope_parameters")
        if self.family == "gemma3_text" and self.window(layer):
            if new:
                return new["sliding_attention"], new["sliding_attention"]["rope_theta"]
            return {}, fields.get("rope_local_base_freq", 10000.0)
        if new:
            new = new.get("full_attention", new)
            return new, new["rope_theta"]
        default = 1e6 if self.family == "gemma3_text" else 10000.0
        return fields.get("rope_scaling") or {}, fields.get("rope_theta", default)

    def rotated(self, x, layer, length):
        if self.family in ("gpt2", "opt"):
            return x
        scaling, base = self.rope(layer)
        width = int(self.dim * scaling.get("partial_rotary_factor", self.fields.get("partial_rotary_factor", 1)))
        most = self.fields["max_position_embeddings"]
        original = self.fields.get("original_max_position_embeddings", most)
        angles, magnitude = frequencies(scaling, base, width, most, original, length)
        turns = np.arange(self.position, length)[:, None] * angles
        return rotate(x, np.cos(turns) * magnitude, np.sin(turns) * magnitude)

    def projected(self, x, layer, place):
        """Queries of the new tokens, and keys and values of all: [tokens, heads, dim]."""
        sizes = [self.heads * self.dim, self.kv * self.dim, self.kv * self.dim]
        fused = {"phi3": "self_attn.qkv_proj", "gpt2": "attn.c_attn"}.get(self.family)
        if fused:
            parts = np.split(self.linear(x, place + fused), np.cumsum(sizes)[:-1], axis=1)
        else:
            parts = [self.linear(x, f"{place}self_attn.{role}_proj") for role in "qkv"]
        query, key, value = (part.reshape(len(x), -1, self.dim) for part in parts)
        if self.family in ("qwen3", "gemma3_text"):
            query, key = self.norm(query, place + "self_attn.q_norm"), self.norm(key, place + "self_attn.k_norm")
        length = self.position + len(x)
        query, key = self.rotated(query, layer, length), self.rotated(key, layer, length)
        key, value = self.stored(key), self.stored(value)
        if layer in self.caches:
            old_key, old_value = self.caches[layer]
            key, value = np.concatenate([old_key, key]), np.concatenate([old_value, value])
        self.caches[layer] = key, value
        return query, key, value

    def scaled(self, products, layer):
        """Scores of attention."""
        scores = products / math.sqrt(self.fields.get("query_pre_attn_scalar", self.dim))
        if self.fields.get("scale_attn_by_inverse_layer_idx"):
            scores = scores / (layer + 1)
        cap = self.fields.get("attn_logit_softcapping")
        return cap * np.tanh(scores / cap) if cap else scores

    def attention_out(self, mixed, place):
        names = {"opt": "self_attn.out_proj", "gpt2": "attn.c_proj"}
        return self.linear(mixed.reshape(len(mixed), -1), place + names.get(self.family, "self_attn.o_proj"))

    def attention(self, x, layer, place):
        query, key, value = self.projected(x, layer, place)
        key, value = (np.repeat(rows, self.heads // self.kv, axis=1) for rows in (key, value))
        length = self.position + len(x)
        scores = self.scaled(np.einsum("ihd,jhd->hij", query, key), layer)
        queries, keys = np.arange(self.position, length)[:, None], np.arange(length)
        seen = keys <= queries
        if window := self.window(layer):
            seen &= queries - keys < window
        return self.attention_out(np.einsum("hij,jhd->ihd", softmax(np.where(seen, scores, -np.inf)), value), place)

    def activation(self):
        names = ("activation_function", "hidden_act", "hidden_activation")
        return ACTIVATIONS[next((self.fields[name] for name in names if name in self.fields), "gelu_pytorch_tanh")]

    def feed_forward(self, x, place):
        act = self.activation()
        if self.family in ("gpt2", "opt"):
            up, down = ("mlp.c_fc", "mlp.c_proj") if self.family == "gpt2" else ("fc1", "fc2")
            return self.linear(act(self.linear(x, place + up)), place + down)
        if self.family == "phi3":
            gate, up = np.split(self.linear(x, place + "mlp.gate_up_proj"), 2, axis=1)
        else:
            gate, up = self.linear(x, place + "mlp.gate_proj"), self.linear(x, place + "mlp.up_proj")
        return self.linear(act(gate) * up, place + "mlp.down_proj")

    def layer(self, x, index):
        if self.family == "opt":
            place = f"layers.{index}."
            first, second = place + "self_attn_layer_norm", place + "final_layer_norm"
            if not self.fields.get("do_layer_norm_before", True):
                x = self.norm(x + self.attention(x, index, place), first)
                return self.norm(x + self.feed_forward(x, place), second)
        elif self.family == "gpt2":
            place = f"h.{index}."
            first, second = place + "ln_1", place + "ln_2"
        else:
            place = f"layers.{index}."
            first, second = place + "input_layernorm", place + "post_attention_layernorm"
        if self.family.startswith("gemma"):
            y = self.attention(self.norm(x, first), index, place)
            x = x + self.norm(y, second)
            y = self.feed_forward(self.norm(x, place + "pre_feedforward_layernorm"), place)
            return x + self.norm(y, place + "post_feedforward_layernorm")
        x = x + self.attention(self.norm(x, first), index, place)
        return x + self.feed_forward(self.norm(x, second), place)

    def append(self, ids):
        """The logits [n, vocabulary] of n more tokens."""
        ids = np.asarray(ids)
        rows = np.arange(self.position, self.position + len(ids))
        table = "wte.weight" if self.family == "gpt2" else "embed_tokens.weight"
        x = self.tensors[table][ids]
        if self.family.startswith("gemma"):
            x = x * self.fields.get("embedding_scale", math.sqrt(self.width))
        if "project_in.weight" in self.tensors:
            x = self.linear(x, "project_in")
        if self.family == "gpt2":
            x = x + self.tensors["wpe.weight"][rows]
        if self.family == "opt":
            x = x + self.tensors["embed_positions.weight"][rows + 2]
        for index in range(self.layers):
            x = self.layer(x, index)
        final = {"gpt2": "ln_f", "opt": "final_layer_norm"}.get(self.family, "norm")
        if self.family != "opt" or self.fields.get("do_layer_norm_before", True):
            x = self.norm(x, final)
        if "project_out.weight" in self.tensors:
            x = self.linear(x, "project_out")
        head = "lm_head.weight" if "lm_head.weight" in self.tensors else table
        logits = self.product(x, head, self.tensors[head])
        if cap := self.fields.get("final_logit_softcapping"):
            logits = cap * np.tanh(logits / cap)
        self.position += len(ids)
        return logits
