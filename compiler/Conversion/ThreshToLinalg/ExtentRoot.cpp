//===- ExtentRoot.cpp - Which extents are the same --------------------------===//
#include "compiler/Conversion/ThreshToLinalg/ExtentRoot.h"

#include "dialects/Thresh/IR/ThreshDialect.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/Interfaces/DestinationStyleOpInterface.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

namespace thresh {
namespace {

/// The start of a search: what is known of a size without looking at where it comes from.
ExtentRoot rootOf(OpFoldResult size) {
  std::optional<int64_t> constant = getConstantIntValue(size);
  return {constant, constant ? Value() : cast<Value>(size), -1};
}

ExtentRoot rootOf(Value tensor, int64_t dim) { return {std::nullopt, tensor, dim}; }

/// The name that the entry point gives to extent `dim` of its argument, or "".
StringRef nameOfExtent(func::FuncOp func, unsigned argument, int64_t dim) {
  auto names = func.getArgAttrOfType<ArrayAttr>(argument, "thresh.dims");
  if (!names || dim >= static_cast<int64_t>(names.size()))
    return "";
  auto name = dyn_cast<StringAttr>(names[dim]);
  return name ? name.getValue() : "";
}

/// The first extent of an argument that has the name of this one.
std::optional<ExtentRoot> stepFromArgument(BlockArgument argument, int64_t dim) {
  auto func = dyn_cast<func::FuncOp>(argument.getOwner()->getParentOp());
  if (!func || !argument.getOwner()->isEntryBlock())
    return std::nullopt;
  StringRef name = nameOfExtent(func, argument.getArgNumber(), dim);
  if (name.empty())
    return std::nullopt;
  for (BlockArgument other : func.getArguments()) {
    auto type = dyn_cast<RankedTensorType>(other.getType());
    for (int64_t otherDim = 0; type && otherDim < type.getRank(); ++otherDim) {
      if (other == argument && otherDim == dim)
        return std::nullopt;
      if (nameOfExtent(func, other.getArgNumber(), otherDim) == name)
        return rootOf(other, otherDim);
    }
  }
  return std::nullopt;
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

/// Where an op takes a dynamic extent of its result from.
std::optional<ExtentRoot> stepFromResult(OpResult result, int64_t dim) {
  using Step = std::optional<ExtentRoot>;
  Operation *op = result.getOwner();
  if (auto destinationOp = dyn_cast<DestinationStyleOpInterface>(op))
    return rootOf(destinationOp.getTiedOpOperand(result)->get(), dim);
  if (op->hasTrait<OpTrait::Elementwise>()) {
    auto shaped = llvm::find_if(op->getOperands(), [&](Value operand) {
      auto type = dyn_cast<RankedTensorType>(operand.getType());
      return type && dim < type.getRank();
    });
    return shaped == op->operand_end() ? Step() : rootOf(*shaped, dim);
  }
  return llvm::TypeSwitch<Operation *, Step>(op)
      .Case([&](tensor::CastOp cast) {
        return isa<RankedTensorType>(cast.getSource().getType()) ? rootOf(cast.getSource(), dim) : Step();
      })
      .Case([&](tensor::EmptyOp empty) { return rootOf(empty.getMixedSizes()[dim]); })
      .Case([&](tensor::GenerateOp generate) {
        return rootOf(generate.getDynamicExtents()[generate.getType().getDynamicDimIndex(dim)]);
      })
      .Case([&](tensor::ExpandShapeOp expand) { return rootOf(expand.getMixedOutputShape()[dim]); })
      .Case([&](tensor::CollapseShapeOp collapse) {
        std::optional<int64_t> source = collapsedDim(collapse, dim);
        return source ? rootOf(collapse.getSrc(), *source) : Step();
      })
      .Case([&](tensor::ExtractSliceOp slice) {
        bool dropsDims = slice.getType().getRank() != slice.getSourceType().getRank();
        return dropsDims ? Step() : rootOf(slice.getMixedSizes()[dim]);
      })
      .Case([&](tensor::ConcatOp concat) {
        return static_cast<int64_t>(concat.getDim()) == dim ? Step() : rootOf(concat.getInputs().front(), dim);
      })
      .Case([&](ReadStateOp read) { return dim == 0 ? rootOf(OpFoldResult(read.getLength())) : Step(); })
      .Default(Step());
}

/// One step toward the root, or nothing at the root.
std::optional<ExtentRoot> step(const ExtentRoot &extent) {
  if (extent.constant)
    return std::nullopt;
  if (extent.dim < 0) {
    auto dimOp = extent.value.getDefiningOp<tensor::DimOp>();
    auto type = dimOp ? dyn_cast<RankedTensorType>(dimOp.getSource().getType()) : RankedTensorType();
    if (!type || !dimOp.getConstantIndex() || *dimOp.getConstantIndex() >= type.getRank())
      return std::nullopt;
    return rootOf(dimOp.getSource(), *dimOp.getConstantIndex());
  }
  auto type = cast<RankedTensorType>(extent.value.getType());
  if (!type.isDynamicDim(extent.dim))
    return ExtentRoot{type.getDimSize(extent.dim), Value(), -1};
  if (auto argument = dyn_cast<BlockArgument>(extent.value))
    return stepFromArgument(argument, extent.dim);
  return stepFromResult(cast<OpResult>(extent.value), extent.dim);
}

ExtentRoot follow(ExtentRoot extent) {
  while (std::optional<ExtentRoot> next = step(extent))
    extent = *next;
  return extent;
}

} // namespace

ExtentRoot extentRoot(Value tensor, int64_t dim) { return follow(rootOf(tensor, dim)); }

ExtentRoot extentRoot(OpFoldResult size) { return follow(rootOf(size)); }

} // namespace thresh
