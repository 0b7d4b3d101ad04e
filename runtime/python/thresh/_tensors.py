"""Tensors between NumPy and the C API: declarations, inputs, outputs, one run."""

import ctypes
from collections.abc import Mapping, Sequence
from typing import NamedTuple, Optional, Union

import numpy as np
from numpy.typing import ArrayLike

from thresh._library import MAX_RANK, EntryDeclaration, Input, Output, TensorDeclaration, ThreshError, call

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


class Entry(NamedTuple):
    """One entry point, and the ABI dtype of each input by name and by position."""

    index: int
    inputs: list[TensorInfo]
    outputs: list[TensorInfo]
    input_dtypes: dict[Union[str, int], int]


def _tensor_info(declared: TensorDeclaration) -> TensorInfo:
    shape = tuple(
        declared.shape[i] if declared.shape[i] >= 0 else declared.dim_symbols[i].decode() for i in range(declared.rank)
    )
    return TensorInfo(declared.name.decode(), _DTYPES[declared.dtype][0], shape, bool(declared.optional))


def entry_of(index: int, declared: EntryDeclaration) -> Entry:
    dtypes: dict[Union[str, int], int] = {}
    for i in range(declared.num_inputs):
        dtypes[i] = dtypes[declared.inputs[i].name.decode()] = declared.inputs[i].dtype
    return Entry(
        index,
        [_tensor_info(declared.inputs[i]) for i in range(declared.num_inputs)],
        [_tensor_info(declared.outputs[i]) for i in range(declared.num_outputs)],
        dtypes,
    )


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


def run(
    session: ctypes.c_void_p,
    entry: Entry,
    inputs: Union[Mapping[str, ArrayLike], Sequence[ArrayLike]],
    outputs: Optional[Sequence[str]],
) -> dict[str, np.ndarray]:
    """Runs an entry in a session and returns the wanted outputs by name, or all."""
    given: list[tuple[Union[str, int], ArrayLike]] = (
        list(inputs.items()) if isinstance(inputs, Mapping) else list(enumerate(inputs))
    )
    arrays = [_array(key, value) for key, value in given]
    c_inputs = (Input * len(arrays))()
    for slot, (key, _), array in zip(c_inputs, given, arrays):
        _fill_input(slot, key, array, entry.input_dtypes.get(key))
    names = [info.name for info in entry.outputs] if outputs is None else list(outputs)
    c_outputs = (Output * len(names))()
    for slot, name in zip(c_outputs, names):
        slot.name = name.encode()
    call("thresh_session_run", session, entry.index, c_inputs, len(c_inputs), c_outputs, len(c_outputs))
    return {name: _copy(slot) for name, slot in zip(names, c_outputs)}


def find(entries: Mapping[str, Entry], name: Optional[str]) -> Entry:
    """The entry called `name`; the first without a name."""
    if name is None:
        return next(iter(entries.values()))
    if name not in entries:
        raise ThreshError(f"the library has no entry {name!r}; it has {', '.join(map(repr, entries))}")
    return entries[name]
