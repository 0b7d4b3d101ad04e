"""Spark Transformers on Gemma 2 in numpy, float64: sparse layers written out from their formulas, without the compiler's tables."""

import math
from statistics import NormalDist

import numpy as np
from decoder_reference import Decoder, frequencies, gelu_tanh, rotate, softmax


def per_layer(fields, key, layers):
    value = fields.get(key) or 0
    return value if isinstance(value, list) else [value] * layers


def quantile(k, n):
    """Q(1 - k/n)."""
    return NormalDist().inv_cdf(1 - k / n)


def statistical_topk(x, k):
    """max(x - theta, 0) of each row; rows of at most k elements as they are."""
    n = x.shape[-1]
    if k >= n:
        return x
    return np.maximum(x - (x.mean(-1, keepdims=True) + x.std(-1, keepdims=True) * quantile(k, n)), 0)


def chosen(scores, k):
    """Which of the scores one query attends to: those of at least theta, and the greatest in any case."""
    n = len(scores)
    if n <= k:
        return np.ones(n, bool)
    return scores >= min(scores.mean() + scores.std() * quantile(k, n), scores.max())


class SparkDecoder(Decoder):
    """One session. `counts` collects how many neurons and tokens survived: (kind, layer, how many of, how many)."""

    def __init__(self, fields, tensors):
        super().__init__({"attn_logit_softcapping": 50.0, "final_logit_softcapping": 30.0, **fields}, tensors)
        self.family = "gemma2"
        names = ("attention_topk", "attention_predictor_dims", "ffn_topk", "ffn_predictor_dims")
        self.sparsity = {name: per_layer(fields, name, self.layers) for name in names}
        self.counts = []

    def rotated(self, x, layer, length):
        if not self.sparsity["attention_topk"][layer]:
            return super().rotated(x, layer, length)
        first = self.sparsity["attention_predictor_dims"][layer]
        turns = np.arange(self.position, length)[:, None]
        parts = []
        for part in (x[..., :first], x[..., first:]):
            angles, _ = frequencies({}, self.fields.get("rope_theta", 10000.0), part.shape[-1], 0, 0, length)
            parts.append(rotate(part, np.cos(turns * angles), np.sin(turns * angles)))
        return np.concatenate(parts, -1)

    def attention(self, x, layer, place):
        if not self.sparsity["attention_topk"][layer]:
            return super().attention(x, layer, place)
        k, first = (self.sparsity[name][layer] for name in ("attention_topk", "attention_predictor_dims"))
        query, key, value = (self.linear(x, f"{place}self_attn.{role}_proj").reshape(len(x), -1, self.dim) for role in "qkv")
        length = self.position + len(x)
        query, key = self.rotated(query, layer, length), self.rotated(key, layer, length)
        if layer in self.caches:
            key, value = (np.concatenate(rows) for rows in zip(self.caches[layer], (key, value), strict=True))
        self.caches[layer] = key, value
        cap, mixed = self.fields["attn_logit_softcapping"], np.zeros((len(x), self.heads, self.dim))
        for row, head in np.ndindex(len(x), self.heads):
            end = self.position + row + 1
            start = max(0, end - (self.window(layer) or end))
            keys, values = (rows[start:end, head * self.kv // self.heads] for rows in (key, value))
            scores = keys[:, :first] @ query[row, head, :first] / math.sqrt(first)
            if cap:
                scores = cap * np.tanh(scores / cap)
            survivors = chosen(scores, k)
            self.counts.append(("tokens", layer, end - start, survivors.sum()))
            others = keys[survivors, first:] @ query[row, head, first:] / math.sqrt(self.dim - first)
            weights = softmax(scores[survivors]) * np.logaddexp(0, others)
            mixed[row, head] = weights @ values[survivors]
        return self.linear(mixed.reshape(len(x), -1), place + "self_attn.o_proj")

    def feed_forward(self, x, place):
        layer = int(place.split(".")[1])
        k, first = (self.sparsity[name][layer] for name in ("ffn_topk", "ffn_predictor_dims"))
        if not k:
            return super().feed_forward(x, place)
        survivors = statistical_topk(self.linear(x[:, :first], place + "mlp.gate_proj"), k)
        self.counts += [("neurons", layer, survivors.shape[1], count) for count in (survivors > 0).sum(1)]
        return self.linear(gelu_tanh(survivors) * self.linear(x[:, first:], place + "mlp.up_proj"), place + "mlp.down_proj")
