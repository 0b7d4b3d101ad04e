//===- MatMul.cpp - Matrix products --------------------------------------===//
#include "compiler/Frontend/Onnx/Handlers.h"

using namespace mlir;
using namespace thresh;

static Sizes batchOf(const Tensor &tensor) { return Sizes(ArrayRef(tensor.sizes).drop_back(2)); }

/// `tensor`, of rank >= 2, with its batch dimensions broadcast to `batch`.
static Tensor withBatch(Emitter &emit, const Tensor &tensor, Sizes batch) {
  batch.append(tensor.sizes.end() - 2, tensor.sizes.end());
  return emit.broadcast(tensor, batch);
}

/// A product of operands of rank >= 2, batches broadcast. thresh.matmul takes a rank-2 rhs for the whole batch.
static FailureOr<Tensor> batchedMatmul(Node &node, Tensor lhs, Tensor rhs) {
  Emitter &emit = node.emit;
  if (failed(node.requireEqual(lhs.sizes.back(), rhs.sizes[rhs.rank() - 2], "inner dimensions")))
    return failure();
  bool oneMatrix = llvm::all_of(batchOf(rhs), [](Size size) { return SizeMath::isKnown(size, 1); });
  if (oneMatrix && rhs.rank() <= lhs.rank())
    return emit.matmul(lhs, emit.reshape(rhs, ArrayRef(rhs.sizes).take_back(2)), false);
  FailureOr<Sizes> batch = emit.broadcastSizes(batchOf(lhs), batchOf(rhs));
  if (failed(batch))
    return failure();
  return emit.matmul(withBatch(emit, lhs, *batch), withBatch(emit, rhs, *batch), false);
}

/// numpy.matmul: a rank-1 operand is a row on the left, a column on the right.
static LogicalResult matMul(Node &node) {
  Emitter &emit = node.emit;
  Tensor lhs = node.input(0), rhs = node.input(1);
  if (failed(node.requireSameTypes()))
    return failure();
  if (lhs.rank() == 0 || rhs.rank() == 0)
    return node.error() << "expects operands of rank >= 1, but got " << lhs.type() << " and " << rhs.type();
  bool row = lhs.rank() == 1, column = rhs.rank() == 1;
  if (row)
    lhs = emit.reshape(lhs, {emit.math.constant(1), lhs.sizes[0]});
  if (column)
    rhs = emit.reshape(rhs, {rhs.sizes[0], emit.math.constant(1)});
  FailureOr<Tensor> product = batchedMatmul(node, lhs, rhs);
  if (failed(product))
    return failure();
  Sizes sizes = product->sizes;
  if (column)
    sizes.pop_back();
  if (row)
    sizes.erase(sizes.end() - (column ? 1 : 2));
  node.setOutput(0, emit.reshape(*product, sizes));
  return success();
}

/// alpha * A' * B' + beta * C
static LogicalResult gemm(Node &node) {
  Emitter &emit = node.emit;
  Tensor lhs = node.input(0), rhs = node.input(1);
  if (failed(node.requireSameTypes()))
    return failure();
  if (lhs.rank() != 2 || rhs.rank() != 2)
    return node.error() << "expects operands of rank 2, but got " << lhs.type() << " and " << rhs.type();
  bool transposeRhs = node.intAttribute("transB", 0) != 0;
  if (node.intAttribute("transA", 0) != 0)
    lhs = emit.transpose(lhs, {1, 0});
  if (failed(node.requireEqual(lhs.sizes[1], rhs.sizes[transposeRhs ? 1 : 0], "inner dimensions")))
    return failure();
  Tensor result = emit.matmul(lhs, rhs, transposeRhs);
  if (double alpha = node.floatAttribute("alpha", 1); alpha != 1)
    result = emit.like(result, emit.mul(result.value, emit.splatLike(result, alpha)));
  double beta = node.floatAttribute("beta", 1);
  if (!node.hasInput(2) || beta == 0) {
    node.setOutput(0, result);
    return success();
  }
  Tensor addend = node.input(2);
  if (beta != 1)
    addend = emit.like(addend, emit.mul(addend.value, emit.splatLike(addend, beta)));
  FailureOr<SmallVector<Tensor>> terms = emit.broadcastAll({result, addend});
  if (failed(terms))
    return failure();
  node.setOutput(0, emit.like((*terms)[0], emit.add((*terms)[0].value, (*terms)[1].value)));
  return success();
}

static const OpHandler table[] = {
    {"Gemm", 2, 3, TypeClass::Numeric, gemm},
    {"MatMul", 2, 2, TypeClass::Numeric, matMul},
};

ArrayRef<OpHandler> thresh::matMulHandlers() { return table; }
