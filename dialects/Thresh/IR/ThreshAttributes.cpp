//===- ThreshAttributes.cpp - What attributes know of themselves ------------===//
#include "dialects/Thresh/IR/ThreshDialect.h"

#include "mlir/Dialect/Utils/IndexingUtils.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace thresh;

SmallVector<int64_t> PackAttr::packShape(ArrayRef<int64_t> source) const {
  SmallVector<int64_t> shape = applyPermutation(source, getPermutation());
  int64_t panel = getPanel();
  if (panel == 0)
    return shape;
  int64_t panels = llvm::divideCeil(shape.pop_back_val(), panel), rows = shape.back();
  switch (getFormat()) {
  case PackFormat::Elements:
    shape.insert(shape.end() - 1, panels);
    shape.push_back(panel);
    return shape;
  case PackFormat::Q8Codes: return {panels, rows / kTogether, panel, kTogether};
  case PackFormat::Q4Codes: return {panels, rows / (2 * kTogether), panel, kTogether};
  case PackFormat::Q8Scales:
  case PackFormat::Q4Scales: return {panels, rows / kGroup, panel};
  }
  llvm_unreachable("all formats are listed");
}

Type PackAttr::getElementType() const {
  switch (getFormat()) {
  case PackFormat::Elements: return nullptr;
  case PackFormat::Q8Codes:
  case PackFormat::Q4Codes: return IntegerType::get(getContext(), 8);
  case PackFormat::Q8Scales:
  case PackFormat::Q4Scales: return Float16Type::get(getContext());
  }
  llvm_unreachable("all formats are listed");
}
