//===- LowerRowWrites.cpp - thresh.write_rows becomes copies of rows --------===//
//
// Along the dimensions before the axis a cache is so many slabs, and the rows of a slab are contiguous.
//
//===---------------------------------------------------------------------===//
#include "compiler/Conversion/HostToLLVM/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;

namespace thresh {
#define GEN_PASS_DEF_LOWERROWWRITESPASS
#include "compiler/Conversion/HostToLLVM/Passes.h.inc"

namespace {

/// Lowers one op. Numbers are values of type i64; addresses too.
class RowWriter {
public:
  explicit RowWriter(WriteRowsOp op) : op(op), builder(op), loc(op.getLoc()), i64(builder.getI64Type()) {}

  void lower() {
    int64_t axis = op.getAxis();
    entries = extent(op.getPast(), 0);
    slabs = product(op.getPast(), 0, axis);
    slabsPerEntry = product(op.getPast(), 1, axis);
    int64_t elementBytes = llvm::divideCeil(cast<MemRefType>(op.getPast().getType()).getElementTypeBitWidth(), 8);
    rowBytes = mul(product(op.getPast(), axis + 1, cast<MemRefType>(op.getPast().getType()).getRank()),
                   constant(elementBytes));
    pastRows = extent(op.getPast(), axis);
    newRows = extent(op.getRows(), axis);
    presentRows = extent(op.getDest(), axis);
    past = address(op.getPast());
    present = address(op.getDest());
    Value isElsewhere = compare(arith::CmpIPredicate::ne, past, present);
    Value keepsSize = compare(arith::CmpIPredicate::eq, pastRows, presentRows);
    check(arith::OrIOp::create(builder, loc, isElsewhere, keepsSize),
          "a cache of %lld rows cannot become one of %lld in its own memory", pastRows, presentRows);
    checkStarts();
    auto branch = scf::IfOp::create(builder, loc, isElsewhere, /*withElseRegion=*/false);
    {
      OpBuilder::InsertionGuard guard(builder);
      builder.setInsertionPointToStart(branch.thenBlock());
      copyPast();
    }
    copyRows();
    op.erase();
  }

private:
  /// All of them before anything is written.
  void checkStarts() {
    forEach(entries, [&](Value entry) {
      Value start = startOf(entry), end = add(start, newRows);
      Value isInside = arith::AndIOp::create(builder, loc, compare(arith::CmpIPredicate::sge, start, constant(0)),
                                             compare(arith::CmpIPredicate::sle, end, presentRows));
      check(isInside, "rows from %lld on do not fit into a cache of %lld", start, presentRows);
    });
  }

  void copyPast() {
    Value kept = arith::MinSIOp::create(builder, loc, pastRows, presentRows);
    Value bytes = mul(kept, rowBytes);
    Value rest = mul(arith::SubIOp::create(builder, loc, presentRows, kept), rowBytes);
    Value zero = arith::ConstantIntOp::create(builder, loc, builder.getI8Type(), 0);
    forEach(slabs, [&](Value slab) {
      Value target = add(present, mul(mul(slab, presentRows), rowBytes));
      Value source = add(past, mul(mul(slab, pastRows), rowBytes));
      LLVM::MemcpyOp::create(builder, loc, pointer(target), pointer(source), bytes, /*isVolatile=*/false);
      LLVM::MemsetOp::create(builder, loc, pointer(add(target, bytes)), zero, rest, /*isVolatile=*/false);
    });
  }

  void copyRows() {
    Value rows = address(op.getRows()), bytes = mul(newRows, rowBytes);
    forEach(slabs, [&](Value slab) {
      Value start = startOf(arith::DivUIOp::create(builder, loc, slab, slabsPerEntry));
      Value target = add(present, mul(add(mul(slab, presentRows), start), rowBytes));
      Value source = add(rows, mul(slab, bytes));
      LLVM::MemcpyOp::create(builder, loc, pointer(target), pointer(source), bytes, /*isVolatile=*/false);
    });
  }

  void forEach(Value count, llvm::function_ref<void(Value)> body) {
    auto index = [&](Value number) { return arith::IndexCastOp::create(builder, loc, builder.getIndexType(), number); };
    auto loop = scf::ForOp::create(builder, loc, index(constant(0)), index(count), index(constant(1)));
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToStart(loop.getBody());
    body(toI64(loop.getInductionVar()));
  }

  void check(Value condition, StringRef format, Value a, Value b) {
    CheckOp::create(builder, loc, condition, builder.getStringAttr(format), ValueRange{a, b});
  }

  Value startOf(Value entry) {
    Value index = arith::IndexCastOp::create(builder, loc, builder.getIndexType(), entry);
    return memref::LoadOp::create(builder, loc, op.getStarts(), index);
  }

  Value address(Value memref) { return toI64(memref::ExtractAlignedPointerAsIndexOp::create(builder, loc, memref)); }
  Value pointer(Value address) {
    return LLVM::IntToPtrOp::create(builder, loc, LLVM::LLVMPointerType::get(builder.getContext()), address);
  }

  Value extent(Value memref, int64_t dim) { return toI64(builder.createOrFold<memref::DimOp>(loc, memref, dim)); }
  Value product(Value memref, int64_t begin, int64_t end) {
    Value result = constant(1);
    for (int64_t dim = begin; dim < end; ++dim)
      result = mul(result, extent(memref, dim));
    return result;
  }

  Value constant(int64_t number) { return arith::ConstantIntOp::create(builder, loc, i64, number); }
  Value toI64(Value index) { return builder.createOrFold<arith::IndexCastOp>(loc, i64, index); }
  Value add(Value a, Value b) { return builder.createOrFold<arith::AddIOp>(loc, a, b); }
  Value mul(Value a, Value b) { return builder.createOrFold<arith::MulIOp>(loc, a, b); }
  Value compare(arith::CmpIPredicate predicate, Value a, Value b) {
    return arith::CmpIOp::create(builder, loc, predicate, a, b);
  }

  WriteRowsOp op;
  OpBuilder builder;
  Location loc;
  Type i64;
  Value entries, slabs, slabsPerEntry, rowBytes;
  Value pastRows, newRows, presentRows;
  Value past, present;
};

struct LowerRowWritesPass final : impl::LowerRowWritesPassBase<LowerRowWritesPass> {
  using Base::Base;

  void runOnOperation() override {
    getOperation().walk([](WriteRowsOp op) { RowWriter(op).lower(); });
  }
};

} // namespace
} // namespace thresh
