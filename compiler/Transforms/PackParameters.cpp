//===- PackParameters.cpp - Stored layout of matmul weights -------------------===//
#include "compiler/Transforms/KernelGroups.h"
#include "compiler/Transforms/Passes.h"

using namespace mlir;
using linalg::GenericOp;

namespace thresh {
#define GEN_PASS_DEF_PACKPARAMETERSPASS
#include "compiler/Transforms/Passes.h.inc"

namespace {

constexpr int64_t kPanel = PackAttr::kPanel;

/// How a contraction reads a parameter: which dimension is k (reduced) and which n (a column of the result).
struct MatrixUse {
  int64_t reductionDim = -1;
  int64_t columnDim = -1;
  unsigned reductionLoop = 0;
  unsigned columnLoop = 0;
};

/// The use if it is a plain matrix read: rank 2, one reduction loop, and n the last loop of the result.
std::optional<MatrixUse> matrixUse(OpOperand &operand) {
  auto op = dyn_cast<GenericOp>(operand.getOwner());
  if (!op || !isContraction(op) || !op.isDpsInput(&operand) || op.getNumReductionLoops() != 1)
    return std::nullopt;
  AffineMap read = op.getMatchingIndexingMap(&operand);
  AffineMap write = op.getMatchingIndexingMap(op.getDpsInitOperand(0));
  if (read.getNumResults() != 2 || !read.isProjectedPermutation() || !write.isProjectedPermutation())
    return std::nullopt;
  MatrixUse use;
  for (unsigned dim = 0; dim < 2; ++dim) {
    unsigned loop = read.getDimPosition(dim);
    if (op.getIteratorTypesArray()[loop] == utils::IteratorType::reduction) {
      use.reductionDim = dim;
      use.reductionLoop = loop;
    } else {
      use.columnDim = dim;
      use.columnLoop = loop;
    }
  }
  if (use.reductionDim < 0 || use.columnDim < 0 || write.getNumResults() == 0 ||
      write.getDimPosition(write.getNumResults() - 1) != use.columnLoop)
    return std::nullopt;
  return use;
}

/// Everything that reads one parameter.
struct Uses {
  SmallVector<std::pair<OpOperand *, MatrixUse>> products;
  SmallVector<tensor::ExtractOp> elements; ///< reads of single elements: gathers
};

/// The uses, if all are of these kinds and agree on which dimension holds the columns.
std::optional<Uses> collectUses(ArrayRef<LoadParameterOp> loads) {
  Uses uses;
  for (LoadParameterOp load : loads)
    for (OpOperand &operand : load.getResult().getUses()) {
      if (auto extract = dyn_cast<tensor::ExtractOp>(operand.getOwner())) {
        uses.elements.push_back(extract);
        continue;
      }
      std::optional<MatrixUse> use = matrixUse(operand);
      if (!use || (!uses.products.empty() && uses.products.front().second.columnDim != use->columnDim))
        return std::nullopt;
      uses.products.push_back({&operand, *use});
    }
  return uses;
}

struct PackParametersPass final : impl::PackParametersPassBase<PackParametersPass> {
  using Base::Base;

  void runOnOperation() override {
    llvm::MapVector<Operation *, SmallVector<LoadParameterOp>> loads;
    SymbolTable symbols(getOperation());
    getOperation().walk([&](LoadParameterOp load) { loads[symbols.lookup(load.getParameter())].push_back(load); });
    for (auto &[parameter, uses] : loads)
      packIfMatrix(cast<ParameterOp>(parameter), uses);
  }

  /// Packs when every read of the parameter is the same matrix read, or one of an element.
  void packIfMatrix(ParameterOp parameter, ArrayRef<LoadParameterOp> loads) {
    auto type = cast<RankedTensorType>(parameter.getType());
    if (parameter.getPack() || type.getRank() != 2 || !type.hasStaticShape() || !isa<FloatType>(type.getElementType()))
      return;
    std::optional<Uses> uses = collectUses(loads);
    if (!uses || uses->products.empty() || type.getDimSize(uses->products.front().second.columnDim) < kPanel)
      return;
    int64_t columnDim = uses->products.front().second.columnDim;
    int64_t permutation[] = {1 - columnDim, columnDim};
    auto pack = PackAttr::get(&getContext(), permutation, kPanel, PackFormat::Elements);
    RankedTensorType packedType = type.clone(pack.packShape(type.getShape()));
    parameter.setType(packedType);
    parameter.setPackAttr(pack);
    for (LoadParameterOp load : loads)
      load.getResult().setType(packedType);
    for (auto [operand, use] : uses->products)
      readPanels(*operand, use);
    for (tensor::ExtractOp extract : uses->elements)
      readPanels(extract, columnDim);
  }

  void readPanels(OpOperand &operand, const MatrixUse &use) {
    auto op = cast<GenericOp>(operand.getOwner());
    SmallVector<AffineMap> maps = op.getIndexingMapsArray();
    AffineExpr n = getAffineDimExpr(use.columnLoop, &getContext()),
               k = getAffineDimExpr(use.reductionLoop, &getContext());
    maps[operand.getOperandNumber()] =
        AffineMap::get(op.getNumLoops(), 0, {n.floorDiv(kPanel), k, n % kPanel}, &getContext());
    op.setIndexingMapsAttr(Builder(&getContext()).getAffineMapArrayAttr(maps));
  }

  void readPanels(tensor::ExtractOp extract, int64_t columnDim) {
    OpBuilder builder(extract);
    Location loc = extract.getLoc();
    Value column = extract.getIndices()[columnDim], row = extract.getIndices()[1 - columnDim];
    Value width = arith::ConstantIndexOp::create(builder, loc, kPanel);
    Value panel = arith::DivUIOp::create(builder, loc, column, width),
          lane = arith::RemUIOp::create(builder, loc, column, width);
    extract.getIndicesMutable().assign(ValueRange{panel, row, lane});
  }
};

} // namespace
} // namespace thresh
