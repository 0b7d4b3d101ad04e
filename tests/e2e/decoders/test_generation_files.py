"""generation_config.json and the tokenizer files of a checkpoint: what the library then does by itself."""

import json
import shutil
import sys

import pytest
import tokenizers

WORDS = {f"w{i}": i for i in range(320)}


@pytest.fixture
def checkpoint(golden, tmp_path):
    """checkpoint(generation, config) is a copy of the golden Llama with these files changed; None: no such file."""

    def make(generation, **config):
        folder = tmp_path / "checkpoint"
        shutil.copytree(golden / "llama", folder)
        fields = json.loads((folder / "config.json").read_text()) | config
        (folder / "config.json").write_text(json.dumps(fields))
        (folder / "generation_config.json").unlink()
        if generation is not None:
            (folder / "generation_config.json").write_text(json.dumps(generation))
        return folder

    return make


@pytest.fixture
def compiled(run_tool, tmp_path):
    """compiled(FOLDER) is the path of its library, alone in a folder with what belongs to it."""

    def compile_(folder):
        library = tmp_path / "out" / "m.so"
        library.parent.mkdir(exist_ok=True)
        result = run_tool("thresh", "compile", folder, "-o", library)
        assert result.returncode == 0, result.stderr
        return library

    return compile_


def defaults(thresh, library):
    """What the library says, as a dictionary."""
    with thresh.Model(library) as model:
        options = model._generation_options
        return {
            "stop": options.stop_tokens[: options.num_stop_tokens],
            "do_sample": options.do_sample,
            "temperature": options.temperature,
            "top_k": options.top_k,
            "top_p": options.top_p,
            "repetition_penalty": options.repetition_penalty,
        }


NOTHING = {"stop": [], "do_sample": 0, "temperature": 1, "top_k": 0, "top_p": 1, "repetition_penalty": 1}


@pytest.mark.parametrize(
    ("generation", "config", "expected"),
    [
        (None, {"eos_token_id": None}, {}),
        (None, {"eos_token_id": 7}, {"stop": [7]}),
        (None, {"eos_token_id": [7, 9]}, {"stop": [7, 9]}),
        ({}, {"eos_token_id": 7}, {"stop": [7]}),
        ({"eos_token_id": 5}, {"eos_token_id": 7}, {"stop": [5]}),
        ({"eos_token_id": [5, 6]}, {"eos_token_id": [7, 8, 9]}, {"stop": [5, 6]}),
        ({"temperature": 0.5, "top_k": 3, "top_p": 0.25}, {"eos_token_id": None}, {"temperature": 0.5, "top_k": 3, "top_p": 0.25}),
        ({"do_sample": True, "repetition_penalty": 2}, {"eos_token_id": 1}, {"stop": [1], "do_sample": 1, "top_k": 50, "repetition_penalty": 2}),
        ({"do_sample": True, "top_k": 0}, {"eos_token_id": 1}, {"stop": [1], "do_sample": 1}),
    ],
)
def test_defaults(thresh, checkpoint, compiled, generation, config, expected):
    library = compiled(checkpoint(generation, **config))
    assert defaults(thresh, library) == NOTHING | expected


def test_a_text_ends_at_any_stop_token(run_tool, golden, checkpoint, compiled):
    answer = json.loads((golden / "llama" / "golden.json").read_text())
    greedy, prompt = answer["greedy"], ",".join(map(str, answer["input_ids"]))
    library = compiled(checkpoint({"eos_token_id": [310, greedy[2]]}))
    result = run_tool("thresh", "run", library, "--tokens", prompt, "-n", "16")
    assert (result.returncode, result.stdout) == (0, ",".join(map(str, greedy[: greedy.index(greedy[2]) + 1])) + "\n")
    assert ", ended by a stop token, " in result.stderr


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "generation_config.json: expects JSON"),
        ("[]", "generation_config.json: expects a JSON object"),
        ('{"eos_token_id": "</s>"}', "/eos_token_id: expects an integer from 0 to 2147483647 or an array of integers"),
        ('{"eos_token_id": []}', "/eos_token_id: expects an integer from 0"),
        ('{"eos_token_id": [1, -2]}', "/eos_token_id: expects an integer from 0"),
        ('{"bos_token_id": 1.5}', "/bos_token_id: expects an integer from 0 to 2147483647, but got 1.5"),
        ('{"do_sample": 1}', "/do_sample: expects true or false, but got 1"),
        ('{"temperature": 0}', "/temperature: expects a number greater than 0, but got 0"),
        ('{"temperature": 1e-60}', "/temperature: expects a number greater than 0 and at most 1e+30, but got 1e-60"),
        ('{"top_p": 1.5}', "/top_p: expects a number greater than 0 and at most 1.0, but got 1.5"),
        ('{"top_k": -1}', "/top_k: expects an integer from 0 to 2147483647, but got -1"),
        ('{"repetition_penalty": "high"}', "/repetition_penalty: expects a number greater than 0, but got \"high\""),
    ],
)
def test_refused_defaults(run_tool, checkpoint, tmp_path, text, message):
    folder = checkpoint({})
    (folder / "generation_config.json").write_text(text)
    (tmp_path / "out").mkdir()
    result = run_tool("thresh", "compile", folder, "-o", tmp_path / "out" / "m.so")
    assert result.returncode == 1
    assert result.stderr.startswith("error: ") and message in result.stderr
    assert list((tmp_path / "out").iterdir()) == []


# ===------------------------------------------------------------------------===
# Tokenizers
# ===------------------------------------------------------------------------===


def save_words(path):
    tokenizer = tokenizers.Tokenizer(tokenizers.models.WordLevel(WORDS, unk_token="w0"))
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.WhitespaceSplit()
    tokenizer.enable_truncation(2)
    tokenizer.enable_padding(length=64)
    tokenizer.save(str(path))


def test_tokenizer_files_go_with_the_library(run_tool, root, checkpoint, compiled):
    folder = checkpoint({})
    save_words(folder / "tokenizer.json")
    (folder / "tokenizer_config.json").write_text("{}")
    library = compiled(folder)
    files = ["m.tokenizer.json", "m.tokenizer_config.json"]
    assert {path.name for path in library.parent.iterdir()} == {"m.so", "m.weights.safetensors", *files}
    metadata = json.loads(run_tool("thresh", "inspect", library, "--json").stdout)
    assert metadata["tokenizer"] == files
    shutil.rmtree(folder)
    variables = {"THRESH_PYTHON": sys.executable, "PYTHONPATH": str(root / "runtime" / "python")}
    text = run_tool("thresh", "run", library, "--prompt", "w5 w7 w9", "-n", "4", "--greedy", variables=variables)
    assert text.returncode == 0, text.stderr
    tokens = run_tool("thresh", "run", library, "--tokens", "5,7,9", "-n", "4", "--greedy")
    assert [WORDS[word] for word in text.stdout.split()] == [int(token) for token in tokens.stdout.split(",")]


def test_without_tokenizer_files(run_tool, checkpoint, compiled):
    library = compiled(checkpoint({}))
    assert {path.name for path in library.parent.iterdir()} == {"m.so", "m.weights.safetensors"}
    assert json.loads(run_tool("thresh", "inspect", library, "--json").stdout)["tokenizer"] == []
    assert run_tool("thresh", "run", library, "--tokens", "5", "-n", "1").returncode == 0


def test_a_tokenizer_that_is_no_file(run_tool, checkpoint, tmp_path):
    folder = checkpoint({})
    (folder / "tokenizer.model").mkdir()
    (tmp_path / "out").mkdir()
    result = run_tool("thresh", "compile", folder, "-o", tmp_path / "out" / "m.so")
    assert result.returncode == 1
    assert "tokenizer.model' expects a regular file" in result.stderr
    assert list((tmp_path / "out").iterdir()) == []


def test_touched_bytes_count_what_a_token_uses(thresh, checkpoint, compiled):
    """Every matrix and norm once, of the embedding a row, and the rows of keys and values."""
    folder = checkpoint(None)
    fields = json.loads((folder / "config.json").read_text())
    width, heads = fields["hidden_size"], fields["num_attention_heads"]
    head = fields.get("head_dim") or width // heads
    queries, keys = heads * head, fields["num_key_value_heads"] * head
    layer = 2 * width + 2 * width * (queries + keys) + 3 * width * fields["intermediate_size"]
    layers = fields["num_hidden_layers"]
    table = fields["vocab_size"] * width
    weights = 4 * (layers * layer + width + table + width)
    with thresh.Model(compiled(folder)) as model:
        assert model.touched_bytes(0) == weights + 4 * layers * 2 * keys
        assert model.touched_bytes(9) == weights + 10 * 4 * layers * 2 * keys
