"""The C API of libthresh_runtime.so (runtime/include/thresh/thresh.h) through ctypes."""

import ctypes
import functools
import os
import pathlib
from collections.abc import Iterator

from thresh._version import __version__

MAX_RANK = 8
MESSAGE_SIZE = 1024
LIBRARY_NAME = "libthresh_runtime.so"


class ThreshError(RuntimeError):
    """A refusal or failure of the runtime; the text is the runtime's message."""


class Status(ctypes.Structure):
    """thresh_status"""

    _fields_ = [("code", ctypes.c_int), ("message", ctypes.c_char * MESSAGE_SIZE)]


class OpenOptions(ctypes.Structure):
    """thresh_open_options"""

    _fields_ = [("weights_path", ctypes.c_char_p), ("target", ctypes.c_char_p), ("signature_only", ctypes.c_int32)]


class TensorDeclaration(ctypes.Structure):
    """thresh_tensor_info"""

    _fields_ = [
        ("name", ctypes.c_char_p),
        ("dtype", ctypes.c_int32),
        ("rank", ctypes.c_int32),
        ("shape", ctypes.POINTER(ctypes.c_int64)),
        ("dim_symbols", ctypes.POINTER(ctypes.c_char_p)),
        ("optional", ctypes.c_int32),
        ("reserved", ctypes.c_int32),
        ("default_value", ctypes.c_int64),
    ]


class EntryDeclaration(ctypes.Structure):
    """thresh_entry_info"""

    _fields_ = [
        ("name", ctypes.c_char_p),
        ("num_inputs", ctypes.c_int32),
        ("num_outputs", ctypes.c_int32),
        ("inputs", ctypes.POINTER(TensorDeclaration)),
        ("outputs", ctypes.POINTER(TensorDeclaration)),
        ("token_input", ctypes.c_int32),
        ("reserved", ctypes.c_int32),
        ("weight_bytes", ctypes.c_uint64),
        ("dense_weight_bytes", ctypes.c_uint64),
        ("state_reads", ctypes.c_void_p),
    ]


class Input(ctypes.Structure):
    """thresh_input"""

    _fields_ = [
        ("name", ctypes.c_char_p),
        ("dtype", ctypes.c_int),
        ("rank", ctypes.c_int32),
        ("shape", ctypes.c_int64 * MAX_RANK),
        ("data", ctypes.c_void_p),
        ("bytes", ctypes.c_size_t),
    ]


class Output(ctypes.Structure):
    """thresh_output"""

    _fields_ = [
        ("name", ctypes.c_char_p),
        ("buffer", ctypes.c_void_p),
        ("buffer_bytes", ctypes.c_size_t),
        ("dtype", ctypes.c_int),
        ("rank", ctypes.c_int32),
        ("shape", ctypes.c_int64 * MAX_RANK),
        ("data", ctypes.c_void_p),
        ("bytes", ctypes.c_size_t),
    ]


class GenerationOptions(ctypes.Structure):
    """thresh_generation_options"""

    _fields_ = [
        ("max_new_tokens", ctypes.c_int64),
        ("stop_tokens", ctypes.POINTER(ctypes.c_int64)),
        ("num_stop_tokens", ctypes.c_int32),
        ("do_sample", ctypes.c_int32),
        ("temperature", ctypes.c_float),
        ("top_p", ctypes.c_float),
        ("repetition_penalty", ctypes.c_float),
        ("top_k", ctypes.c_int32),
        ("seed", ctypes.c_uint64),
    ]


class Spread(ctypes.Structure):
    """thresh_spread"""

    _fields_ = [("count", ctypes.c_int64), ("mean", ctypes.c_double), ("deviation", ctypes.c_double)]


class Usage(ctypes.Structure):
    """thresh_usage"""

    _fields_ = [("active_neurons", Spread), ("attended_tokens", Spread)]


class GenerationStats(ctypes.Structure):
    """thresh_generation_stats"""

    _fields_ = [
        ("prompt_tokens", ctypes.c_int64),
        ("generated_tokens", ctypes.c_int64),
        ("decoded_tokens", ctypes.c_int64),
        ("prompt_seconds", ctypes.c_double),
        ("decode_seconds", ctypes.c_double),
        ("usage", Usage),
        ("stop", ctypes.c_int),
    ]


_HANDLE = ctypes.c_void_p
_STATUS = ctypes.POINTER(Status)

# Function: (result, arguments). Those that take a status last return a thresh_code.
_SIGNATURES = {
    "thresh_version": (ctypes.c_char_p, []),
    "thresh_set_num_threads": (ctypes.c_int, [ctypes.c_int32, _STATUS]),
    "thresh_num_threads": (ctypes.c_int32, []),
    "thresh_model_open": (
        ctypes.c_int,
        [ctypes.c_char_p, ctypes.POINTER(OpenOptions), ctypes.POINTER(_HANDLE), _STATUS],
    ),
    "thresh_model_close": (None, [_HANDLE]),
    "thresh_model_num_entries": (ctypes.c_int32, [_HANDLE]),
    "thresh_model_entry": (ctypes.POINTER(EntryDeclaration), [_HANDLE, ctypes.c_int32]),
    "thresh_model_metadata": (ctypes.c_char_p, [_HANDLE]),
    "thresh_model_target": (ctypes.c_char_p, [_HANDLE]),
    "thresh_session_create": (ctypes.c_int, [_HANDLE, ctypes.POINTER(_HANDLE), _STATUS]),
    "thresh_session_free": (None, [_HANDLE]),
    "thresh_model_context": (ctypes.c_int64, [_HANDLE]),
    "thresh_session_position": (ctypes.c_int64, [_HANDLE]),
    "thresh_session_rewind": (ctypes.c_int, [_HANDLE, ctypes.c_int64, _STATUS]),
    "thresh_session_fork": (ctypes.c_int, [_HANDLE, ctypes.POINTER(_HANDLE), _STATUS]),
    "thresh_session_score": (
        ctypes.c_int,
        [
            _HANDLE,
            ctypes.c_int32,
            ctypes.POINTER(ctypes.c_int64),
            ctypes.c_int64,
            ctypes.POINTER(ctypes.c_float),
            _STATUS,
        ],
    ),
    "thresh_model_weights_bytes": (ctypes.c_uint64, [_HANDLE]),
    "thresh_model_touched_bytes": (ctypes.c_uint64, [_HANDLE, ctypes.c_int32, ctypes.c_int64]),
    "thresh_model_dense_bytes": (ctypes.c_uint64, [_HANDLE, ctypes.c_int32, ctypes.c_int64]),
    "thresh_model_is_approximate": (ctypes.c_int32, [_HANDLE]),
    "thresh_model_vocabulary": (ctypes.c_int64, [_HANDLE]),
    "thresh_model_generation_options": (GenerationOptions, [_HANDLE]),
    "thresh_generation_create": (
        ctypes.c_int,
        [
            _HANDLE,
            ctypes.POINTER(ctypes.c_int64),
            ctypes.c_int64,
            ctypes.POINTER(GenerationOptions),
            ctypes.POINTER(_HANDLE),
            _STATUS,
        ],
    ),
    "thresh_generation_next": (ctypes.c_int, [_HANDLE, ctypes.POINTER(ctypes.c_int64), _STATUS]),
    "thresh_generation_get_stats": (GenerationStats, [_HANDLE]),
    "thresh_generation_free": (None, [_HANDLE]),
    "thresh_session_run": (
        ctypes.c_int,
        [
            _HANDLE,
            ctypes.c_int32,
            ctypes.POINTER(Input),
            ctypes.c_int32,
            ctypes.POINTER(Output),
            ctypes.c_int32,
            _STATUS,
        ],
    ),
}


def _candidates() -> Iterator[str]:
    """Where the runtime may be, best first."""
    named = os.environ.get("THRESH_RUNTIME_LIBRARY")
    if named:
        yield named
        return
    package = pathlib.Path(__file__).resolve().parent
    yield str(package / LIBRARY_NAME)
    if len(package.parents) > 2:
        yield str(package.parents[2] / "build" / "lib" / LIBRARY_NAME)
    yield LIBRARY_NAME


@functools.lru_cache(maxsize=None)
def library() -> ctypes.CDLL:
    """The runtime, loaded at the first call: $THRESH_RUNTIME_LIBRARY if set, else the one beside the package, in
    build/lib of a source checkout, or where the system finds libraries."""
    failures = []
    for candidate in _candidates():
        try:
            loaded = ctypes.CDLL(candidate)
        except OSError as error:
            failures.append(f"  {candidate}: {error}")
            continue
        for name, (result, arguments) in _SIGNATURES.items():
            function = getattr(loaded, name)
            function.restype, function.argtypes = result, arguments
        found = loaded.thresh_version().decode()
        if found != __version__:
            raise ThreshError(f"{candidate} is of another version: expects {__version__}, but got {found}")
        return loaded
    tried = "\n".join(failures)
    raise ThreshError(f"cannot load {LIBRARY_NAME}; set THRESH_RUNTIME_LIBRARY to its path. Tried:\n{tried}")


def call(function: str, *arguments: object) -> None:
    """Calls a function that takes a status last; raises ThreshError with its message."""
    status = Status()
    if getattr(library(), function)(*arguments, ctypes.byref(status)):
        raise ThreshError(status.message.decode(errors="replace"))


def runtime_version() -> str:
    """Version of the loaded runtime."""
    version: bytes = library().thresh_version()
    return version.decode()


def num_threads() -> int:
    """Threads that parallel loops of all models use."""
    return int(library().thresh_num_threads())


def set_num_threads(count: int) -> None:
    """Sets the threads that parallel loops of all models use, the calling one included: 1 to 256."""
    call("thresh_set_num_threads", count)
