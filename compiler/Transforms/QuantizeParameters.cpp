//===- QuantizeParameters.cpp - Narrower matrices in place of f32 ------------===//
//
// Works on the graph: a matrix that only products and row gathers read is stored as the format says. One that cannot be
// stays as it is, with a remark that says why.
//
//===-----------------------------------------------------------------------===//
#include "compiler/Conversion/ThreshToLinalg/LinalgBuilders.h"
#include "compiler/Transforms/Passes.h"
#include "compiler/Transforms/QuantizeRows.h"

using namespace mlir;

namespace thresh {
#define GEN_PASS_DEF_QUANTIZEPARAMETERSPASS
#include "compiler/Transforms/Passes.h.inc"

namespace {

/// The ops that read one parameter.
struct Readers {
  SmallVector<LoadParameterOp> loads;
  SmallVector<MatmulOp> products;
  SmallVector<GatherOp> gathers;
  Operation *other = nullptr; ///< one that needs the values themselves
};

/// A parameter in two parts.
struct QuantizedParameter {
  ParameterOp codes, scales;
  QuantFormat format;
  int64_t rows, depth;
};

bool isMatrixOfFloats(ParameterOp parameter) {
  auto type = cast<RankedTensorType>(parameter.getType());
  return !parameter.getPack() && type.getRank() == 2 && isa<FloatType>(type.getElementType());
}

/// x as a matrix: all dimensions but the last become one.
Value flattenRows(OpBuilder &builder, Location loc, Value x, ArrayRef<OpFoldResult> sizes) {
  return sizes.size() == 2 ? x : ReshapeOp::create(builder, loc, x, {countRows(builder, loc, x), sizes.back()});
}

class Quantizer {
public:
  Quantizer(ModuleOp module, QuantFormat format) : symbols(module), builder(module.getContext()), format(format) {}

  /// Why the parameter cannot be quantised, or an empty string.
  static std::string whyNot(ParameterOp parameter, Readers &readers) {
    auto type = cast<RankedTensorType>(parameter.getType());
    if (readers.other)
      return "'" + readers.other->getName().getStringRef().str() + "' reads its values";
    if (!type.getElementType().isF32())
      return "its elements are not f32";
    bool isTransposed = !readers.gathers.empty() || readers.products.front().getTransposeRhs();
    for (MatmulOp product : readers.products) {
      if (product.getTransposeRhs() != isTransposed)
        return "it is read both as a matrix and as its transpose";
      if (!product.getLhs().getType().getElementType().isF32())
        return "it multiplies elements that are not f32";
    }
    int64_t depth = type.getDimSize(isTransposed ? 1 : 0);
    if (depth == 0 || depth % PackAttr::kGroup != 0)
      return "its depth of " + std::to_string(depth) + " is no multiple of " + std::to_string(PackAttr::kGroup);
    return "";
  }

  void quantize(ParameterOp parameter, Readers &readers) {
    QuantizedParameter parts = split(parameter, !readers.gathers.empty() || readers.products.front().getTransposeRhs());
    for (MatmulOp product : readers.products)
      replaceProduct(product, parts);
    for (GatherOp gather : readers.gathers)
      replaceGather(gather, parts);
    for (LoadParameterOp load : readers.loads)
      load.erase();
    parameter.erase();
  }

private:
  QuantizedParameter split(ParameterOp parameter, bool isTransposed) {
    ArrayRef<int64_t> shape = cast<RankedTensorType>(parameter.getType()).getShape();
    bool isQ8 = format == QuantFormat::Q8;
    builder.setInsertionPoint(parameter);
    auto part = [&](StringRef suffix, PackFormat packFormat) {
      SmallVector<int64_t> permutation = {isTransposed, !isTransposed};
      auto pack = PackAttr::get(builder.getContext(), permutation, PackAttr::kPanel, packFormat);
      auto type = RankedTensorType::get(pack.packShape(shape), pack.getElementType());
      auto op = ParameterOp::create(builder, parameter.getLoc(), (parameter.getSymName() + suffix).str(), type,
                                    parameter.getSource(), pack);
      symbols.insert(op);
      return op;
    };
    return {part("_codes", isQ8 ? PackFormat::Q8Codes : PackFormat::Q4Codes),
            part("_scales", isQ8 ? PackFormat::Q8Scales : PackFormat::Q4Scales), format, shape[!isTransposed],
            shape[isTransposed]};
  }

  Value load(ParameterOp parameter, Location loc) {
    return LoadParameterOp::create(builder, loc, cast<RankedTensorType>(parameter.getType()), parameter.getSymName());
  }

  void replaceProduct(MatmulOp op, const QuantizedParameter &parts) {
    Location loc = op.getLoc();
    builder.setInsertionPoint(op);
    SmallVector<OpFoldResult> sizes = tensor::getMixedSizes(builder, loc, op.getLhs());
    Value lhs = flattenRows(builder, loc, op.getLhs(), sizes);
    auto type =
        RankedTensorType::get({cast<RankedTensorType>(lhs.getType()).getDimSize(0), parts.rows}, builder.getF32Type());
    Value codes = load(parts.codes, loc), scales = load(parts.scales, loc);
    Value result = QuantizedMatmulOp::create(builder, loc, type, format, lhs, codes, scales);
    sizes.back() = builder.getIndexAttr(parts.rows);
    if (sizes.size() != 2)
      result = ReshapeOp::create(builder, loc, result, sizes);
    replace(op, result);
  }

  void replaceGather(GatherOp op, const QuantizedParameter &parts) {
    builder.setInsertionPoint(op);
    Value codes = load(parts.codes, op.getLoc()), scales = load(parts.scales, op.getLoc());
    replace(op, QuantizedGatherOp::create(builder, op.getLoc(), op.getResult().getType(), format, codes, scales,
                                          op.getIndices(), parts.rows));
  }

  void replace(Operation *op, Value result) {
    if (result.getType() != op->getResult(0).getType())
      result = tensor::CastOp::create(builder, op->getLoc(), op->getResult(0).getType(), result);
    op->getResult(0).replaceAllUsesWith(result);
    op->erase();
  }

  SymbolTable symbols;
  OpBuilder builder;
  QuantFormat format;
};

/// Stores the matrix in narrower floats; products widen its elements, other readers get them widened.
void narrow(ParameterOp parameter, Readers &readers, FloatType element) {
  auto wide = cast<RankedTensorType>(parameter.getType());
  if (wide.getElementTypeBitWidth() <= element.getWidth())
    return;
  RankedTensorType type = wide.clone(element);
  parameter.setType(type);
  for (LoadParameterOp load : readers.loads) {
    load.getResult().setType(type);
    OpBuilder builder(load->getContext());
    for (OpOperand &use : llvm::make_early_inc_range(load.getResult().getUses())) {
      if (isa<MatmulOp>(use.getOwner()) && use.getOperandNumber() == 1)
        continue;
      builder.setInsertionPoint(use.getOwner());
      if (auto gather = dyn_cast<GatherOp>(use.getOwner())) {
        auto wideResult = gather.getResult().getType();
        auto narrowGather = GatherOp::create(builder, gather.getLoc(), wideResult.clone(element), load.getResult(),
                                             gather.getIndices(), gather.getDimension());
        gather.replaceAllUsesWith(
            arith::ExtFOp::create(builder, gather.getLoc(), wideResult, narrowGather.getResult()).getResult());
        gather.erase();
      } else {
        use.set(arith::ExtFOp::create(builder, load.getLoc(), wide, load.getResult()));
      }
    }
  }
}

struct QuantizeParametersPass final : impl::QuantizeParametersPassBase<QuantizeParametersPass> {
  using Base::Base;

  void runOnOperation() override {
    if (format == WeightFormat::None)
      return;
    quantizeActiveRows(getOperation(), format);
    bool isQuantized = format == WeightFormat::Q8 || format == WeightFormat::Q4;
    FloatType element =
        format == WeightFormat::BF16 ? FloatType(BFloat16Type::get(&getContext())) : Float16Type::get(&getContext());
    Quantizer quantizer(getOperation(), format == WeightFormat::Q8 ? QuantFormat::Q8 : QuantFormat::Q4);
    for (auto &[parameter, readers] : findReaders()) {
      if (readers.products.empty() && readers.gathers.empty())
        continue;
      if (!isQuantized) {
        narrow(parameter, readers, element);
        continue;
      }
      if (std::string reason = Quantizer::whyNot(parameter, readers); !reason.empty())
        parameter.emitRemark() << "'" << parameter.getSource().getTensor().getValue()
                               << "' is not quantised: " << reason;
      else
        quantizer.quantize(parameter, readers);
    }
  }

  /// The matrices of floats and what reads them.
  llvm::MapVector<ParameterOp, Readers> findReaders() {
    llvm::MapVector<ParameterOp, Readers> result;
    SymbolTable symbols(getOperation());
    getOperation().walk([&](LoadParameterOp load) {
      auto parameter = symbols.lookup<ParameterOp>(load.getParameter());
      if (!isMatrixOfFloats(parameter))
        return;
      Readers &readers = result[parameter];
      readers.loads.push_back(load);
      for (OpOperand &use : load.getResult().getUses()) {
        auto product = dyn_cast<MatmulOp>(use.getOwner());
        auto gather = dyn_cast<GatherOp>(use.getOwner());
        if (product && use.getOperandNumber() == 1)
          readers.products.push_back(product);
        else if (gather && use.getOperandNumber() == 0 && gather.getDimension() == 0)
          readers.gathers.push_back(gather);
        else
          readers.other = use.getOwner();
      }
    });
    return result;
  }
};

} // namespace
} // namespace thresh
