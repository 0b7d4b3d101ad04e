"""Compiled libraries, weights files and input files that are wrong in one way each."""

import shutil
import struct

import numpy
import pytest
from models import initializer, mlp, rewrite_header, save
from onnx import numpy_helper
from refusal import check_refusal, listing

TOOLS = [("thresh", "run"), ("thresh-run",)]


@pytest.fixture(scope="module")
def compiled(run_tool, tmp_path_factory):
    """A folder with two libraries of the same form but other weights, each with its weights file."""
    folder = tmp_path_factory.mktemp("compiled")
    for name, scale in (("one", 1.0), ("two", 3.0)):
        model = mlp()
        tensor = initializer(model, "w")
        tensor.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(tensor) * numpy.float32(scale), "w"))
        result = run_tool("thresh", "compile", save(model, folder, f"{name}.onnx"), "-o", folder / f"{name}.so")
        assert result.returncode == 0, result.stderr
    return folder


@pytest.fixture
def library(compiled, tmp_path):
    """A fresh copy of the first library."""
    for path in compiled.glob("one.*"):
        shutil.copy(path, tmp_path)
    return tmp_path / "one.so"


def weights(library):
    return library.with_suffix(".weights.safetensors")


@pytest.fixture(params=TOOLS, ids=" ".join)
def refused(request, run_tool, tmp_path):
    """refused(library, argument..., needles=...): running it is refused, and no output is left."""

    def check(library, *arguments, needles=()):
        before = listing(tmp_path)
        result = run_tool(*request.param, library, "--output", f"y={tmp_path / 'y.npy'}", *arguments, timeout=60)
        check_refusal(result, *needles)
        assert listing(tmp_path) == before

    return check


def test_the_library_they_start_from_runs(run_tool, library, tmp_path):
    result = run_tool("thresh-run", library, "--random", 1, "--dim", "batch=2", "--output", f"y={tmp_path / 'y.npy'}")
    assert result.returncode == 0, result.stderr
    assert numpy.load(tmp_path / "y.npy").shape == (2, 40)


# ------------------------------------------------------------------------------
# Libraries
# ------------------------------------------------------------------------------


def test_missing_library(refused, tmp_path):
    refused(tmp_path / "nowhere.so", "--random", 1, needles=["nowhere.so"])


@pytest.mark.parametrize("content", [b"", b"\x7fELF", b"not a library" * 100, bytes(range(256)) * 64])
def test_library_of_garbage(refused, tmp_path, content):
    (tmp_path / "bad.so").write_bytes(content)
    refused(tmp_path / "bad.so", "--random", 1, needles=["bad.so"])


def test_library_of_someone_else(refused, build, tmp_path):
    shutil.copy(build / "lib" / "libthresh_runtime.so", tmp_path / "other.so")
    refused(tmp_path / "other.so", "--random", 1, needles=["other.so"])


def loaded_bytes(elf):
    """Where the last loaded segment of a 64-bit ELF file ends; after it come tables that nothing needs."""
    table, size, count = (int.from_bytes(elf[at : at + width], "little") for at, width in ((32, 8), (54, 2), (56, 2)))
    ends = []
    for at in range(table, table + size * count, size):
        kind, _, offset, _, _, length = struct.unpack_from("<IIQQQQ", elf, at)
        if kind == 1:
            ends.append(offset + length)
    return max(ends)


@pytest.mark.parametrize("share", [0.05, 0.3, 0.6, 0.9, 1])
def test_truncated_library(refused, library, share):
    data = library.read_bytes()
    library.write_bytes(data[: int(loaded_bytes(data) * share) - 1])
    refused(library, "--random", 1, needles=["one.so"])


@pytest.mark.parametrize("command", ["inspect", "bench", "compare"])
def test_other_commands_on_garbage(run_tool, tmp_path, command):
    (tmp_path / "bad.so").write_bytes(b"not a library" * 100)
    extra = ["--against", "onnxruntime", "--model", "m.onnx"] if command == "compare" else []
    check_refusal(run_tool("thresh", command, tmp_path / "bad.so", *extra), "bad.so")


def test_unknown_target(refused, library):
    refused(library, "--random", 1, "--target", "frobnicator", needles=["frobnicator"])


# ------------------------------------------------------------------------------
# Weights
# ------------------------------------------------------------------------------


def test_missing_weights(refused, library):
    weights(library).unlink()
    refused(library, "--random", 1, needles=["one.weights.safetensors"])


def test_swapped_weights(refused, library, compiled):
    """Same form, same sizes, other content: the weights of another compilation."""
    other = weights(compiled / "two.so")
    assert other.stat().st_size == weights(library).stat().st_size
    shutil.copy(other, weights(library))
    refused(library, "--random", 1, needles=["one.weights.safetensors"])


@pytest.mark.parametrize("size", [0, 7, 64, -1])
def test_truncated_weights(refused, library, size):
    weights(library).write_bytes(weights(library).read_bytes()[:size])
    refused(library, "--random", 1, needles=["one.weights.safetensors"])


def test_weights_with_another_header(refused, library):
    rewrite_header(weights(library), lambda header: header | {"__metadata__": {"note": "changed"}})
    refused(library, "--random", 1, needles=["one.weights.safetensors"])


def test_weights_of_garbage(refused, library):
    weights(library).write_bytes(b"\xa5" * weights(library).stat().st_size)
    refused(library, "--random", 1, needles=["one.weights.safetensors"])


# ------------------------------------------------------------------------------
# Inputs
# ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "array",
    [
        numpy.zeros((2, 65), numpy.float32),
        numpy.zeros((2,), numpy.float32),
        numpy.zeros((2, 64, 1), numpy.float32),
        numpy.zeros((2, 64), numpy.float64),
        numpy.zeros((2, 64), numpy.int64),
        numpy.zeros((2, 64), numpy.complex64),
        numpy.asfortranarray(numpy.zeros((2, 64), numpy.float32)),
        numpy.zeros((2, 64), ">f4"),
        numpy.array(["a", "b"]),
    ],
    ids=lambda array: f"{array.dtype.str}{array.shape}",
)
def test_input_of_another_type(refused, library, tmp_path, array):
    numpy.save(tmp_path / "x.npy", array)
    refused(library, "--input", f"x={tmp_path / 'x.npy'}")


@pytest.mark.parametrize("content", [b"", b"\x93NUMPY", b"garbage" * 50, b"\x93NUMPY\x01\x00\xff\xff{", b"\x93NUMPY\x09\x00"])
def test_input_of_garbage(refused, library, tmp_path, content):
    (tmp_path / "x.npy").write_bytes(content)
    refused(library, "--input", f"x={tmp_path / 'x.npy'}", needles=["x.npy"])


@pytest.mark.parametrize("shape", ["(9223372036854775807, 64)", "(-2, 64)", "(2, 64, )(", "(288230376151711744, 64)"])
def test_input_with_a_monstrous_header(refused, library, tmp_path, shape):
    header = f"{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}\n".encode()
    (tmp_path / "x.npy").write_bytes(b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + bytes(32))
    refused(library, "--input", f"x={tmp_path / 'x.npy'}", needles=["x.npy"])


def test_truncated_input(refused, library, tmp_path):
    numpy.save(tmp_path / "x.npy", numpy.zeros((2, 64), numpy.float32))
    data = (tmp_path / "x.npy").read_bytes()
    (tmp_path / "x.npy").write_bytes(data[:-1])
    refused(library, "--input", f"x={tmp_path / 'x.npy'}", needles=["x.npy"])


@pytest.mark.parametrize(
    "arguments",
    [
        ["--input", "nothing=x.npy"],
        ["--random", "1", "--dim", "nothing=3"],
        ["--random", "1", "--dim", "batch=-3"],
        ["--random", "1", "--dim", "batch=9223372036854775807"],
        ["--random", "one"],
        ["--random", "1", "--output", "nothing=y.npy"],
        ["--frobnicate"],
        [],
    ],
    ids=" ".join,
)
def test_arguments(refused, library, arguments):
    refused(library, *arguments)
