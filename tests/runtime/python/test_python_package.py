"""The Python package, on the mock library."""

import concurrent.futures
import gc
import os
import shutil
import subprocess
import sys

import ml_dtypes
import numpy as np
import pytest

DTYPES = {
    "f32": np.float32,
    "f64": np.float64,
    "f16": np.float16,
    "bf16": np.uint16,
    "i8": np.int8,
    "u8": np.uint8,
    "i16": np.int16,
    "u16": np.uint16,
    "i32": np.int32,
    "u32": np.uint32,
    "i64": np.int64,
    "u64": np.uint64,
    "bool": np.bool_,
}


@pytest.fixture
def model(thresh, mock_path):
    with thresh.Model(mock_path) as model:
        yield model


def rows(count, value=1.0):
    return np.full((count, 4), value, dtype=np.float32)


def test_versions_agree(thresh):
    assert thresh.runtime_version() == thresh.__version__


def test_signature(thresh, model):
    assert model.inputs == [
        thresh.TensorInfo("x", "f32", ("batch", 4), False),
        thresh.TensorInfo("y", "f32", ("batch", 4), False),
    ]
    assert [info.name for info in model.outputs] == ["sum", "rows"]
    assert model.outputs[1].shape == ()
    assert model.entries[:2] == ["main", "misbehave"]
    assert [info.optional for info in model.signature("fill")[0]] == [False, True, True, True]
    assert model.metadata == {"made": "by hand"}
    assert model.target == "mock-best"


def test_run_by_name(model):
    outputs = model.run({"y": rows(2, 5), "x": rows(2, 2)})
    assert list(outputs) == ["sum", "rows"]
    np.testing.assert_array_equal(outputs["sum"], rows(2, 7))
    assert outputs["rows"].shape == () and outputs["rows"] == 2


def test_run_by_position(model):
    np.testing.assert_array_equal(model.run([rows(3), rows(3)])["sum"], rows(3, 2))


def test_run_some_outputs(model):
    assert list(model.run([rows(1), rows(1)], outputs=["rows"])) == ["rows"]
    assert model.run([rows(1), rows(1)], outputs=[]) == {}


def test_run_on_no_rows(model):
    assert model.run([rows(0), rows(0)])["sum"].shape == (0, 4)


def test_optional_inputs(model):
    x = np.arange(3, dtype=np.float32)
    out = model.run({"x": x}, entry="fill")["out"]
    np.testing.assert_array_equal(out, np.repeat(x[:, None], 4, 1) + 3 - 2 + 7)
    out = model.run({"x": x, "o": np.int64(10)}, entry="fill")["out"]
    np.testing.assert_array_equal(out, np.repeat(x[:, None], 4, 1) + 3 - 2 + 10)


def test_outputs_are_independent_of_later_runs(model):
    first = model.run([rows(2, 1), rows(2, 1)])["sum"]
    model.run([rows(2, 9), rows(2, 9)])
    np.testing.assert_array_equal(first, rows(2, 2))


@pytest.mark.parametrize("dtype", DTYPES)
def test_every_dtype(model, dtype):
    x = np.random.default_rng(0).integers(0, 2 if dtype == "bool" else 100, 7).astype(DTYPES[dtype])
    y = model.run({"x": x}, entry=f"copy_{dtype}")["y"]
    assert y.dtype == x.dtype
    np.testing.assert_array_equal(y, x)


def test_bfloat16_of_ml_dtypes(model):
    x = np.array([1, -2.5, 3], dtype=ml_dtypes.bfloat16)
    y = model.run({"x": x}, entry="copy_bf16")["y"]
    np.testing.assert_array_equal(y.view(ml_dtypes.bfloat16), x)


@pytest.mark.parametrize(
    "view",
    [
        lambda x: x[:, ::-1][:, ::-1],
        lambda x: np.asfortranarray(x),
        lambda x: x.astype(">f4"),
        lambda x: np.frombuffer(b"\0" + x.tobytes(), dtype=np.uint8)[1:].view(np.float32).reshape(x.shape),
    ],
    ids=["strided", "fortran", "big-endian", "misaligned"],
)
def test_any_memory_layout(model, view):
    x = np.arange(8, dtype=np.float32).reshape(2, 4)
    np.testing.assert_array_equal(model.run([view(x), rows(2, 0)])["sum"], x)


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ({"x": np.zeros((1, 4)), "y": rows(1)}, "input 'x' expects dtype f32, but got f64"),
        ({"x": rows(1)}, "input 'y' of entry 'main' is missing"),
        ({"x": rows(1), "z": rows(1)}, "entry 'main' has no input 'z'; it has 'x', 'y'"),
        ([rows(1)[0], rows(1)], "input 'x' expects rank 2 [batch, 4], but got rank 1"),
        ([rows(1), rows(2)], "input 'y' dimension 0 ('batch') expects 1 as in input 'x' dimension 0, but got 2"),
        ([rows(1), rows(1), rows(1)], "entry 'main' expects 2 inputs, but got one at position 2"),
        ({"x": np.zeros((1, 4), complex)}, "input 'x' has NumPy dtype complex128, which no model takes"),
        ({"x": np.array(["a"])}, "input 'x' has NumPy dtype <U1, which no model takes"),
        ({"x": np.zeros((1,) * 9)}, "input 'x' expects a rank of at most 8, but got 9"),
    ],
)
def test_wrong_inputs(thresh, model, inputs, message):
    with pytest.raises(thresh.ThreshError) as caught:
        model.run(inputs)
    assert str(caught.value) == message


def test_wrong_names(thresh, model):
    with pytest.raises(thresh.ThreshError, match="the library has no entry 'decode'; it has 'main', 'misbehave'"):
        model.run({}, entry="decode")
    with pytest.raises(thresh.ThreshError, match="entry 'main' has no output 'z'; it has 'sum', 'rows'"):
        model.run([rows(1), rows(1)], outputs=["z"])


def test_failure_of_the_compiled_code(thresh, model):
    with pytest.raises(thresh.ThreshError, match="entry 'misbehave': index 30522 is out of range 0 to 30521"):
        model.run([np.int64(1)], entry="misbehave")


def test_target_and_weights(thresh, mock, mock_path, tmp_path):
    assert thresh.Model(mock_path, target="mock-plain").target == "mock-plain"
    with pytest.raises(thresh.ThreshError, match="this CPU cannot run library .* compiled for mock-future"):
        thresh.Model(mock_path, target="mock-future")
    library = shutil.copy(mock("MOCK_WEIGHTS=2"), tmp_path / "m.so")
    with pytest.raises(thresh.ThreshError, match="cannot open weights file '.*/mock.weights.safetensors' of library"):
        thresh.Model(library)
    header = b'{"w":{"dtype":"F32","shape":[4],"data_offsets":[0,16]}}'.ljust(4088)
    weights = tmp_path / "elsewhere"
    weights.write_bytes(len(header).to_bytes(8, "little") + header + np.array([1, 2, 3, 4], "<f4").tobytes())
    sum = thresh.Model(library, weights=weights).run([rows(1, 0), rows(1, 0)])["sum"]
    np.testing.assert_array_equal(sum, [[1, 2, 3, 4]])


def test_missing_library(thresh, tmp_path):
    with pytest.raises(thresh.ThreshError, match="cannot open library '.*/none.so': No such file or directory"):
        thresh.Model(tmp_path / "none.so")


def test_closed_model(thresh, mock_path):
    model = thresh.Model(mock_path)
    model.run([rows(1), rows(1)])
    model.close()
    model.close()
    with pytest.raises(thresh.ThreshError, match="the model is closed"):
        model.run([rows(1), rows(1)])


def test_collected_model_gives_its_library_back(thresh, mock):
    path = str(mock())
    for _ in range(3):
        model = thresh.Model(path)
        model.run([rows(1), rows(1)])
    del model
    gc.collect()
    with open("/proc/self/maps", encoding="ascii", errors="replace") as maps:
        assert path not in maps.read()


def test_threads(thresh, model):
    thresh.set_num_threads(2)
    assert thresh.num_threads() == 2
    with pytest.raises(thresh.ThreshError, match="the thread count expects 1 to 256, but got 0"):
        thresh.set_num_threads(0)

    def work(value):
        for _ in range(200):
            if not (model.run([rows(8, value), rows(8, value)])["sum"] == 2 * value).all():
                return False
        return True

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        assert all(pool.map(work, range(8)))


def test_runtime_is_found_in_a_checkout(root, runtime_library, tmp_path):
    """Without the variable: beside the package, then build/lib of the checkout, then the system."""
    package = shutil.copytree(root / "runtime" / "python" / "thresh", tmp_path / "runtime" / "python" / "thresh")
    (tmp_path / "build" / "lib").mkdir(parents=True)
    shutil.copy(runtime_library, tmp_path / "build" / "lib")
    environment = {key: value for key, value in os.environ.items() if key != "THRESH_RUNTIME_LIBRARY"}
    command = [sys.executable, "-c", "import thresh; print(thresh.runtime_version())"]

    def run():
        return subprocess.run(command, cwd=package.parent, env=environment, capture_output=True, text=True)

    assert run().stdout == "0.1.0\n"
    (tmp_path / "build" / "lib" / "libthresh_runtime.so").unlink()
    assert "cannot load libthresh_runtime.so; set THRESH_RUNTIME_LIBRARY to its path" in run().stderr
    shutil.copy(runtime_library, package)
    assert run().stdout == "0.1.0\n"
