"""The mock libraries, compiled for these tests."""

import subprocess

import numpy as np
import pytest


@pytest.fixture(scope="session")
def mock(root, tmp_path_factory):
    """mock(DEFINE, ..., source=NAME) compiles a file of tests/runtime/Inputs and returns the library's path."""

    def compile_mock(*defines, source="mock_library.c"):
        path = tmp_path_factory.mktemp("mock") / "mock.so"
        source = root / "tests" / "runtime" / "Inputs" / source
        command = ["cc", "-shared", "-fPIC", "-O1", f"-I{root / 'runtime' / 'include'}", source, "-o", path]
        subprocess.run([*command, *(f"-D{define}" for define in defines)], check=True)
        return path

    return compile_mock


@pytest.fixture(scope="session")
def mock_path(mock):
    """The mock library without weights."""
    return mock()


@pytest.fixture(scope="session")
def decoder(mock):
    """The language model written by hand; its rule is in tests/runtime/Inputs/mock_decoder.c."""
    return mock(source="mock_decoder.c")


def _logits_after(tokens):
    h = sum((j + 1) * (token + 1) for j, token in enumerate(tokens))
    return (7 * np.arange(16) + h) % 16 / np.float32(4)


@pytest.fixture(scope="session")
def logits_after():
    """logits_after(TOKENS): what the language model promises after them."""
    return _logits_after


@pytest.fixture(scope="session")
def continuation():
    """continuation(TOKENS, COUNT): the tokens that follow when the largest logit wins."""

    def follow(tokens, count):
        text = list(tokens)
        for _ in range(count):
            text.append(int(_logits_after(text).argmax()))
        return text[len(tokens) :]

    return follow


@pytest.fixture(scope="session")
def environment(environment):
    """Asking for more memory than there is has to end in an error, not in the sanitizer."""
    return {**environment, "ASAN_OPTIONS": "allocator_may_return_null=1"}
