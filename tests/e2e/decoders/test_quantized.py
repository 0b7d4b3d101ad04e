"""Decoders with narrower weights: every family against numpy that computes with what the weights file holds."""

import json

import numpy as np
import pytest
from decoder_checkpoints import CASES, llama, prefix_of, random_tensors
from decoder_reference import Decoder
from decoder_session import Compiled
from quantized_reference import QuantizedDecoder, plain_error, rounded, stored_matrices
from safetensors import safe_open

IDS = np.random.default_rng(2).integers(0, 50, 24)
# Depths of 64 and 96 where the cases have 48 and 40; heads of 20 leave the output projection at 80, which is not quantised.
WIDE = {"hidden_size": 64, "intermediate_size": 96, "n_embd": 64, "ffn_dim": 96}
FAMILIES = ["gemma2", "gemma3", "gpt2", "llama", "llama_biases", "mistral", "opt", "opt_after", "phi3", "qwen2", "qwen3"]


def widened(name):
    fields = {**CASES[name], **{key: value for key, value in WIDE.items() if key in CASES[name]}}
    if fields.get("word_embed_proj_dim"):
        fields["word_embed_proj_dim"] = 32
    if fields.get("n_inner"):
        fields["n_inner"] = 96
    return fields


def differences(ours, expected):
    """Shares of the largest logit."""
    return np.abs(ours - expected) / np.abs(expected).max()


# ===------------------------------------------------------------------------===
# Quantised weights
# ===------------------------------------------------------------------------===


def by_row(fields, tensors, name):
    """The tensor as [rows out, rows in]; GPT-2 stores its products the other way round."""
    is_product_of_gpt2 = fields["model_type"] == "gpt2" and name not in ("wte.weight", "wpe.weight")
    return tensors[name].T if is_product_of_gpt2 else tensors[name]


def read_matrices(compiled, kind, fields, tensors):
    """Every matrix that the weights file has quantised, W [rows, K], no group of it farther from the model's weights than
    the plain choice of scale would be; the rows that fill the last panel are zero."""
    matrices = {}
    for name, (q, scale) in stored_matrices(compiled.weights, kind, prefix_of(fields)).items():
        exact = by_row(fields, tensors, name)
        matrix, padding = np.split(q * scale, [len(exact)])
        assert not q[len(exact) :].any() and not scale[len(exact) :].any() and len(padding) < 16
        error = ((matrix - exact) ** 2).reshape(len(exact), -1, 32).sum(-1)
        assert (error <= plain_error(exact, kind) * (1 + 1e-5)).all(), name
        matrices[name] = matrix
    return matrices


def quantisable(fields, tensors):
    """Names of the matrices that products and gathers read, their depth a multiple of 32: all but tables of positions."""
    names = {name for name, array in tensors.items() if array.ndim == 2 and name not in ("wpe.weight", "embed_positions.weight")}
    return {name for name in names if by_row(fields, tensors, name).shape[1] % 32 == 0}


def check_quantised(start, reference):
    """The arithmetic is the reference's but for the order of f32 sums, which decides an activation that lies on the border
    of two integers. That happens in few short texts, and all others agree as f32 does; what it then changes is less than
    a twentieth of the largest logit."""
    agree = 0
    for index, text in enumerate(np.split(IDS, 6)):
        expected, session = reference().append(text), start()
        if index % 2:
            ours = session.run("score", text)
        else:
            ours = np.concatenate([session.run("prefill", text[:-1]), session.decode(text[-1:])])
        error = differences(ours, expected[-len(ours) :]).max()
        assert error <= 0.05
        agree += error <= 1e-5
    assert agree >= 4
    expected, session = reference().append(IDS), start()
    assert differences(start().run("score", IDS), expected).max() <= 0.05
    ours = np.concatenate([session.run("prefill", IDS[:9]), session.run("score", IDS[9:14]), session.decode(IDS[14:])])
    assert differences(ours, expected[8:]).max() <= 0.05


@pytest.mark.parametrize("kind", ["q8", "q4"])
@pytest.mark.parametrize("name", FAMILIES)
def test_family(name, kind, compile_case):
    fields = widened(name)
    tensors = random_tensors(fields)
    compiled = compile_case(fields, tensors, "--quantize", kind)
    matrices = read_matrices(compiled, kind, fields, tensors)
    assert matrices.keys() == quantisable(fields, tensors)
    check_quantised(compiled.start, lambda: QuantizedDecoder(fields, tensors, matrices))


def test_same_answers_every_time(compile_case):
    fields = widened("llama")
    compiled = compile_case(fields, random_tensors(fields), "--quantize", "q4")
    first, second = compiled.start(), compiled.start()
    for entry, ids in [("prefill", IDS[:9]), ("score", IDS[9:14]), ("decode", IDS[14:15])]:
        np.testing.assert_array_equal(first.run(entry, ids), second.run(entry, ids))


def test_depths_that_groups_do_not_fill(compile_case):
    """Widths of 48 and 40: nothing is quantised, each matrix is named, and the answers are those of f32."""
    fields = CASES["llama"]
    tensors = random_tensors(fields)
    compiled = compile_case(fields, tensors, "--quantize", "q8")
    assert stored_matrices(compiled.weights, "q8", "model.") == {}
    for name in ["model.layers.0.self_attn.q_proj.weight", "model.embed_tokens.weight", "lm_head.weight"]:
        assert f"remark: {name}: '{name}' is not quantised: its depth of 48 is no multiple of 32\n" in compiled.log
    assert "'model.layers.2.mlp.down_proj.weight' is not quantised: its depth of 40 is no multiple of 32\n" in compiled.log
    assert differences(compiled.start().run("score", IDS), Decoder(fields, tensors).append(IDS)).max() <= 2e-5


@pytest.mark.parametrize("kind", ["q8", "q4"])
def test_one_long_row(kind, compile_case):
    """Depths of several hundred, heads that share one key, a vocabulary of one panel and one row more."""
    fields = llama(hidden_size=160, intermediate_size=352, num_hidden_layers=1, num_key_value_heads=1, head_dim=24, vocab_size=17)
    tensors = random_tensors(fields)
    compiled = compile_case(fields, tensors, "--quantize", kind)
    matrices = read_matrices(compiled, kind, fields, tensors)
    assert matrices.keys() == quantisable(fields, tensors)
    session = compiled.start()
    ids = IDS[:6] % 17
    expected = QuantizedDecoder(fields, tensors, matrices).append(ids)
    assert differences(session.decode(ids), expected).max() <= 0.05
    assert differences(compiled.start().run("decode", ids[:1]), expected[:1]).max() <= 1e-5


def test_zeros_and_extremes(compile_case):
    """Groups of zeros, of one weight, of large weights, and of weights less than the least scale; tokens whose activations are zero."""
    fields = llama(hidden_size=64, intermediate_size=96, num_hidden_layers=1)
    tensors = random_tensors(fields)
    tensors["embed_tokens.weight"][3] = 0
    gate = tensors["layers.0.mlp.gate_proj.weight"]
    gate[0], gate[1, :32], gate[2, 5:32], gate[3], gate[4] = 0, 0, 0, gate[3] * 30, gate[4] * 1e-9
    compiled = compile_case(fields, tensors, "--quantize", "q8")
    matrices = read_matrices(compiled, "q8", fields, tensors)
    ids = [3, 7, 3]
    error = differences(compiled.start().run("score", ids), QuantizedDecoder(fields, tensors, matrices).append(ids))
    assert error[0].max() <= 1e-5 and error.max() <= 0.05


def test_golden(golden, runtime, run_tool, tmp_path):
    """The logits of transformers in float32: 8 bits move them by less than a tenth of the largest, and seldom change the best."""
    folder = golden / "llama"
    ids, logits = json.loads((folder / "golden.json").read_text())["input_ids"], np.load(folder / "golden_logits.npy")
    ours = Compiled(runtime, run_tool, tmp_path, folder, "--quantize", "q8").start().run("score", ids)
    assert differences(ours, logits).max() <= 0.1
    assert (ours.argmax(1) == logits.argmax(1)).mean() >= 0.9


# ===------------------------------------------------------------------------===
# Half floats
# ===------------------------------------------------------------------------===


@pytest.mark.parametrize("half", ["f16", "bf16"])
@pytest.mark.parametrize("name", ["gemma2", "gpt2", "llama", "opt"])
def test_half_weights(name, half, compile_case):
    """Matrices of any depth are rounded to nearest and computed with in f32; vectors stay f32."""
    fields = CASES[name]
    tensors = random_tensors(fields)
    compiled = compile_case(fields, tensors, "--quantize", half)
    with safe_open(compiled.weights, "numpy") as file:
        types = {key.removesuffix(".packed"): file.get_slice(key).get_dtype() for key in file.keys()}
    tables = {"wpe.weight", "embed_positions.weight"}
    narrow = {key: array for key, array in tensors.items() if array.ndim == 2 and key not in tables}
    for key in tensors:
        prefix = "" if key == "lm_head.weight" else prefix_of(fields)
        if key not in tables:
            assert types[prefix + key] == (half.upper() if key in narrow else "F32"), key
    rounds = {key: rounded(array, half) for key, array in narrow.items()}
    expected, session = Decoder(fields, {**tensors, **rounds}).append(IDS), compiled.start()
    assert differences(compiled.start().run("score", IDS), expected).max() <= 2e-5
    ours = np.concatenate([session.run("prefill", IDS[:9]), session.run("score", IDS[9:14]), session.decode(IDS[14:])])
    assert differences(ours, expected[8:]).max() <= 2e-5


def test_quantised_weights_with_half_caches(compile_case):
    fields = widened("qwen3")
    tensors = random_tensors(fields)
    compiled = compile_case(fields, tensors, "--quantize", "q4", "--kv-cache", "f16")
    matrices = read_matrices(compiled, "q4", fields, tensors)
    check_quantised(compiled.start, lambda: QuantizedDecoder(fields, tensors, matrices, stored=lambda rows: rounded(rows, "f16")))
