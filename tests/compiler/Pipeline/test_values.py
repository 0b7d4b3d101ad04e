"""Odd but valid graphs, compiled and run by the runtime's Python package, against numpy.

The graphs and inputs are in graphs.py. The cases of a group are the entry points of one library, so that a group costs
one compilation.
"""

import functools

import numpy as np
import pytest

from graphs import GROUPS, SEED, TOLERANCE

CASES = [pytest.param(group, case, id=f"{group}-{case.name}") for group, cases in GROUPS.items() for case in cases]


@pytest.fixture(scope="session")
def library(compiled):
    """The library of a group."""

    @functools.lru_cache(maxsize=None)
    def compile_group(group):
        return compiled("\n".join(f"func.func @{case.name}{case.text}" for case in GROUPS[group]))

    return compile_group


@pytest.mark.parametrize("group, case", CASES)
def test_values(library, group, case):
    print(f"seed {SEED}")
    outputs = list(library(group).run(case.inputs, entry=case.name).values())
    assert len(outputs) == len(case.expected)
    for number, (output, expected) in enumerate(zip(outputs, case.expected)):
        assert output.dtype == expected.dtype and output.shape == expected.shape, f"output {number}"
        tolerance = TOLERANCE.get(output.dtype, 0)
        scale = np.abs(expected[np.isfinite(expected)]).max(initial=1) if tolerance else 1
        np.testing.assert_allclose(output, expected, rtol=0, atol=tolerance * scale, err_msg=f"output {number}")


GATHER = """
func.func @main(%t: tensor<?x4xf32>, %i: tensor<?xi64>) -> tensor<?x4xf32> {
  %r = thresh.gather %t[%i] dimension(0) : tensor<?x4xf32>, tensor<?xi64> -> tensor<?x4xf32>
  return %r : tensor<?x4xf32>
}
func.func @checked(%x: tensor<?xf32>) -> tensor<?xf32> {
  %c0 = arith.constant 0 : index
  %c4 = arith.constant 4 : index
  %n = tensor.dim %x, %c0 : tensor<?xf32>
  %ok = arith.cmpi eq, %n, %c4 : index
  %i = arith.index_cast %n : index to i64
  thresh.check %ok, "expects 4 elements, but got %lld" [%i] : i64
  return %x : tensor<?xf32>
}
"""


@pytest.fixture(scope="session")
def checking(compiled):
    return compiled(GATHER)


@pytest.mark.parametrize("rows, index", [(3, 3), (3, -4), (3, 2**40), (3, -(2**63)), (0, 0)])
def test_gather_out_of_range(thresh, checking, rows, index):
    table = np.ones((rows, 4), np.float32)
    with pytest.raises(thresh.ThreshError, match=f"index {index} is outside a dimension of extent {rows}"):
        checking.run([table, np.array([index])], entry="main")
    assert checking.run([table, np.zeros(0, np.int64)], entry="main")["output0"].shape == (0, 4)


def test_check(thresh, checking):
    x = np.arange(4, dtype=np.float32)
    np.testing.assert_array_equal(checking.run([x], entry="checked")["output0"], x)
    with pytest.raises(thresh.ThreshError, match="expects 4 elements, but got 3"):
        checking.run([x[:3]], entry="checked")
