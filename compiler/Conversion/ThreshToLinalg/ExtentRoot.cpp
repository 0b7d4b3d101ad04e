//===- ExtentRoot.cpp - Which extents are the same --------------------------===//
#include "compiler/Conversion/ThreshToLinalg/ExtentRoot.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/Interfaces/DestinationStyleOpInterface.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

namespace thresh {
namespace {

/// The name that the entry point gives to extent `dim` of its argument, or "".
StringRef nameOfExtent(func::FuncOp func, unsigned argument, int64_t dim) {
  auto names = func.getArgAttrOfType<ArrayAttr>(argument, "thresh.dims");
  if (!names || dim >= static_cast<int64_t>(names.size()))
    return "";
  auto name = dyn_cast<StringAttr>(names[dim]);
  return name ? name.getValue() : "";
}

ExtentRoot rootOfArgument(BlockArgument argument, int64_t dim) {
  ExtentRoot own{std::nullopt, argument, dim};
  auto func = dyn_cast<func::FuncOp>(argument.getOwner()->getParentOp());
  if (!func || !argument.getOwner()->isEntryBlock())
    return own;
  StringRef name = nameOfExtent(func, argument.getArgNumber(), dim);
  if (name.empty())
    return own;
  for (BlockArgument other : func.getArguments()) {
    auto type = dyn_cast<RankedTensorType>(other.getType());
    for (int64_t otherDim = 0; type && otherDim < type.getRank(); ++otherDim)
      if (nameOfExtent(func, other.getArgNumber(), otherDim) == name)
        return {std::nullopt, other, otherDim};
  }
  return own;
}

/// The one source dimension behind dimension `dim` of a collapse, when all its companions have extent 1.
std::optional<int64_t> collapsedDim(tensor::CollapseShapeOp op, int64_t dim) {
  std::optional<int64_t> found;
  for (int64_t sourceDim : op.getReassociationIndices()[dim]) {
    if (op.getSrcType().getDimSize(sourceDim) == 1)
      continue;
    if (found)
      return std::nullopt;
    found = sourceDim;
  }
  return found;
}

ExtentRoot rootOfResult(OpResult result, int64_t dim) {
  ExtentRoot own{std::nullopt, result, dim};
  Operation *op = result.getOwner();
  if (auto destinationOp = dyn_cast<DestinationStyleOpInterface>(op))
    return extentRoot(destinationOp.getTiedOpOperand(result)->get(), dim);
  if (op->hasTrait<OpTrait::Elementwise>()) {
    for (Value operand : op->getOperands())
      if (auto type = dyn_cast<RankedTensorType>(operand.getType()); type && dim < type.getRank())
        return extentRoot(operand, dim);
    return own;
  }
  return llvm::TypeSwitch<Operation *, ExtentRoot>(op)
      .Case([&](tensor::CastOp cast) {
        return isa<RankedTensorType>(cast.getSource().getType()) ? extentRoot(cast.getSource(), dim) : own;
      })
      .Case([&](tensor::EmptyOp empty) { return extentRoot(empty.getMixedSizes()[dim]); })
      .Case([&](tensor::GenerateOp generate) {
        return extentRoot(generate.getDynamicExtents()[generate.getType().getDynamicDimIndex(dim)]);
      })
      .Case([&](tensor::ExpandShapeOp expand) { return extentRoot(expand.getMixedOutputShape()[dim]); })
      .Case([&](tensor::CollapseShapeOp collapse) {
        std::optional<int64_t> source = collapsedDim(collapse, dim);
        return source ? extentRoot(collapse.getSrc(), *source) : own;
      })
      .Case([&](tensor::ExtractSliceOp slice) {
        bool dropsDims = slice.getType().getRank() != slice.getSourceType().getRank();
        return dropsDims ? own : extentRoot(slice.getMixedSizes()[dim]);
      })
      .Case([&](tensor::ConcatOp concat) {
        return static_cast<int64_t>(concat.getDim()) == dim ? own : extentRoot(concat.getInputs().front(), dim);
      })
      .Default(own);
}

} // namespace

ExtentRoot extentRoot(Value tensor, int64_t dim) {
  auto type = cast<RankedTensorType>(tensor.getType());
  if (!type.isDynamicDim(dim))
    return {type.getDimSize(dim), Value(), -1};
  if (auto argument = dyn_cast<BlockArgument>(tensor))
    return rootOfArgument(argument, dim);
  return rootOfResult(cast<OpResult>(tensor), dim);
}

ExtentRoot extentRoot(OpFoldResult size) {
  if (std::optional<int64_t> constant = getConstantIntValue(size))
    return {constant, Value(), -1};
  auto value = cast<Value>(size);
  if (auto dimOp = value.getDefiningOp<tensor::DimOp>())
    if (isa<RankedTensorType>(dimOp.getSource().getType()) && dimOp.getConstantIndex())
      return extentRoot(dimOp.getSource(), *dimOp.getConstantIndex());
  return {std::nullopt, value, -1};
}

} // namespace thresh
