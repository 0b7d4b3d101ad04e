"""Each example runs as its README says."""

import re
import subprocess
import sys

import pytest


@pytest.fixture(scope="module")
def python_environment(environment, thresh, build):
    """For scripts that import the package."""
    return {**environment, "THRESH_RUNTIME_LIBRARY": str(build / "lib" / "libthresh_runtime.so")}


def run(command, **options):
    done = subprocess.run(command, capture_output=True, text=True, **options)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def answers(output):
    """The best sentence and its score by query."""
    found = re.findall(r"^(\S.*)   \([\d.]+ ms\)\n  ([\d.]+)  (.*)$", output, re.MULTILINE)
    return {query: (sentence, float(score)) for query, score, sentence in found}


def test_semantic_search(root, python_environment, minilm_library, tmp_path):
    script = root / "examples" / "semantic-search" / "search.py"
    output = run([sys.executable, script, "--model", minilm_library], env=python_environment, cwd=tmp_path)
    assert re.match(r"40 sentences embedded in [\d.]+ ms, [\d.]+ ms each\n", output)
    best = answers(output)
    assert len(best) == 5
    assert best["How do I bake bread?"][0] == "Knead the dough until it is smooth, then let it rise."
    assert best["What will the weather be like?"][0] == "Take an umbrella, heavy rain is expected tonight."


def test_semantic_search_of_own_sentences(root, python_environment, minilm_library, tmp_path):
    (tmp_path / "own.txt").write_text("A man is eating a piece of bread.\nThe sky is blue.\n")
    script = root / "examples" / "semantic-search" / "search.py"
    options = ["--model", minilm_library, "--sentences", tmp_path / "own.txt", "--top", "1"]
    best = answers(run([sys.executable, script, *options, "A man is eating food."], env=python_environment))
    assert best == {"A man is eating food.": ("A man is eating a piece of bread.", 0.755)}


def code_lines(readme):
    """The indented lines of a README."""
    return [line.strip() for line in readme.read_text().splitlines() if line.startswith("    ")]


@pytest.fixture(scope="module")
def embed(root, build, tmp_path_factory):
    """The C program, built by the line in its README; and the README's arguments."""
    build_line, run_line = code_lines(root / "examples" / "embed-in-c" / "README.md")
    program = tmp_path_factory.mktemp("embed") / "embed"
    build_line = build_line.replace("-o embed", f"-o {program}").replace("-L build/lib", f"-L {build}/lib")
    run(build_line.replace("$PWD/build/lib", f"{build}/lib") + " -Wall -Wextra -Werror", shell=True, cwd=root)
    return program, run_line.split()[2:]


def test_embed_in_c(embed, thresh, minilm_library):
    program, sentences = embed
    assert run([program, minilm_library, *sentences]) == "0.7553\n"


@pytest.mark.parametrize(
    "arguments, message",
    [
        ([], "usage: embed MODEL.so IDS IDS"),
        (["101", "99999"], "99999"),
        (["101,x", "101"], "expects token ids"),
        (["101", ",".join(["101"] * 513)], "at most 512"),
    ],
)
def test_embed_in_c_refuses(embed, thresh, minilm_library, arguments, message):
    done = subprocess.run([embed[0], minilm_library, *arguments], capture_output=True, text=True)
    assert done.returncode == 1
    assert message in done.stderr


def test_embed_in_c_without_a_model(embed):
    done = subprocess.run([embed[0], "no-such.so", "101", "101"], capture_output=True, text=True)
    assert done.returncode == 1
    assert "no-such.so" in done.stderr


def test_fetch_mends_a_damaged_folder(root, minilm_checkpoint, tmp_path):
    script = root / "examples" / "minilm" / "fetch.py"
    folder = tmp_path / "minilm"
    command = [sys.executable, script, "--folder", folder]
    assert run(command).strip() == str(folder)
    (folder / "config.json").write_text("{}")
    run(command)
    assert (folder / "config.json").read_bytes() == (minilm_checkpoint / "config.json").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["minilm"]


@pytest.mark.slow
def test_quickstart(root, build, environment, tmp_path):
    if build != root / "build":
        pytest.skip("quickstart.sh builds into build/")
    output = run([root / "examples" / "quickstart.sh", "How do I bake bread?"], cwd=tmp_path, env=environment)
    assert answers(output)["How do I bake bread?"][0] == "Knead the dough until it is smooth, then let it rise."
