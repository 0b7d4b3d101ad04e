//===- ThreshAttributes.cpp - What attributes know of themselves ------------===//
#include "dialects/Thresh/IR/ThreshDialect.h"

#include "mlir/Dialect/Utils/IndexingUtils.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace thresh;

namespace {

/// What a quantised format makes of a matrix.
struct FormatTraits {
  PackFormat format;
  int64_t codeBits;
  bool isCodes, isByRow;
};

} // namespace

/// By the number of the format.
static const FormatTraits &traitsOf(PackFormat format) {
  static constexpr FormatTraits table[] = {
      {PackFormat::Elements, 0, false, false},   {PackFormat::Q8Codes, 8, true, false},
      {PackFormat::Q8Scales, 8, false, false},   {PackFormat::Q4Codes, 4, true, false},
      {PackFormat::Q4Scales, 4, false, false},   {PackFormat::Q8RowCodes, 8, true, true},
      {PackFormat::Q8RowScales, 8, false, true}, {PackFormat::Q4RowCodes, 4, true, true},
      {PackFormat::Q4RowScales, 4, false, true}};
  const FormatTraits &traits = table[static_cast<size_t>(format)];
  assert(traits.format == format && "the table is in the order of the enum");
  return traits;
}

bool PackAttr::isQuantized() const { return getFormat() != PackFormat::Elements; }
bool PackAttr::isCodes() const { return traitsOf(getFormat()).isCodes; }
bool PackAttr::isByRow() const { return traitsOf(getFormat()).isByRow; }
int64_t PackAttr::getCodeBits() const { return traitsOf(getFormat()).codeBits; }

SmallVector<int64_t> PackAttr::packShape(ArrayRef<int64_t> source) const {
  SmallVector<int64_t> shape = applyPermutation(source, getPermutation());
  int64_t panel = getPanel(), bits = getCodeBits();
  if (isByRow())
    return {shape[0], isCodes() ? shape[1] * bits / 8 : shape[1] / kGroup};
  if (panel == 0)
    return shape;
  int64_t panels = llvm::divideCeil(shape.pop_back_val(), panel), rows = shape.back();
  if (isCodes())
    return {panels, rows * bits / 8 / kTogether, panel, kTogether};
  if (isQuantized())
    return {panels, rows / kGroup, panel};
  shape.insert(shape.end() - 1, panels);
  shape.push_back(panel);
  return shape;
}

Type PackAttr::getElementType() const {
  if (!isQuantized())
    return nullptr;
  return isCodes() ? Type(IntegerType::get(getContext(), 8)) : Float16Type::get(getContext());
}
