"""BERT's encoder in plain numpy, in float64: what the compiled one has to compute."""

import math

import numpy as np

_erf = np.vectorize(math.erf, otypes=[np.float64])


def _sigmoid(x):
    return 1 / (1 + np.exp(-x))


def _gelu_tanh(x):
    return 0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))


ACTIVATIONS = {
    "gelu": lambda x: 0.5 * x * (1 + _erf(x / math.sqrt(2))),
    "gelu_new": _gelu_tanh,
    "gelu_pytorch_tanh": _gelu_tanh,
    "linear": lambda x: x,
    "quick_gelu": lambda x: x * _sigmoid(1.702 * x),
    "relu": lambda x: np.maximum(x, 0),
    "relu2": lambda x: np.maximum(x, 0) ** 2,
    "sigmoid": _sigmoid,
    "silu": lambda x: x * _sigmoid(x),
    "tanh": np.tanh,
}


class Bert:
    """`config` as in config.json, `weights` arrays by name without prefix."""

    def __init__(self, config, weights):
        self.config = config
        self.weights = {name: array.astype(np.float64) for name, array in weights.items()}

    def linear(self, name, x):
        return x @ self.weights[f"{name}.weight"].T + self.weights[f"{name}.bias"]

    def norm(self, name, x):
        mean, variance = x.mean(-1, keepdims=True), x.var(-1, keepdims=True)
        scaled = (x - mean) / np.sqrt(variance + self.config["layer_norm_eps"])
        return scaled * self.weights[f"{name}.weight"] + self.weights[f"{name}.bias"]

    def attention(self, name, x, counts):
        batch, seq, width = x.shape
        heads = self.config["num_attention_heads"]

        def split(role):
            return self.linear(f"{name}.self.{role}", x).reshape(batch, seq, heads, -1).transpose(0, 2, 1, 3)

        query, key, value = split("query"), split("key"), split("value")
        scores = query @ key.transpose(0, 1, 3, 2) / math.sqrt(width // heads)
        # A finite mask: where no token counts, all count alike.
        scores = np.where(counts[:, None, None, :], scores, np.finfo(np.float32).min)
        weights = np.exp(scores - scores.max(-1, keepdims=True))
        weights /= weights.sum(-1, keepdims=True)
        mixed = (weights @ value).transpose(0, 2, 1, 3).reshape(batch, seq, width)
        return self.norm(f"{name}.output.LayerNorm", self.linear(f"{name}.output.dense", mixed) + x)

    def run(self, input_ids, attention_mask, token_type_ids):
        """The last hidden state [batch, seq, width]."""
        embeddings = {kind: self.weights[f"embeddings.{kind}_embeddings.weight"] for kind in ("word", "token_type", "position")}
        x = embeddings["word"][input_ids] + embeddings["token_type"][token_type_ids]
        x = self.norm("embeddings.LayerNorm", x + embeddings["position"][: input_ids.shape[1]])
        activation = ACTIVATIONS[self.config["hidden_act"]]
        for index in range(self.config["num_hidden_layers"]):
            name = f"encoder.layer.{index}"
            x = self.attention(f"{name}.attention", x, attention_mask != 0)
            inner = activation(self.linear(f"{name}.intermediate.dense", x))
            x = self.norm(f"{name}.output.LayerNorm", self.linear(f"{name}.output.dense", inner) + x)
        return x
