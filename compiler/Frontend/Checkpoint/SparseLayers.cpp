//===- SparseLayers.cpp - Layers that use what a predictor chooses ------------===//
#include "compiler/Frontend/Checkpoint/SparseLayers.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"

#include <cmath>
#include <limits>

using namespace mlir;

namespace thresh {

/// A field that is one integer for all layers or a list of one for each; all 0 if it is absent.
static std::vector<int64_t> perLayer(JsonFields &fields, llvm::StringRef key, size_t layers) {
  std::vector<int64_t> values(layers, 0);
  if (!fields.has(key))
    return values;
  std::vector<int64_t> given = fields.integers(key, 0, std::numeric_limits<int32_t>::max());
  if (given.size() == 1)
    std::fill(values.begin(), values.end(), given.front());
  else if (given.size() == layers)
    values = given;
  else if (!given.empty())
    fields.fail(key, "expects an integer or one for each of " + llvm::Twine(layers) + " layers, but got " +
                         llvm::Twine(given.size()));
  return values;
}

std::vector<LayerSparsity> readSparsity(JsonFields &fields, const SparsityFields &names, size_t layers, int64_t width,
                                        int64_t step) {
  std::vector<int64_t> counts = perLayer(fields, names.k, layers),
                       predictors = perLayer(fields, names.predictor, layers);
  std::vector<LayerSparsity> result(layers);
  for (size_t layer = 0; layer < layers; ++layer) {
    if (counts[layer] == 0)
      continue;
    if (predictors[layer] >= step && predictors[layer] <= width - step && predictors[layer] % step == 0)
      result[layer] = {counts[layer], predictors[layer]};
    else
      fields.fail(names.predictor, "expects " + llvm::Twine(step == 1 ? "an integer" : "an even integer") + " from " +
                                       llvm::Twine(step) + " to " + llvm::Twine(width - step) + " where " + names.k +
                                       " is positive, but got " + llvm::Twine(predictors[layer]));
  }
  return result;
}

/// The place in the model that diagnostics of the op name.
static Location placeOf(GraphBuilder &graph, llvm::StringRef place) {
  return NameLoc::get(graph.builder.getStringAttr(place), graph.loc);
}

Value rotateParts(GraphBuilder &graph, Value x, int64_t first, std::pair<Value, Value> firstAngles,
                  std::pair<Value, Value> restAngles) {
  OpBuilder &builder = graph.builder;
  SmallVector<OpFoldResult> sizes = tensor::getMixedSizes(builder, graph.loc, x);
  int64_t width = cast<RankedTensorType>(x.getType()).getDimSize(2);
  auto part = [&](int64_t begin, int64_t end, std::pair<Value, Value> angles) -> Value {
    SmallVector<OpFoldResult> offsets(3, builder.getIndexAttr(0)), strides(3, builder.getIndexAttr(1));
    offsets.back() = builder.getIndexAttr(begin);
    sizes.back() = builder.getIndexAttr(end - begin);
    Value slice = tensor::ExtractSliceOp::create(builder, graph.loc, x, offsets, sizes, strides);
    return RotaryEmbeddingOp::create(builder, graph.loc, slice, angles.first, angles.second, /*interleaved=*/false);
  };
  Value parts[] = {part(0, first, firstAngles), part(first, width, restAngles)};
  return tensor::ConcatOp::create(builder, graph.loc, /*dim=*/2, ValueRange(parts));
}

/// The type of counts.
static RankedTensorType countsOf(GraphBuilder &graph, ArrayRef<int64_t> shape) {
  return RankedTensorType::get(shape, graph.builder.getI64Type());
}

SparseResult buildSparseAttention(GraphBuilder &graph, llvm::StringRef place, const SparseAttentionInputs &inputs,
                                  LayerSparsity sparsity, double cap, int64_t window) {
  OpBuilder &builder = graph.builder;
  auto type = cast<RankedTensorType>(inputs.query.getType());
  auto inverseRoot = [&](int64_t width) { return builder.getF64FloatAttr(1 / std::sqrt(static_cast<double>(width))); };
  auto op = TopkAttentionOp::create(
      builder, placeOf(graph, place), type, countsOf(graph, type.getShape().drop_back()), inputs.query, inputs.key,
      inputs.value, inputs.position, builder.getI64IntegerAttr(sparsity.predictor),
      builder.getI64IntegerAttr(sparsity.k), /*exact=*/UnitAttr(), /*unbiased=*/UnitAttr(),
      inverseRoot(sparsity.predictor), inverseRoot(type.getDimSize(2) - sparsity.predictor),
      cap == 0 ? FloatAttr() : builder.getF64FloatAttr(cap), builder.getI64IntegerAttr(window));
  return {op.getResult(), op.getSurvivors()};
}

SparseResult buildSparseFeedForward(GraphBuilder &graph, llvm::StringRef place, Value x, int64_t neurons,
                                    LayerSparsity sparsity, llvm::StringRef activation) {
  OpBuilder &builder = graph.builder;
  auto type = cast<RankedTensorType>(x.getType());
  int64_t width = type.getDimSize(1), first = sparsity.predictor;
  auto weight = [&](llvm::StringRef name, int64_t rows, int64_t columns) {
    return graph.parameter((place + ".mlp." + name + ".weight").str(), {rows, columns});
  };
  Value gate = weight("gate_proj", neurons, first), up = weight("up_proj", neurons, width - first);
  Value down = weight("down_proj", width, neurons);
  auto op = SparseFfnOp::create(
      builder, placeOf(graph, (place + ".mlp").str()), type, countsOf(graph, type.getShape().drop_back()),
      findActivation(activation), FfnPredictor::FirstDims, first, x, /*predictor_weights=*/ValueRange(), gate, up, down,
      builder.getI64IntegerAttr(sparsity.k), /*granularity=*/1, /*mask=*/false, /*unbiased=*/false);
  return {op.getResult(), op.getSurvivors()};
}

} // namespace thresh
