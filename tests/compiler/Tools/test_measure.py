"""`thresh bench` and `thresh compare`, on the runtime tests' hand-written library and an ONNX model of the same sum."""

import json
import statistics
import subprocess

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper


def compile_mock(root, folder, name, *defines):
    path = folder / "mock.so"
    source = root / "tests" / "runtime" / "Inputs" / name
    subprocess.run(["cc", "-shared", "-fPIC", f"-I{root}/runtime/include", *defines, source, "-o", path], check=True)
    return path


@pytest.fixture(scope="module")
def library(root, tmp_path_factory):
    return compile_mock(root, tmp_path_factory.mktemp("library"), "mock_library.c")


@pytest.fixture(scope="module", params=[32, 6], ids=["whole", "ring"])
def decoder(request, root, tmp_path_factory):
    """The runtime tests' language model: a context of 32 tokens, of which its state holds all or the last 6."""
    return compile_mock(root, tmp_path_factory.mktemp("library"), "mock_decoder.c", f"-DMOCK_ROWS={request.param}"), request.param


def save(path, nodes, inputs, outputs, constants):
    graph = helper.make_graph(nodes, "test", inputs, outputs, constants)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    return path


def write_sum(path, offset):
    """sum = x + y + offset, rows = the extent of x's first dimension: what the hand-written library computes."""
    nodes = [
        helper.make_node("Add", ["x", "y"], ["pair"]),
        helper.make_node("Add", ["pair", "offset"], ["sum"]),
        helper.make_node("Shape", ["x"], ["shape"], start=0, end=1),
        helper.make_node("Squeeze", ["shape"], ["rows"]),
    ]
    rows = ["batch", 4]
    inputs = [helper.make_tensor_value_info(name, TensorProto.FLOAT, rows) for name in ("x", "y")]
    outputs = [helper.make_tensor_value_info("sum", TensorProto.FLOAT, rows)]
    outputs.append(helper.make_tensor_value_info("rows", TensorProto.INT64, []))
    return save(path, nodes, inputs, outputs, [helper.make_tensor("offset", TensorProto.FLOAT, [4], [offset] * 4)])


def write_product(path):
    """y[batch, 32] = x[batch, 64] @ w"""
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", 64])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, ["batch", 32])
    weights = helper.make_tensor("w", TensorProto.FLOAT, [64, 32], [0.25] * 2048)
    return save(path, [helper.make_node("MatMul", ["x", "w"], ["y"])], [x], [y], [weights])


def compare(run_tool, library, model, *arguments):
    return run_tool("thresh", "compare", library, "--against", "onnxruntime", "--model", model, "--json", *arguments)


def test_compare_of_equals(run_tool, library, tmp_path):
    result = compare(run_tool, library, write_sum(tmp_path / "m.onnx", 0.0), "--dim", "batch=5", "--atol", "1e-6")
    assert result.returncode == 0, result.stderr
    report = json.loads(result.stdout)
    assert report["pass"]
    assert [(each["name"], each["type"]) for each in report["outputs"]] == [("sum", "f32[5,4]"), ("rows", "i64[]")]
    assert all(each["max_abs"] == 0 for each in report["outputs"])


def test_compare_says_how_far(run_tool, library, tmp_path):
    result = compare(run_tool, library, write_sum(tmp_path / "m.onnx", 0.5), "--dim", "batch=5", "--rtol", "1e-3")
    assert result.returncode == 1
    total, rows = json.loads(result.stdout)["outputs"]
    assert total["max_abs"] == pytest.approx(0.5, abs=1e-6)
    assert total["outside"] == total["elements"] == 20
    assert rows["outside"] == 0


def test_compare_without_a_tolerance_only_reports(run_tool, library, tmp_path):
    assert compare(run_tool, library, write_sum(tmp_path / "m.onnx", 0.5)).returncode == 0


def test_compare_with_nan(run_tool, library, tmp_path):
    """A NaN on one side is infinitely far; JSON says null."""
    result = compare(run_tool, library, write_sum(tmp_path / "m.onnx", float("nan")), "--atol", "1e9")
    assert result.returncode == 1
    assert json.loads(result.stdout)["outputs"][0]["max_abs"] is None


def compare_with(run_tool, library, *arguments):
    result = run_tool("thresh", "compare", library, "--json", "--dim", "batch=5", *arguments)
    assert result.returncode in (0, 1) and result.stdout, result.stderr
    return result.returncode, json.loads(result.stdout)["outputs"]


def test_compare_with_a_library(run_tool, root, library, tmp_path):
    other = compile_mock(root, tmp_path, "mock_library.c")
    code, outputs = compare_with(run_tool, library, "--against", other, "--atol", "0")
    assert code == 0
    assert [(each["name"], each["max_abs"], each["rows"], each["same_top"]) for each in outputs] == [("sum", 0, 5, 5), ("rows", 0, 0, 0)]


def test_compare_with_files(run_tool, library, tmp_path):
    x, y = (np.random.default_rng(seed).normal(size=(5, 4)).astype(np.float32) for seed in (1, 2))
    expected = x + y
    expected[3] = [0, 0, 0, 99]
    for name, array in {"x": x, "y": y, "sum": expected}.items():
        np.save(tmp_path / f"{name}.npy", array)
    given = ["--input", f"x={tmp_path}/x.npy", "--input", f"y={tmp_path}/y.npy", "--expect", f"sum={tmp_path}/sum.npy"]
    code, (total,) = compare_with(run_tool, library, *given, "--atol", "1e-6")
    assert (code, total["outside"], total["worst_element"]) == (1, 4, 15)
    tops = (x + y).argmax(1) == expected.argmax(1)
    assert (total["rows"], total["same_top"]) == (5, tops.sum())


@pytest.mark.parametrize(
    "arguments, needle",
    [
        ([], "expects either --against onnxruntime, --against OTHER.so or --expect"),
        (["--against", "onnxruntime", "--expect", "sum=x.npy"], "expects either"),
        (["--against", "nowhere.so"], "'nowhere.so': cannot open library"),
        (["--against", "other.so", "--model", "m.onnx"], "--model is for --against onnxruntime"),
        (["--expect", "product=x.npy"], "'--expect': the library has no output 'product'"),
        (["--expect", "sum=nowhere.npy"], "nowhere.npy"),
        (["--expect", "sum"], "'--expect' expects name=value"),
        (["--against", "onnxruntime", "--entry", "none"], "the library has no entry 'none'"),
    ],
)
def test_compare_refuses(run_tool, library, arguments, needle):
    result = run_tool("thresh", "compare", library, *arguments)
    assert result.returncode == 1
    assert result.stderr.startswith("thresh compare: error: ") and needle in result.stderr


def test_equal_seeds_make_equal_inputs(run_tool, library, tmp_path):
    model = write_sum(tmp_path / "m.onnx", 0.5)
    errors = [
        json.loads(compare(run_tool, library, model, "--seed", seed).stdout)["outputs"][0]["max_rel"]
        for seed in (3, 3, 4)
    ]
    assert errors[0] == errors[1] != errors[2]


def test_bench_beside_a_rival(run_tool, tmp_path):
    model = write_product(tmp_path / "m.onnx")
    compiled = run_tool("thresh", "compile", model, "-o", tmp_path / "m.so")
    assert compiled.returncode == 0, compiled.stderr
    arguments = ["--vs", "onnxruntime", "--model", model, "--dim", "batch=50", "--threads", "1"]
    result = run_tool("thresh", "bench", tmp_path / "m.so", *arguments, "--rounds", "3", "--seconds", "0.02", "--json")
    assert result.returncode == 0, result.stderr
    report = json.loads(result.stdout)
    assert report["threads"] == 1
    assert report["inputs"]["x"] == "f32[50,64]"
    for engine in ("thresh", "rival"):
        times = report[engine]
        assert 0 < times["min_s"] <= times["median_s"] <= times["max_s"]
        assert times["runs"] >= 9
    assert report["ratio"] == pytest.approx(report["thresh"]["median_s"] / report["rival"]["median_s"])
    low, high = report["ratio_of_rounds"]
    assert low <= high
    assert report["flops"] == 2 * 50 * 64 * 32
    assert report["weight_bytes"] >= 4 * 64 * 32
    assert report["machine"]["peak_flops_per_s"] > 1e9
    assert report["machine"]["read_bytes_per_s"] > 1e8


def test_bench_times_each_kernel(run_tool, tmp_path):
    assert run_tool("thresh", "compile", write_product(tmp_path / "m.onnx"), "-o", tmp_path / "m.so").returncode == 0
    report = bench(run_tool, tmp_path / "m.so", "--kernels", "--dim", "batch=50")
    (kernel,) = [each for each in report["kernels"] if "bytes" in each]
    assert (kernel["launches"], kernel["bytes"]) == (1, 4 * 64 * 32)
    assert 0 < sum(each["seconds"] for each in report["kernels"]) < 2 * report["thresh"]["max_s"]
    text = run_tool("thresh", "bench", tmp_path / "m.so", "--kernels", "--rounds", "1", "--seconds", "0.01").stdout
    assert kernel["kernel"] in text and "of read" in text


def test_bench_alone_prints_a_table(run_tool, library):
    result = run_tool("thresh", "bench", library, "--rounds", "1", "--seconds", "0.01")
    assert result.returncode == 0, result.stderr
    assert "GFLOP/s" in result.stdout and "median" in result.stdout
    assert "ratio" not in result.stdout


def bench(run_tool, library, *arguments):
    result = run_tool("thresh", "bench", library, "--rounds", "2", "--seconds", "0.01", "--json", *arguments)
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


def test_bench_of_decode(run_tool, decoder):
    path, rows = decoder
    report = bench(run_tool, path, "--depth", "20,3", "--tokens", "4", "--threads", "1")
    assert (report["entry"], report["tokens"], report["threads"]) == ("decode", 4, 1)
    assert [each["depth"] for each in report["depths"]] == [3, 20]
    for each in report["depths"]:
        times = each["seconds_per_token"]
        assert 0 < times["min"] <= times["median"] <= times["max"] and len(times["turns"]) == 2
        assert each["tokens_per_s"] == pytest.approx(1 / times["median"])
        assert each["touched_bytes"] == 1000000 + 8 * min(each["depth"] + 1 + 2 + 1, rows)
        assert each["dense_bytes"] == each["touched_bytes"] and "active_neurons" not in each
        assert each["read_bytes_per_s"] == pytest.approx(each["touched_bytes"] / times["median"])
    assert report["machine"]["read_bytes_per_s"] == report["machine"]["read_bytes_per_s_one_thread"] > 1e8


def test_bench_of_a_sparse_decoder(run_tool, root, tmp_path):
    """Turns of 4 tokens after one for warm-up, twice: positions 4 to 7 of depth 3 and 6 to 9 of depth 5."""
    library = compile_mock(root, tmp_path, "mock_decoder.c", "-DMOCK_SPARSE=1")
    report = bench(run_tool, library, "--depth", "3,5", "--tokens", "4")
    for each in report["depths"]:
        positions = range(each["depth"] + 1, each["depth"] + 5)
        neurons = [100 + position for position in positions] + [60] * 4
        attended = [position + 1 for position in positions] + [1] * 4
        for name, values in (("active_neurons", neurons), ("attended_tokens", attended)):
            assert each[name]["count"] == 16
            assert each[name]["mean"] == pytest.approx(statistics.fmean(values))
            assert each[name]["deviation"] == pytest.approx(statistics.pstdev(values))
        rows = each["depth"] + 1 + 2 + 1
        assert each["touched_bytes"] == 1000000 + 3 * 8 + (rows - 3) * 2
        assert each["dense_bytes"] == 4000000 + rows * 8
    text = run_tool("thresh", "bench", library, "--rounds", "1", "--seconds", "0.01", "--tokens", "4", "--depth", "3").stdout
    assert "active neurons 82.8 +- 22.8 a layer" in text and "attended tokens 3.8 +- 2.9 a head" in text
    assert "touched 1.0 MB a token, dense 4.0: 4.00x" in text


def test_bench_of_prefill(run_tool, decoder):
    report = bench(run_tool, decoder[0], "--entry", "prefill", "--tokens", "30")
    (each,) = report["depths"]
    assert (report["entry"], report["tokens"], each["depth"]) == ("prefill", 30, 0)
    assert each["tokens_per_s"] > 0 and "touched_bytes" not in each


def test_bench_of_a_text_prints_a_table(run_tool, decoder):
    result = run_tool("thresh", "bench", decoder[0], "--rounds", "1", "--seconds", "0.01", "--tokens", "2")
    assert result.returncode == 0, result.stderr
    assert "entry decode" in result.stdout and "tokens/s" in result.stdout and "GB/s read" in result.stdout


@pytest.mark.parametrize(
    "arguments, needle",
    [
        (["--depth", "16,"], "expects an integer in [0, "),
        (["--depth", "16,x"], "got 'x'"),
        (["--tokens", "0"], "got '0'"),
        (["--depth", "28", "--tokens", "4"], "the context of 32, but got depth 28 and 4 tokens after one for warm-up"),
        (["--entry", "prefill", "--tokens", "33"], "the context of 32, but got depth 0 and 33 tokens"),
        (["--entry", "none"], "the library has no entry 'none'"),
        (["--entry", "peek", "--depth", "3"], "--depth and --tokens are for entry points that continue sessions"),
        (["--vs", "onnxruntime", "--model", "m.onnx"], "expects neither --vs, --input nor --dim"),
    ],
)
def test_bench_of_a_text_refuses(run_tool, decoder, arguments, needle):
    result = run_tool("thresh", "bench", decoder[0], *arguments)
    assert result.returncode == 1
    assert result.stderr.startswith("thresh bench: error: ") and needle in result.stderr


@pytest.mark.parametrize(
    "arguments, needle",
    [
        (["--vs", "onnxruntime"], "--model"),
        (["--vs", "frobnicator", "--model", "m.onnx"], "frobnicator"),
        (["--vs", "onnxruntime", "--model", "nowhere.onnx"], "nowhere.onnx"),
        (["--vs", "onnxruntime", "--model", "m.onnx", "--python", "/nowhere/python"], "/nowhere/python"),
        (["--dim", "nothing=3"], "nothing"),
        (["--threads", "0"], "[1, 256]"),
        (["--rounds", "many"], "many"),
        (["--frobnicate"], "--frobnicate"),
        (["second.so"], "second.so"),
    ],
)
def test_bench_refuses(run_tool, library, arguments, needle):
    result = run_tool("thresh", "bench", library, *arguments)
    assert result.returncode == 1
    assert "error: " in result.stderr and needle in result.stderr


@pytest.mark.parametrize("command, option", [("bench", "--vs"), ("compare", "--against")])
def test_help_lists_the_options(run_tool, command, option):
    result = run_tool("thresh", command, "--help")
    assert result.returncode == 0
    for name in (option, "--model", "--dim", "--input", "--seed", "--random-max", "--threads", "--json"):
        assert f"  {name} " in result.stdout
