//===- FormKernels.cpp - Groups of ops become kernels and launches -----------===//
#include "compiler/Conversion/KernelToSpec/KernelToSpec.h"
#include "compiler/Transforms/KernelGroups.h"
#include "compiler/Transforms/Passes.h"
#include "dialects/Thresh/IR/ThreshSparseOps.h"

#include "mlir/IR/IRMapping.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Transforms/RegionUtils.h"
#include "llvm/ADT/StringMap.h"

using namespace mlir;
using linalg::GenericOp;

namespace thresh {
#define GEN_PASS_DEF_FORMKERNELSPASS
#include "compiler/Transforms/Passes.h.inc"

namespace {

/// The constant that a tensor is filled with before a reduction, or null.
linalg::FillOp fillOf(Value init) { return init.getDefiningOp<linalg::FillOp>(); }

/// The kernels of a module. Equal ones are kept once.
class KernelTable {
public:
  explicit KernelTable(ModuleOp module) : module(module), symbols(module) {}

  /// A kernel to fill, and where its body's ops go.
  KernelOp start(OpBuilder &builder, Location loc, KernelFamily family) {
    builder.setInsertionPointToEnd(module.getBody());
    auto kernel = KernelOp::create(builder, loc, "kernel", family);
    builder.createBlock(&kernel.getBody());
    return kernel;
  }

  /// Keeps the kernel under a new name, or drops it for an equal one; returns the name.
  StringRef share(KernelOp kernel) {
    std::string text;
    llvm::raw_string_ostream stream(text);
    kernel.print(stream, OpPrintingFlags().useLocalScope());
    auto [entry, isNew] = known.try_emplace(text);
    if (isNew) {
      std::string name = ("thresh_" + stringifyKernelFamily(kernel.getFamily()) + "_" + Twine(counter++)).str();
      kernel.setSymName(name);
      symbols.insert(kernel);
      entry->second = kernel.getSymNameAttr();
    } else {
      kernel.erase();
    }
    return entry->second.getValue();
  }

private:
  ModuleOp module;
  SymbolTable symbols;
  llvm::StringMap<StringAttr> known; ///< by the text of the body
  int counter = 0;
};

/// Turns an op that is a kernel by itself into one and a launch at its place.
void outlineSparseKernel(SparseKernelOpInterface op, KernelTable &kernels) {
  Location loc = op.getLoc();
  OpBuilder builder(op);
  ReifiedRankedShapedTypeDims shapes;
  if (failed(reifyResultShapes(builder, op, shapes)))
    llvm_unreachable("sparse kernels know their shapes");
  SmallVector<Value> destinations;
  for (auto [result, sizes] : llvm::zip_equal(op->getResults(), shapes))
    destinations.push_back(tensor::EmptyOp::create(builder, loc, sizes, getElementTypeOrSelf(result.getType())));
  KernelOp kernel = kernels.start(builder, loc, op.getKernelFamily());
  Block *block = builder.getInsertionBlock();
  // One argument per operand, also where two are the same value: the family goes by their order.
  SmallVector<Value> arguments;
  for (Value operand : op->getOperands())
    arguments.push_back(block->addArgument(operand.getType(), operand.getLoc()));
  for (Value destination : destinations)
    block->addArgument(destination.getType(), loc);
  Operation *inside = builder.clone(*op);
  inside->setOperands(arguments);
  YieldOp::create(builder, loc, inside->getResults());
  StringRef symbol = kernels.share(kernel);
  builder.setInsertionPoint(op);
  auto launch = LaunchOp::create(builder, loc, op->getResultTypes(), symbol, op->getOperands(), destinations);
  op->replaceAllUsesWith(launch.getResults());
  op->erase();
}

/// Turns one group into a kernel symbol and a launch at the root's place.
class Outliner {
public:
  Outliner(KernelGroup &group, KernelTable &kernels)
      : group(group), builder(group.root.getContext()), kernels(kernels) {}

  void outline() {
    collectInputs();
    builder.setInsertionPoint(group.root);
    collectDestinations();
    StringRef symbol = kernels.share(buildKernel());
    builder.setInsertionPoint(group.root);
    auto launch = LaunchOp::create(builder, group.root.getLoc(), group.root.getResultTypes(), symbol,
                                   inputs.getArrayRef(), destinations);
    group.root->replaceAllUsesWith(launch.getResults());
    for (Operation *member : group.members)
      member->erase();
  }

private:
  bool isMember(Operation *op) const { return op && group.members.contains(op); }

  /// Tensors that come from outside, those that bodies extract from included; scalars are put into tensors.
  void collectInputs() {
    for (Operation *op : group.members) {
      auto member = cast<GenericOp>(op);
      for (OpOperand *input : member.getDpsInputOperands())
        addInput(input->get());
      for (Value init : member.getDpsInits())
        if (!fillOf(init) && !init.getDefiningOp<tensor::EmptyOp>())
          addInput(init);
      llvm::SetVector<Value> captured;
      getUsedValuesDefinedAbove(member.getRegion(), captured);
      for (Value value : captured)
        capture(value);
    }
  }

  void addInput(Value value) {
    if (!isMember(value.getDefiningOp()))
      inputs.insert(value);
  }

  void capture(Value value) {
    if (matchPattern(value, m_Constant()) && !isa<ShapedType>(value.getType()))
      return;
    if (isa<RankedTensorType>(value.getType()))
      return addInput(value);
    builder.setInsertionPoint(group.root);
    Value stored = value;
    if (value.getType().isIndex())
      stored = arith::IndexCastOp::create(builder, value.getLoc(), builder.getI64Type(), value);
    Value boxed = tensor::FromElementsOp::create(builder, value.getLoc(), RankedTensorType::get({}, stored.getType()),
                                                 ValueRange{stored});
    boxedScalars[value] = boxed;
    inputs.insert(boxed);
  }

  /// The memory that the root writes: an empty tensor per launch, so that each buffer has a short life.
  void collectDestinations() {
    for (OpResult result : group.root->getResults()) {
      Value init = group.root.getDpsInits()[result.getResultNumber()];
      if (auto fill = fillOf(init))
        init = fill.getDpsInits()[0];
      auto empty = init.getDefiningOp<tensor::EmptyOp>();
      SmallVector<OpFoldResult> sizes =
          empty ? empty.getMixedSizes() : tensor::getMixedSizes(builder, result.getLoc(), init);
      destinations.push_back(tensor::EmptyOp::create(builder, result.getLoc(), sizes,
                                                     cast<RankedTensorType>(result.getType()).getElementType()));
    }
  }

  KernelOp buildKernel() {
    Location loc = group.root.getLoc();
    KernelOp kernel = kernels.start(builder, loc, group.family);
    Block *block = builder.getInsertionBlock();
    IRMapping map;
    for (Value input : inputs)
      map.map(input, block->addArgument(input.getType(), input.getLoc()));
    SmallVector<Value> outputs;
    for (Value destination : destinations)
      outputs.push_back(block->addArgument(destination.getType(), destination.getLoc()));
    SmallVector<Operation *> inOrder(group.members.begin(), group.members.end());
    llvm::sort(inOrder, [](Operation *a, Operation *b) { return a->isBeforeInBlock(b); });
    for (Operation *member : inOrder)
      cloneMember(cast<GenericOp>(member), map, outputs);
    SmallVector<Value> results;
    for (Value result : group.root->getResults())
      results.push_back(map.lookup(result));
    YieldOp::create(builder, loc, results);
    return kernel;
  }

  void cloneMember(GenericOp member, IRMapping &map, ArrayRef<Value> outputs) {
    cloneCaptured(member, map);
    for (auto [number, init] : llvm::enumerate(member.getDpsInits())) {
      if (map.contains(init) && !fillOf(init) && !init.getDefiningOp<tensor::EmptyOp>())
        continue;
      Value target = member == group.root ? outputs[number] : emptyFor(member, number, map);
      if (auto fill = fillOf(init)) {
        Operation *scalar = builder.clone(*fill.getInputs()[0].getDefiningOp(), map);
        target = linalg::FillOp::create(builder, fill.getLoc(), scalar->getResult(0), target).getResult(0);
      }
      map.map(init, target);
    }
    builder.clone(*member, map);
  }

  /// Brings constants and boxed scalars that the body uses into the kernel.
  void cloneCaptured(GenericOp member, IRMapping &map) {
    llvm::SetVector<Value> captured;
    getUsedValuesDefinedAbove(member.getRegion(), captured);
    for (Value value : captured) {
      if (map.contains(value))
        continue;
      if (Value boxed = boxedScalars.lookup(value)) {
        Value scalar = tensor::ExtractOp::create(builder, value.getLoc(), map.lookup(boxed), ValueRange{});
        if (value.getType().isIndex())
          scalar = arith::IndexCastOp::create(builder, value.getLoc(), builder.getIndexType(), scalar);
        map.map(value, scalar);
      } else {
        builder.clone(*value.getDefiningOp(), map);
      }
    }
  }

  /// An empty tensor of a member's shape, sized by the inputs that its loops run over.
  Value emptyFor(GenericOp member, unsigned number, IRMapping &map) {
    Location loc = member.getLoc();
    auto type = cast<RankedTensorType>(member.getDpsInits()[number].getType());
    AffineMap outputMap = member.getMatchingIndexingMap(member.getDpsInitOperand(number));
    SmallVector<Value> sizes;
    for (int64_t dim = 0; dim < type.getRank(); ++dim)
      if (type.isDynamicDim(dim))
        sizes.push_back(extentOf(member, outputMap.getDimPosition(dim), map));
    return tensor::EmptyOp::create(builder, loc, type, sizes);
  }

  Value extentOf(GenericOp member, unsigned loop, IRMapping &map) {
    int64_t known = member.getStaticLoopRanges()[loop];
    if (known != ShapedType::kDynamic)
      return arith::ConstantIndexOp::create(builder, member.getLoc(), known);
    for (OpOperand *input : member.getDpsInputOperands())
      for (auto [dim, expr] : llvm::enumerate(member.getMatchingIndexingMap(input).getResults()))
        if (auto dimExpr = dyn_cast<AffineDimExpr>(expr); dimExpr && dimExpr.getPosition() == loop)
          return tensor::DimOp::create(builder, member.getLoc(), map.lookup(input->get()), dim);
    llvm_unreachable("growKernelGroup admits only members whose extents an input tells");
  }

  KernelGroup &group;
  OpBuilder builder;
  KernelTable &kernels;
  llvm::SetVector<Value> inputs;
  llvm::DenseMap<Value, Value> boxedScalars;
  SmallVector<Value> destinations;
};

struct FormKernelsPass final : impl::FormKernelsPassBase<FormKernelsPass> {
  using Base::Base;

  void runOnOperation() override {
    KernelTable kernels(getOperation());
    for (auto function : getOperation().getOps<func::FuncOp>()) {
      for (KernelGroup &group : groupsOf(function))
        Outliner(group, kernels).outline();
      SmallVector<SparseKernelOpInterface> ops(function.getOps<SparseKernelOpInterface>());
      for (SparseKernelOpInterface op : ops)
        outlineSparseKernel(op, kernels);
    }
  }

  /// The groups of a function, first root first.
  std::vector<KernelGroup> groupsOf(func::FuncOp function) {
    std::vector<KernelGroup> groups;
    llvm::DenseSet<Operation *> taken;
    SmallVector<GenericOp> candidates;
    for (Operation &op : function.getBody().front())
      if (auto generic = dyn_cast<GenericOp>(op))
        candidates.push_back(generic);
    for (GenericOp op : llvm::reverse(candidates)) {
      if (taken.contains(op))
        continue;
      if (std::optional<std::string> reason = whyNoKernel(op)) {
        op.emitRemark("runs as loops, not as a kernel: ") << *reason;
        continue;
      }
      groups.push_back(growKernelGroup(op, [&](Operation *other) { return taken.contains(other); }));
      taken.insert(groups.back().members.begin(), groups.back().members.end());
    }
    std::reverse(groups.begin(), groups.end());
    return groups;
  }
};

} // namespace
} // namespace thresh
