"""Sessions, texts and tokenisers of the Python package, on the language model written by hand."""

import io
import os
import shutil
import subprocess
import sys

import numpy as np
import pytest
import sentencepiece
import tokenizers


@pytest.fixture
def model(thresh, decoder):
    with thresh.Model(decoder) as model:
        yield model


def last_logits(session, tokens):
    return session.run({"tokens": np.array(tokens)}, entry="prefill")["logits"][0]


# ===------------------------------------------------------------------------===
# Sessions
# ===------------------------------------------------------------------------===


def test_session_continues_rewinds_and_forks(model, logits_after):
    assert (model.vocabulary, model.context) == (16, 32)
    assert (model.touched_bytes(0), model.touched_bytes(40), model.touched_bytes(0, "peek")) == (1000008, 0, 0)
    session = model.session()
    assert session.position == 0
    np.testing.assert_array_equal(last_logits(session, [1, 2]), logits_after([1, 2]))
    np.testing.assert_array_equal(last_logits(session, [3]), logits_after([1, 2, 3]))
    fork = session.fork()
    session.rewind(1)
    assert (session.position, fork.position) == (1, 3)
    np.testing.assert_array_equal(last_logits(session, [9]), logits_after([1, 9]))
    np.testing.assert_array_equal(last_logits(fork, [4]), logits_after([1, 2, 3, 4]))


def test_runs_of_a_model_keep_nothing(model, logits_after):
    for tokens in [1, 2], [3]:
        logits = model.run({"tokens": np.array(tokens)}, entry="prefill")["logits"][0]
        np.testing.assert_array_equal(logits, logits_after(tokens))


def test_score(thresh, model, logits_after):
    expected = [logits_after([3, 1, 4][: i + 1]) for i in range(3)]
    for entry in None, "score", "decode":
        np.testing.assert_array_equal(model.session().score([3, 1, 4], entry), expected)
    with pytest.raises(thresh.ThreshError, match="the text expects tokens of 0 to 15, but got 16 at position 1"):
        model.session().score([3, 16])


def test_session_refusals(thresh, model):
    session = model.session()
    with pytest.raises(thresh.ThreshError, match="'position' expects 0 to 0, but got 1"):
        session.rewind(1)
    with pytest.raises(thresh.ThreshError, match="input 'tokens' expects at most 32 tokens, but got 33"):
        last_logits(session, [1] * 33)
    with session:
        pass
    for use in (lambda: session.position, lambda: session.rewind(0), session.fork, lambda: session.generate([1])):
        with pytest.raises(thresh.ThreshError, match="the session is closed"):
            use()


def test_session_outlives_its_model(thresh, decoder, logits_after):
    model = thresh.Model(decoder)
    session = model.session()
    model.close()
    np.testing.assert_array_equal(last_logits(session, [5]), logits_after([5]))
    with pytest.raises(thresh.ThreshError, match="the model is closed"):
        model.session()


# ===------------------------------------------------------------------------===
# Texts
# ===------------------------------------------------------------------------===


def test_generate_tokens(model, continuation):
    assert model.generate([1, 2, 3], max_new_tokens=10) == continuation([1, 2, 3], 10)
    assert model.generate(np.array([1, 2, 3]), max_new_tokens=1) == continuation([1, 2, 3], 1)
    stream = model.generate([4], max_new_tokens=5, stream=True)
    assert next(stream) == continuation([4], 1)[0]
    assert list(stream) == continuation([4], 5)[1:]


def test_generate_in_a_session(model, continuation):
    session = model.session()
    generation = session.generate([1, 2], max_new_tokens=4)
    assert generation.stats.stop is None
    text = list(generation)
    stats = generation.stats
    assert (stats.prompt_tokens, stats.generated_tokens, stats.decoded_tokens, stats.stop) == (2, 4, 3, "length")
    assert stats.prompt_seconds > 0 and stats.decode_seconds > 0
    assert text + list(session.generate(text[-1:], max_new_tokens=3)) == continuation([1, 2], 7)


def test_what_sparse_layers_use(thresh, model, mock):
    """Decoded tokens at positions 2 to 4: 102 to 104 and 60 neurons, 3 to 5 and 1 tokens."""
    with thresh.Model(mock("MOCK_SPARSE=1", source="mock_decoder.c")) as sparse:
        assert sparse.approximate and not model.approximate
        assert (sparse.touched_bytes(9), sparse.dense_bytes(9)) == (1000038, 4000080)
        generation = sparse.session().generate([1, 2], max_new_tokens=4)
        assert generation.stats.active_neurons is None
        list(generation)
        for spread, values in (
            (generation.stats.active_neurons, [102, 103, 104, 60, 60, 60]),
            (generation.stats.attended_tokens, [3, 4, 5, 1, 1, 1]),
        ):
            assert spread.count == 6
            assert (spread.mean, spread.deviation) == pytest.approx((np.mean(values), np.std(values)))
    dense = model.session().generate([1, 2], max_new_tokens=4)
    list(dense)
    assert (dense.stats.active_neurons, dense.stats.attended_tokens) == (None, None)
    assert model.dense_bytes(9) == model.touched_bytes(9)


def test_generate_choices(thresh, model, mock, continuation):
    greedy = continuation([1, 2], 9)
    drawn = model.generate([1, 2], max_new_tokens=9, temperature=5.0, seed=1)
    assert drawn == model.generate([1, 2], max_new_tokens=9, temperature=5.0, seed=1)
    assert drawn != greedy
    assert model.generate([1, 2], max_new_tokens=9, top_k=1) == greedy
    assert model.generate([1, 2], max_new_tokens=9, top_p=0.01) == greedy
    assert model.generate([1, 2], max_new_tokens=9, temperature=5.0, do_sample=False) == greedy
    assert model.generate([1, 2], max_new_tokens=9, repetition_penalty=100.0) != greedy
    assert model.generate([1, 2], stop_tokens=[greedy[1]])[-1] == greedy[1]
    defaults = thresh.Model(mock("MOCK_GENERATION=1", source="mock_decoder.c"))
    generation = defaults.session().generate([1, 2])
    assert (list(generation)[-1] in (3, 5)) == (generation.stats.stop == "token")


@pytest.mark.parametrize(
    ("prompt", "choices", "message"),
    [
        ([], {}, "the prompt expects at least one token, but got none"),
        ([16], {}, "the prompt expects tokens of 0 to 15, but got 16 at position 0"),
        ([1] * 33, {}, "the prompt expects at most 32 tokens, but got 33: .*"),
        ([2**64], {}, "a token expects a 64-bit number, but got 18446744073709551616"),
        ([1], {"temperature": 0}, "'temperature' expects a number above 0, but got 0"),
        ([1], {"max_new_tokens": -1}, "'max_new_tokens' expects 0 or more, but got -1"),
    ],
)
def test_generate_refusals(thresh, model, prompt, choices, message):
    with pytest.raises(thresh.ThreshError, match=message):
        model.generate(prompt, **choices)


def test_generate_needs_a_language_model(thresh, mock_path):
    with pytest.raises(thresh.ThreshError, match="the library is no language model: it has no entry 'decode'"):
        thresh.Model(mock_path).generate([1])


# ===------------------------------------------------------------------------===
# Tokenisers
# ===------------------------------------------------------------------------===

WORDS = [f"w{i}" for i in range(16)]


def save_words(path):
    """A tokenizer.json of 16 words, with w0 at the start of every text."""
    tokenizer = tokenizers.Tokenizer(tokenizers.models.WordLevel({word: i for i, word in enumerate(WORDS)}, unk_token="w15"))
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.WhitespaceSplit()
    tokenizer.post_processor = tokenizers.processors.TemplateProcessing("w0 $A", special_tokens=[("w0", 0)])
    tokenizer.save(str(path))


def save_pieces(path):
    """A tokenizer.model of 16 pieces: 0 unknown, 1 begins a text, 2 ends it."""
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(["abcd ef gh", "bad cafe", "high deed jkl"] * 5),
        model_writer=model,
        vocab_size=16,
        model_type="char",
        minloglevel=2,
    )
    path.write_bytes(model.getvalue())


def test_text_with_tokenizer_json(thresh, decoder, continuation, tmp_path):
    library = shutil.copy(decoder, tmp_path / "m.so")
    save_words(tmp_path / "m.tokenizer.json")
    model = thresh.Model(library)
    expected = " ".join(WORDS[token] for token in continuation([0, 4, 7], 6))
    assert model.generate("w4 w7", max_new_tokens=6).strip() == expected
    pieces = list(model.generate("w4 w7", max_new_tokens=6, stream=True))
    assert len(pieces) == 6 and "".join(pieces).strip() == expected
    (tmp_path / "m.tokenizer.json").rename(tmp_path / "elsewhere.json")
    assert model.generate("w4 w7", max_new_tokens=6, tokenizer=tmp_path / "elsewhere.json").strip() == expected


def test_text_with_tokenizer_model(thresh, decoder, continuation, tmp_path):
    library = shutil.copy(decoder, tmp_path / "m.so")
    save_pieces(tmp_path / "tokenizer.model")
    pieces = sentencepiece.SentencePieceProcessor(model_file=str(tmp_path / "tokenizer.model"))
    assert pieces.get_piece_size() == 16
    prompt = [pieces.bos_id(), *pieces.encode("bad")]
    model = thresh.Model(library)
    assert model.tokenizer().encode("bad") == prompt
    expected = pieces.decode(continuation(prompt, 9))
    assert expected and model.generate("bad", max_new_tokens=9) == expected


@pytest.mark.parametrize(
    ("config", "begins"), [("{}", True), ('{"add_bos_token": true}', True), ('{"add_bos_token": false}', False)]
)
def test_tokenizer_config_says_how_texts_begin(thresh, tmp_path, config, begins):
    from thresh.tokenizer import open_tokenizer

    save_pieces(tmp_path / "m.tokenizer.model")
    (tmp_path / "m.tokenizer_config.json").write_text(config)
    tokens = open_tokenizer(tmp_path / "m.tokenizer.model").encode("bad")
    assert (tokens[0] == 1) == begins


@pytest.mark.parametrize("config", ["{", "[]", '{"add_bos_token": 1}'])
def test_tokenizer_config_refusals(thresh, tmp_path, config):
    from thresh.tokenizer import open_tokenizer

    save_pieces(tmp_path / "m.tokenizer.model")
    (tmp_path / "m.tokenizer_config.json").write_text(config)
    with pytest.raises(thresh.ThreshError, match="m.tokenizer_config.json'"):
        open_tokenizer(tmp_path / "m.tokenizer.model")


class Bytes:
    """Characters of several tokens each, as byte-level tokenisers have."""

    def encode(self, text):
        return list(text.encode())

    def decode(self, tokens):
        return bytes(tokens).decode(errors="replace")


def test_streams_whole_characters(thresh):
    from thresh.tokenizer import stream_text

    text = "naïve 東京 🙂!"
    assert list(stream_text(Bytes(), text.encode())) == list(text)
    assert list(stream_text(Bytes(), text.encode()[:-2])) == [*text[:-2], "\ufffd"]
    assert list(stream_text(Bytes(), [])) == []


def test_tokenizer_refusals(thresh, model, tmp_path):
    with pytest.raises(thresh.ThreshError, match="no tokenizer beside '.*': expects one of mock.tokenizer.json, tokenizer.json,"):
        model.generate("a")
    with pytest.raises(thresh.ThreshError, match="cannot open tokenizer 'none.json': no such file"):
        model.generate("a", tokenizer="none.json")
    with pytest.raises(thresh.ThreshError, match="tokenizer 'vocab.txt' expects a name that ends in .json or .model"):
        model.generate("a", tokenizer="vocab.txt")
    for name in "bad.json", "bad.model":
        (tmp_path / name).write_text("{}")
        with pytest.raises(thresh.ThreshError, match=f"cannot read tokenizer '.*{name}': "):
            model.generate("a", tokenizer=tmp_path / name)


# ===------------------------------------------------------------------------===
# The command line
# ===------------------------------------------------------------------------===


@pytest.fixture
def run_prompt(run_tool, root, runtime_library, decoder, tmp_path):
    """run_prompt(ARGUMENT, ...) runs thresh-run in the interpreter of the tests."""
    variables = {"THRESH_PYTHON": sys.executable, "PYTHONPATH": str(root / "runtime" / "python")}
    save_words(tmp_path / "words.json")
    return lambda *arguments, library=decoder: run_tool(
        "thresh-run", library, *arguments, cwd=tmp_path, variables=variables
    )


def test_prompt_on_the_command_line(run_prompt, continuation):
    result = run_prompt("--prompt", "w4 w7", "--tokenizer=words.json", "-n", "6", "--threads", "2")
    assert result.returncode == 0, result.stderr
    assert result.stdout.split() == [WORDS[token] for token in continuation([0, 4, 7], 6)]
    assert "prompt 3 tokens at " in result.stderr and ", ended by the length asked for, " in result.stderr
    drawn = run_prompt("--prompt", "w4 w7", "--tokenizer", "words.json", "-n", "6", "--temperature", "5", "--seed", "2")
    assert drawn.returncode == 0 and drawn.stdout != result.stdout


def test_figures_of_a_sparse_model(run_prompt, mock):
    """The words are three tokens, so that four more are decoded at positions 3 to 6."""
    library = mock("MOCK_SPARSE=1", source="mock_decoder.c")
    result = run_prompt("--prompt", "w4 w7", "--tokenizer=words.json", "-n", "5", library=library)
    assert result.returncode == 0, result.stderr
    assert ", active neurons 82.2 +- 22.3 a layer, attended tokens 3.2 +- 2.4 a head, 1.0 MB touched" in result.stderr
    assert "touched per token (dense 4.0), peak memory " in result.stderr
    assert result.stderr.endswith(" MB, approximate\n")


def test_prompt_refusals(run_prompt):
    result = run_prompt("--prompt", "w4", "--tokenizer", "none.json")
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr == "thresh run: error: cannot open tokenizer 'none.json': no such file\n"
    result = run_prompt("--prompt", "w1 " * 33, "--tokenizer", "words.json")
    assert result.returncode == 1
    assert result.stderr.startswith("thresh run: error: the prompt expects at most 32 tokens, but got 34")


def test_pinned_threads(root, runtime_library, mock_path):
    """With THRESH_PIN=1 every thread that runs loops keeps to one CPU."""
    program = f"""if True:
        import os, numpy, thresh
        thresh.set_num_threads(2)
        thresh.Model({str(mock_path)!r}).run([numpy.ones((64, 4), numpy.float32)] * 2)
        threads = [int(name) for name in os.listdir("/proc/self/task")]
        print(sorted(len(os.sched_getaffinity(thread)) for thread in threads)[:2])"""

    def run(pin):
        environment = {
            **os.environ,
            "PYTHONPATH": str(root / "runtime" / "python"),
            "THRESH_RUNTIME_LIBRARY": str(runtime_library),
            "THRESH_PIN": pin,
            "OPENBLAS_NUM_THREADS": "1",
        }
        return subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True).stdout

    allowed = len(os.sched_getaffinity(0))
    assert run("1") == "[1, 1]\n"
    assert run("0") == f"[{allowed}, {allowed}]\n"
