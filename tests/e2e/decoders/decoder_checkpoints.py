"""Small random checkpoints of every decoder family, in the spellings that config.json files have."""

import json

import numpy as np
from safetensors.numpy import save_file

SIZES = {
    "vocab_size": 50,
    "hidden_size": 48,
    "intermediate_size": 40,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 64,
    "rms_norm_eps": 1e-5,
}
GPT2_SIZES = {"vocab_size": 50, "n_embd": 48, "n_layer": 3, "n_head": 4, "n_positions": 64}
OPT_SIZES = {
    "vocab_size": 50,
    "hidden_size": 48,
    "ffn_dim": 40,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "max_position_embeddings": 64,
    "activation_function": "relu",
}
PAIRS = [1.0, 1.5, 2.0, 3.0, 4.0, 6.0]


def llama(**fields):
    return {**SIZES, "model_type": "llama", "hidden_act": "silu", "tie_word_embeddings": False, **fields}


def gemma(kind, **fields):
    return {
        **SIZES,
        "model_type": kind,
        "head_dim": 16,
        "query_pre_attn_scalar": 10,
        "hidden_activation": "gelu_pytorch_tanh",
        "sliding_window": 5,
        "tie_word_embeddings": True,
        **fields,
    }


def scaled(kind, **fields):
    """A Llama with one kind of scaling, in the fields of transformers 4."""
    return llama(rope_theta=1000.0, rope_scaling={"rope_type": kind, **fields})


# The fields of config.json by case. Windows and switches of length lie within the 24 tokens that the tests run.
CASES = {
    "llama": llama(),
    "llama_biases": llama(attention_bias=True, mlp_bias=True, tie_word_embeddings=True, hidden_act="relu2", head_dim=20),
    "llama_multi_query": llama(num_key_value_heads=1, rope_parameters={"rope_type": "default", "rope_theta": 500.0}),
    "llama_partial": llama(head_dim=16, partial_rotary_factor=0.5),
    "linear": scaled("linear", factor=4.0),
    "dynamic": {**scaled("dynamic", factor=3.0), "max_position_embeddings": 10},
    "llama3": scaled("llama3", factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0, original_max_position_embeddings=32),
    "yarn": scaled("yarn", factor=4.0, original_max_position_embeddings=32, beta_fast=8.0, beta_slow=0.5),
    "yarn_exact": scaled("yarn", factor=4.0, original_max_position_embeddings=32, truncate=False, attention_factor=1.25),
    "longrope": {
        **scaled("longrope", short_factor=PAIRS, long_factor=PAIRS[::-1]),
        "original_max_position_embeddings": 12,
    },
    "mistral": {**llama(), "model_type": "mistral", "sliding_window": 7},
    "mistral_full": {**llama(), "model_type": "mistral", "sliding_window": None},
    "qwen2": {**llama(), "model_type": "qwen2", "use_sliding_window": True, "sliding_window": 6, "max_window_layers": 2},
    "qwen3": {**llama(), "model_type": "qwen3", "head_dim": 20, "use_sliding_window": False, "sliding_window": 6},
    "qwen3_types": {
        **llama(rope_parameters={"rope_type": "default", "rope_theta": 5000.0}),
        "model_type": "qwen3",
        "head_dim": 20,
        "use_sliding_window": True,
        "sliding_window": 4,
        "max_window_layers": 3,
        "layer_types": ["full_attention", "sliding_attention", "full_attention"],
    },
    "gemma2": gemma("gemma2", attn_logit_softcapping=2.0, final_logit_softcapping=3.0),
    "gemma2_without_caps": gemma("gemma2", attn_logit_softcapping=None, final_logit_softcapping=None, attention_bias=True),
    "gemma3": gemma(
        "gemma3_text",
        sliding_window_pattern=2,
        rope_theta=5000.0,
        rope_local_base_freq=100.0,
        rope_scaling={"rope_type": "linear", "factor": 8.0},
    ),
    "gemma3_types": gemma(
        "gemma3_text",
        layer_types=["sliding_attention", "full_attention", "sliding_attention"],
        rope_parameters={
            "sliding_attention": {"rope_type": "default", "rope_theta": 100.0},
            "full_attention": {"rope_type": "linear", "factor": 2.0, "rope_theta": 5000.0},
        },
    ),
    "gpt2": {**GPT2_SIZES, "model_type": "gpt2", "activation_function": "gelu_new", "n_inner": None},
    "gpt2_by_layer": {
        **GPT2_SIZES,
        "model_type": "gpt2",
        "activation_function": "relu",
        "n_inner": 40,
        "scale_attn_by_inverse_layer_idx": True,
    },
    "opt": {**OPT_SIZES, "model_type": "opt"},
    "opt_after": {**OPT_SIZES, "model_type": "opt", "do_layer_norm_before": False, "word_embed_proj_dim": 24},
    "opt_without_biases": {**OPT_SIZES, "model_type": "opt", "enable_bias": False},
    "phi3": {**llama(), "model_type": "phi3", "sliding_window": None},
    "phi3_long": {
        **llama(rope_scaling={"type": "su", "short_factor": PAIRS, "long_factor": PAIRS[::-1]}),
        "model_type": "phi3",
        "head_dim": 16,
        "partial_rotary_factor": 0.75,
        "original_max_position_embeddings": 12,
        "sliding_window": 9,
    },
}
PREFIXES = {"gpt2": "transformer.", "opt": "model.decoder."}


def linears(fields):
    """(name within a layer, rows in, rows out, whether it has a bias)."""
    kind = fields["model_type"]
    width = fields.get("hidden_size", fields.get("n_embd"))
    if kind == "gpt2":
        inner = fields["n_inner"] or 4 * width
        return [
            ("attn.c_attn", width, 3 * width, True),
            ("attn.c_proj", width, width, True),
            ("mlp.c_fc", width, inner, True),
            ("mlp.c_proj", inner, width, True),
        ]
    if kind == "opt":
        bias, inner = fields.get("enable_bias", True), fields["ffn_dim"]
        roles = [(f"self_attn.{role}_proj", width, width, bias) for role in ("q", "k", "v", "out")]
        return roles + [("fc1", width, inner, bias), ("fc2", inner, width, bias)]
    heads, kv, inner = fields["num_attention_heads"], fields["num_key_value_heads"], fields["intermediate_size"]
    dim = fields.get("head_dim", width // heads)
    bias, inner_bias = fields.get("attention_bias", False), fields.get("mlp_bias", False)
    out = ("self_attn.o_proj", heads * dim, width, bias)
    if kind == "phi3":
        fused = [("self_attn.qkv_proj", width, (heads + 2 * kv) * dim, False), ("mlp.gate_up_proj", width, 2 * inner, False)]
        return [*fused, out, ("mlp.down_proj", inner, width, False)]
    sizes = {"q": heads * dim, "k": kv * dim, "v": kv * dim}
    roles = [(f"self_attn.{role}_proj", width, size, bias or kind == "qwen2") for role, size in sizes.items()]
    blocks = [(f"mlp.{role}_proj", width, inner, inner_bias) for role in ("gate", "up")]
    return [*roles, out, *blocks, ("mlp.down_proj", inner, width, inner_bias)]


def norms(fields):
    """(name within a layer, elements)."""
    kind, width = fields["model_type"], fields.get("hidden_size", fields.get("n_embd"))
    if kind == "gpt2":
        return [("ln_1", width), ("ln_2", width)]
    if kind == "opt":
        return [("self_attn_layer_norm", width), ("final_layer_norm", width)]
    names = [("input_layernorm", width), ("post_attention_layernorm", width)]
    if kind.startswith("gemma"):
        names += [("pre_feedforward_layernorm", width), ("post_feedforward_layernorm", width)]
    if kind in ("qwen3", "gemma3_text"):
        names += [("self_attn.q_norm", fields["head_dim"]), ("self_attn.k_norm", fields["head_dim"])]
    return names


def random_tensors(fields, seed=11):
    """Weights of the model, without a prefix; every norm and bias is random too, so that an ignored one shows."""
    random = np.random.default_rng(seed)
    kind, width = fields["model_type"], fields.get("hidden_size", fields.get("n_embd"))
    tensors = {}

    def normal(name, shape, deviation, mean=0.0):
        tensors[name] = random.normal(mean, deviation, shape).astype(np.float32)

    def linear(name, size_in, size_out, has_bias):
        normal(name + ".weight", (size_in, size_out) if kind == "gpt2" else (size_out, size_in), size_in**-0.5)
        if has_bias:
            normal(name + ".bias", (size_out,), 0.3)

    def norm(name, size):
        normal(name + ".weight", (size,), 0.2, 0.0 if kind.startswith("gemma") else 1.0)
        if kind in ("gpt2", "opt"):
            normal(name + ".bias", (size,), 0.3)

    table = fields.get("word_embed_proj_dim", width)
    normal("wte.weight" if kind == "gpt2" else "embed_tokens.weight", (fields["vocab_size"], table), 0.5)
    if kind == "gpt2":
        normal("wpe.weight", (fields["n_positions"], width), 0.5)
    if kind == "opt":
        normal("embed_positions.weight", (fields["max_position_embeddings"] + 2, width), 0.5)
    if table != width:
        linear("project_in", table, width, False)
        linear("project_out", width, table, False)
    for layer in range(fields.get("num_hidden_layers", fields.get("n_layer"))):
        place = f"{'h' if kind == 'gpt2' else 'layers'}.{layer}."
        for name, *sizes in linears(fields):
            linear(place + name, *sizes)
        for name, size in norms(fields):
            norm(place + name, size)
    if fields.get("do_layer_norm_before", True):
        norm({"gpt2": "ln_f", "opt": "final_layer_norm"}.get(kind, "norm"), width)
    if not fields.get("tie_word_embeddings", True):
        normal("lm_head.weight", (fields["vocab_size"], width), width**-0.5)
    return tensors


def save(folder, config, tensors, prefix):
    """Writes a checkpoint folder; `prefix` leads every tensor but the head."""
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(config))
    named = {name if name == "lm_head.weight" else prefix + name: array for name, array in tensors.items()}
    save_file(named, folder / "model.safetensors")
    return folder


def prefix_of(fields):
    return PREFIXES.get(fields["model_type"], "model.")
