"""Decoders with sparse layers in numpy, float64: written out from their formulas, without the compiler's tables."""

import math
from statistics import NormalDist

import numpy as np
from decoder_reference import Decoder, frequencies, rotate, softmax


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


class SparseDecoder(Decoder):
    """One session. `counts` collects how many neurons and tokens survived: (kind, layer, how many of, how many)."""

    def __init__(self, fields, tensors):
        super().__init__(fields, tensors)
        self.counts = []

    def attend_to_chosen(self, projected, layer, k, first, score, weigh):
        """What each query and head makes of the keys that the `first` dimensions choose: score(products) says what they
        choose by, weigh(query, keys, scores) what a chosen key's value counts."""
        query, key, value = projected
        mixed = np.zeros_like(query)
        for row, head in np.ndindex(len(query), self.heads):
            end = self.position + row + 1
            start = max(0, end - (self.window(layer) or end))
            keys, values = (rows[start:end, head * self.kv // self.heads] for rows in (key, value))
            scores = score(keys[:, :first] @ query[row, head, :first])
            survivors = chosen(scores, k)
            self.counts.append(("tokens", layer, end - start, survivors.sum()))
            mixed[row, head] = weigh(query[row, head], keys[survivors], scores[survivors]) @ values[survivors]
        return mixed

    def count_neurons(self, active, layer):
        self.counts += [("neurons", layer, active.shape[1], count) for count in active.sum(1)]


class SparkDecoder(SparseDecoder):
    """Layers are sparse as config.json says."""

    def __init__(self, fields, tensors):
        super().__init__({"attn_logit_softcapping": 50.0, "final_logit_softcapping": 30.0, **fields}, tensors)
        self.family = "gemma2"
        names = ("attention_topk", "attention_predictor_dims", "ffn_topk", "ffn_predictor_dims")
        self.sparsity = {name: per_layer(fields, name, self.layers) for name in names}

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
        k, first = (self.sparsity[name][layer] for name in ("attention_topk", "attention_predictor_dims"))
        if not k:
            return super().attention(x, layer, place)
        cap = self.fields["attn_logit_softcapping"]

        def score(products):
            scores = products / math.sqrt(first)
            return cap * np.tanh(scores / cap) if cap else scores

        def weigh(query, keys, scores):
            others = keys[:, first:] @ query[first:] / math.sqrt(self.dim - first)
            return softmax(scores) * np.logaddexp(0, others)

        projected = self.projected(x, layer, place)
        return self.attention_out(self.attend_to_chosen(projected, layer, k, first, score, weigh), place)

    def feed_forward(self, x, place):
        layer = int(place.split(".")[1])
        k, first = (self.sparsity[name][layer] for name in ("ffn_topk", "ffn_predictor_dims"))
        if not k:
            return super().feed_forward(x, place)
        survivors = statistical_topk(self.linear(x[:, :first], place + "mlp.gate_proj"), k)
        self.count_neurons(survivors > 0, layer)
        return self.linear(self.activation()(survivors) * self.linear(x[:, first:], place + "mlp.up_proj"), place + "mlp.down_proj")


class ApproximateDecoder(SparseDecoder):
    """A dense model whose layers a description makes sparse: its sections, as in the file, or None."""

    def __init__(self, fields, tensors, ffn=None, attention=None):
        super().__init__(fields, tensors)
        self.neurons = per_layer(ffn or {}, "k", self.layers)
        self.tokens = per_layer(attention or {}, "index_topk", self.layers)
        self.first = attention and attention["predictor"]["r"]

    def attention(self, x, layer, place):
        k = self.tokens[layer]
        if not k:
            return super().attention(x, layer, place)

        def score(products):
            return self.scaled(products, layer)

        def weigh(query, keys, scores):
            return softmax(score(keys @ query))

        projected = self.projected(x, layer, place)
        return self.attention_out(self.attend_to_chosen(projected, layer, k, self.first, score, weigh), place)

    def feed_forward(self, x, place):
        layer = int(place.split(".")[1])
        k = self.neurons[layer]
        if not k:
            return super().feed_forward(x, place)
        gate, up = self.linear(x, place + "mlp.gate_proj"), self.linear(x, place + "mlp.up_proj")
        active = statistical_topk(gate, k) > 0 if k < gate.shape[1] else np.ones_like(gate, bool)
        self.count_neurons(active, layer)
        return self.linear(np.where(active, self.activation()(gate) * up, 0), place + "mlp.down_proj")
