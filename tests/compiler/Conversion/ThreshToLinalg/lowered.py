"""Compiles functions of graph ops with upstream's loops, to run them on numpy arrays."""

import ctypes
import os
import pathlib
import re
import subprocess

import numpy as np

LLVM_BIN = pathlib.Path(os.environ.get("THRESH_LLVM_BIN", "/usr/lib/llvm-22/bin"))

ELEMENT_TYPES = {
    np.dtype(np.float16): "f16",
    np.dtype(np.float32): "f32",
    np.dtype(np.float64): "f64",
    np.dtype(np.int8): "i8",
    np.dtype(np.int32): "i32",
    np.dtype(np.int64): "i64",
    np.dtype(np.bool_): "i1",
}

TO_LOOPS = "builtin.module(func.func(convert-thresh-to-linalg),canonicalize,cse)"
TO_LLVM = """builtin.module(
  func.func(convert-elementwise-to-linalg),
  one-shot-bufferize{bufferize-function-boundaries function-boundary-type-conversion=identity-layout-map},
  func.func(thresh-lower-copies,convert-linalg-to-loops,thresh-lower-expand-shapes),convert-scf-to-cf,expand-strided-metadata,lower-affine,convert-math-to-llvm,
  finalize-memref-to-llvm,convert-func-to-llvm,convert-cf-to-llvm,convert-arith-to-llvm,convert-index-to-llvm,
  reconcile-unrealized-casts)"""


def tensor_type(array, dynamic=()):
    """The tensor type of an array, with `?` in place of the extents of `dynamic` dimensions."""
    extents = ["?" if dim in dynamic else str(extent) for dim, extent in enumerate(array.shape)]
    return f"tensor<{'x'.join([*extents, ELEMENT_TYPES[array.dtype]])}>"


def descriptor(rank):
    """The struct that MLIR passes for a memref of this rank."""
    fields = [("base", ctypes.c_void_p), ("data", ctypes.c_void_p), ("offset", ctypes.c_int64)]
    if rank:
        fields += [("sizes", ctypes.c_int64 * rank), ("strides", ctypes.c_int64 * rank)]
    return type(f"MemRef{rank}", (ctypes.Structure,), {"_fields_": fields})


def to_descriptor(array):
    value = descriptor(array.ndim)()
    value.base = value.data = array.ctypes.data
    for dim in range(array.ndim):
        value.sizes[dim] = array.shape[dim]
        value.strides[dim] = array.strides[dim] // array.itemsize
    return value


def run(command, text=None):
    result = subprocess.run(command, input=text, capture_output=True, text=True)
    assert result.returncode == 0, f"{command[0]}: {result.stderr}"
    return result.stdout


def compile_module(thresh_opt, source, folder):
    """Compiles MLIR text to a shared library. A check that fails ends the process."""
    lowered = run([thresh_opt, f"--pass-pipeline={TO_LOOPS}"], source)
    lowered = re.sub(r'thresh\.check (%\w+), (".*?").*', r"cf.assert \1, \2", lowered)
    lowered = run([thresh_opt, f"--pass-pipeline={TO_LLVM}"], lowered)
    (folder / "module.ll").write_text(run([LLVM_BIN / "mlir-translate", "--mlir-to-llvmir"], lowered))
    run([LLVM_BIN / "llc", "-O1", "-mcpu=native", "-filetype=obj", "-relocation-model=pic", folder / "module.ll",
         "-o", folder / "module.o"])
    run(["cc", "-shared", folder / "module.o", "-o", folder / "module.so", "-lm"])
    return ctypes.CDLL(folder / "module.so")


def call(library, name, inputs, dtype, rank):
    """Runs one function on contiguous arrays and returns a copy of its only result."""
    result = descriptor(rank)()
    arguments = [ctypes.byref(to_descriptor(array)) for array in inputs]
    getattr(library, f"_mlir_ciface_{name}")(ctypes.byref(result), *arguments)
    shape = tuple(result.sizes) if rank else ()
    strides = tuple(stride * dtype.itemsize for stride in result.strides) if rank else ()
    extent = 1 + sum((size - 1) * stride for size, stride in zip(shape, strides)) // dtype.itemsize if all(shape) else 0
    start = (result.data or 0) + result.offset * dtype.itemsize
    memory = (ctypes.c_char * (extent * dtype.itemsize)).from_address(start) if extent else b""
    return np.ndarray(shape, dtype, memory, strides=strides).copy() if extent else np.zeros(shape, dtype)
