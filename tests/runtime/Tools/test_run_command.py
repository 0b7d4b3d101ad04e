"""The program thresh-run, on the mock library; NumPy reads and writes the files."""

import re

import ml_dtypes
import numpy as np
import pytest


@pytest.fixture
def run(run_tool, mock_path, tmp_path):
    """run(ARGUMENT, ...) runs thresh-run on the mock in a folder of its own."""

    def command(*arguments, library=mock_path):
        return run_tool("thresh-run", *([library] if library else []), *arguments, cwd=tmp_path)

    return command


@pytest.fixture
def save(tmp_path):
    """save(NAME, ARRAY) writes NAME.npy."""
    return lambda name, array: np.save(tmp_path / f"{name}.npy", array)


def check_refused(result, message):
    assert result.returncode == 1
    assert result.stdout == ""
    assert result.stderr == f"thresh-run: error: {message}\n"


def test_files_in_and_out(run, save, tmp_path):
    x = np.arange(12, dtype=np.float32).reshape(3, 4)
    save("x", x)
    save("y", x[::-1].copy())
    result = run("--input", "x=x.npy", "--input=y=y.npy", "--output", "sum=sum.npy", "--output", "rows=rows.npy")
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
    np.testing.assert_array_equal(np.load(tmp_path / "sum.npy"), x + x[::-1])
    rows = np.load(tmp_path / "rows.npy")
    assert rows.dtype == np.int64 and rows.shape == () and rows == 3
    assert sorted(path.name for path in tmp_path.iterdir()) == ["rows.npy", "sum.npy", "x.npy", "y.npy"]


@pytest.mark.parametrize(
    ("dtype", "numpy_type"),
    [
        ("f32", "f4"),
        ("f64", "f8"),
        ("f16", "f2"),
        ("bf16", ml_dtypes.bfloat16),
        ("i8", "i1"),
        ("u8", "u1"),
        ("i16", "i2"),
        ("u16", "u2"),
        ("i32", "i4"),
        ("u32", "u4"),
        ("i64", "i8"),
        ("u64", "u8"),
        ("bool", "?"),
    ],
)
def test_every_dtype_through_files(run, save, tmp_path, dtype, numpy_type):
    x = np.array([0, 1, 1, 0, 1]).astype(numpy_type)
    save("x", x)
    assert run("--entry", f"copy_{dtype}", "--input", "x=x.npy", "--output", "y=y.npy").returncode == 0
    assert (tmp_path / "y.npy").read_bytes() == (tmp_path / "x.npy").read_bytes()


def test_outputs_on_the_terminal(run, save):
    save("x", np.array([[1.5, -2, 0, 1]], dtype=np.float32))
    result = run("--input", "x=x.npy", "--input", "y=x.npy")
    assert result.stdout == "sum: f32 [1, 4] min -4 max 3 mean 0.25 values 3 -4 0 2\nrows: i64 [] min 1 max 1 mean 1 values 1\n"


@pytest.mark.parametrize(
    ("dtype", "values", "line"),
    [
        ("f16", np.float16([1, -0.5, 65504, 6e-8, np.inf]), "f16 [5] min -0.5 max inf mean inf values 1 -0.5 65504 5.96046448e-08 inf"),
        ("bf16", np.float32([1, -2]).astype(ml_dtypes.bfloat16), "bf16 [2] min -2 max 1 mean -0.5 values 1 -2"),
        ("f32", np.float32([np.nan, 2]), "f32 [2] min 2 max 2 mean 2 NaN 1 values nan 2"),
        ("f64", np.float64([]), "f64 [0] empty"),
        ("i8", np.arange(-5, 5, dtype=np.int8), "i8 [10] min -5 max 4 mean -0.5 values -5 -4 -3 -2 -1 0 1 2 ..."),
        ("bool", np.array([True, False]), "bool [2] min 0 max 1 mean 0.5 values 1 0"),
    ],
)
def test_values_on_the_terminal(run, save, dtype, values, line):
    save("x", values)
    assert run("--entry", f"copy_{dtype}", "--input", "x=x.npy").stdout == f"y: {line}\n"


def random_copy(run, tmp_path, dtype, *arguments):
    result = run("--entry", f"copy_{dtype}", "--dim", "n=5000", "--output", "y=y.npy", *arguments)
    assert result.returncode == 0, result.stderr
    return np.load(tmp_path / "y.npy")


def test_random_floats(run, tmp_path):
    for dtype in ("f32", "f64", "f16", "bf16"):
        y = random_copy(run, tmp_path, dtype, "--random", "3")
        y = y.view(ml_dtypes.bfloat16) if dtype == "bf16" else y
        y = y.astype(np.float64)
        assert y.min() >= -1 and y.max() < 1
        assert abs(y.mean()) < 0.05 and abs(y.std() - 3**-0.5) < 0.03
        assert len(np.unique(y)) > 100


def test_random_integers(run, tmp_path):
    assert set(random_copy(run, tmp_path, "i64", "--random", "3")) == {0, 1}
    assert set(random_copy(run, tmp_path, "bool", "--random", "3", "--random-max", "9")) == {False, True}
    assert set(random_copy(run, tmp_path, "i32", "--random", "3", "--random-max", "9")) == set(range(10))
    assert set(random_copy(run, tmp_path, "u8", "--random", "3", "--random-max", "x=4")) == set(range(5))
    assert random_copy(run, tmp_path, "i8", "--random", "3", "--random-max", "100000").min() == 0


def test_random_numbers_depend_on_the_seed_alone(run, tmp_path):
    first = random_copy(run, tmp_path, "f32", "--random", "3")
    np.testing.assert_array_equal(random_copy(run, tmp_path, "f32", "--random", "3"), first)
    assert (random_copy(run, tmp_path, "f32", "--random", "4") != first).any()


def test_random_inputs_take_extents_from_files(run, save, tmp_path):
    save("x", np.zeros((6, 4), np.float32))
    assert run("--input", "x=x.npy", "--random", "1", "--output", "sum=sum.npy").returncode == 0
    assert np.load(tmp_path / "sum.npy").shape == (6, 4)
    assert "sum: f32 [1, 4]" in run("--random", "1").stdout


def test_optional_inputs_keep_their_default(run, save):
    assert "out: f32 [1, 4]" in run("--entry", "fill", "--random", "1").stdout
    save("x", np.float32([1, 2]))
    assert "values 9 9 9 9 10 10 10 10\n" in run("--entry", "fill", "--input", "x=x.npy").stdout


def test_repeat_prints_times(run):
    result = run("--random", "1", "--repeat", "5", "--threads", "2")
    number = r"\d+\.\d{4} ms"
    pattern = rf"5 runs on 2 threads, target mock-best: median {number}, min {number}, mean {number}, max {number}"
    assert re.fullmatch(pattern, result.stdout.splitlines()[0])
    assert len(result.stdout.splitlines()) == 3


def test_target_and_weights(run, mock, tmp_path):
    assert "target mock-plain" in run("--random", "1", "--repeat", "1", "--target", "mock-plain").stdout
    header = b'{"w":{"dtype":"F32","shape":[4],"data_offsets":[0,16]}}'.ljust(4088)
    (tmp_path / "w").write_bytes(len(header).to_bytes(8, "little") + header + np.array([1, 2, 3, 4], "<f4").tobytes())
    result = run("--random", "1", "--weights", "w", library=mock("MOCK_WEIGHTS=2"))
    assert result.returncode == 0, result.stderr


def test_help(run):
    result = run("--help", library=None)
    assert result.returncode == 0 and result.stderr == ""
    assert result.stdout.startswith("usage: thresh-run LIBRARY.so [options]\n")
    for option in "input output random dim random-max entry threads repeat weights target help".split():
        assert re.search(rf"^  --{option} ", result.stdout, re.MULTILINE)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--entry", "none"], r"the library has no entry 'none'; it has 'main', 'misbehave', 'copy_f32', .*"),
        ([], "input 'x' is missing: expects --input x=FILE or --random SEED"),
        (["--input", "q=x.npy"], "entry 'main' has no input 'q'; it has 'x', 'y'"),
        (["--input", "x=x.npy", "--input", "x=x.npy"], "input 'x' is given twice"),
        (["--input", "x=none.npy"], "cannot read 'none.npy': No such file or directory"),
        (["--input", "x=text.npy"], "'text.npy' is not a .npy file"),
        (["--input", "x=wrong.npy", "--random", "1"], "input 'x' expects dtype f32, but got f64"),
        (["--input", "x=x.npy", "--random", "1", "--dim", "batch=3"], "dimension 'batch' expects 2 as in the files, but got 3"),
        (["--random", "1", "--dim", "q=3"], "entry 'main' has no dimension 'q'; it has 'batch'"),
        (["--random", "1", "--dim", "batch=-3"], "dimension 'batch' expects an extent of 0 or more, but got -3"),
        (["--random", "1", "--dim", "batch=1", "--dim", "batch=2"], "dimension 'batch' is given twice"),
        (["--random", "1", "--dim", "batch=9000000000000000000"], r"out of memory for input 'x' of shape \[9000000000000000000, 4\]"),
        (["--random", "1", "--random-max", "q=3"], "entry 'main' has no input 'q'; it has 'x', 'y'"),
        (["--random", "1", "--random-max", "-3"], "the largest random integer expects 0 or more, but got -3"),
        (["--random", "1", "--output", "q=out.npy"], "entry 'main' has no output 'q'; it has 'sum', 'rows'"),
        (["--random", "1", "--output", "sum=out.npy", "--output", "rows=out.npy"], "two outputs go to 'out.npy'"),
        (["--random", "1", "--output", "sum=out.npy", "--output", "rows=none/y.npy"], "cannot write 'none/y.npy': No such file or directory"),
        (["--random", "1", "--output", "sum=out.npy", "--output", "rows=/dev/null"], "cannot write '/dev/null': not a regular file"),
        (["--entry", "misbehave", "--input", "mode=mode.npy", "--output", "out=out.npy"], "entry 'misbehave': index 30522 is out of range 0 to 30521"),
        (["--random", "one"], "--random expects a whole number, but got 'one'"),
        (["--random", "99999999999999999999"], "--random expects a whole number, but got '99999999999999999999'"),
        (["--threads", "0"], "--threads expects 1 or more, but got '0'"),
        (["--threads", "300"], "the thread count expects 1 to 256, but got 300"),
        (["--repeat", "-1"], "--repeat expects 1 or more, but got '-1'"),
        (["--random", "1", "--repeat", "2000000000000000000"], "out of memory for 2000000000000000000 times"),
        (["--dim", "batch"], "--dim expects NAME=N, but got 'batch'"),
        (["--dim", "=3"], "--dim expects NAME=N, but got '=3'"),
        (["--input", "x="], "--input expects NAME=FILE, but got 'x='"),
        (["--input"], "--input expects NAME=FILE, but got nothing"),
        (["--random="], "--random expects SEED, but got nothing"),
        (["--help=3"], "--help expects no value, but got '3'"),
        (["--what"], "no option '--what'; --help lists them"),
        (["other.so"], "expects one library, but got '.*/mock.so' and 'other.so'"),
        (["--target", "none"], "library '.*/mock.so' has no variant 'none'; it has 'mock-best', 'mock-future', 'mock-plain'"),
    ],
)
def test_refusals(run, save, tmp_path, arguments, message):
    save("x", np.zeros((2, 4), np.float32))
    save("wrong", np.zeros((2, 4)))
    save("mode", np.int64(1))
    (tmp_path / "text.npy").write_text("not an array")
    before = sorted(tmp_path.iterdir())
    result = run(*arguments)
    assert result.returncode == 1
    assert result.stdout == ""
    # The sanitizers warn of a vast allocation on a line before.
    assert re.fullmatch(f"thresh-run: error: {message}", result.stderr.splitlines()[-1]), result.stderr
    assert sorted(tmp_path.iterdir()) == before


def test_refuses_files_that_are_no_libraries(run, tmp_path):
    check_refused(run(library=None), "expects a library; --help says more")
    check_refused(run(library="none.so"), "cannot open library './none.so': No such file or directory")
    (tmp_path / "text.so").write_text("text")
    check_refused(run(library="text.so"), "'./text.so' is not a 64-bit shared library")


def test_an_error_leaves_an_older_output_alone(run, tmp_path):
    (tmp_path / "out.npy").write_text("before")
    assert run("--random", "1", "--output", "sum=out.npy", "--output", "rows=none/y.npy").returncode == 1
    assert (tmp_path / "out.npy").read_text() == "before"
