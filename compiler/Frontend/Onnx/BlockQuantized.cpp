//===- BlockQuantized.cpp - com.microsoft's weights in blocks -----------===//
//
// Each row of a matrix is cut into blocks of `blockSize` elements with a scale, and maybe a zero point, of their own:
// element = (code - zero point) * scale. Codes have 2, 4 or 8 bits and lie in bytes, low bits first. They stay bytes in
// the weights; the kernels that read them unpack them.
//
//===---------------------------------------------------------------------===//
#include "compiler/Frontend/Onnx/Handlers.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace thresh;

namespace {
struct BlockQuantized {
  int64_t rows, columns, bits, blockSize;
  /// Unsigned bytes [rows, ceil(columns padded to whole blocks * bits / 8)].
  Tensor codes;
  /// [rows, blocks]
  Tensor scales;
  /// Bytes packed like the codes, or floats [rows, blocks]; without them every zero point is 2^(bits - 1).
  std::optional<Tensor> zeroPoints;

  int64_t blocks() const { return llvm::divideCeil(columns, blockSize); }
  int64_t bytesOf(int64_t count) const { return llvm::divideCeil(count * bits, 8); }
};
} // namespace

/// Reads bits, block_size and the inputs of a matrix whose rows and columns are set already.
static LogicalResult readBlocks(Node &node, BlockQuantized &matrix, size_t codes, size_t scales, size_t zeroPoints,
                                int64_t defaultBlock) {
  Emitter &emit = node.emit;
  matrix.blockSize = node.intAttribute("block_size", defaultBlock);
  if (matrix.blockSize < 16 || !llvm::isPowerOf2_64(matrix.blockSize))
    return node.error() << "expects block_size to be a power of two, at least 16, but got " << matrix.blockSize;
  auto shaped = [&](size_t input, int64_t width, const char *name, Tensor &result) -> LogicalResult {
    const Tensor &tensor = node.input(input);
    if (tensor.elementCount() != matrix.rows * width)
      return node.error() << "expects " << name << " of " << matrix.rows << " x " << width << " elements, but got "
                          << tensor.type();
    result = emit.reshape(tensor, emit.math.constants({matrix.rows, width}));
    return success();
  };
  if (failed(shaped(scales, matrix.blocks(), "scales", matrix.scales)))
    return failure();
  if (!isa<FloatType>(matrix.scales.elementType))
    return node.error() << "expects float scales, but got " << matrix.scales.type();
  const Tensor &bytes = node.input(codes);
  if (!bytes.elementType.isInteger(8) || !bytes.isUnsigned)
    return node.error() << "expects codes as uint8, but got " << bytes.type();
  matrix.codes = bytes;
  if (!node.hasInput(zeroPoints))
    return success();
  const Tensor &zeros = node.input(zeroPoints);
  bool isPacked = zeros.elementType.isInteger(8) && zeros.isUnsigned;
  if (!isPacked && zeros.elementType != matrix.scales.elementType)
    return node.error() << "expects zero_points as uint8 or " << matrix.scales.elementType << ", but got "
                        << zeros.type();
  return shaped(zeroPoints, isPacked ? matrix.bytesOf(matrix.blocks()) : matrix.blocks(), "zero_points",
                matrix.zeroPoints.emplace());
}

/// Code `place` of row `row` of packed `bytes`, as a float of `type`.
static Value unpack(OpBuilder &b, Location loc, Value bytes, Value row, Value place, int64_t bits, FloatType type) {
  int64_t perByte = 8 / bits;
  Value inByte = arith::ConstantIndexOp::create(b, loc, perByte);
  Value at = perByte == 1 ? place : arith::FloorDivSIOp::create(b, loc, place, inByte).getResult();
  Value code = tensor::ExtractOp::create(b, loc, bytes, ValueRange{row, at});
  if (perByte > 1) {
    Type byte = b.getI8Type();
    Value number = arith::IndexCastOp::create(b, loc, byte, arith::RemUIOp::create(b, loc, place, inByte));
    Value width = arith::ConstantIntOp::create(b, loc, byte, bits);
    Value mask = arith::ConstantIntOp::create(b, loc, byte, (1 << bits) - 1);
    Value shift = arith::MulIOp::create(b, loc, number, width);
    code = arith::AndIOp::create(b, loc, arith::ShRUIOp::create(b, loc, code, shift), mask);
  }
  return arith::UIToFPOp::create(b, loc, type, code);
}

/// The element of `matrix` at `row`, `column` in the type of the scales.
static Value element(OpBuilder &b, Location loc, const BlockQuantized &matrix, Value row, Value column) {
  auto type = cast<FloatType>(matrix.scales.elementType);
  Value size = arith::ConstantIndexOp::create(b, loc, matrix.blockSize);
  Value block = arith::FloorDivSIOp::create(b, loc, column, size);
  Value code = unpack(b, loc, matrix.codes.value, row, column, matrix.bits, type);
  Value zero;
  if (!matrix.zeroPoints)
    zero = arith::ConstantOp::create(b, loc, b.getFloatAttr(type, double(1 << (matrix.bits - 1))));
  else if (isa<FloatType>(matrix.zeroPoints->elementType))
    zero = tensor::ExtractOp::create(b, loc, matrix.zeroPoints->value, ValueRange{row, block});
  else
    zero = unpack(b, loc, matrix.zeroPoints->value, row, block, matrix.bits, type);
  Value scale = tensor::ExtractOp::create(b, loc, matrix.scales.value, ValueRange{row, block});
  return arith::MulFOp::create(b, loc, arith::SubFOp::create(b, loc, code, zero), scale);
}

static LogicalResult readBits(Node &node, int64_t &bits) {
  bits = node.intAttribute("bits", 4);
  if (bits == 2 || bits == 4 || bits == 8)
    return success();
  return node.error() << "expects bits 2, 4 or 8, but got " << bits;
}

/// A W^T + bias, W [N, K] in blocks along K.
static LogicalResult matMulNBits(Node &node) {
  Emitter &emit = node.emit;
  BlockQuantized matrix;
  const Tensor &lhs = node.input(0);
  matrix.rows = node.intAttribute("N", 0);
  matrix.columns = node.intAttribute("K", 0);
  if (failed(readBits(node, matrix.bits)))
    return failure();
  constexpr int64_t most = 1 << 30;
  if (matrix.rows < 1 || matrix.columns < 1 || matrix.rows > most || matrix.columns > most)
    return node.error() << "expects N and K from 1 to 2^30, but got " << matrix.rows << " and " << matrix.columns;
  if (int64_t layout = node.intAttribute("weight_prepacked", 0))
    return node.error() << "attribute 'weight_prepacked' = " << layout << " is not supported";
  if (node.hasInput(4))
    return node.error() << "input 'g_idx' is not supported";
  if (lhs.rank() < 1 || !SizeMath::isKnown(lhs.sizes.back(), matrix.columns))
    return node.error() << "expects an input whose last dimension is K = " << matrix.columns << ", but got "
                        << lhs.type();
  if (failed(readBlocks(node, matrix, /*codes=*/1, /*scales=*/2, /*zeroPoints=*/3, /*defaultBlock=*/0)))
    return failure();
  int64_t rowBytes = matrix.bytesOf(matrix.blocks() * matrix.blockSize);
  if (matrix.codes.elementCount() != matrix.rows * rowBytes)
    return node.error() << "expects codes of " << matrix.rows << " x " << rowBytes << " bytes, but got "
                        << matrix.codes.type();
  if (matrix.scales.elementType != lhs.elementType)
    return node.error() << "expects scales of " << lhs.elementType << ", but got " << matrix.scales.type();
  matrix.codes = emit.reshape(matrix.codes, emit.math.constants({matrix.rows, rowBytes}));
  auto body = [&](OpBuilder &b, Location loc, ValueRange at, ValueRange) {
    return element(b, loc, matrix, at[0], at[1]);
  };
  Tensor weights = emit.generate(lhs.elementType, emit.math.constants({matrix.rows, matrix.columns}), {}, body);
  Sizes flat = {emit.math.product(ArrayRef(lhs.sizes).drop_back()), lhs.sizes.back()};
  Tensor product = emit.matmul(lhs.rank() == 1 ? emit.reshape(lhs, flat) : lhs, weights, /*transposeRhs=*/true);
  if (node.hasInput(5)) {
    const Tensor &bias = node.input(5);
    if (bias.rank() != 1 || !SizeMath::isKnown(bias.sizes[0], matrix.rows) || bias.elementType != lhs.elementType)
      return node.error() << "expects a bias of " << matrix.rows << " elements of " << lhs.elementType << ", but got "
                          << bias.type();
    product.value = emit.add(product.value, emit.broadcast(bias, product.sizes).value);
  }
  Sizes sizes = lhs.sizes;
  sizes.back() = emit.math.constant(matrix.rows);
  node.setOutput(0, emit.reshape(product, sizes));
  return success();
}

/// Rows of a matrix in blocks along its columns; zeros for an index outside it.
static LogicalResult gatherBlockQuantized(Node &node) {
  Emitter &emit = node.emit;
  const Tensor &data = node.input(0), &indices = node.input(1);
  BlockQuantized matrix;
  if (failed(readBits(node, matrix.bits)))
    return failure();
  if (data.rank() != 2 || !data.elementCount() || *data.elementCount() == 0)
    return node.error() << "expects data of rank 2 and known sizes, but got " << data.type();
  FailureOr<int64_t> gatherAxis = node.normalizeAxis(node.intAttribute("gather_axis", 0), 2);
  FailureOr<int64_t> blockAxis = node.normalizeAxis(node.intAttribute("quantize_axis", 1), 2);
  if (failed(gatherAxis) || failed(blockAxis))
    return failure();
  if (*gatherAxis != 0 || *blockAxis != 1)
    return node.error() << "expects gather_axis 0 and quantize_axis 1, but got " << *gatherAxis << " and "
                        << *blockAxis;
  if (!indices.elementType.isInteger(64) && !indices.elementType.isInteger(32))
    return node.error() << "expects int32 or int64 indices, but got " << indices.elementType;
  matrix.rows = *SizeMath::known(data.sizes[0]);
  matrix.columns = *SizeMath::known(data.sizes[1]) * 8 / matrix.bits;
  if (failed(readBlocks(node, matrix, /*codes=*/0, /*scales=*/2, /*zeroPoints=*/3, /*defaultBlock=*/128)))
    return failure();
  auto body = [&](OpBuilder &b, Location loc, ValueRange at, ValueRange) -> Value {
    Value index = tensor::ExtractOp::create(b, loc, indices.value, at.drop_back());
    index = arith::IndexCastOp::create(b, loc, b.getIndexType(), index);
    Value zero = arith::ConstantIndexOp::create(b, loc, 0), rows = arith::ConstantIndexOp::create(b, loc, matrix.rows);
    Value last = arith::ConstantIndexOp::create(b, loc, matrix.rows - 1);
    auto compare = [&](arith::CmpIPredicate predicate, Value x, Value y) -> Value {
      return arith::CmpIOp::create(b, loc, predicate, x, y);
    };
    Value counted = arith::AddIOp::create(b, loc, index, rows);
    index = arith::SelectOp::create(b, loc, compare(arith::CmpIPredicate::slt, index, zero), counted, index);
    Value isInside = arith::AndIOp::create(b, loc, compare(arith::CmpIPredicate::sge, index, zero),
                                           compare(arith::CmpIPredicate::slt, index, rows));
    Value row = arith::MaxSIOp::create(b, loc, arith::MinSIOp::create(b, loc, index, last), zero);
    Value none = arith::ConstantOp::create(b, loc, b.getFloatAttr(matrix.scales.elementType, 0));
    return arith::SelectOp::create(b, loc, isInside, element(b, loc, matrix, row, at.back()), none);
  };
  Sizes sizes = indices.sizes;
  sizes.push_back(emit.math.constant(matrix.columns));
  node.setOutput(0, emit.generate(matrix.scales.elementType, sizes, {}, body));
  return success();
}

static const OpHandler table[] = {
    {"com.microsoft:GatherBlockQuantized", 3, 4, TypeClass::Integer, gatherBlockQuantized},
    {"com.microsoft:MatMulNBits", 3, 6, TypeClass::Float, matMulNBits},
};

ArrayRef<OpHandler> thresh::blockQuantizedHandlers() { return table; }
