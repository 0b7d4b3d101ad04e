//===- LaunchRecords.cpp - What each launch of an entry point costs -----------===//
#include "compiler/Pipeline/LaunchRecords.h"

#include "dialects/Thresh/IR/ThreshSparseOps.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Interfaces/ViewLikeInterface.h"

using namespace mlir;

namespace thresh {

namespace {

using Factors = std::vector<std::string>;

/// Spells extents by the symbols of the entry point's inputs.
class ExtentSpeller {
public:
  explicit ExtentSpeller(const Signature &signature) : signature(signature) {}

  /// Appends the factors of dimension `dim` of a memref; false if no input tells it.
  bool spellDim(Value memref, int64_t dim, Factors &factors) const {
    auto type = cast<MemRefType>(memref.getType());
    if (!type.isDynamicDim(dim)) {
      factors.push_back(std::to_string(type.getDimSize(dim)));
      return true;
    }
    Operation *def = memref.getDefiningOp();
    if (auto input = dyn_cast_or_null<InputOp>(def)) {
      factors.push_back(signature.inputs[input.getIndex()].dimSymbols[dim]);
      return true;
    }
    if (auto view = dyn_cast_or_null<memref::ViewOp>(def))
      return spellValue(view.getSizes()[type.getDynamicDimIndex(dim)], factors);
    if (auto output = dyn_cast_or_null<OutputOp>(def))
      return spellValue(output.getDynamicSizes()[type.getDynamicDimIndex(dim)], factors);
    if (auto expand = dyn_cast_or_null<memref::ExpandShapeOp>(def))
      return spellSize(expand.getMixedOutputShape()[dim], factors);
    if (auto cast = dyn_cast_or_null<memref::CastOp>(def))
      return spellDim(cast.getSource(), dim, factors);
    if (auto collapse = dyn_cast_or_null<memref::CollapseShapeOp>(def))
      return llvm::all_of(collapse.getReassociationIndices()[dim],
                          [&](int64_t source) { return spellDim(collapse.getSrc(), source, factors); });
    return false;
  }

private:
  bool spellSize(OpFoldResult size, Factors &factors) const {
    if (std::optional<int64_t> constant = getConstantIntValue(size)) {
      factors.push_back(std::to_string(*constant));
      return true;
    }
    return spellValue(cast<Value>(size), factors);
  }

  bool spellValue(Value value, Factors &factors) const {
    if (std::optional<int64_t> constant = getConstantIntValue(value)) {
      factors.push_back(std::to_string(*constant));
      return true;
    }
    if (auto product = value.getDefiningOp<arith::MulIOp>())
      return spellValue(product.getLhs(), factors) && spellValue(product.getRhs(), factors);
    auto dim = value.getDefiningOp<memref::DimOp>();
    std::optional<int64_t> index = dim ? dim.getConstantIndex() : std::nullopt;
    return index && spellDim(dim.getSource(), *index, factors);
  }

  const Signature &signature;
};

/// A stage that multiplies and adds: a reduction of floats whose update is a sum of a product.
bool isContraction(const codegen::Stage &stage) {
  if (stage.parallel == static_cast<int>(stage.loops.size()) || stage.results.size() != 1)
    return false;
  const codegen::Node &sum = stage.body[stage.results[0]];
  return sum.op == codegen::Op::Add && llvm::any_of(sum.args, [&](int arg) {
           return stage.body[arg].op == codegen::Op::Mul && stage.body[arg].args[0] != stage.body[arg].args[1];
         });
}

/// What holds the memory of a launch's operand, seen through views.
Operation *findMemory(Value memref) {
  Operation *def = memref.getDefiningOp();
  while (auto view = dyn_cast_or_null<ViewLikeOpInterface>(def))
    def = view.getViewSource().getDefiningOp();
  return def;
}

/// Whether node `index` of the stage depends on data.
bool readsData(const codegen::Stage &stage, int index) {
  const codegen::Node &node = stage.body[index];
  return node.op == codegen::Op::Load || llvm::any_of(node.args, [&](int arg) { return readsData(stage, arg); });
}

/// Elements of operand `operand` of `elements` in all that a launch reads when every dynamic extent is 1.
int64_t countElementsRead(const codegen::KernelSpec &spec, int operand, int64_t elements) {
  int64_t gathered = 0;
  for (const codegen::Stage &stage : spec.stages)
    for (const codegen::Node &node : stage.body) {
      if (node.op != codegen::Op::Load || node.source != operand)
        continue;
      if (llvm::none_of(node.args, [&](int coordinate) { return readsData(stage, coordinate); }))
        return elements;
      int64_t points = 1;
      for (const codegen::Extent &extent : stage.loops)
        points *=
            extent.value >= 0 ? extent.value : std::max<int64_t>(spec.operands[extent.operand].shape[extent.dim], 1);
      gathered += points;
    }
  return std::min(gathered, elements);
}

/// The sparse op that the kernel of a launch is, or null.
SparseKernelOpInterface findSparseOp(LaunchOp launch) {
  auto kernel = SymbolTable::lookupNearestSymbolFrom<KernelOp>(launch, launch.getKernelAttr());
  return dyn_cast<SparseKernelOpInterface>(kernel.getBody().front().front());
}

/// Sets the bytes of parameters in the record.
void countWeightBytes(LaunchOp launch, const codegen::KernelSpec &spec, LaunchRecord &record) {
  SparseKernelOpInterface sparse = findSparseOp(launch);
  for (auto [index, operand] : llvm::enumerate(launch.getInputs())) {
    auto type = cast<MemRefType>(operand.getType());
    if (!isa_and_nonnull<LoadParameterOp>(findMemory(operand)) || !type.hasStaticShape())
      continue;
    int64_t elementBytes = llvm::divideCeil(type.getElementTypeBitWidth(), 8), elements = type.getNumElements();
    int64_t whole = sparse ? elements : countElementsRead(spec, index, elements);
    double share = sparse ? sparse.getExpectedShare(index) : 1;
    record.denseWeightBytes += whole * elementBytes;
    record.weightBytes += static_cast<int64_t>(static_cast<double>(whole) * share) * elementBytes;
  }
}

std::vector<StateRead> findStates(LaunchOp launch) {
  std::vector<StateRead> reads;
  llvm::SmallPtrSet<Operation *, 4> seen;
  SparseKernelOpInterface sparse = findSparseOp(launch);
  for (auto [index, operand] : llvm::enumerate(launch.getInputs())) {
    auto read = dyn_cast_or_null<ReadStateOp>(findMemory(operand));
    if (!read || !seen.insert(read).second)
      continue;
    auto state = SymbolTable::lookupNearestSymbolFrom<StateOp>(launch, read.getStateAttr());
    auto type = cast<RankedTensorType>(state.getType());
    int64_t rowElements = type.getNumElements() / type.getDimSize(0);
    int64_t rowBytes = rowElements * llvm::divideCeil(type.getElementTypeBitWidth(), 8);
    RowReads rows = sparse ? sparse.getRowReads(index) : RowReads();
    reads.push_back({state.getSymName().str(), rowBytes, std::min(type.getDimSize(0), rows.seenRows),
                     static_cast<int64_t>(static_cast<double>(rowBytes) * rows.scannedShare), rows.chosenRows});
  }
  return reads;
}

} // namespace

std::vector<LaunchRecord> recordLaunches(func::FuncOp function, const Signature &signature,
                                         ArrayRef<codegen::KernelSpec> kernels) {
  std::vector<LaunchRecord> records;
  ExtentSpeller speller(signature);
  function.walk([&](LaunchOp launch) {
    LaunchRecord record;
    record.entry = signature.name;
    record.kernel = launch.getKernel().str();
    const codegen::KernelSpec *spec =
        llvm::find_if(kernels, [&](const codegen::KernelSpec &kernel) { return kernel.name == record.kernel; });
    countWeightBytes(launch, *spec, record);
    record.states = findStates(launch);
    for (const codegen::Stage &stage : spec->stages) {
      if (!isContraction(stage))
        continue;
      Factors factors{"2"};
      bool isKnown = llvm::all_of(stage.loops, [&](const codegen::Extent &extent) {
        if (extent.value >= 0) {
          factors.push_back(std::to_string(extent.value));
          return true;
        }
        return speller.spellDim(launch->getOperand(extent.operand), extent.dim, factors);
      });
      if (isKnown)
        record.flops.push_back(factors);
    }
    records.push_back(record);
  });
  return records;
}

void sumReads(Signature &signature, ArrayRef<LaunchRecord> launches, ArrayRef<StateRead> wholeStates) {
  signature.stateReads.assign(wholeStates.begin(), wholeStates.end());
  for (const LaunchRecord &launch : launches) {
    signature.weightBytes += launch.weightBytes;
    signature.denseWeightBytes += launch.denseWeightBytes;
    for (const StateRead &read : launch.states)
      *llvm::find_if(signature.stateReads, [&](const StateRead &whole) { return whole.state == read.state; }) = read;
  }
}

} // namespace thresh
