"""What the sparse layers of a decoder use: counts of every token, their mean and deviation, and the bytes that they make it touch."""

import json

import numpy as np
import pytest
from decoder_checkpoints import CASES, gemma, prefix_of, random_tensors, save
from spark_reference import ApproximateDecoder, SparkDecoder
from test_approximate import attention, describe, ffn
from test_spark import CASES as SPARK
from test_spark import spark_tensors

PROMPT, LATER = [3, 14, 15, 9], [2, 6, 5, 35, 8, 9, 7, 9]
HEADS = 4

# Of 3 layers: (fields, ffn_sparsity, attention_sparsity); a Spark model has neither section.
MODELS = {
    "spark": (SPARK["both"], None, None),
    "spark_per_layer": (SPARK["per_layer"], None, None),
    "spark_ffn": (SPARK["ffn"], None, None),
    "spark_attention": (SPARK["attention"], None, None),
    "approximate": (CASES["llama"], ffn([9, 0, 40]), attention([0, 3, 100], 4)),
    "one_layer": (CASES["mistral"], ffn([0, 0, 7]), attention([0, 4, 0], 4)),
    "windows": (CASES["gemma2"], None, attention(4, 6)),
}


def make(name, folder):
    """(what to compile, the reference) of a model."""
    fields, blocks, heads = MODELS[name]
    if name.startswith("spark"):
        tensors = spark_tensors(fields)
        return save(folder / "checkpoint", fields, tensors, "model."), SparkDecoder(fields, tensors)
    tensors = random_tensors(fields)
    save(folder / "checkpoint", fields, tensors, prefix_of(fields))
    model = describe(folder, "checkpoint", ffn_sparsity=blocks, attention_sparsity=heads)
    return model, ApproximateDecoder(fields, tensors, blocks, heads)


def count(reference, token):
    """What the next token uses: neurons [layers], tokens [layers, heads]."""
    before = len(reference.counts)
    reference.append([token])
    used = reference.counts[before:]
    neurons = [count for kind, _, _, count in used if kind == "neurons"]
    return np.array(neurons), np.array([count for kind, _, _, count in used if kind == "tokens"]).reshape(-1, HEADS)


@pytest.mark.parametrize("options", [[], ["--dense"]], ids=["kernels", "dense"])
@pytest.mark.parametrize("name", sorted(MODELS))
def test_counts_of_each_token(name, options, tmp_path, thresh, compile_model):
    """The outputs of decode are the survivors, layer by layer; there is none without such layers, nor of other entries."""
    path, reference = make(name, tmp_path)
    reference.append(PROMPT)
    with thresh.Model(compile_model(path, *options)) as model:
        session = model.session()
        assert set(session.run({"input_ids": np.array(PROMPT)}, entry="prefill")) == {"logits"}
        for token in LATER:
            outputs = session.run({"input_ids": np.array([token])}, entry="decode")
            neurons, attended = count(reference, token)
            expected = {"active_neurons": neurons, "attended_tokens": attended}
            expected = {key: counts for key, counts in expected.items() if counts.size}
            assert set(outputs) == {"logits", *expected}
            for key, counts in expected.items():
                assert outputs[key].dtype == np.int64 and outputs[key].shape == counts.shape
                assert (outputs[key] == counts).all(), (key, outputs[key], counts)


def test_dense_models_count_nothing(thresh, golden, compile_model):
    with thresh.Model(compile_model(golden / "llama")) as model:
        assert set(model.run([np.array([1])], entry="decode")) == {"logits"}
        generation = model.session().generate([1, 2], max_new_tokens=3, do_sample=False)
        list(generation)
        assert (generation.stats.active_neurons, generation.stats.attended_tokens) == (None, None)
        for position in (0, 7):
            assert model.touched_bytes(position) == model.dense_bytes(position) > 0


@pytest.mark.parametrize("name", ["spark", "approximate"])
def test_mean_and_deviation(name, tmp_path, thresh, compile_model, run_tool):
    """Over tokens, layers and heads, of the text that the model itself makes; and in the line that thresh run ends with."""
    path, reference = make(name, tmp_path)
    library = compile_model(path)
    with thresh.Model(library) as model:
        generation = model.session().generate(PROMPT, max_new_tokens=9, do_sample=False)
        text = list(generation)
        stats = generation.stats
    reference.append(PROMPT)
    counts = [count(reference, token) for token in text[:-1]]
    line = run_tool(
        "thresh", "run", library, "--tokens", ",".join(map(str, PROMPT)), "-n", "9", "--greedy"
    ).stderr
    for spread, values, words in (
        (stats.active_neurons, [neurons for neurons, _ in counts], "active neurons {:.1f} +- {:.1f} a layer"),
        (stats.attended_tokens, [tokens for _, tokens in counts], "attended tokens {:.1f} +- {:.1f} a head"),
    ):
        assert spread.count == np.size(values)
        assert (spread.mean, spread.deviation) == pytest.approx((np.mean(values), np.std(values)))
        assert words.format(spread.mean, spread.deviation) in line


@pytest.mark.parametrize("quantise", [[], ["--quantize", "q8", "--kv-cache", "f16"]], ids=["f32", "q8"])
def test_bytes_of_a_token(quantise, tmp_path, thresh, compile_model, run_tool):
    """Of 96 neurons 9 are expected, of the keys and values of 2 heads 3 for each of the 4 that query; the first 6 of 16
    dimensions of a key are read of every token that a layer sees, of which layers 0 and 2 have a window of 7."""
    fields = {**SPARK["window_above_k"], "vocab_size": 64, "hidden_size": 64, "ffn_predictor_dims": 32}
    tensors = spark_tensors(fields)
    folder = save(tmp_path / "checkpoint", fields, tensors, "model.")
    library, dense = compile_model(folder, *quantise), compile_model(folder, "--dense", *quantise)
    element = 34 / 32 if quantise else 4
    blocks = 3 * 96 * (32 + 64) * element
    row = 2 * 16 * (2 if quantise else 4)
    with thresh.Model(library) as sparse, thresh.Model(dense) as twin:
        for position in (0, 2, 5, 6, 7, 20, 63):
            seen = [min(position + 1, most) for most in (7, 64, 7)]
            unread = sum(max(rows - 3 * 2, 0) for rows in seen) * row * (10 / 16 + 1)
            assert sparse.dense_bytes(position) - sparse.touched_bytes(position) == blocks * (1 - 9 / 96) + unread
            assert twin.dense_bytes(position) == twin.touched_bytes(position)
            if not quantise:
                whole = sum(array.nbytes for array in tensors.values()) + 4 * 64
                assert sparse.dense_bytes(position) == whole + 2 * row * sum(seen)
    result = run_tool("thresh", "bench", library, "--kernels", "--depth", "3,20", "--tokens", "2", "--rounds", "1", "--json")
    for each in json.loads(result.stdout)["depths"]:
        assert sum(kernel.get("bytes", 0) for kernel in each["kernels"]) == each["touched_bytes"] < each["dense_bytes"]


def test_bench_counts(tmp_path, compile_model, run_tool):
    """Every neuron and every token of the context is chosen, whatever tokens the bench draws."""
    fields = gemma("spark_gemma2", ffn_topk=40, ffn_predictor_dims=20, attention_topk=100, attention_predictor_dims=8, sliding_window=60)
    library = compile_model(save(tmp_path / "checkpoint", fields, spark_tensors(fields), "model."), "--dense")
    result = run_tool("thresh", "bench", library, "--depth", "3", "--tokens", "4", "--rounds", "2", "--seconds", "0.01", "--json")
    assert result.returncode == 0, result.stderr
    (report,) = json.loads(result.stdout)["depths"]
    assert report["active_neurons"] == {"count": 2 * 4 * 3, "mean": 40, "deviation": 0}
    assert report["attended_tokens"]["count"] == 2 * 4 * 3 * HEADS
    assert report["attended_tokens"]["mean"] == pytest.approx(np.mean([5, 6, 7, 8]))
    assert report["attended_tokens"]["deviation"] == pytest.approx(np.std([5, 6, 7, 8]))
    assert report["dense_bytes"] == report["touched_bytes"] > 0
