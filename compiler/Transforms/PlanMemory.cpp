//===- PlanMemory.cpp - One arena for all temporary buffers ------------------===//
//
// Lifetimes are intervals over the ops of the entry block. Buffers are taken in order of definition; each goes into the
// free slot whose size fits best (sizes of dynamic extents are compared at a nominal extent), or into a new slot. A
// slot is as large as its largest buffer at run time.
//
//===-----------------------------------------------------------------------===//
#include "compiler/Transforms/Passes.h"

#include "mlir/Interfaces/ViewLikeInterface.h"
#include "llvm/ADT/SetVector.h"

using namespace mlir;

namespace thresh {
#define GEN_PASS_DEF_PLANMEMORYPASS
#include "compiler/Transforms/Passes.h.inc"

namespace {

constexpr int64_t kAlignment = 64;
/// What a dynamic extent counts as when slots are chosen; has no effect on correctness.
constexpr int64_t kNominalExtent = 128;

struct Buffer {
  memref::AllocOp alloc;
  int64_t first = 0, last = 0; ///< positions in the entry block
  int64_t nominalBytes = 0;
  unsigned slot = 0;
};

struct Slot {
  int64_t freeFrom = 0;
  int64_t nominalBytes = 0;
  llvm::SetVector<Value> sizes; ///< bytes of the buffers in it
  Value offset;
};

int64_t bytesPerElement(MemRefType type) { return llvm::divideCeil(type.getElementTypeBitWidth(), 8); }

/// Plans the memory of one function.
class MemoryPlanner {
public:
  explicit MemoryPlanner(func::FuncOp function) : function(function), entry(function.getBody().front()) {}

  LogicalResult run() {
    std::vector<Buffer> buffers = collect();
    for (Buffer &buffer : buffers)
      for (Value size : buffer.alloc.getDynamicSizes())
        if (failed(hoist(size, buffer.alloc)))
          return failure();
    if (buffers.empty())
      return success();
    std::vector<Slot> slots = assignSlots(buffers);
    placeInArena(buffers, slots);
    return success();
  }

private:
  /// All buffers with their lifetimes.
  std::vector<Buffer> collect() {
    llvm::DenseMap<Operation *, int64_t> position;
    int64_t next = 0;
    for (Operation &op : entry)
      position[&op] = next++;
    std::vector<Buffer> buffers;
    function.walk([&](memref::AllocOp alloc) {
      Buffer buffer;
      buffer.alloc = alloc;
      buffer.first = position[entry.findAncestorOpInBlock(*alloc)];
      buffer.last = buffer.first;
      llvm::SetVector<Value> aliases;
      aliases.insert(alloc.getResult());
      for (size_t i = 0; i < aliases.size(); ++i)
        for (Operation *user : aliases[i].getUsers()) {
          buffer.last = std::max(buffer.last, position[entry.findAncestorOpInBlock(*user)]);
          for (Value result : user->getResults())
            if (isa<BaseMemRefType>(result.getType()))
              aliases.insert(result);
        }
      MemRefType type = alloc.getType();
      buffer.nominalBytes = bytesPerElement(type);
      for (int64_t extent : type.getShape())
        buffer.nominalBytes *= ShapedType::isDynamic(extent) ? kNominalExtent : extent;
      buffers.push_back(buffer);
    });
    return buffers;
  }

  /// Moves the computation of `value` to the start of the function, behind what is there already.
  LogicalResult hoist(Value value, memref::AllocOp alloc) {
    Operation *def = value.getDefiningOp();
    if (!def || hoisted.contains(def))
      return success();
    bool readsInput = isa<memref::DimOp, memref::LoadOp>(def) && def->getOperand(0).getDefiningOp<InputOp>();
    if (!isPure(def) && !readsInput) {
      InFlightDiagnostic diagnostic =
          alloc.emitError("expects buffer sizes that follow from the inputs, but one depends on "
                          "what is computed of them");
      diagnostic.attachNote(def->getLoc()) << "computed here";
      return diagnostic;
    }
    for (Value operand : def->getOperands())
      if (failed(hoist(operand, alloc)))
        return failure();
    if (lastHoisted)
      def->moveAfter(lastHoisted);
    else
      def->moveBefore(&entry, entry.begin());
    lastHoisted = def;
    hoisted.insert(def);
    return success();
  }

  static std::vector<Slot> assignSlots(std::vector<Buffer> &buffers) {
    std::vector<Slot> slots;
    for (Buffer &buffer : buffers) {
      int64_t best = -1;
      auto misfit = [&](const Slot &slot) { return std::abs(slot.nominalBytes - buffer.nominalBytes); };
      for (unsigned i = 0; i < slots.size(); ++i)
        if (slots[i].freeFrom <= buffer.first && (best < 0 || misfit(slots[i]) < misfit(slots[best])))
          best = i;
      if (best < 0) {
        best = slots.size();
        slots.emplace_back();
      }
      buffer.slot = best;
      slots[best].freeFrom = buffer.last + 1;
      slots[best].nominalBytes = std::max(slots[best].nominalBytes, buffer.nominalBytes);
    }
    return slots;
  }

  void placeInArena(std::vector<Buffer> &buffers, std::vector<Slot> &slots) {
    Location loc = function.getLoc();
    OpBuilder builder(function.getContext());
    if (lastHoisted)
      builder.setInsertionPointAfter(lastHoisted);
    else
      builder.setInsertionPointToStart(&entry);
    for (Buffer &buffer : buffers)
      slots[buffer.slot].sizes.insert(bytesOf(buffer.alloc, builder));
    Value total = arith::ConstantIndexOp::create(builder, loc, 0);
    for (Slot &slot : slots) {
      slot.offset = total;
      Value largest;
      for (Value size : slot.sizes)
        largest = !largest ? size : builder.createOrFold<arith::MaxSIOp>(loc, largest, size);
      total = builder.createOrFold<arith::AddIOp>(loc, total, largest);
    }
    Value arena = ArenaOp::create(builder, loc, MemRefType::get({ShapedType::kDynamic}, builder.getI8Type()), total);
    for (Buffer &buffer : buffers) {
      builder.setInsertionPoint(buffer.alloc);
      Value view = memref::ViewOp::create(builder, buffer.alloc.getLoc(), buffer.alloc.getType(), arena,
                                          slots[buffer.slot].offset, buffer.alloc.getDynamicSizes());
      buffer.alloc.getResult().replaceAllUsesWith(view);
      buffer.alloc.erase();
    }
  }

  /// The same value for buffers of the same extents, so that a slot compares each size once.
  Value bytesOf(memref::AllocOp alloc, OpBuilder &builder) {
    int64_t fixed = bytesPerElement(alloc.getType());
    for (int64_t extent : alloc.getType().getShape())
      fixed *= ShapedType::isDynamic(extent) ? 1 : extent;
    SmallVector<Value> key(alloc.getDynamicSizes());
    for (auto &[knownFixed, knownSizes, bytes] : knownBytes)
      if (knownFixed == fixed && knownSizes == key)
        return bytes;
    knownBytes.emplace_back(fixed, key, alignedBytes(alloc, fixed, builder));
    return std::get<2>(knownBytes.back());
  }

  /// The buffer's size in bytes, rounded up to the alignment; never 0, since loads clamp into empty tensors.
  static Value alignedBytes(memref::AllocOp alloc, int64_t fixed, OpBuilder &builder) {
    Location loc = alloc.getLoc();
    if (alloc.getDynamicSizes().empty())
      return arith::ConstantIndexOp::create(builder, loc,
                                            std::max<int64_t>(kAlignment, llvm::alignTo(fixed, kAlignment)));
    Value bytes = arith::ConstantIndexOp::create(builder, loc, fixed);
    for (Value extent : alloc.getDynamicSizes())
      bytes = builder.createOrFold<arith::MulIOp>(loc, bytes, extent);
    Value padded = builder.createOrFold<arith::AddIOp>(
        loc, bytes, arith::ConstantIndexOp::create(builder, loc, 2 * kAlignment - 1));
    Value mask = arith::ConstantIndexOp::create(builder, loc, -kAlignment);
    return builder.createOrFold<arith::AndIOp>(loc, padded, mask);
  }

  func::FuncOp function;
  Block &entry;
  llvm::DenseSet<Operation *> hoisted;
  Operation *lastHoisted = nullptr;
  std::vector<std::tuple<int64_t, SmallVector<Value>, Value>> knownBytes;
};

struct PlanMemoryPass final : impl::PlanMemoryPassBase<PlanMemoryPass> {
  using Base::Base;

  void runOnOperation() override {
    if (!getOperation().isExternal() && failed(MemoryPlanner(getOperation()).run()))
      signalPassFailure();
  }
};

} // namespace
} // namespace thresh
