"""The trained models of examples/tiny-spark, on text that they have not seen."""

import json
import re

import ml_dtypes
import numpy as np
import pytest
from decoder_reference import Decoder
from safetensors.numpy import load_file
from spark_reference import SparkDecoder

KINDS = ("dense", "spark")
TOLERANCE = 1e-4
SEQUENCES, LENGTH = 8, 512


@pytest.fixture(scope="module")
def folders(root):
    return {kind: root / "examples" / "tiny-spark" / kind for kind in KINDS}


@pytest.fixture(scope="module")
def held_out(data, folders):
    """(tokens [sequences, length + 1], the bytes that all but the first of each stand for)."""
    tokenizer = data.Tokenizer.from_file(str(folders["spark"] / "tokenizer.json"))
    stream = data.encode(tokenizer, data.split(data.headers())[1])
    starts = np.arange(SEQUENCES) * (len(stream) // SEQUENCES)
    tokens = np.stack([stream[start : start + LENGTH + 1] for start in starts]).astype(np.int64)
    return tokens, data.token_bytes(tokenizer)[tokens[:, 1:]].sum()


@pytest.fixture(scope="module")
def bits_per_byte(compile_decoder, folders, held_out):
    """bits_per_byte(KIND, option...): of the held-out tokens, by a compiled model, each of them decoded alone."""
    tokens, size = held_out

    def measure(kind, *options):
        start, nats = compile_decoder(folders[kind], *options), 0.0
        for sequence in tokens:
            logits = start().decode(sequence[:-1]).astype(np.float64)
            nats += (np.log(np.exp(logits).sum(-1)) - logits[np.arange(LENGTH), sequence[1:]]).sum()
        return nats / np.log(2) / size

    return measure


def reference(kind, folder):
    """Gemma rounds what embeddings are multiplied with to the dtype of the checkpoint."""
    fields = json.loads((folder / "config.json").read_text())
    fields["embedding_scale"] = float(ml_dtypes.bfloat16(fields["hidden_size"] ** 0.5))
    tensors = {name.removeprefix("model."): each.astype(np.float64) for name, each in load_file(folder / "model.safetensors").items()}
    return {"dense": Decoder, "spark": SparkDecoder}[kind](fields, tensors)


@pytest.mark.parametrize("kind", KINDS)
def test_logits(kind, folders, held_out, compile_decoder):
    """Each kind of entry point, past the windows of 128 tokens, against numpy."""
    tokens, start = held_out[0][0, :160], compile_decoder(folders[kind])
    expected = reference(kind, folders[kind]).append(tokens)
    session = start()
    chunks = [session.run("score", tokens[:140]), session.decode(tokens[140:])]
    for given in (start().run("score", tokens), start().decode(tokens), np.concatenate(chunks)):
        assert np.abs(given - expected).max() <= TOLERANCE


def test_losses(bits_per_byte):
    """What the model card says of sparsity and of quantisation, on other tokens than there."""
    dense, spark = (bits_per_byte(kind) for kind in KINDS)
    q8, q4 = (bits_per_byte("spark", "--quantize", form) for form in ("q8", "q4"))
    print(f"bits per byte: dense {dense:.4f}, spark {spark:.4f}, in q8 {q8:.4f}, in q4 {q4:.4f}")
    assert spark <= 1.02 * dense
    assert abs(q8 / spark - 1) <= 0.005
    assert q4 <= 1.015 * spark


def test_activity(compile_model, folders, held_out, thresh):
    """8 % of the neurons and 32 tokens, of all layers together and about so of each."""
    tokens, fields = held_out[0], json.loads((folders["spark"] / "config.json").read_text())
    session = thresh.Model(compile_model(folders["spark"])).session()
    neurons, attended = [], []
    for sequence in tokens[:4]:
        session.rewind(0)
        for position, token in enumerate(sequence[:-1]):
            outputs = session.run({"input_ids": [token]}, entry="decode")
            neurons.append(outputs["active_neurons"] / fields["intermediate_size"])
            if position >= 128:
                attended.append(outputs["attended_tokens"].mean(-1))
    neurons, attended = np.mean(neurons, 0), np.mean(attended, 0)
    print(f"by layer: active neurons {neurons}, attended tokens {attended}")
    assert 0.06 <= neurons.mean() <= 0.10 and (abs(neurons - 0.08) <= 0.03).all()
    assert (abs(attended - fields["attention_topk"]) <= 8).all()


def test_completion(run_tool, compile_model, folders):
    """`thresh run` continues C++, and says what it used."""
    library = compile_model(folders["spark"])
    prompt = "namespace llvm {\n\nclass Value;\n\n/// Returns true if"
    draw = ("--prompt", prompt, "-n", "64", "--temperature", "0.7", "--seed", "3")
    first, again = (run_tool("thresh", "run", library, *draw) for _ in range(2))
    assert first.returncode == 0, first.stderr
    assert first.stdout == again.stdout
    assert "Value" in first.stdout and re.search(r"[;{]\n", first.stdout), "no declaration follows"
    assert "active neurons" in first.stderr and "attended tokens" in first.stderr
