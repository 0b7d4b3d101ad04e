//===- SparseLayers.cpp - Layers that use what a predictor chooses ------------===//
#include "compiler/Frontend/Checkpoint/SparseLayers.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"

#include <cmath>
#include <limits>

using namespace mlir;

namespace thresh {

std::vector<int64_t> readPerLayer(JsonFields &fields, llvm::StringRef key, size_t layers, int64_t max) {
  std::vector<int64_t> values(layers, 0);
  std::vector<int64_t> given = fields.integers(key, 0, max);
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
  auto read = [&](llvm::StringRef key) {
    return fields.has(key) ? readPerLayer(fields, key, layers, std::numeric_limits<int32_t>::max())
                           : std::vector<int64_t>(layers, 0);
  };
  std::vector<int64_t> counts = read(names.k), predictors = read(names.predictor);
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

HeadParts splitHeads(GraphBuilder &graph, Value x, int64_t first) {
  OpBuilder &builder = graph.builder;
  SmallVector<OpFoldResult> sizes = tensor::getMixedSizes(builder, graph.loc, x);
  auto part = [&](int64_t begin, int64_t end) -> Value {
    SmallVector<OpFoldResult> offsets(3, builder.getIndexAttr(0)), strides(3, builder.getIndexAttr(1));
    offsets.back() = builder.getIndexAttr(begin);
    sizes.back() = builder.getIndexAttr(end - begin);
    return tensor::ExtractSliceOp::create(builder, graph.loc, x, offsets, sizes, strides);
  };
  return {part(0, first), part(first, cast<RankedTensorType>(x.getType()).getDimSize(2))};
}

/// The type of counts.
static RankedTensorType countsOf(GraphBuilder &graph, ArrayRef<int64_t> shape) {
  return RankedTensorType::get(shape, graph.builder.getI64Type());
}

SparseResult buildSparseAttention(GraphBuilder &graph, llvm::StringRef place, const SparseAttentionInputs &inputs,
                                  LayerSparsity sparsity, const AttentionFacts &facts) {
  OpBuilder &builder = graph.builder;
  auto shape = cast<RankedTensorType>(inputs.query.first.getType()).getShape();
  auto widthOf = [](Value x) { return cast<RankedTensorType>(x.getType()).getDimSize(2); };
  auto type = RankedTensorType::get({shape[0], shape[1], widthOf(inputs.value)}, builder.getF32Type());
  auto real = [&](double value) { return builder.getF64FloatAttr(value); };
  auto inverseRoot = [&](Value x) { return real(1 / std::sqrt(static_cast<double>(widthOf(x)))); };
  FloatAttr scale = sparsity.isImposed ? real(facts.scale) : inverseRoot(inputs.key.first);
  FloatAttr softplus = sparsity.isImposed ? FloatAttr() : inverseRoot(inputs.key.rest);
  auto op = TopkAttentionOp::create(
      builder, placeOf(graph, place), type, countsOf(graph, shape.drop_back()), inputs.query.first, inputs.query.rest,
      inputs.key.first, inputs.key.rest, inputs.value, inputs.position, builder.getI64IntegerAttr(sparsity.k),
      /*exact=*/UnitAttr(), /*unbiased=*/UnitAttr(), scale, softplus, facts.cap == 0 ? FloatAttr() : real(facts.cap),
      builder.getI64IntegerAttr(facts.window), sparsity.isImposed ? builder.getUnitAttr() : UnitAttr());
  return {op.getResult(), op.getSurvivors()};
}

SparseResult buildSparseFeedForward(GraphBuilder &graph, llvm::StringRef place, Value x, int64_t neurons,
                                    LayerSparsity sparsity, llvm::StringRef activation) {
  OpBuilder &builder = graph.builder;
  auto type = cast<RankedTensorType>(x.getType());
  int64_t width = type.getDimSize(1), first = sparsity.predictor;
  bool isImposed = sparsity.isImposed;
  auto weight = [&](llvm::StringRef name, int64_t rows, int64_t columns) {
    return graph.parameter((place + ".mlp." + name + ".weight").str(), {rows, columns});
  };
  Value gate = weight("gate_proj", neurons, isImposed ? width : first);
  Value up = weight("up_proj", neurons, isImposed ? width : width - first);
  Value down = weight("down_proj", width, neurons);
  auto op = SparseFfnOp::create(builder, placeOf(graph, (place + ".mlp").str()), type,
                                countsOf(graph, type.getShape().drop_back()), findActivation(activation),
                                isImposed ? FfnPredictor::Gate : FfnPredictor::FirstDims, isImposed ? 0 : first, x,
                                /*predictor_weights=*/ValueRange(), gate, up, down,
                                builder.getI64IntegerAttr(sparsity.k), /*granularity=*/1, /*mask=*/isImposed,
                                /*unbiased=*/false, /*approximate=*/isImposed);
  return {op.getResult(), op.getSurvivors()};
}

} // namespace thresh
