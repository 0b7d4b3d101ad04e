//===- InterleaveRows.cpp - Rows that are read together lie together ----------===//
#include "compiler/Transforms/Passes.h"

#include "dialects/Thresh/IR/ThreshSparseKernelOps.h"

#include "mlir/IR/SymbolTable.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/SmallPtrSet.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Support/MathExtras.h"

#include <limits>

using namespace mlir;

namespace thresh {
#define GEN_PASS_DEF_INTERLEAVEROWSPASS
#include "compiler/Transforms/Passes.h.inc"

namespace {

/// The parameters whose rows an op reads, in the order of its operands; empty unless all weights are parameters.
using Company = SmallVector<ParameterOp>;

/// Up to the last dot before they differ, then "neurons": what the tensors' names have in common.
std::string nameRecord(ArrayRef<ParameterOp> company) {
  StringRef common = ParameterOp(company.front()).getSource().getTensor().getValue();
  for (ParameterOp parameter : company) {
    StringRef name = parameter.getSource().getTensor().getValue();
    size_t equal = 0;
    while (equal < std::min(common.size(), name.size()) && common[equal] == name[equal])
      ++equal;
    common = common.take_front(equal);
  }
  return (common.take_front(common.rfind('.') + 1) + "neurons").str();
}

struct InterleaveRowsPass final : impl::InterleaveRowsPassBase<InterleaveRowsPass> {
  using Base::Base;

  void runOnOperation() override {
    SymbolTable symbols(getOperation());
    llvm::MapVector<ParameterOp, SmallVector<Company>> companies;
    getOperation().walk([&](LoadParameterOp load) {
      auto parameter = symbols.lookup<ParameterOp>(load.getParameter());
      for (Operation *reader : load->getUsers())
        companies[parameter].push_back(companyAt(reader, symbols));
    });
    llvm::StringSet<> names;
    for (auto &[parameter, found] : companies)
      if (!parameter.getRecord() && isTogether(found.front(), companies))
        interleave(found.front(), names);
  }

  static Company companyAt(Operation *reader, const SymbolTable &symbols) {
    Company company;
    auto op = dyn_cast<ActiveRowsOp>(reader);
    if (!op)
      return company;
    for (ValueRange weights : {ValueRange(op.getUp()), ValueRange(op.getDown())})
      for (Value weight : weights) {
        auto load = weight.getDefiningOp<LoadParameterOp>();
        if (!load)
          return {};
        company.push_back(symbols.lookup<ParameterOp>(load.getParameter()));
      }
    return company;
  }

  /// Whether every reader of every member has this company, of several different parameters.
  static bool isTogether(const Company &company, const llvm::MapVector<ParameterOp, SmallVector<Company>> &companies) {
    llvm::SmallPtrSet<Operation *, 4> members;
    for (ParameterOp parameter : company)
      members.insert(parameter);
    return company.size() > 1 && members.size() == company.size() && llvm::all_of(company, [&](ParameterOp member) {
             return llvm::all_of(companies.lookup(member), [&](const Company &other) { return other == company; });
           });
  }

  /// `names`: those of all records.
  void interleave(const Company &company, llvm::StringSet<> &names) {
    int64_t bytes = 0;
    SmallVector<int64_t> offsets;
    for (ParameterOp parameter : company) {
      auto type = cast<RankedTensorType>(parameter.getType());
      bytes = llvm::alignTo(bytes, llvm::divideCeil(type.getElementTypeBitWidth(), 8));
      offsets.push_back(bytes);
      bytes += parameter.getRowBytes();
    }
    bytes = llvm::alignTo(bytes, RecordAttr::kAlignment);
    // Kernels index with 32 bits, bytes at worst.
    int64_t rows = cast<RankedTensorType>(ParameterOp(company.front()).getType()).getDimSize(0);
    if (rows * bytes > std::numeric_limits<int32_t>::max())
      return;
    std::string base = nameRecord(company), name = base;
    for (int suffix = 1; !names.insert(name).second; ++suffix)
      name = base + "." + std::to_string(suffix);
    for (auto [parameter, offset] : llvm::zip_equal(company, offsets))
      ParameterOp(parameter).setRecordAttr(
          RecordAttr::get(&getContext(), StringAttr::get(&getContext(), name), offset, bytes));
  }
};

} // namespace
} // namespace thresh
