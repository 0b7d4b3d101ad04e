"""Every family and rule against numpy in float64, on small random checkpoints."""

import json

import ml_dtypes
import numpy as np
import pytest
from decoder_checkpoints import CASES, gemma, llama, prefix_of, random_tensors, save
from decoder_reference import Decoder
from safetensors.numpy import save_file

IDS = np.random.default_rng(2).integers(0, 50, 24)
TOLERANCE = 1e-4


def check(start, fields, tensors):
    """One call for all tokens; then two calls and the rest token by token: rules that depend on the length so far see
    other lengths, and what they did to older keys stays."""
    assert np.abs(start().run("score", IDS) - Decoder(fields, tensors).append(IDS)).max() <= TOLERANCE
    session, reference = start(), Decoder(fields, tensors)
    assert np.abs(session.run("prefill", IDS[:5]) - reference.append(IDS[:5])[-1]).max() <= TOLERANCE
    assert np.abs(session.run("score", IDS[5:9]) - reference.append(IDS[5:9])).max() <= TOLERANCE
    expected = np.concatenate([reference.append([token]) for token in IDS[9:]])
    assert np.abs(session.decode(IDS[9:]) - expected).max() <= TOLERANCE


@pytest.mark.parametrize("name", sorted(CASES))
def test_family(name, tmp_path, compile_decoder):
    fields = CASES[name]
    tensors = random_tensors(fields)
    folder = save(tmp_path / "checkpoint", fields, tensors, prefix_of(fields))
    check(compile_decoder(folder, "--context", 24), fields, tensors)


@pytest.mark.parametrize("prefix", ["model.language_model.", "language_model.model."])
def test_nested_text_config(prefix, tmp_path, compile_decoder):
    """A wrapper leaves out what equals the family's defaults: heads, their width, rope bases, the activation."""
    written = {
        "model_type": "gemma3_text",
        "vocab_size": 50,
        "hidden_size": 24,
        "intermediate_size": 40,
        "num_hidden_layers": 7,
        "max_position_embeddings": 64,
        "sliding_window": 4,
    }
    defaults = {
        "num_attention_heads": 8,
        "num_key_value_heads": 4,
        "head_dim": 256,
        "rms_norm_eps": 1e-6,
        "query_pre_attn_scalar": 256,
    }
    fields = {**defaults, **written}
    tensors = random_tensors(fields)
    config = {"model_type": "gemma3", "text_config": written, "vision_config": {"hidden_size": 8}}
    check(compile_decoder(save(tmp_path / "checkpoint", config, tensors, prefix)), fields, tensors)


def test_tensors_without_prefix(tmp_path, compile_decoder):
    fields = CASES["gpt2"]
    tensors = random_tensors(fields)
    check(compile_decoder(save(tmp_path / "checkpoint", fields, tensors, "")), fields, tensors)


def test_shards(tmp_path, compile_decoder):
    fields = llama()
    tensors = random_tensors(fields)
    folder = save(tmp_path / "checkpoint", fields, tensors, "model.")
    (folder / "model.safetensors").unlink()
    names = {name: name if name == "lm_head.weight" else "model." + name for name in sorted(tensors)}
    parts = {"model-00001-of-00002.safetensors": list(names)[::2], "model-00002-of-00002.safetensors": list(names)[1::2]}
    for file, part in parts.items():
        save_file({names[name]: tensors[name] for name in part}, folder / file)
    index = {"metadata": {}, "weight_map": {names[name]: file for file, part in parts.items() for name in part}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    check(compile_decoder(folder), fields, tensors)


def test_embedding_scale_is_rounded_as_weights_are_stored(tmp_path, compile_decoder):
    """sqrt(48) is 6.928, and 6.9375 in bfloat16."""
    fields = gemma("gemma2", attn_logit_softcapping=2.0, final_logit_softcapping=3.0)
    tensors = {name: array.astype(ml_dtypes.bfloat16) for name, array in random_tensors(fields).items()}
    folder = save(tmp_path / "checkpoint", fields, tensors, "model.")
    check(compile_decoder(folder), {**fields, "embedding_scale": 6.9375}, tensors)


def test_longest_context_by_default(tmp_path, run_tool):
    """What the model allows, at most 4096 tokens; --context asks for another."""

    def context(*options, **fields):
        folder = save(tmp_path / str(len(list(tmp_path.iterdir()))), llama(**fields), random_tensors(llama()), "model.")
        result = run_tool("thresh", "compile", folder, "--emit=graph", *options)
        assert result.returncode == 0, result.stderr
        return result.stdout.split("thresh.context = ")[1].split(" ")[0]

    assert context() == "64"
    assert context(max_position_embeddings=131072) == "4096"
    assert context("--context", 8192, max_position_embeddings=131072) == "8192"
    assert context("--context", 100) == "100"


@pytest.mark.parametrize("nested", [False, True])
def test_description(nested, tmp_path, compile_decoder):
    """Fields of `model_config` overrule the checkpoint's, nested or not; the rest says how to compile."""
    written = llama(hidden_act="silu", rms_norm_eps=1e-5)
    fields = {**written, "hidden_act": "relu"}
    tensors = random_tensors(fields)
    config = {"model_type": "llava", "text_config": written} if nested else written
    save(tmp_path / "checkpoint", config, tensors, "model.")
    description = {"model": "checkpoint", "model_config": {"hidden_act": "relu"}, "context_window_size": 24}
    (tmp_path / "tiny.json").write_text(json.dumps(description))
    start = compile_decoder(tmp_path / "tiny.json")
    check(start, fields, tensors)
    with pytest.raises(RuntimeError, match="24"):
        start().run("prefill", np.zeros(25))


def test_context_is_for_checkpoints(tmp_path, run_tool):
    (tmp_path / "model.onnx").write_bytes(b"")
    result = run_tool("thresh", "compile", tmp_path / "model.onnx", "-o", tmp_path / "model.so", "--context", 8)
    assert result.returncode == 1
    assert "is no checkpoint, but a context length, random weights, fields of config.json or sparsity are asked for" in result.stderr
