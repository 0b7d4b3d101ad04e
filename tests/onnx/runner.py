"""Compiles node tests to libraries and runs them: `thresh compile` in parallel, then the Python package in child processes."""

import concurrent.futures
import multiprocessing
import pathlib
import subprocess
import sys
import tempfile
from typing import NamedTuple

import cases
import ml_dtypes
import numpy

PASSED, FAILED, UNSUPPORTED = "passed", "failed", "unsupported"


class Result(NamedTuple):
    """How a case went, and why it did not pass."""

    status: str
    message: str = ""


def compile_case(case, compiler, folder, environment):
    """The library, or why there is none. A refusal with an error message is `unsupported`, anything else `failed`."""
    model, library = folder / f"{case.name}.onnx", folder / f"{case.name}.so"
    model.write_bytes(case.model.SerializeToString())
    command = [compiler, "compile", model, "-o", library, "--jobs", "1"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=120, env=environment)
    except subprocess.TimeoutExpired:
        return Result(FAILED, "compiling takes longer than 120 s")
    if done.returncode == 0:
        return library
    errors = [line for line in done.stderr.splitlines() if "error: " in line]
    if done.returncode == 1 and errors:
        return Result(UNSUPPORTED, errors[0])
    return Result(FAILED, f"thresh compile: exit code {done.returncode}: {done.stderr[-300:]}")


def run_case(case, library):
    import thresh

    inputs = {
        name: array.view(numpy.uint16) if array.dtype == ml_dtypes.bfloat16 else array
        for name, array in case.inputs.items()
    }
    try:
        with thresh.Model(library) as model:
            message = cases.compare(case, model.run(inputs))
    except Exception as error:  # noqa: BLE001 - whatever the package raises is a failure of the case
        message = f"{type(error).__name__}: {error}"
    return Result(FAILED, message) if message else Result(PASSED)


def run_in_child(compiled, connection):
    """Runs (case, library) pairs in order; sends each result."""
    for case, library in compiled:
        connection.send(run_case(case, library))
    connection.close()


def run_all(compiled):
    """Results in order. A crash costs only the case that made it: the rest goes on in a new process."""
    results = []
    context = multiprocessing.get_context("fork")
    while len(results) < len(compiled):
        receiver, sender = context.Pipe(duplex=False)
        child = context.Process(target=run_in_child, args=(compiled[len(results) :], sender))
        child.start()
        sender.close()
        try:
            while len(results) < len(compiled):
                if not receiver.poll(120):
                    child.kill()
                    raise EOFError
                results.append(receiver.recv())
        except EOFError:
            child.join()
            results.append(Result(FAILED, f"running ended with exit code {child.exitcode}"))
        child.join()
    return results


def run_suite(selected, build, environment, jobs=2):
    """Case name -> Result for the `selected` cases, with the programs of `build`."""
    sys.path.insert(0, str(cases.FOLDER.parent.parent / "runtime" / "python"))
    results = {}
    with tempfile.TemporaryDirectory() as folder:
        with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
            compiled = list(
                pool.map(
                    lambda case: compile_case(case, build / "bin" / "thresh", pathlib.Path(folder), environment), selected
                )
            )
        runnable = []
        for case, library in zip(selected, compiled):
            if isinstance(library, Result):
                results[case.name] = library
            else:
                runnable.append((case, library))
        for (case, _), result in zip(runnable, run_all(runnable)):
            results[case.name] = result
    return results
