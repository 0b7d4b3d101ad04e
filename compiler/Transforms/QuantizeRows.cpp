//===- QuantizeRows.cpp - Narrower rows for sparse kernels --------------------===//
#include "compiler/Transforms/QuantizeRows.h"

#include "dialects/Thresh/IR/ThreshSparseKernelOps.h"

#include "mlir/IR/TypeUtilities.h"
#include "llvm/ADT/SetVector.h"

using namespace mlir;

namespace thresh {

namespace {

/// One of the tensors that stand for a matrix. Without an element type the packing demands one.
struct Part {
  StringRef suffix;
  PackFormat packing;
  FloatType element;
};

class RowQuantizer {
public:
  RowQuantizer(ModuleOp module, WeightFormat weights) : module(module), symbols(module), builder(module.getContext()) {
    switch (weights) {
    case WeightFormat::None: break;
    case WeightFormat::F16: parts = {{"_f16", PackFormat::Elements, builder.getF16Type()}}; break;
    case WeightFormat::BF16: parts = {{"_bf16", PackFormat::Elements, builder.getBF16Type()}}; break;
    case WeightFormat::Q8:
      parts = {{"_codes", PackFormat::Q8RowCodes, {}}, {"_scales", PackFormat::Q8RowScales, {}}};
      format = QuantFormatAttr::get(module.getContext(), QuantFormat::Q8);
      break;
    case WeightFormat::Q4:
      parts = {{"_codes", PackFormat::Q4RowCodes, {}}, {"_scales", PackFormat::Q4RowScales, {}}};
      format = QuantFormatAttr::get(module.getContext(), QuantFormat::Q4);
      break;
    }
  }

  void run() {
    if (parts.empty())
      return;
    module.walk([&](ActiveRowsOp op) {
      if (std::optional<std::string> reason = whyNot(op))
        op.emitRemark() << "the weights of '" << op->getName() << "' stay as they are: " << *reason;
      else
        quantize(op);
    });
    for (ParameterOp original : originals)
      if (SymbolTable::symbolKnownUseEmpty(original, module))
        original.erase();
  }

private:
  static LoadParameterOp loadOf(Value weight) { return weight.getDefiningOp<LoadParameterOp>(); }

  std::optional<std::string> whyNot(ActiveRowsOp op) const {
    for (ValueRange weights : {ValueRange(op.getUp()), ValueRange(op.getDown())})
      for (Value weight : weights) {
        if (!loadOf(weight))
          return "they are not parameters";
        if (!getElementTypeOrSelf(weight.getType()).isF32())
          return "their elements are not f32";
        int64_t width = cast<RankedTensorType>(weight.getType()).getDimSize(1);
        if (format && width % PackAttr::kGroup != 0)
          return "a width of " + std::to_string(width) + " is no multiple of " + std::to_string(PackAttr::kGroup);
      }
    return std::nullopt;
  }

  void quantize(ActiveRowsOp op) {
    SmallVector<Value> up = replace(op, op.getUp()), down = replace(op, op.getDown());
    op.getUpMutable().assign(up);
    op.getDownMutable().assign(down);
    op.setFormatAttr(format);
    for (LoadParameterOp load : loads)
      if (load->use_empty())
        load.erase();
    loads.clear();
  }

  /// The parts of the weights, loaded before `op`.
  SmallVector<Value> replace(ActiveRowsOp op, ValueRange weights) {
    SmallVector<Value> values;
    for (Value weight : weights) {
      auto original = symbols.lookup<ParameterOp>(loadOf(weight).getParameter());
      originals.insert(original);
      loads.insert(loadOf(weight));
      for (const Part &part : parts) {
        builder.setInsertionPoint(original);
        ParameterOp stored = store(original, part);
        builder.setInsertionPoint(op);
        values.push_back(LoadParameterOp::create(builder, op.getLoc(), cast<RankedTensorType>(stored.getType()),
                                                 stored.getSymName()));
      }
    }
    return values;
  }

  /// The parameter of `part`, made once for all readers of the original.
  ParameterOp store(ParameterOp original, const Part &part) {
    ParameterOp &stored = known[{original, &part}];
    if (!stored) {
      ArrayRef<int64_t> shape = original.getSource().getType().getShape();
      std::optional<PackAttr> given = original.getPack();
      SmallVector<int64_t> permutation =
          given ? SmallVector<int64_t>(given->getPermutation()) : SmallVector<int64_t>{0, 1};
      auto pack = PackAttr::get(builder.getContext(), permutation, /*panel=*/0, part.packing);
      Type element = part.element ? Type(part.element) : pack.getElementType();
      auto type = RankedTensorType::get(pack.packShape(shape), element);
      stored = ParameterOp::create(builder, original.getLoc(), (original.getSymName() + part.suffix).str(), type,
                                   original.getSource(), pack);
      symbols.insert(stored);
    }
    return stored;
  }

  ModuleOp module;
  SymbolTable symbols;
  OpBuilder builder;
  SmallVector<Part> parts;
  QuantFormatAttr format;
  llvm::DenseMap<std::pair<ParameterOp, const Part *>, ParameterOp> known;
  llvm::SetVector<ParameterOp> originals;
  llvm::SetVector<LoadParameterOp> loads; ///< of the weights of one op
};

} // namespace

void quantizeActiveRows(ModuleOp module, WeightFormat format) { RowQuantizer(module, format).run(); }

} // namespace thresh
