"""Gemma 2 and Spark Gemma 2 in JAX. A model is the fields of its config.json and its tensors by their names in the file."""

import jax
import jax.numpy as jnp
import ml_dtypes
import numpy as np
from jax.scipy.special import ndtri

from data import VOCABULARY

SHARED = {
    "vocab_size": VOCABULARY,
    "hidden_size": 192,
    "num_hidden_layers": 4,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 64,
    "query_pre_attn_scalar": 64,
    "max_position_embeddings": 512,
    "sliding_window": 128,
    "attn_logit_softcapping": 50.0,
    "final_logit_softcapping": 30.0,
    "hidden_activation": "gelu_pytorch_tanh",
    "rms_norm_eps": 1e-6,
    "rope_theta": 10000.0,
    "attention_bias": False,
    "tie_word_embeddings": True,
    "bos_token_id": 0,
    "eos_token_id": 1,
}
# A gated block has three matrices, Spark's two halves and one: 3/2 of the neurons make the same number of weights.
CONFIGS = {
    "dense": {"model_type": "gemma2", **SHARED, "intermediate_size": 1024},
    "spark": {
        "model_type": "spark_gemma2",
        **SHARED,
        "intermediate_size": 1536,
        "ffn_topk": 123,
        "ffn_predictor_dims": 96,
        "attention_topk": 32,
        "attention_predictor_dims": 48,
    },
}


def shapes(fields):
    """The shape of every tensor."""
    width, inner, first = fields["hidden_size"], fields["intermediate_size"], fields.get("ffn_predictor_dims")
    heads, kv = (fields[name] * fields["head_dim"] for name in ("num_attention_heads", "num_key_value_heads"))
    result = {"model.embed_tokens.weight": (fields["vocab_size"], width), "model.norm.weight": (width,)}
    layer = {
        "input_layernorm": (width,),
        "self_attn.q_proj": (heads, width),
        "self_attn.k_proj": (kv, width),
        "self_attn.v_proj": (kv, width),
        "self_attn.o_proj": (width, heads),
        "post_attention_layernorm": (width,),
        "pre_feedforward_layernorm": (width,),
        "mlp.gate_proj": (inner, first or width),
        "mlp.up_proj": (inner, width - first if first else width),
        "mlp.down_proj": (width, inner),
        "post_feedforward_layernorm": (width,),
    }
    for index in range(fields["num_hidden_layers"]):
        result |= {f"model.layers.{index}.{name}.weight": shape for name, shape in layer.items()}
    return result


def initialise(fields, seed):
    """Norms start at 1 (their weight is added to 1), matrices have rows of length about 1. Queries start without what Spark
    attention's factor softplus(q . k) takes of them: a constant, where random ones are noise that training takes long to undo."""
    random = np.random.default_rng(seed)
    params = {
        name: np.zeros(shape, np.float32)
        if len(shape) == 1
        else random.normal(0, shape[1] ** -0.5, shape).astype(np.float32)
        for name, shape in shapes(fields).items()
    }
    if first := fields.get("attention_predictor_dims"):
        for name in params:
            if name.endswith("q_proj.weight"):
                params[name].reshape(fields["num_attention_heads"], fields["head_dim"], -1)[:, first:] = 0
    return {name: jnp.asarray(value) for name, value in params.items()}


def norm(x, weight, fields):
    return x * jax.lax.rsqrt((x * x).mean(-1, keepdims=True) + fields["rms_norm_eps"]) * (1 + weight)


def rotate(x, fields):
    """Rotary positions of x [..., length, d]: element i turns with element i + d/2."""
    length, half = x.shape[-2], x.shape[-1] // 2
    angles = np.arange(length)[:, None] * fields["rope_theta"] ** -(np.arange(half) / half)
    cos, sin = np.cos(angles).astype(np.float32), np.sin(angles).astype(np.float32)
    a, b = x[..., :half], x[..., half:]
    return jnp.concatenate([a * cos - b * sin, b * cos + a * sin], -1)


def soft_cap(x, cap):
    return cap * jnp.tanh(x / cap)


def quantile(share, anneal):
    """Q(1 - share), where share is what survives; while `anneal` grows from 0 to 1 it shrinks from at least a half."""
    share = jnp.asarray(share, jnp.float32)
    return -ndtri(share**anneal * jnp.maximum(share, 0.5) ** (1 - anneal))


def spread(x, valid, count):
    """Mean and standard deviation of the valid elements of each row."""
    mean = jnp.where(valid, x, 0).sum(-1, keepdims=True) / count
    return mean, jnp.sqrt(jnp.where(valid, (x - mean) ** 2, 0).sum(-1, keepdims=True) / count)


def attention(x, weight, fields, layer, anneal, nudge):
    """(what is added to x [batch, length, width] before its norm, attended tokens [batch, heads, length])."""
    batch, length, _ = x.shape
    kv, dim = fields["num_key_value_heads"], fields["head_dim"]
    group = fields["num_attention_heads"] // kv

    def heads(role, *counts):
        rows = (x @ weight(f"self_attn.{role}_proj").T).reshape(batch, length, *counts, dim)
        return jnp.moveaxis(rows, 1, -2)

    query, key, value = heads("q", kv, group), heads("k", kv, 1), heads("v", kv, 1)
    distance = np.arange(length)[:, None] - np.arange(length)
    window = fields["sliding_window"] if layer % 2 == 0 else length
    seen = (distance >= 0) & (distance < window)

    def scores(first, last):
        q, k = rotate(query[..., first:last], fields), rotate(key[..., first:last], fields)
        return jnp.einsum("bkgid,bkujd->bkgij", q, k) * (last - first) ** -0.5

    k, first = fields.get("attention_topk"), fields.get("attention_predictor_dims")
    chosen = soft_cap(scores(0, first or dim), fields["attn_logit_softcapping"])
    kept, count = seen, seen.sum(-1, keepdims=True)
    attended = np.broadcast_to(count[:, 0], chosen.shape[:-1])
    if k and k < count.max():
        fixed = jax.lax.stop_gradient(chosen)
        mean, deviation = spread(fixed, seen, count)
        theta = mean + deviation * (quantile(np.minimum(k / count, 0.99), anneal) + nudge)
        greatest = jnp.where(seen, fixed, -jnp.inf).max(-1, keepdims=True)
        kept = seen & ((fixed >= jnp.minimum(theta, greatest)) | (count <= k))
        attended = kept.sum(-1)
    shares = jax.nn.softmax(jnp.where(kept, chosen, -jnp.inf))
    if first:
        shares = shares * jax.nn.softplus(scores(first, dim))
    mixed = jnp.moveaxis(jnp.einsum("bkgij,bkujd->bkgid", shares, value), -2, 1)
    return mixed.reshape(batch, length, -1) @ weight("self_attn.o_proj").T, attended.reshape(batch, -1, length)


def feed_forward(x, weight, fields, anneal):
    """(what is added to x before its norm, active neurons of each token)."""
    k, first = fields.get("ffn_topk"), fields.get("ffn_predictor_dims")
    if not k:
        gate = x @ weight("mlp.gate_proj").T
        hidden = jax.nn.gelu(gate, approximate=True) * (x @ weight("mlp.up_proj").T)
        return hidden @ weight("mlp.down_proj").T, jnp.full(x.shape[:2], gate.shape[-1])
    gate, neurons = x[..., :first] @ weight("mlp.gate_proj").T, fields["intermediate_size"]
    if k < neurons:
        mean, deviation = spread(gate, True, neurons)
        gate = jnp.maximum(gate - (mean + deviation * quantile(k / neurons, anneal)), 0)
    hidden = jax.nn.gelu(gate, approximate=True) * (x[..., first:] @ weight("mlp.up_proj").T)
    return hidden @ weight("mlp.down_proj").T, (gate > 0).sum(-1)


def forward(params, ids, fields, anneal=1.0, nudge=0.0):
    """Logits of ids [batch, length], and per layer the attended tokens and active neurons. `nudge` moves the thresholds
    of attention by so many standard deviations: what depends on a tie changes."""
    # Gemma rounds this factor to the dtype of its weights.
    scale = float(ml_dtypes.bfloat16(fields["hidden_size"] ** 0.5))
    x = params["model.embed_tokens.weight"][ids] * scale
    counts = []
    for layer in range(fields["num_hidden_layers"]):

        def weight(name, place=f"model.layers.{layer}."):
            return params[f"{place}{name}.weight"]

        y, tokens = attention(norm(x, weight("input_layernorm"), fields), weight, fields, layer, anneal, nudge)
        x = x + norm(y, weight("post_attention_layernorm"), fields)
        y, neurons = feed_forward(norm(x, weight("pre_feedforward_layernorm"), fields), weight, fields, anneal)
        x = x + norm(y, weight("post_feedforward_layernorm"), fields)
        counts.append({"tokens": tokens, "neurons": neurons})
    x = norm(x, params["model.norm.weight"], fields)
    return soft_cap(x @ params["model.embed_tokens.weight"].T, fields["final_logit_softcapping"]), counts


def token_losses(logits, targets):
    """The loss in nats of each token."""
    return jax.nn.logsumexp(logits, -1) - jnp.take_along_axis(logits, targets[..., None], -1)[..., 0]


def losses(params, tokens, fields, anneal=1.0):
    """The loss in nats of each token of [batch, length + 1] but the first."""
    return token_losses(forward(params, tokens[:, :-1], fields, anneal)[0], tokens[:, 1:])
