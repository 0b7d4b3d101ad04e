"""thresh-run on the language model written by hand: tokens in, tokens and logits out."""

import os
import re

import numpy as np
import pytest

FIGURES = (
    r"prompt \d+ tokens at [\d.]+ tokens/s, generation \d+ tokens( at [\d.]+ tokens/s)?, ended by ([\w ]+), "
    r"[\d.]+ MB touched per token, peak memory [\d.]+ MB\n"
)


@pytest.fixture
def run(run_tool, decoder, tmp_path):
    """run(ARGUMENT, ...) runs thresh-run on the language model in a folder of its own."""
    return lambda *arguments, library=decoder, **keywords: run_tool(
        "thresh-run", library, *arguments, cwd=tmp_path, **keywords
    )


def line(tokens):
    return ",".join(map(str, tokens)) + "\n"


@pytest.mark.parametrize("entries", [1, 2, 3])
def test_greedy_tokens_on_one_line(run, mock, continuation, entries):
    library = mock(f"MOCK_ENTRIES={entries}", source="mock_decoder.c")
    result = run("--tokens", "5,7,9", "-n", "12", library=library)
    assert (result.returncode, result.stdout) == (0, line(continuation([5, 7, 9], 12)))
    assert re.fullmatch(FIGURES, result.stderr).group(2) == "the length asked for"


def test_ends(run, mock, continuation):
    result = run("--tokens", ",".join(["1"] * 30))
    assert result.stdout == line(continuation([1] * 30, 3))
    assert re.fullmatch(FIGURES, result.stderr).group(2) == "the end of the context"
    result = run("--tokens", "1,2", "--greedy", library=mock("MOCK_GENERATION=1", source="mock_decoder.c"))
    tokens = [int(token) for token in result.stdout.split(",")]
    assert tokens == continuation([1, 2], len(tokens))
    stops = [token in (3, 5) for token in tokens]
    assert not any(stops[:-1])
    assert re.fullmatch(FIGURES, result.stderr).group(2) == ("a stop token" if stops[-1] else "the end of the context")


def test_figures_of_a_sparse_model(run, mock, continuation):
    """Four decoded tokens at positions 3 to 6, one that is in the middle of them touches what it is expected to."""
    result = run("--tokens", "5,7,9", "-n", "5", library=mock("MOCK_SPARSE=1", source="mock_decoder.c"))
    assert (result.returncode, result.stdout) == (0, line(continuation([5, 7, 9], 5)))
    assert ", active neurons 82.2 +- 22.3 a layer, attended tokens 3.2 +- 2.4 a head, " in result.stderr
    assert ", 1.0 MB touched per token (dense 4.0), peak memory " in result.stderr
    assert result.stderr.endswith(" MB, approximate\n")


def test_drawing(run, continuation):
    def text(*options):
        result = run("--tokens", "1,2,3", "-n", "20", *options)
        assert result.returncode == 0, result.stderr
        return result.stdout

    greedy = line(continuation([1, 2, 3], 20))
    drawn = text("--temperature", "5", "--seed", "3")
    assert drawn == text("--temperature=5", "--seed=3") != greedy
    assert drawn != text("--temperature", "5", "--seed", "4")
    assert text("--top-k", "1") == greedy
    assert text("--top-p", "0.01") == greedy
    assert text("--repetition-penalty", "1") == greedy
    assert text("--greedy", "--repetition-penalty", "100") != greedy


@pytest.mark.parametrize("entry", [[], ["--entry", "score"], ["--entry", "prefill"], ["--entry", "decode"]], ids=str)
def test_logits(run, logits_after, tmp_path, entry):
    tokens = [3, 1, 4, 1, 5]
    result = run("--tokens", ",".join(map(str, tokens)), "--logits", "l.npy", *entry)
    assert (result.returncode, result.stdout) == (0, "")
    assert re.fullmatch(r"scored 5 tokens at .*, [\d.]+ MB touched per token, peak memory [\d.]+ MB\n", result.stderr)
    logits = np.load(tmp_path / "l.npy")
    assert logits.dtype == np.float32
    np.testing.assert_array_equal(logits, [logits_after(tokens[: i + 1]) for i in range(5)])


def test_logits_and_tokens(run, continuation, tmp_path):
    result = run("--tokens", "3,1", "--logits", "l.npy", "-n", "4")
    assert result.stdout == line(continuation([3, 1], 4))
    assert np.load(tmp_path / "l.npy").shape == (2, 16)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--tokens", "1,,2"], "--tokens expects whole numbers with commas between, but got '1,,2'"),
        (["--tokens", "1,2,"], "--tokens expects whole numbers with commas between, but got '1,2,'"),
        (["--tokens", "a"], "--tokens expects whole numbers with commas between, but got 'a'"),
        (["--tokens", "99999999999999999999"], "--tokens expects whole numbers with commas between, but got '9+'"),
        (["--tokens", ""], "--tokens expects N,N,..., but got nothing"),
        (["--tokens", "1,16"], "the prompt expects tokens of 0 to 15, but got 16 at position 1"),
        (["--tokens", "-1"], "the prompt expects tokens of 0 to 15, but got -1 at position 0"),
        (["--tokens", ",".join(["1"] * 33)], "the prompt expects at most 32 tokens, but got 33: the session holds 0 and the context is 32"),
        (["--tokens", "1", "-n", "-1"], "-n expects 0 or more, but got '-1'"),
        (["--tokens", "1", "--temperature", "0"], "--temperature expects a number above 0, but got '0'"),
        (["--tokens", "1", "--temperature", "inf"], "--temperature expects a number above 0, but got 'inf'"),
        (["--tokens", "1", "--top-p", "1.5"], "--top-p expects a number above 0 and at most 1, but got '1.5'"),
        (["--tokens", "1", "--top-k", "-1"], "--top-k expects 0 or more, but got '-1'"),
        (["--tokens", "1", "--repetition-penalty", "x"], "--repetition-penalty expects a number above 0, but got 'x'"),
        (["--tokens", "1", "--greedy", "--top-k", "3"], "expects --greedy or --top-k, but got both"),
        (["--tokens", "1", "--prompt", "a"], "expects --tokens or --prompt, but got both"),
        (["--prompt", "a", "--logits", "l.npy"], "expects --prompt or --logits, but got both"),
        (["--tokens", "1", "--random", "1"], "expects --random or --tokens, but got both"),
        (["--seed", "1"], "--seed expects --tokens or --prompt, but got neither"),
        (["--tokens", "1", "--entry", "decode"], "--entry expects --logits, but got none"),
        (["--tokens", "1", "--logits", "l.npy", "--entry", "none"], "the library has no entry 'none'"),
        (["--tokens", "1", "--logits", "l.npy", "--entry", "peek"], "entry 'peek' does not turn tokens into logits: it takes no tokens"),
        (["--tokens", "1", "--logits", "none/l.npy"], "cannot write 'none/l.npy': No such file or directory"),
    ],
)
def test_refusals(run, tmp_path, arguments, message):
    result = run(*arguments)
    assert (result.returncode, result.stdout) == (1, "")
    assert re.fullmatch(f"thresh-run: error: {message}", result.stderr.splitlines()[-1]), result.stderr
    assert list(tmp_path.iterdir()) == []


def test_other_libraries_are_refused(run, mock_path):
    result = run("--tokens", "1", library=mock_path)
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr == "thresh-run: error: the library is no language model: it has no entry 'decode'\n"


def test_nan_leaves_no_file(run, mock, tmp_path):
    result = run("--tokens", "1,2", "--logits", "l.npy", "-n", "9", library=mock("MOCK_NAN=4", source="mock_decoder.c"))
    assert result.returncode == 1
    assert result.stderr.splitlines()[-1] == "thresh-run: error: the logits after token 4 hold NaN"
    assert list(tmp_path.iterdir()) == []


def test_prompt_without_python(run):
    result = run("--prompt", "a", variables={"THRESH_PYTHON": "/none/python"})
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr == "thresh-run: error: --prompt needs Python, but cannot run '/none/python': No such file or directory\n"
