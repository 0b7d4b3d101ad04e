"""Text to tokens and back: tokenizer.json through the package tokenizers, tokenizer.model through sentencepiece."""

import json
import os
import pathlib
from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol, Union

from thresh._library import ThreshError


class Tokenizer(Protocol):
    """What generation needs."""

    def encode(self, text: str) -> list[int]:
        """The tokens of a text, with those that start every text."""

    def decode(self, tokens: Sequence[int]) -> str:
        """The text of tokens, without special ones."""


class _JsonTokenizer:
    """A tokenizer.json."""

    def __init__(self, path: str) -> None:
        try:
            from tokenizers import Tokenizer as Implementation
        except ImportError as error:
            raise ThreshError(f"'{path}' needs the Python package tokenizers: {error}") from error
        self._implementation = Implementation.from_file(path)
        # Files carry what was set when they were written.
        self._implementation.no_truncation()
        self._implementation.no_padding()

    def encode(self, text: str) -> list[int]:
        return self._implementation.encode(text).ids

    def decode(self, tokens: Sequence[int]) -> str:
        return self._implementation.decode(list(tokens))


def _begins_texts(config: str) -> bool:
    """What a tokenizer_config.json says about the token that begins texts; yes, if there is none."""
    if not os.path.isfile(config):
        return True
    try:
        with open(config, encoding="utf-8") as file:
            fields = json.load(file)
    except ValueError as error:
        raise ThreshError(f"cannot read '{config}': {error}") from error
    begins = fields.get("add_bos_token", True) if isinstance(fields, dict) else None
    if not isinstance(begins, bool):
        raise ThreshError(f"'{config}': add_bos_token expects true or false in an object")
    return begins


class _SentencePieceTokenizer:
    """A tokenizer.model; the token that begins texts is put first when the model has one and the tokenizer_config.json
    beside it does not say otherwise."""

    def __init__(self, path: str) -> None:
        try:
            from sentencepiece import SentencePieceProcessor
        except ImportError as error:
            raise ThreshError(f"'{path}' needs the Python package sentencepiece: {error}") from error
        self._implementation = SentencePieceProcessor(model_file=path)
        self._begins = self._implementation.bos_id() >= 0 and _begins_texts(path.removesuffix(".model") + "_config.json")

    def encode(self, text: str) -> list[int]:
        return self._implementation.encode(text, add_bos=self._begins)

    def decode(self, tokens: Sequence[int]) -> str:
        return self._implementation.decode(list(tokens))


_KINDS = {".json": _JsonTokenizer, ".model": _SentencePieceTokenizer}


def open_tokenizer(path: Union[str, os.PathLike[str]]) -> Tokenizer:
    """The tokenizer in a file whose name ends in .json or .model."""
    kind = _KINDS.get(pathlib.Path(path).suffix)
    if not kind:
        raise ThreshError(f"tokenizer '{os.fspath(path)}' expects a name that ends in .json or .model")
    if not os.path.isfile(path):
        raise ThreshError(f"cannot open tokenizer '{os.fspath(path)}': no such file")
    try:
        return kind(os.fspath(path))
    except ThreshError:
        raise
    except Exception as error:  # the packages have no common class of errors
        raise ThreshError(f"cannot read tokenizer '{os.fspath(path)}': {error}") from error


def find_tokenizer(library: Union[str, os.PathLike[str]]) -> Tokenizer:
    """The tokenizer beside a library: of its own name, m.tokenizer.json beside m.so, else any tokenizer.json; or the
    same with .model."""
    path = pathlib.Path(library)
    names = [f"{stem}tokenizer{suffix}" for suffix in _KINDS for stem in (f"{path.stem}.", "")]
    for name in names:
        if (path.parent / name).is_file():
            return open_tokenizer(path.parent / name)
    raise ThreshError(f"no tokenizer beside '{path}': expects one of {', '.join(names)}, or one named by the caller")


def stream_text(tokenizer: Tokenizer, tokens: Iterable[int]) -> Iterator[str]:
    """Pieces of the text of `tokens`, each as soon as its characters are whole."""
    window: list[int] = []  # tokens whose text shapes that of the next: the last piece and what follows it
    settled = 0  # how many of them have been handed out
    for token in tokens:
        window.append(token)
        before, text = tokenizer.decode(window[:settled]), tokenizer.decode(window)
        if len(text) > len(before) and not text.endswith("\ufffd"):
            yield text[len(before) :]
            window, settled = window[settled:], len(window) - settled
    rest = tokenizer.decode(window)[len(tokenizer.decode(window[:settled])) :]
    if rest:
        yield rest
