//===- KernelGroups.cpp - Which linalg ops make up one kernel ----------------===//
//
// Any tree of ops that ends in one root is a correct kernel, since Halide computes Funcs on demand. The rules here
// keep to the shapes that the schedules of codegen/Schedules make fast:
//
//   Matmul     a contraction and the element-wise ops on its result
//   QuantizedMatmul  the same with a quantised contraction: i32 sums per group, their scaled sum over the groups
//   Rowwise    element-wise ops and reductions over the same inner loops (softmax, norms)
//   Attention  a contraction whose operand is a row-wise function of the result of another, which reads no weight
//   Reduction  one reduction and element-wise ops on its result
//
//===-----------------------------------------------------------------------===//
#include "compiler/Transforms/KernelGroups.h"

#include "compiler/Conversion/KernelToSpec/KernelToSpec.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using linalg::GenericOp;

namespace thresh {

namespace {

/// Grows one group; copied to try a larger group and drop it again.
class GroupGrower {
public:
  GroupGrower(GenericOp root, llvm::function_ref<bool(Operation *)> isTaken) : isTaken(isTaken) {
    group.root = root;
    add(root);
  }

  KernelGroup take() {
    group.family = family();
    return std::move(group);
  }

  /// Adds producers of the members, from the root upwards, as long as the rules allow.
  void grow() {
    for (size_t i = 0; i < group.members.size(); ++i)
      for (OpOperand &operand : group.members[i]->getOpOperands())
        tryAbsorb(operand);
    // A producer is absorbed only when all its users are: look again until nothing changes.
    for (size_t before = 0; before != group.members.size();) {
      before = group.members.size();
      for (size_t i = 0; i < group.members.size(); ++i)
        for (OpOperand &operand : group.members[i]->getOpOperands())
          tryAbsorb(operand);
    }
    if (contractions == 1 && reductions == 0 && !isQuantized)
      tryAttention();
  }

private:
  void add(GenericOp op) {
    group.members.insert(op);
    isQuantized |= isQuantizedContraction(op);
    if (isContraction(op) || isQuantizedContraction(op))
      ++contractions;
    else if (isGroupSum(op))
      return;
    else if (op.getNumReductionLoops())
      ++reductions;
  }

  KernelFamily family() const {
    if (contractions > 1)
      return KernelFamily::Attention;
    if (contractions == 1)
      return isQuantized ? KernelFamily::QuantizedMatmul : KernelFamily::Matmul;
    if (reductions == 0)
      return KernelFamily::Elementwise;
    return reductions == 1 && group.members.size() == 1 ? KernelFamily::Reduction : KernelFamily::Rowwise;
  }

  /// The producer of `operand` if it may join at all: a kernel op of the same block that only members use.
  GenericOp candidate(OpOperand &operand) const {
    auto user = cast<GenericOp>(operand.getOwner());
    auto producer = operand.get().getDefiningOp<GenericOp>();
    if (!producer || user.isDpsInit(&operand) || group.members.contains(producer) || isTaken(producer))
      return {};
    if (producer->getBlock() != group.root->getBlock() || producer->getNumResults() != 1 || whyNoKernel(producer))
      return {};
    for (Operation *other : producer->getUsers())
      if (!group.members.contains(other))
        return {};
    for (unsigned loop = 0; loop < producer.getNumLoops(); ++loop)
      if (!hasExtentSource(producer, loop))
        return {};
    return producer;
  }

  /// A member inside a kernel needs an input that tells each loop's extent.
  static bool hasExtentSource(GenericOp op, unsigned loop) {
    if (op.getStaticLoopRanges()[loop] != ShapedType::kDynamic)
      return true;
    for (OpOperand *input : op.getDpsInputOperands())
      for (AffineExpr expr : op.getMatchingIndexingMap(input).getResults())
        if (auto dim = dyn_cast<AffineDimExpr>(expr); dim && dim.getPosition() == loop)
          return true;
    return false;
  }

  void tryAbsorb(OpOperand &operand) {
    GenericOp producer = candidate(operand);
    if (!producer)
      return;
    auto user = cast<GenericOp>(operand.getOwner());
    AffineMap access = user.getMatchingIndexingMap(&operand);
    bool joins;
    if (isQuantizedContraction(user))
      joins = isGroupSum(producer) && access.isIdentity();
    else if (isContraction(producer) || isQuantizedContraction(producer))
      joins = joinsAsMatmul(producer, user, access);
    else
      joins = !isGroupSum(producer) && joinsAsRows(producer, user, access);
    if (joins)
      add(producer);
  }

  /// A contraction joins element-wise ops that read each of its elements once.
  bool joinsAsMatmul(GenericOp producer, GenericOp user, AffineMap access) const {
    return contractions == 0 && reductions == 0 && access.isPermutation() && user.getNumReductionLoops() == 0;
  }

  /// Element-wise ops and reductions join when they are read along whole loops and reduce to the same rows.
  bool joinsAsRows(GenericOp producer, GenericOp user, AffineMap access) const {
    if (!access.isProjectedPermutation())
      return false;
    if (isContraction(user) || isGroupSum(user))
      return false;
    if (contractions > 0)
      return producer.getNumReductionLoops() == 0 && access.isPermutation() && !isAboveContraction(user);
    if (producer.getNumReductionLoops() == 0)
      return true;
    std::optional<llvm::SmallDenseSet<unsigned>> rows = rowLoops();
    return !rows || rows->size() == access.getNumResults();
  }

  /// In a Matmul group only the epilogue grows: ops that feed the contraction stay outside.
  bool isAboveContraction(GenericOp user) const {
    llvm::SmallVector<Operation *> work{user};
    while (!work.empty()) {
      auto op = dyn_cast<GenericOp>(work.pop_back_val());
      if (!op || !group.members.contains(op))
        continue;
      if (isContraction(op) || isQuantizedContraction(op))
        return false;
      for (OpOperand *input : op.getDpsInputOperands())
        if (Operation *def = input->get().getDefiningOp())
          work.push_back(def);
    }
    return !isContraction(group.root) && !isQuantizedContraction(group.root);
  }

  /// The loops that index a row, from any reduction of the group.
  std::optional<llvm::SmallDenseSet<unsigned>> rowLoops() const {
    for (Operation *member : group.members) {
      auto op = cast<GenericOp>(member);
      if (!op.getNumReductionLoops())
        continue;
      llvm::SmallDenseSet<unsigned> rows;
      for (unsigned i = 0; i < op.getNumParallelLoops(); ++i)
        rows.insert(i);
      return rows;
    }
    return std::nullopt;
  }

  /// Attention: the contraction's first or second operand is row-wise work that ends in one more contraction.
  void tryAttention() {
    for (Operation *member : group.members) {
      auto second = cast<GenericOp>(member);
      if (!isContraction(second))
        continue;
      for (OpOperand *operand : second.getDpsInputOperands()) {
        GroupGrower trial = *this;
        if (trial.absorbScores(*operand)) {
          *this = trial;
          return;
        }
      }
      return;
    }
  }

  /// Whether a contraction multiplies by a weight: then it is a layer of its own, no matter who reads it.
  static bool multipliesByWeight(GenericOp op) {
    return llvm::any_of(op.getDpsInputs(), [](Value input) { return input.getDefiningOp<LoadParameterOp>(); });
  }

  /// Whether a reduction of the group reads what `op` computes: then it makes the scores of a softmax, else only
  /// factors of the probabilities.
  bool feedsReduction(Operation *op) const {
    for (Operation *user : op->getUsers()) {
      auto member = cast<GenericOp>(user);
      if (!isContraction(member) && (member.getNumReductionLoops() || feedsReduction(member)))
        return true;
    }
    return false;
  }

  /// Absorbs what computes the probabilities `operand`; true if that is softmax-like and ends in one contraction.
  bool absorbScores(OpOperand &operand) {
    size_t begin = group.members.size();
    auto tryMember = [&](OpOperand &use) {
      GenericOp producer = candidate(use);
      if (!producer)
        return;
      AffineMap access = cast<GenericOp>(use.getOwner()).getMatchingIndexingMap(&use);
      if (!access.isProjectedPermutation() ||
          (isContraction(producer) && (contractions == 2 || multipliesByWeight(producer) || !feedsReduction(producer))))
        return;
      add(producer);
    };
    tryMember(operand);
    for (size_t before = 0; before != group.members.size();) {
      before = group.members.size();
      for (size_t i = begin; i < group.members.size(); ++i) {
        auto member = cast<GenericOp>(group.members[i]);
        if (isContraction(member))
          continue;
        for (OpOperand *input : member.getDpsInputOperands())
          tryMember(*input);
      }
    }
    return contractions == 2 && reductions > 0;
  }

  KernelGroup group;
  llvm::function_ref<bool(Operation *)> isTaken;
  int contractions = 0; ///< quantised ones included
  int reductions = 0;   ///< all others, group sums excluded
  bool isQuantized = false;
};

/// The element types of an op's inputs, then of its results.
SmallVector<Type> elementTypes(GenericOp op) {
  return llvm::map_to_vector(op->getOperands(), [](Value value) { return getElementTypeOrSelf(value.getType()); });
}

} // namespace

BlockArgument storedElement(Value value) {
  if (auto product = value.getDefiningOp<arith::MulFOp>()) {
    auto integer = product.getLhs().getDefiningOp<arith::SIToFPOp>();
    auto scale = dyn_cast<BlockArgument>(product.getRhs());
    bool isNarrow = integer && integer.getIn().getType().getIntOrFloatBitWidth() < 32;
    return isNarrow && scale ? dyn_cast<BlockArgument>(integer.getIn()) : BlockArgument();
  }
  while (Operation *def = value.getDefiningOp()) {
    if (!isa<arith::ExtFOp, arith::ExtSIOp, arith::ExtUIOp>(def))
      return {};
    value = def->getOperand(0);
  }
  return dyn_cast<BlockArgument>(value);
}

bool isContraction(GenericOp op) {
  if (op.getNumReductionLoops() == 0 || op.getNumDpsInputs() < 2 || op.getNumDpsInits() != 1)
    return false;
  Block &body = *op.getBody();
  BlockArgument running = op.getRegionOutputArgs()[0];
  Operation *sum = body.getTerminator()->getOperand(0).getDefiningOp();
  if (!isa_and_nonnull<arith::AddFOp, arith::AddIOp>(sum))
    return false;
  for (unsigned side : {0u, 1u}) {
    Operation *product = sum->getOperand(1 - side).getDefiningOp();
    if (sum->getOperand(side) != running || !isa_and_nonnull<arith::MulFOp, arith::MulIOp>(product))
      continue;
    BlockArgument lhs = storedElement(product->getOperand(0)), rhs = storedElement(product->getOperand(1));
    return lhs && rhs && lhs != rhs && lhs != running && rhs != running;
  }
  return false;
}

bool isGroupSum(GenericOp op) {
  Builder b(op.getContext());
  return op.getNumReductionLoops() == 1 && op.getNumParallelLoops() == 3 &&
         elementTypes(op) == SmallVector<Type>{b.getI8Type(), b.getI8Type(), b.getI32Type()};
}

bool isQuantizedContraction(GenericOp op) {
  Builder b(op.getContext());
  if (op.getNumReductionLoops() != 1 || op.getNumParallelLoops() != 2 ||
      elementTypes(op) != SmallVector<Type>{b.getI32Type(), b.getF16Type(), b.getF32Type(), b.getF32Type()})
    return false;
  auto sums = op.getDpsInputs()[0].getDefiningOp<GenericOp>();
  return sums && isGroupSum(sums);
}

bool isDataMovement(GenericOp op) {
  if (op.getNumReductionLoops() != 0)
    return false;
  Operation *yield = op.getBody()->getTerminator();
  return llvm::all_of(yield->getOperands(), [&](Value value) {
    auto argument = dyn_cast<BlockArgument>(value);
    return argument && argument.getOwner() == op.getBody();
  });
}

KernelGroup growKernelGroup(GenericOp root, llvm::function_ref<bool(Operation *)> isTaken) {
  GroupGrower grower(root, isTaken);
  grower.grow();
  return grower.take();
}

} // namespace thresh
