"""Runs that continue one another: sessions and the texts that they make."""

import ctypes
import operator
import weakref
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple, Optional, Union

import numpy as np
from numpy.typing import ArrayLike

from thresh._library import GenerationOptions, ThreshError, Usage, call, library
from thresh._tensors import Entry, find, run

_STOPS = [None, "length", "token", "context", "failure"]


class Spread(NamedTuple):
    """Mean and standard deviation of so many numbers."""

    count: int
    mean: float
    deviation: float


class GenerationStats(NamedTuple):
    """What a generation has done so far."""

    prompt_tokens: int
    generated_tokens: int
    decoded_tokens: int
    """Generated tokens that have run through the model: all but the last."""
    prompt_seconds: float
    decode_seconds: float
    stop: Optional[str]
    """Why the text ended: "length", "token" (a stop token), "context", "failure"; None while it goes on."""
    active_neurons: Optional[Spread]
    """Neurons that a sparse feed-forward block used, over the decoded tokens and the blocks; None without such counts."""
    attended_tokens: Optional[Spread]
    """Tokens that a head of a sparse attention layer read, over the decoded tokens, the layers and the heads."""


def _spread(usage: Usage, name: str) -> Optional[Spread]:
    spread = getattr(usage, name)
    return Spread(spread.count, spread.mean, spread.deviation) if spread.count else None


class Generation(Iterator[int]):
    """Tokens of a text, made as they are asked for."""

    def __init__(self, session: "Session", prompt: Sequence[int], options: GenerationOptions) -> None:
        """Made by Session.generate."""
        self._session = session
        tokens = _tokens(prompt)
        handle = ctypes.c_void_p()
        call("thresh_generation_create", session.handle, tokens, len(tokens), ctypes.byref(options), ctypes.byref(handle))
        self._handle = handle
        weakref.finalize(self, library().thresh_generation_free, handle)

    def __next__(self) -> int:
        token = ctypes.c_int64()
        self._session.handle  # raises when the session is closed
        call("thresh_generation_next", self._handle, ctypes.byref(token))
        if token.value < 0:
            raise StopIteration
        return token.value

    @property
    def stats(self) -> GenerationStats:
        """What it has done so far."""
        stats = library().thresh_generation_get_stats(self._handle)
        return GenerationStats(
            stats.prompt_tokens,
            stats.generated_tokens,
            stats.decoded_tokens,
            stats.prompt_seconds,
            stats.decode_seconds,
            _STOPS[stats.stop],
            _spread(stats.usage, "active_neurons"),
            _spread(stats.usage, "attended_tokens"),
        )


class Session:
    """The memory of one sequence of runs; made by Model.session. One thread at a time."""

    def __init__(
        self, handle: ctypes.c_void_p, entries: Mapping[str, Entry], vocabulary: int, defaults: GenerationOptions
    ) -> None:
        self._handle = handle
        self._entries = entries
        self._vocabulary = vocabulary
        self._defaults = defaults
        self._finalizer = weakref.finalize(self, library().thresh_session_free, handle)

    def __enter__(self) -> "Session":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Frees the session; what is asked of it later raises ThreshError."""
        self._finalizer()

    @property
    def handle(self) -> ctypes.c_void_p:
        """The thresh_session; raises ThreshError once closed."""
        if not self._finalizer.alive:
            raise ThreshError("the session is closed")
        return self._handle

    def run(
        self,
        inputs: Union[Mapping[str, ArrayLike], Sequence[ArrayLike]],
        outputs: Optional[Sequence[str]] = None,
        entry: Optional[str] = None,
    ) -> dict[str, np.ndarray]:
        """Runs an entry point as Model.run does; its tokens follow those that the session holds."""
        return run(self.handle, find(self._entries, entry), inputs, outputs)

    @property
    def position(self) -> int:
        """Tokens that the session holds."""
        return library().thresh_session_position(self.handle)

    def rewind(self, position: int) -> None:
        """Forgets the tokens from `position` on."""
        call("thresh_session_rewind", self.handle, position)

    def fork(self) -> "Session":
        """A second session that holds the same tokens and goes its own way."""
        fork = ctypes.c_void_p()
        call("thresh_session_fork", self.handle, ctypes.byref(fork))
        return Session(fork, self._entries, self._vocabulary, self._defaults)

    def score(self, tokens: Sequence[int], entry: Optional[str] = None) -> np.ndarray:
        """Appends the tokens; the logits after each, float32 [tokens, vocabulary].

        entry: the entry point to run, one token at a time where it gives no more; `score`, else `decode`, without it.
        """
        given = _tokens(tokens)
        logits = np.empty((len(given), self._vocabulary), np.float32)
        pointer = logits.ctypes.data_as(ctypes.POINTER(ctypes.c_float))
        index = find(self._entries, entry).index if entry is not None else -1
        call("thresh_session_score", self.handle, index, given, len(given), pointer)
        return logits

    def generate(
        self,
        prompt: Sequence[int],
        *,
        max_new_tokens: Optional[int] = None,
        do_sample: Optional[bool] = None,
        temperature: Optional[float] = None,
        top_k: Optional[int] = None,
        top_p: Optional[float] = None,
        repetition_penalty: Optional[float] = None,
        seed: int = 0,
        stop_tokens: Optional[Sequence[int]] = None,
    ) -> Generation:
        """The tokens that follow the session's and the prompt's, made as the result is iterated. What is left out is as
        the model's makers want it; temperature, top_k and top_p mean sampling unless do_sample says otherwise. The last
        token has not run: a later prompt that goes on from there starts with it.
        """
        options = GenerationOptions.from_buffer_copy(self._defaults)
        options.do_sample |= any(value is not None for value in (temperature, top_k, top_p))
        said = {
            "max_new_tokens": max_new_tokens,
            "do_sample": do_sample,
            "temperature": temperature,
            "top_k": top_k,
            "top_p": top_p,
            "repetition_penalty": repetition_penalty,
        }
        for name, value in said.items():
            if value is not None:
                setattr(options, name, value)
        options.seed = seed
        if stop_tokens is not None:
            options.num_stop_tokens = len(stop_tokens)
            options.stop_tokens = _tokens(stop_tokens)
        return Generation(self, prompt, options)


def _tokens(tokens: Sequence[int]) -> ctypes.Array:
    """The tokens as C reads them."""
    numbers = [operator.index(token) for token in tokens]
    for number in numbers:
        if not -(2**63) <= number < 2**63:
            raise ThreshError(f"a token expects a 64-bit number, but got {number}")
    return (ctypes.c_int64 * len(numbers))(*numbers)
