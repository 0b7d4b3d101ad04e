"""A compiled library as a Python object."""

import ctypes
import json
import os
import weakref
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Optional, Union

import numpy as np
from numpy.typing import ArrayLike

from thresh._library import OpenOptions, ThreshError, call, library
from thresh._tensors import Entry, TensorInfo, entry_of, find, run
from thresh.session import Session
from thresh.tokenizer import Tokenizer, find_tokenizer, open_tokenizer, stream_text


def _free(handle: ctypes.c_void_p, sessions: list[ctypes.c_void_p]) -> None:
    while sessions:
        library().thresh_session_free(sessions.pop())
    library().thresh_model_close(handle)


class Model:
    """A library that the thresh compiler made, ready to run.

    Threads may run one model at the same time: each run takes a session of its own, kept for later runs. Memory goes
    back when the model is closed (`close()`, or the end of a `with`) or collected.
    """

    def __init__(
        self,
        path: Union[str, os.PathLike[str]],
        *,
        weights: Union[None, str, os.PathLike[str]] = None,
        target: Optional[str] = None,
    ) -> None:
        """Opens the library at `path`.

        weights: the weights file; without it the one beside the library.
        target: the variant to run, e.g. "x86-64-v3"; without it the best that this CPU can run.
        """
        options = OpenOptions(
            os.fsencode(weights) if weights is not None else None, target.encode() if target is not None else None, 0
        )
        handle = ctypes.c_void_p()
        call("thresh_model_open", os.fsencode(path), ctypes.byref(options), ctypes.byref(handle))
        self._handle = handle
        self._idle: list[ctypes.c_void_p] = []
        self._finalizer = weakref.finalize(self, _free, handle, self._idle)
        self._entries: dict[str, Entry] = {}
        for index in range(library().thresh_model_num_entries(handle)):
            declared = library().thresh_model_entry(handle, index).contents
            self._entries[declared.name.decode()] = entry_of(index, declared)
        self._path = path
        self._vocabulary: int = library().thresh_model_vocabulary(handle)
        self._generation_options = library().thresh_model_generation_options(handle)
        self._weights_bytes: int = library().thresh_model_weights_bytes(handle)
        self._approximate = bool(library().thresh_model_is_approximate(handle))
        self._context: int = library().thresh_model_context(handle)
        self._target: str = library().thresh_model_target(handle).decode()
        self._metadata: str = library().thresh_model_metadata(handle).decode()

    def __enter__(self) -> "Model":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Frees the model; later runs raise ThreshError. Runs under way in other threads end first."""
        self._finalizer()

    @property
    def entries(self) -> list[str]:
        """Names of the entry points; the first is the default."""
        return list(self._entries)

    @property
    def inputs(self) -> list[TensorInfo]:
        """Inputs of the first entry point."""
        return self.signature()[0]

    @property
    def outputs(self) -> list[TensorInfo]:
        """Outputs of the first entry point."""
        return self.signature()[1]

    def signature(self, entry: Optional[str] = None) -> tuple[list[TensorInfo], list[TensorInfo]]:
        """Inputs and outputs of an entry point."""
        found = find(self._entries, entry)
        return list(found.inputs), list(found.outputs)

    @property
    def target(self) -> str:
        """Name of the variant in use, e.g. "x86-64-v4"."""
        return self._target

    @property
    def metadata(self) -> dict[str, Any]:
        """What the compiler wrote about the library."""
        return json.loads(self._metadata)

    def run(
        self,
        inputs: Union[Mapping[str, ArrayLike], Sequence[ArrayLike]],
        outputs: Optional[Sequence[str]] = None,
        entry: Optional[str] = None,
    ) -> dict[str, np.ndarray]:
        """Runs an entry point and returns its outputs by name, as arrays of their own. Nothing is kept for later runs.

        inputs: by name, or in the order of declaration. Dtypes must be the declared ones: nothing is converted.
            Bfloat16 is given as uint16 bits, or as an ml_dtypes array, and returned as uint16 bits.
        outputs: names of the outputs wanted; all without it.
        entry: the entry point; the first without it.
        """
        session = self._take_session()
        try:
            return run(session, find(self._entries, entry), inputs, outputs)
        finally:
            self._give_session(session)

    def session(self) -> Session:
        """A session, for runs that continue one another. It outlives the model's closing."""
        return Session(self._make_session(), self._entries, self._vocabulary, self._generation_options)

    @property
    def vocabulary(self) -> int:
        """Tokens of the vocabulary; 0 when the model is no language model."""
        return self._vocabulary

    @property
    def weights_bytes(self) -> int:
        """Bytes of the packed weights."""
        return self._weights_bytes

    def touched_bytes(self, position: int, entry: str = "decode") -> int:
        """Bytes that a run of an entry on one token reads when the session holds `position` tokens: the weights that it
        uses and the rows of the states, of those that it chooses as many as are expected. 0 when the library does not
        say."""
        if not self._finalizer.alive:
            raise ThreshError("the model is closed")
        index = find(self._entries, entry).index
        return int(library().thresh_model_touched_bytes(self._handle, index, position))

    def dense_bytes(self, position: int, entry: str = "decode") -> int:
        """What touched_bytes would be if the model chose no rows: that of the model with dense layers."""
        if not self._finalizer.alive:
            raise ThreshError("the model is closed")
        index = find(self._entries, entry).index
        return int(library().thresh_model_dense_bytes(self._handle, index, position))

    @property
    def approximate(self) -> bool:
        """Whether layers are sparse that the model's makers trained dense."""
        return self._approximate

    @property
    def context(self) -> int:
        """Most tokens that a session can hold; 0 when runs do not continue one another."""
        return self._context

    def tokenizer(self, path: Union[None, str, os.PathLike[str]] = None) -> Tokenizer:
        """The tokenizer in the file at `path`, a tokenizer.json or tokenizer.model; without it the one beside the
        library."""
        return open_tokenizer(path) if path is not None else find_tokenizer(self._path)

    def generate(
        self,
        prompt: Union[str, Sequence[int]],
        *,
        tokenizer: Union[None, str, os.PathLike[str], Tokenizer] = None,
        stream: bool = False,
        **choices: Any,
    ) -> Union[str, list[int], Iterator[str], Iterator[int]]:
        """What follows the prompt: text after text, tokens after tokens.

        stream: return an iterator over pieces of text, or tokens, as they are made.
        tokenizer: of a text prompt: an object with encode and decode, or a file; without it the file beside the library.
        choices: max_new_tokens, temperature and so on, as for Session.generate.
        """
        if not isinstance(prompt, str):
            tokens = self.session().generate(prompt, **choices)
            return tokens if stream else list(tokens)
        if tokenizer is None or isinstance(tokenizer, (str, os.PathLike)):
            tokenizer = self.tokenizer(tokenizer)
        pieces = stream_text(tokenizer, self.session().generate(tokenizer.encode(prompt), **choices))
        return pieces if stream else "".join(pieces)

    def _take_session(self) -> ctypes.c_void_p:
        if not self._finalizer.alive:
            raise ThreshError("the model is closed")
        try:
            return self._idle.pop()
        except IndexError:
            return self._make_session()

    def _make_session(self) -> ctypes.c_void_p:
        if not self._finalizer.alive:
            raise ThreshError("the model is closed")
        session = ctypes.c_void_p()
        call("thresh_session_create", self._handle, ctypes.byref(session))
        return session

    def _give_session(self, session: ctypes.c_void_p) -> None:
        if self._finalizer.alive:
            call("thresh_session_rewind", session, 0)
            self._idle.append(session)
        else:
            library().thresh_session_free(session)
