"""ONNX files that are wrong in one way each."""

import onnx
import pytest
from models import initializer, make_external, mlp, node, save
from onnx import TensorProto, helper
from refusal import check_refusal, expect_compile_refused

SIZE = 4 * 64 * 40  # bytes of w


@pytest.fixture
def refused(run_tool, tmp_path):
    """refused(model, needle...) saves the model and expects that compiling it is refused."""

    def check(model, *needles):
        path = model if not isinstance(model, onnx.ModelProto) else save(model, tmp_path)
        expect_compile_refused(run_tool, tmp_path, path, *needles)

    return check


def test_the_model_they_start_from_compiles(run_tool, tmp_path):
    result = run_tool("thresh", "compile", save(mlp(), tmp_path), "-o", tmp_path / "out.so")
    assert result.returncode == 0, result.stderr
    assert (tmp_path / "out.so").exists()


# ------------------------------------------------------------------------------
# The file itself
# ------------------------------------------------------------------------------


def test_missing_file(refused, tmp_path):
    refused(tmp_path / "nowhere.onnx", "nowhere.onnx")


def test_empty_file(refused, tmp_path):
    (tmp_path / "model.onnx").write_bytes(b"")
    refused(tmp_path / "model.onnx", "model.onnx")


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.99])
def test_truncated_protobuf(refused, tmp_path, share):
    path = save(mlp(), tmp_path)
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    refused(path, "model.onnx")


def test_text_instead_of_protobuf(refused, tmp_path):
    (tmp_path / "model.onnx").write_text("this is no model\n" * 100)
    refused(tmp_path / "model.onnx", "model.onnx")


def test_unknown_kind_of_file(refused, tmp_path):
    (tmp_path / "model.xyz").write_bytes(save(mlp(), tmp_path).read_bytes())
    refused(tmp_path / "model.xyz", "model.xyz")


def test_output_folder_does_not_exist(run_tool, tmp_path):
    result = run_tool("thresh", "compile", save(mlp(), tmp_path), "-o", tmp_path / "no" / "out.so")
    check_refusal(result, str(tmp_path / "no" / "out."))
    assert not (tmp_path / "no").exists()


# ------------------------------------------------------------------------------
# The graph
# ------------------------------------------------------------------------------


def test_cyclic_graph(refused):
    model = mlp()
    node(model, "project").input[0] = "y"
    refused(model, "'y'")


def test_undefined_tensor(refused):
    model = mlp()
    node(model, "shift").input[1] = "nothing"
    refused(model, "'nothing'", "shift")


def test_tensor_defined_twice(refused):
    model = mlp()
    node(model, "shift").output[0] = "product"
    refused(model, "'product'")


def test_unknown_op(refused):
    model = mlp()
    node(model, "clip").op_type = "Frobnicate"
    refused(model, "'Frobnicate'", "clip")


def test_unknown_domain(refused):
    model = mlp()
    node(model, "clip").domain = "com.example"
    refused(model, "com.example")


@pytest.mark.parametrize("opset", [1, 2**40, -3])
def test_opset_out_of_range(refused, opset):
    model = mlp()
    model.opset_import[0].version = opset
    refused(model, str(opset))


def test_operand_missing(refused):
    model = mlp()
    del node(model, "project").input[1]
    refused(model, "project")


def test_shapes_that_do_not_multiply(refused):
    model = mlp()
    del initializer(model, "w").dims[:]
    initializer(model, "w").dims.extend([40, 64])
    refused(model, "project")


def test_operands_of_two_dtypes(refused):
    model = mlp()
    model.graph.input[0].type.tensor_type.elem_type = TensorProto.DOUBLE
    refused(model, "project")


def test_functions_that_call_each_other(refused):
    model = mlp()
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("local", 1)]
    for name, callee in (("Ping", "Pong"), ("Pong", "Ping")):
        body = [helper.make_node(callee, ["a"], ["b"], domain="local")]
        model.functions.append(helper.make_function("local", name, ["a"], ["b"], body, opsets))
    model.opset_import.append(helper.make_opsetid("local", 1))
    node(model, "clip").op_type = "Ping"
    node(model, "clip").domain = "local"
    refused(model)


# ------------------------------------------------------------------------------
# Tensors
# ------------------------------------------------------------------------------


@pytest.mark.parametrize("dims", [[2**63 - 1], [2**32, 2**32], [2**62, 4], [-1, 4], [-(2**63)]])
def test_initializer_of_a_monstrous_shape(refused, dims):
    model = mlp()
    del initializer(model, "w").dims[:]
    initializer(model, "w").dims.extend(dims)
    refused(model, "w: ")


@pytest.mark.parametrize("extent", [2**63 - 1, -7])
def test_input_of_a_monstrous_shape(refused, extent):
    model = mlp()
    model.graph.input[0].type.tensor_type.shape.dim[0].dim_value = extent
    refused(model)


@pytest.mark.parametrize("dtype", [0, TensorProto.STRING, TensorProto.COMPLEX64, 999])
def test_initializer_of_a_wrong_dtype(refused, dtype):
    model = mlp()
    initializer(model, "w").data_type = dtype
    refused(model, "w: ")


@pytest.mark.parametrize("size", [0, 1, SIZE - 1, SIZE + 1])
def test_initializer_with_other_than_its_bytes(refused, size):
    model = mlp()
    initializer(model, "w").raw_data = b"\x7f" * size
    refused(model, "w: ")


def test_input_without_a_shape(refused):
    model = mlp()
    model.graph.input[0].type.tensor_type.ClearField("shape")
    refused(model, "'x'")


# ------------------------------------------------------------------------------
# External data
# ------------------------------------------------------------------------------


@pytest.mark.parametrize("location", ["../secret.bin", "sub/../../secret.bin", "", ".", "no.bin"])
def test_external_data_elsewhere(run_tool, tmp_path, location):
    folder = tmp_path / "model"
    folder.mkdir()
    model = mlp()
    data = make_external(initializer(model, "w"), location)
    (tmp_path / "secret.bin").write_bytes(data)
    expect_compile_refused(run_tool, folder, save(model, folder), "w: ")


def test_external_data_at_an_absolute_path(run_tool, tmp_path):
    folder = tmp_path / "model"
    folder.mkdir()
    model = mlp()
    secret = tmp_path / "secret.bin"
    secret.write_bytes(make_external(initializer(model, "w"), str(secret)))
    expect_compile_refused(run_tool, folder, save(model, folder), "w: ")


def test_external_data_through_a_link_that_leaves(run_tool, tmp_path):
    folder = tmp_path / "model"
    folder.mkdir()
    model = mlp()
    (tmp_path / "secret.bin").write_bytes(make_external(initializer(model, "w"), "link.bin"))
    (folder / "link.bin").symlink_to(tmp_path / "secret.bin")
    expect_compile_refused(run_tool, folder, save(model, folder), "w: ")


@pytest.mark.parametrize("offset, length", [(1, SIZE), (0, SIZE + 1), (2**63 - 8, SIZE), (-4, SIZE), (0, 2**64 - 1), ("x", SIZE), (0, 4)])
def test_external_data_outside_its_file(refused, tmp_path, offset, length):
    model = mlp()
    data = make_external(initializer(model, "w"), "w.bin", offset, length)
    (tmp_path / "w.bin").write_bytes(data)
    refused(model, "w: ")
