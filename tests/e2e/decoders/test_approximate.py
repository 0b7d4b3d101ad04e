"""Dense models that a description makes sparse: the sections `ffn_sparsity` and `attention_sparsity`."""

import json
import os

import numpy as np
import pytest
from decoder_checkpoints import CASES, gemma, llama, prefix_of, random_tensors, save
from spark_reference import ApproximateDecoder

IDS = np.random.default_rng(7).integers(0, 50, 24)
TOLERANCE = 1e-4


def ffn(k):
    return {"mode": "statistical_topk", "k": k, "predictor": {"kind": "gate"}}


def attention(k, r):
    return {"index_topk": k, "predictor": {"kind": "partial_key", "r": r}}


def describe(folder, model, **sections):
    """Writes a description; None leaves a section out."""
    path = folder / "model.json"
    path.write_text(json.dumps({"model": os.fspath(model), **{key: value for key, value in sections.items() if value}}))
    return path


# ===------------------------------------------------------------------------===
# Everything chosen
# ===------------------------------------------------------------------------===


@pytest.fixture(scope="module", params=["llama", "gemma2", "opt"])
def whole(request, golden, tmp_path_factory, compile_decoder):
    """(sessions of a golden model, sessions of the same with sparse layers that choose everything, input ids)."""
    folder = golden / request.param
    fields = json.loads((folder / "config.json").read_text())
    blocks = ffn(fields["intermediate_size"]) if "intermediate_size" in fields else None
    context = fields["max_position_embeddings"]
    description = describe(
        tmp_path_factory.mktemp("whole"), folder, ffn_sparsity=blocks, attention_sparsity=attention(context, 4)
    )
    ids = json.loads((folder / "golden.json").read_text())["input_ids"]
    return compile_decoder(folder), compile_decoder(description, "--dense"), ids


def test_everything_chosen_is_the_dense_model(whole):
    dense, chosen, ids = whole
    for run in (lambda session: session.run("score", ids), lambda session: session.decode(ids)):
        expected = run(dense())
        assert np.abs(run(chosen()) - expected).max() <= 1e-6 * np.abs(expected).max()


@pytest.mark.parametrize("name", ["llama", "gemma2"])
def test_all_neurons_are_the_dense_model_exactly(name, golden, tmp_path, compile_decoder):
    ids = json.loads((golden / name / "golden.json").read_text())["input_ids"]
    description = describe(tmp_path, golden / name, ffn_sparsity=ffn(192))
    dense, chosen = compile_decoder(golden / name), compile_decoder(description, "--dense")
    assert (chosen().run("score", ids) == dense().run("score", ids)).all()
    assert (chosen().decode(ids) == dense().decode(ids)).all()


# ===------------------------------------------------------------------------===
# Less than everything
# ===------------------------------------------------------------------------===

# (case of decoder_checkpoints, ffn_sparsity, attention_sparsity)
SPARSE = {
    "ffn": ("llama", ffn(6), None),
    "attention": ("llama", None, attention(5, 4)),
    "both": ("llama", ffn(9), attention(4, 6)),
    "per_layer": ("llama", ffn([0, 5, 40]), attention([6, 0, 2], 8)),
    "one_of_each": ("llama", ffn(1), attention(1, 2)),
    "windows_and_caps": ("gemma2", ffn(7), attention(3, 6)),
    "two_ropes_and_head_norms": ("gemma3", ffn(8), attention(4, 14)),
    "window_everywhere": ("mistral", ffn(7), attention(3, 4)),
    "biased_attention": ("qwen2", ffn(7), attention(4, 4)),
    "head_norms": ("qwen3", ffn(7), attention(4, 10)),
    "partial_rotation": ("llama_partial", None, attention(5, 4)),
    "multi_query": ("llama_multi_query", None, attention(5, 10)),
    "fused_projections": ("phi3", None, attention(5, 4)),
    "fused_and_scaled_by_layer": ("gpt2_by_layer", None, attention(5, 4)),
    "learned_positions": ("opt", None, attention(5, 4)),
}


def compare(given, expected):
    assert np.abs(given - expected).max() <= TOLERANCE
    assert (given.argmax(-1) == expected.argmax(-1)).all()


@pytest.mark.parametrize("options", [[], ["--dense"]], ids=["kernels", "dense"])
@pytest.mark.parametrize("name", sorted(SPARSE))
def test_against_the_reference(name, options, tmp_path, compile_decoder):
    """One call for all tokens; then two calls and the rest token by token; and the layers do choose."""
    case, blocks, heads = SPARSE[name]
    fields = CASES[case]
    tensors = random_tensors(fields)
    save(tmp_path / "checkpoint", fields, tensors, prefix_of(fields))
    start = compile_decoder(describe(tmp_path, "checkpoint", ffn_sparsity=blocks, attention_sparsity=heads), *options)
    reference = ApproximateDecoder(fields, tensors, blocks, heads)
    expected = reference.append(IDS)
    compare(start().run("score", IDS), expected)
    session = start()
    compare(session.run("prefill", IDS[:5]), expected[4:5])
    compare(session.run("score", IDS[5:9]), expected[5:9])
    compare(session.decode(IDS[9:]), expected[9:])
    assert np.abs(ApproximateDecoder(fields, tensors).append(IDS) - expected).max() > 100 * TOLERANCE


# ===------------------------------------------------------------------------===
# What it says of itself
# ===------------------------------------------------------------------------===


@pytest.fixture(scope="module")
def sparse_folder(tmp_path_factory):
    """A folder with a checkpoint of 3 layers in it, and the description that makes it sparse."""
    folder = tmp_path_factory.mktemp("sparse")
    fields = llama()
    save(folder / "checkpoint", fields, random_tensors(fields), "model.")
    return folder, describe(folder, "checkpoint", ffn_sparsity=ffn([9, 0, 6]), attention_sparsity=attention(4, 6))


@pytest.mark.parametrize("options", [[], ["--dense"], ["--emit=sparse"]])
def test_one_remark_for_a_model(options, sparse_folder, tmp_path, run_tool):
    output = [] if "--emit=sparse" in options else ["-o", tmp_path / "m.so", "--dense"]
    heard = run_tool("thresh", "compile", sparse_folder[1], *options, *output)
    assert heard.returncode == 0
    assert heard.stderr.count("is approximated: layers are sparse that were trained dense") == 1
    dense = run_tool("thresh", "compile", sparse_folder[0] / "checkpoint", "--emit=graph")
    assert dense.returncode == 0 and "approximated" not in dense.stderr


def test_marks(sparse_folder, thresh, compile_model, run_tool):
    library, dense = (compile_model(path, "--dense") for path in (sparse_folder[1], sparse_folder[0] / "checkpoint"))
    for path, approximate in ((library, True), (dense, False)):
        metadata = json.loads(run_tool("thresh", "inspect", path, "--json").stdout)
        assert metadata.get("approximate", False) == approximate
        text = run_tool("thresh", "inspect", path).stdout
        assert ("approximate: layers are sparse that were trained dense" in text) == approximate
        closing = run_tool("thresh", "run", path, "--tokens", "1,2", "-n", "3", "--greedy").stderr
        assert closing.endswith(", approximate\n") == approximate
        with thresh.Model(path) as model:
            assert model.approximate == approximate


def test_marks_in_the_graph(sparse_folder, run_tool):
    graph = run_tool("thresh", "compile", sparse_folder[1], "--emit=graph").stdout
    blocks = [line for line in graph.splitlines() if "thresh.sparse_ffn" in line]
    heads = [line for line in graph.splitlines() if "thresh.topk_attention" in line]
    assert len(blocks) == 3 * 2 and len(heads) == 3 * 3
    assert all(" silu gate " in line and " mask approximate " in line for line in blocks)
    assert all("x6xf32>" in line and " topk(4)" in line and " approximate " in line and "softplus" not in line for line in heads)


# ===------------------------------------------------------------------------===
# Refusals
# ===------------------------------------------------------------------------===

FAMILY = "/ffn_sparsity: expects feed-forward blocks "
BAD = [
    ("llama", {"ffn_sparsity": []}, "/ffn_sparsity: expects an object, but got []"),
    ("llama", {"ffn_sparsity": {}}, "/ffn_sparsity/mode: expects a string, but the field is missing"),
    ("llama", {"ffn_sparsity": {**ffn(3), "topk": 3}}, "/ffn_sparsity/topk: expects one of k, mode, predictor as the key"),
    ("llama", {"ffn_sparsity": {**ffn(3), "mode": "relu"}}, '/ffn_sparsity/mode: expects "statistical_topk", but got "relu"'),
    ("llama", {"ffn_sparsity": {**ffn(3), "mode": 3}}, "/ffn_sparsity/mode: expects a string, but got 3"),
    ("llama", {"ffn_sparsity": {"mode": "statistical_topk", "predictor": {"kind": "gate"}}}, "/ffn_sparsity/k: expects"),
    ("llama", {"ffn_sparsity": ffn(41)}, "/ffn_sparsity/k: expects an integer from 0 to 40"),
    ("llama", {"ffn_sparsity": ffn(-1)}, "/ffn_sparsity/k: expects an integer from 0 to 40"),
    ("llama", {"ffn_sparsity": ffn([3, 41, 0])}, "/ffn_sparsity/k: expects an integer from 0 to 40"),
    ("llama", {"ffn_sparsity": ffn([3, 4])}, "/ffn_sparsity/k: expects an integer or one for each of 3 layers, but got 2"),
    ("llama", {"ffn_sparsity": ffn(2.5)}, "/ffn_sparsity/k: expects an integer from 0 to 40"),
    ("llama", {"ffn_sparsity": {"mode": "statistical_topk", "k": 3}}, '/ffn_sparsity/predictor: expects an object of kind "gate"'),
    ("llama", {"ffn_sparsity": {**ffn(3), "predictor": {}}}, "/ffn_sparsity/predictor/kind: expects a string"),
    (
        "llama",
        {"ffn_sparsity": {**ffn(3), "predictor": {"kind": "router"}}},
        '/ffn_sparsity/predictor/kind: expects "gate", but got "router"',
    ),
    (
        "llama",
        {"ffn_sparsity": {**ffn(3), "predictor": {"kind": "gate", "r": 4}}},
        "/ffn_sparsity/predictor/r: expects one of kind as the key",
    ),
    ("llama", {"attention_sparsity": {}}, "/attention_sparsity/index_topk: expects"),
    ("llama", {"attention_sparsity": attention(-1, 4)}, "/attention_sparsity/index_topk: expects an integer from 0"),
    ("llama", {"attention_sparsity": attention([4] * 4, 4)}, "/attention_sparsity/index_topk: expects an integer or one"),
    (
        "llama",
        {"attention_sparsity": {**attention(4, 4), "local_window_size": 8}},
        "/attention_sparsity/local_window_size: expects one of index_topk, predictor as the key",
    ),
    ("llama", {"attention_sparsity": {"index_topk": 4}}, '/attention_sparsity/predictor: expects an object of kind "partial_key"'),
    (
        "llama",
        {"attention_sparsity": {"index_topk": 4, "predictor": {"kind": "partial_key"}}},
        "/attention_sparsity/predictor/r: expects",
    ),
    *(
        (
            "llama",
            {"attention_sparsity": attention(4, r)},
            f"/attention_sparsity/predictor/r: expects an even integer from 2 to 10, but got {r}",
        )
        for r in (0, 1, 5, 11, 12, -2)
    ),
    ("gpt2", {"ffn_sparsity": ffn(3)}, FAMILY + 'with a gate projection of its own, but "gpt2" has none'),
    ("opt", {"ffn_sparsity": ffn(3)}, FAMILY + 'with a gate projection of its own, but "opt" has none'),
    (
        "phi3",
        {"ffn_sparsity": ffn(3)},
        FAMILY + 'with a gate projection of its own, but "phi3" has it in one tensor with the up projection',
    ),
    ("llama_biases", {"ffn_sparsity": ffn(3)}, FAMILY + 'without biases, but "llama" has them (mlp_bias)'),
]


def refuse(run_tool, folder, **sections):
    """What compiling says after the name of the description."""
    path = folder / "model.json"
    path.write_text(json.dumps({"model": "checkpoint", **sections}))
    result = run_tool("thresh", "compile", path, "-o", folder / "out.so")
    assert result.returncode == 1 and not (folder / "out.so").exists()
    place = f"{path}: "
    assert place in result.stderr
    return result.stderr.split(place, 1)[1]


@pytest.mark.parametrize(("case", "sections", "message"), BAD)
def test_refusals(case, sections, message, tmp_path, run_tool):
    fields = CASES[case]
    save(tmp_path / "checkpoint", fields, random_tensors(fields), prefix_of(fields))
    assert refuse(run_tool, tmp_path, **sections).startswith(message)


@pytest.mark.parametrize(("key", "section"), [("ffn_sparsity", ffn(3)), ("attention_sparsity", attention(3, 4))])
def test_sparse_families_are_refused(key, section, tmp_path, run_tool):
    fields = gemma("spark_gemma2")
    save(tmp_path / "checkpoint", fields, random_tensors({**fields, "model_type": "gemma2"}), "model.")
    message = refuse(run_tool, tmp_path, **{key: section})
    assert message.startswith(f'/{key}: expects a dense family, but "spark_gemma2" has sparse layers of its own')


@pytest.mark.parametrize("key", ["ffn_sparsity", "attention_sparsity"])
def test_only_decoders_and_checkpoints(key, golden, tmp_path, run_tool):
    (tmp_path / "checkpoint").symlink_to(golden / "bert")
    assert refuse(run_tool, tmp_path, **{key: {}}).startswith(f'/{key}: expects a decoder, but the model is "bert"')
    (tmp_path / "model.json").write_text(json.dumps({"model": "model.onnx", key: {}}))
    (tmp_path / "model.onnx").write_bytes(b"")
    result = run_tool("thresh", "compile", tmp_path / "model.json", "-o", tmp_path / "out.so")
    assert result.returncode == 1 and "fields of config.json or sparsity are asked for" in result.stderr
