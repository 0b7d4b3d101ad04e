"""Real models for the end-to-end tests, compiled once per session."""

import pathlib
import subprocess
import sys

import onnxruntime
import pytest

GOLDEN = pathlib.Path(__file__).resolve().parent / "golden"


@pytest.fixture(scope="session")
def golden():
    """The folder of small models with known answers."""
    return GOLDEN


@pytest.fixture(scope="session")
def data(root):
    """The corpus of examples/train-spark: its module data.py."""
    sys.path.insert(0, str(root / "examples" / "train-spark"))
    import data

    return data


@pytest.fixture(scope="session")
def compile_model(run_tool, tmp_path_factory):
    """compile_model(MODEL, option...) returns the path of the library."""

    def compile_(model, *options):
        library = tmp_path_factory.mktemp("library") / "model.so"
        result = run_tool("thresh", "compile", model, "-o", library, *options)
        assert result.returncode == 0, result.stderr
        return library

    return compile_


@pytest.fixture(scope="session")
def write_onnx(root, tmp_path_factory):
    """write_onnx(CHECKPOINT, option...) writes the checkpoint as ONNX with the example's script."""

    def write(checkpoint, *options):
        path = tmp_path_factory.mktemp("onnx") / "model.onnx"
        script = root / "examples" / "minilm" / "write_onnx.py"
        subprocess.run([sys.executable, script, checkpoint, path, *options], check=True)
        return path

    return write


@pytest.fixture(scope="session")
def minilm_checkpoint(root):
    """The folder of all-MiniLM-L6-v2."""
    script = root / "examples" / "minilm" / "fetch.py"
    done = subprocess.run([sys.executable, script], check=True, capture_output=True, text=True)
    return pathlib.Path(done.stdout.strip())


@pytest.fixture(scope="session")
def minilm_onnx(write_onnx, minilm_checkpoint):
    """The same weights as an ONNX file."""
    return write_onnx(minilm_checkpoint)


@pytest.fixture(scope="session")
def minilm_library(compile_model, minilm_checkpoint):
    """The library made of the checkpoint."""
    return compile_model(minilm_checkpoint)


@pytest.fixture(scope="session")
def minilm_reference(minilm_onnx):
    """onnxruntime on the ONNX file."""
    return onnxruntime.InferenceSession(minilm_onnx, providers=["CPUExecutionProvider"])
