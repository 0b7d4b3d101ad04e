//===- ReshapeGroups.cpp - Which dimensions a reshape merges and splits -----===//
#include "compiler/Conversion/ThreshToLinalg/ReshapeGroups.h"
#include "compiler/Conversion/ThreshToLinalg/ExtentRoot.h"

#include "mlir/IR/BuiltinTypes.h"

using namespace mlir;

namespace thresh {
namespace {

/// A product of extents: a number times unknowns.
struct Product {
  int64_t number = 1;
  SmallVector<ExtentRoot> unknowns;

  void multiply(const ExtentRoot &extent) {
    if (extent.constant)
      number *= *extent.constant;
    else
      unknowns.push_back(extent);
  }

  /// Whether more factors might turn this product into `other`: its unknowns are among the other's, and its number
  /// divides the other's or, between equal unknowns, is the smaller one.
  bool canGrowInto(const Product &other) const {
    SmallVector<ExtentRoot> left(other.unknowns);
    for (const ExtentRoot &unknown : unknowns) {
      auto found = llvm::find(left, unknown);
      if (found == left.end())
        return false;
      left.erase(found);
    }
    return (left.empty() && number < other.number) || (number != 0 && other.number % number == 0);
  }
};

/// One group found from an end of the shapes: how many dimensions it takes of the input and of the result.
struct GroupSize {
  int64_t input = 0, result = 0;
};

/// The smallest equal products at the front of two lists of extents, if they prove to be equal.
std::optional<GroupSize> firstGroup(ArrayRef<ExtentRoot> input, ArrayRef<ExtentRoot> result) {
  if (input.empty() || result.empty())
    return std::nullopt;
  GroupSize size{1, 1};
  Product inputProduct, resultProduct;
  inputProduct.multiply(input[0]);
  resultProduct.multiply(result[0]);
  while (true) {
    bool inputCanGrow = inputProduct.canGrowInto(resultProduct),
         resultCanGrow = resultProduct.canGrowInto(inputProduct);
    if (inputCanGrow && resultCanGrow)
      return size;
    if (inputCanGrow && size.input < static_cast<int64_t>(input.size()))
      inputProduct.multiply(input[size.input++]);
    else if (resultCanGrow && size.result < static_cast<int64_t>(result.size()))
      resultProduct.multiply(result[size.result++]);
    else
      return std::nullopt;
  }
}

/// The groups at the front of two lists of extents, as far as they go; the lists are left with the rest.
SmallVector<GroupSize> takeGroups(ArrayRef<ExtentRoot> &input, ArrayRef<ExtentRoot> &result) {
  SmallVector<GroupSize> groups;
  while (std::optional<GroupSize> group = firstGroup(input, result)) {
    groups.push_back(*group);
    input = input.drop_front(group->input);
    result = result.drop_front(group->result);
  }
  return groups;
}

} // namespace

ReshapeGroups groupReshape(Value input, ArrayRef<OpFoldResult> resultSizes) {
  SmallVector<ExtentRoot> inputExtents, resultExtents;
  for (int64_t dim = 0, rank = cast<RankedTensorType>(input.getType()).getRank(); dim < rank; ++dim)
    inputExtents.push_back(extentRoot(input, dim));
  for (OpFoldResult size : resultSizes)
    resultExtents.push_back(extentRoot(size));
  if (inputExtents.empty() || resultExtents.empty())
    return {};

  ArrayRef<ExtentRoot> inputRest(inputExtents), resultRest(resultExtents);
  SmallVector<GroupSize> sizes = takeGroups(inputRest, resultRest);
  SmallVector<ExtentRoot> inputReversed(llvm::reverse(inputRest)), resultReversed(llvm::reverse(resultRest));
  ArrayRef<ExtentRoot> inputMiddle(inputReversed), resultMiddle(resultReversed);
  SmallVector<GroupSize> back = takeGroups(inputMiddle, resultMiddle);
  GroupSize middle{static_cast<int64_t>(inputMiddle.size()), static_cast<int64_t>(resultMiddle.size())};
  // A rest on one side alone has product 1 and joins a neighbour.
  if (middle.input > 0 && middle.result > 0) {
    sizes.push_back(middle);
  } else {
    GroupSize &neighbour = sizes.empty() ? back.back() : sizes.back();
    neighbour.input += middle.input;
    neighbour.result += middle.result;
  }
  llvm::append_range(sizes, llvm::reverse(back));

  ReshapeGroups groups;
  int64_t inputDim = 0, resultDim = 0;
  for (GroupSize size : sizes) {
    groups.input.push_back(llvm::to_vector<2>(llvm::seq(inputDim, inputDim + size.input)));
    groups.result.push_back(llvm::to_vector<2>(llvm::seq(resultDim, resultDim + size.result)));
    inputDim += size.input;
    resultDim += size.result;
  }
  return groups;
}

} // namespace thresh
