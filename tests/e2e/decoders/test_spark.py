"""Spark decoders against numpy in float64: sparse layers compute what their formulas say."""

import re

import numpy as np
import pytest
from decoder_checkpoints import gemma, random_tensors, save
from spark_reference import SparkDecoder, per_layer

IDS = np.random.default_rng(5).integers(0, 50, 24)
TOLERANCE = 1e-4


def spark(**fields):
    sizes = {"intermediate_size": 96, "attn_logit_softcapping": 5.0, "final_logit_softcapping": 3.0}
    return gemma("spark_gemma2", **{**sizes, **fields})


FFN = {"ffn_topk": 9, "ffn_predictor_dims": 20}
ATTENTION = {"attention_topk": 6, "attention_predictor_dims": 8}

# Windows of layers 0 and 2 are 5 tokens, and a context of 24 is longer than every k.
CASES = {
    "dense": spark(),
    "ffn": spark(**FFN),
    "attention": spark(**ATTENTION),
    "both": spark(**FFN, **ATTENTION),
    "window_above_k": spark(**FFN, attention_topk=3, attention_predictor_dims=6, sliding_window=7),
    "uneven_halves": spark(ffn_topk=7, ffn_predictor_dims=1, attention_topk=4, attention_predictor_dims=14),
    "one_survivor": spark(ffn_topk=1, ffn_predictor_dims=47, attention_topk=1, attention_predictor_dims=2),
    "all_survive": spark(ffn_topk=96, ffn_predictor_dims=20, attention_topk=24, attention_predictor_dims=8),
    "more_than_all": spark(ffn_topk=1000, ffn_predictor_dims=20, attention_topk=1000, attention_predictor_dims=8),
    "per_layer": spark(
        ffn_topk=[9, 0, 30], ffn_predictor_dims=[20, 0, 8], attention_topk=[0, 5, 2], attention_predictor_dims=[0, 4, 10]
    ),
    "no_caps": spark(**FFN, **ATTENTION, attn_logit_softcapping=None, final_logit_softcapping=None),
    "untied_biases": spark(**FFN, **ATTENTION, tie_word_embeddings=False, attention_bias=True),
    "silu": spark(**FFN, **ATTENTION, hidden_activation="silu"),
    "multi_query": spark(**FFN, **ATTENTION, num_key_value_heads=1),
    "layer_types": spark(**FFN, **ATTENTION, layer_types=["full_attention", "sliding_attention", "full_attention"]),
}


def spark_tensors(fields, seed=11):
    """Those of Gemma 2, but the gate sees the first dimensions and the up projection the others."""
    tensors = random_tensors({**fields, "model_type": "gemma2"}, seed)
    layers = fields["num_hidden_layers"]
    for layer in range(layers):
        k, first = (per_layer(fields, name, layers) for name in ("ffn_topk", "ffn_predictor_dims"))
        k, first = k[layer], first[layer]
        if k:
            place = f"layers.{layer}.mlp."
            tensors[place + "gate_proj.weight"] = np.ascontiguousarray(tensors[place + "gate_proj.weight"][:, :first])
            tensors[place + "up_proj.weight"] = np.ascontiguousarray(tensors[place + "up_proj.weight"][:, first:])
    return tensors


def compare(given, expected):
    assert np.abs(given - expected).max() <= TOLERANCE
    assert (given.argmax(-1) == expected.argmax(-1)).all()


def check(start, fields, tensors):
    """One call for all tokens; then two calls and the rest token by token."""
    compare(start().run("score", IDS), SparkDecoder(fields, tensors).append(IDS))
    session, reference = start(), SparkDecoder(fields, tensors)
    compare(session.run("prefill", IDS[:5]), reference.append(IDS[:5])[-1:])
    compare(session.run("score", IDS[5:9]), reference.append(IDS[5:9]))
    compare(session.decode(IDS[9:]), np.concatenate([reference.append([token]) for token in IDS[9:]]))


@pytest.mark.parametrize("name", sorted(CASES))
def test_spark(name, tmp_path, compile_decoder):
    fields = CASES[name]
    tensors = spark_tensors(fields)
    check(compile_decoder(save(tmp_path / "checkpoint", fields, tensors, "model.")), fields, tensors)


@pytest.mark.parametrize("tokens", [1, 2, 3, 17, 64, 100])
def test_prefill(tokens, tmp_path, compile_decoder):
    """Many tokens at once, by sparse kernels and densely."""
    fields = {**CASES["both"], "max_position_embeddings": 128}
    tensors = spark_tensors(fields)
    folder = save(tmp_path / "checkpoint", fields, tensors, "model.")
    ids = np.random.default_rng(tokens).integers(0, fields["vocab_size"], tokens)
    sparse, dense = (compile_decoder(folder, *options)().run("score", ids) for options in ((), ("--dense",)))
    compare(sparse, SparkDecoder(fields, tensors).append(ids))
    np.testing.assert_allclose(sparse, dense, rtol=0, atol=1e-5 * np.abs(dense).max())


@pytest.mark.parametrize("name", ["both", "per_layer"])
def test_dense_twin(name, tmp_path, compile_decoder):
    """Without sparse kernels the answers are the same up to the order of sums."""
    fields = CASES[name]
    tensors = spark_tensors(fields)
    folder = save(tmp_path / "checkpoint", fields, tensors, "model.")
    dense = compile_decoder(folder, "--dense")
    check(dense, fields, tensors)
    given, expected = compile_decoder(folder)().decode(IDS), dense().decode(IDS)
    np.testing.assert_allclose(given, expected, rtol=0, atol=1e-5 * np.abs(expected).max())


def test_sparsity_changes_the_model(tmp_path):
    """The cases mean something: survivors are few, and dense layers on the same weights answer otherwise."""
    fields = CASES["both"]
    tensors = spark_tensors(fields)
    decoder = SparkDecoder(fields, tensors)
    logits = decoder.append(IDS)
    neurons = [count / of for kind, _, of, count in decoder.counts if kind == "neurons"]
    tokens = [count / of for kind, _, of, count in decoder.counts if kind == "tokens" and of > 12]
    assert 0.06 < np.mean(neurons) < 0.25 and np.mean(tokens) < 0.7
    for change in ({"ffn_topk": 96}, {"attention_topk": 24}):
        assert np.abs(SparkDecoder({**fields, **change}, tensors).append(IDS) - logits).max() > 100 * TOLERANCE


def test_greedy_tokens(tmp_path, compile_decoder):
    fields = CASES["both"]
    tensors = spark_tensors(fields)
    session = compile_decoder(save(tmp_path / "checkpoint", fields, tensors, "model."))()
    reference = SparkDecoder(fields, tensors)
    given, expected = session.run("prefill", IDS[:4]), reference.append(IDS[:4])[-1:]
    for _ in range(16):
        token = int(expected.argmax())
        assert int(given.argmax()) == token
        given, expected = session.run("decode", [token]), reference.append([token])


def test_remarks(tmp_path, run_tool):
    """Sparse blocks have kernels; each other sparse layer says at its place why it has none and what that costs; --dense
    asks for that and hears nothing."""
    fields = CASES["per_layer"]
    folder = save(tmp_path / "checkpoint", fields, spark_tensors(fields), "model.")
    heard = run_tool("thresh", "compile", folder, "--emit=sparse")
    assert heard.returncode == 0 and heard.stdout.count("thresh.matmul") > 0 and "thresh.sparse_ffn" not in heard.stdout
    entries = {text.split("(")[0]: text.count("thresh.active_rows") for text in heard.stdout.split("func.func @")[1:]}
    # Layer 2 chooses 30 of 96 neurons.
    assert entries == {"prefill": 1, "score": 1, "decode": 2}
    why = "'thresh.sparse_ffn' gets no sparse kernel: each of its rows chooses 30 of 96 neurons, which dense products compute faster"
    assert heard.stderr.count(f"model.layers.2.mlp: {why}") == heard.stderr.count(why) == 1
    dense = r"model.layers.2.mlp: 'thresh.sparse_ffn' is computed densely.* \(and 1 more like it\)\n"
    assert len(re.findall(dense, heard.stderr)) == 1 and "model.layers.0.mlp" not in heard.stderr
    assert "model.layers.1.self_attn: 'thresh.topk_attention' is computed densely" in heard.stderr
    assert "model.layers.1.mlp" not in heard.stderr and "model.layers.0.self_attn" not in heard.stderr
    silent = run_tool("thresh", "compile", folder, "--emit=sparse", "--dense")
    assert silent.returncode == 0 and silent.stderr == "" and "thresh.active_rows" not in silent.stdout


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"ffn_topk": 12}, "ffn_predictor_dims: expects an integer from 1 to 47 where ffn_topk is positive, but got 0"),
        ({"ffn_topk": 12, "ffn_predictor_dims": 48}, "expects an integer from 1 to 47 where ffn_topk is positive, but got 48"),
        ({"ffn_topk": [12, 3], "ffn_predictor_dims": 8}, "expects an integer or one for each of 3 layers, but got 2"),
        ({"ffn_topk": -1}, "ffn_topk: expects an integer from 0"),
        ({"ffn_topk": "many"}, "ffn_topk: expects an integer from 0"),
        ({"attention_topk": 4, "attention_predictor_dims": 7}, "expects an even integer from 2 to 14 where attention_topk"),
        ({"attention_topk": 4, "attention_predictor_dims": 16}, "expects an even integer from 2 to 14 where attention_topk"),
        ({"attention_topk": [4, 4, 4], "attention_predictor_dims": []}, "attention_predictor_dims: expects an integer from 0"),
        ({"ffn_topk": 12, "ffn_predictor_dims": 9}, 'mlp.gate_proj.weight": expects shape [96, 9], but got [96, 48]'),
    ],
)
def test_refusals(fields, message, tmp_path, run_tool):
    tensors = random_tensors({**spark(), "model_type": "gemma2"})
    folder = save(tmp_path / "checkpoint", spark(**fields), tensors, "model.")
    result = run_tool("thresh", "compile", folder, "--emit=graph")
    assert result.returncode == 1 and result.stdout == ""
    assert message in result.stderr
