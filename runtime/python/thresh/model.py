"""A compiled library as a Python object."""

import ctypes
import json
import os
import weakref
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Optional, Union

import numpy as np
from numpy.typing import ArrayLike

from thresh._library import (
    MAX_RANK,
    EntryDeclaration,
    Input,
    OpenOptions,
    Output,
    TensorDeclaration,
    ThreshError,
    call,
    library,
)

# Names and NumPy types in the order of thresh_dtype. NumPy has no bfloat16: its bits travel as uint16.
_DTYPES = [
    ("f32", np.float32),
    ("f64", np.float64),
    ("f16", np.float16),
    ("bf16", np.uint16),
    ("i8", np.int8),
    ("u8", np.uint8),
    ("i16", np.int16),
    ("u16", np.uint16),
    ("i32", np.int32),
    ("u32", np.uint32),
    ("i64", np.int64),
    ("u64", np.uint64),
    ("bool", np.bool_),
]
_BF16 = 3
_NUMBERS = {np.dtype(numpy_type): number for number, (_, numpy_type) in enumerate(_DTYPES) if number != _BF16}


class TensorInfo(NamedTuple):
    """One declared input or output."""

    name: str
    dtype: str
    """"f32", "i64", "bool", ..."""
    shape: tuple[Union[int, str], ...]
    """Extents; the dimension's name where it is dynamic. Equal names mean equal extents."""
    optional: bool
    """Whether an input may be left out."""


class _Entry(NamedTuple):
    """One entry point, and the ABI dtype of each input by name and by position."""

    number: int
    inputs: list[TensorInfo]
    outputs: list[TensorInfo]
    input_dtypes: dict[Union[str, int], int]


def _tensor_info(declared: TensorDeclaration) -> TensorInfo:
    shape = tuple(
        declared.shape[i] if declared.shape[i] >= 0 else declared.dim_symbols[i].decode() for i in range(declared.rank)
    )
    return TensorInfo(declared.name.decode(), _DTYPES[declared.dtype][0], shape, bool(declared.optional))


def _entry(number: int, declared: EntryDeclaration) -> _Entry:
    dtypes: dict[Union[str, int], int] = {}
    for i in range(declared.num_inputs):
        dtypes[i] = dtypes[declared.inputs[i].name.decode()] = declared.inputs[i].dtype
    return _Entry(
        number,
        [_tensor_info(declared.inputs[i]) for i in range(declared.num_inputs)],
        [_tensor_info(declared.outputs[i]) for i in range(declared.num_outputs)],
        dtypes,
    )


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
        self._entries: dict[str, _Entry] = {}
        for index in range(library().thresh_model_num_entries(handle)):
            declared = library().thresh_model_entry(handle, index).contents
            self._entries[declared.name.decode()] = _entry(index, declared)
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
        found = self._find(entry)
        return list(found.inputs), list(found.outputs)

    @property
    def target(self) -> str:
        """Name of the variant in use, e.g. "x86-64-v4"."""
        return self._target

    @property
    def metadata(self) -> dict[str, Any]:
        """What the compiler wrote about the library."""
        metadata: dict[str, Any] = json.loads(self._metadata)
        return metadata

    def run(
        self,
        inputs: Union[Mapping[str, ArrayLike], Sequence[ArrayLike]],
        outputs: Optional[Sequence[str]] = None,
        entry: Optional[str] = None,
    ) -> dict[str, np.ndarray]:
        """Runs an entry point and returns its outputs by name, as arrays of their own.

        inputs: by name, or in the order of declaration. Dtypes must be the declared ones: nothing is converted.
            Bfloat16 is given as uint16 bits, or as an ml_dtypes array, and returned as uint16 bits.
        outputs: names of the outputs wanted; all without it.
        entry: the entry point; the first without it.
        """
        found = self._find(entry)
        given: list[tuple[Union[str, int], ArrayLike]] = (
            list(inputs.items()) if isinstance(inputs, Mapping) else list(enumerate(inputs))
        )
        arrays = [_array(key, value) for key, value in given]
        c_inputs = (Input * len(arrays))()
        for slot, (key, _), array in zip(c_inputs, given, arrays):
            _fill_input(slot, key, array, found.input_dtypes.get(key))
        names = [info.name for info in found.outputs] if outputs is None else list(outputs)
        c_outputs = (Output * len(names))()
        for slot, name in zip(c_outputs, names):
            slot.name = name.encode()

        session = self._take_session()
        try:
            call("thresh_session_run", session, found.number, c_inputs, len(c_inputs), c_outputs, len(c_outputs))
            return {name: _copy(slot) for name, slot in zip(names, c_outputs)}
        finally:
            self._give_session(session)

    def _find(self, entry: Optional[str]) -> _Entry:
        if entry is None:
            return next(iter(self._entries.values()))
        if entry not in self._entries:
            raise ThreshError(f"the library has no entry {entry!r}; it has {', '.join(map(repr, self._entries))}")
        return self._entries[entry]

    def _take_session(self) -> ctypes.c_void_p:
        if not self._finalizer.alive:
            raise ThreshError("the model is closed")
        try:
            return self._idle.pop()
        except IndexError:
            session = ctypes.c_void_p()
            call("thresh_session_create", self._handle, ctypes.byref(session))
            return session

    def _give_session(self, session: ctypes.c_void_p) -> None:
        if self._finalizer.alive:
            self._idle.append(session)
        else:
            library().thresh_session_free(session)


def _array(key: Union[str, int], value: ArrayLike) -> np.ndarray:
    """The value as an array that C can read: native byte order, aligned, contiguous."""
    array = np.asarray(value)
    array = array.astype(array.dtype.newbyteorder("="), copy=False)
    if array.dtype.name != "bfloat16" and array.dtype not in _NUMBERS:
        raise ThreshError(f"input {key!r} has NumPy dtype {array.dtype}, which no model takes")
    if array.ndim > MAX_RANK:
        raise ThreshError(f"input {key!r} expects a rank of at most {MAX_RANK}, but got {array.ndim}")
    return np.require(array, requirements=["C", "A"])


def _fill_input(slot: Input, key: Union[str, int], array: np.ndarray, declared_dtype: Optional[int]) -> None:
    is_bf16 = array.dtype.name == "bfloat16" or (declared_dtype == _BF16 and array.dtype == np.uint16)
    slot.name = key.encode() if isinstance(key, str) else None
    slot.dtype = _BF16 if is_bf16 else _NUMBERS[array.dtype]
    slot.rank = array.ndim
    slot.shape[: array.ndim] = array.shape
    slot.data = array.ctypes.data
    slot.bytes = array.nbytes


def _copy(slot: Output) -> np.ndarray:
    """The output as an array with memory of its own."""
    shape = tuple(slot.shape[: slot.rank])
    array = np.empty(shape, dtype=_DTYPES[slot.dtype][1])
    ctypes.memmove(array.ctypes.data, slot.data, slot.bytes)
    return array
