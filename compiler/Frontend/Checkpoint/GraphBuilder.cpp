//===- GraphBuilder.cpp - What the architectures' builders share -------------===//
#include "compiler/Frontend/Checkpoint/GraphBuilder.h"

#include "compiler/Frontend/Checkpoint/Json.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;

namespace thresh {

/// The MLIR type of a stored dtype that weights may have, or null.
static Type getWeightType(llvm::StringRef dtype, MLIRContext *context) {
  if (dtype == "F32")
    return Float32Type::get(context);
  if (dtype == "F16")
    return Float16Type::get(context);
  if (dtype == "BF16")
    return BFloat16Type::get(context);
  return nullptr;
}

static std::string describeShape(ArrayRef<int64_t> shape) {
  return "[" + llvm::join(llvm::map_range(shape, [](int64_t extent) { return std::to_string(extent); }), ", ") + "]";
}

GraphBuilder::GraphBuilder(ModuleOp module, const CheckpointTensors &tensors, const llvm::StringMap<int64_t> &fixedDims)
    : builder(OpBuilder::atBlockEnd(module.getBody())), loc(module.getLoc()), module(module), tensors(tensors),
      fixedDims(fixedDims) {}

void GraphBuilder::fail(llvm::Error newError) {
  if (error)
    llvm::consumeError(std::move(newError));
  else
    error = std::move(newError);
}

//===----------------------------------------------------------------------===//
// Entry point
//===----------------------------------------------------------------------===//

DictionaryAttr GraphBuilder::signatureAttrs(llvm::StringRef name, RankedTensorType type, ArrayRef<llvm::StringRef> dims,
                                            std::optional<int64_t> defaultValue) {
  SmallVector<llvm::StringRef> names;
  for (auto [extent, dim] : llvm::zip_equal(type.getShape(), dims))
    names.push_back(ShapedType::isDynamic(extent) ? dim : "");
  NamedAttrList attrs;
  attrs.set("thresh.name", builder.getStringAttr(name));
  attrs.set("thresh.dims", builder.getStrArrayAttr(names));
  if (defaultValue)
    attrs.set("thresh.default", builder.getI64IntegerAttr(*defaultValue));
  return attrs.getDictionary(builder.getContext());
}

void GraphBuilder::checkFixedDims() {
  for (const auto &[name, extent] : fixedDims) {
    if (!llvm::is_contained(dims, name))
      fail(makeError("dimension \"" + name + "\": expects one of " + llvm::join(dims, ", ")));
    if (extent < 0)
      fail(makeError("dimension \"" + name + "\": expects an extent of at least 0, but got " + llvm::Twine(extent)));
  }
}

llvm::Error GraphBuilder::finish() {
  checkFixedDims();
  return std::exchange(error, llvm::Error::success());
}

SmallVector<Value> GraphBuilder::beginEntry(llvm::StringRef name, ArrayRef<EntryInput> inputs) {
  SmallVector<Type> types;
  SmallVector<DictionaryAttr> attrs;
  for (const EntryInput &input : inputs) {
    SmallVector<int64_t> shape;
    for (llvm::StringRef dim : input.dims) {
      if (dim == "1") {
        shape.push_back(1);
        continue;
      }
      if (!llvm::is_contained(dims, dim))
        dims.push_back(dim.str());
      auto fixed = fixedDims.find(dim);
      shape.push_back(fixed == fixedDims.end() ? ShapedType::kDynamic : std::max<int64_t>(fixed->second, 0));
    }
    auto type = RankedTensorType::get(shape, builder.getI64Type());
    types.push_back(type);
    attrs.push_back(signatureAttrs(input.name, type, input.dims, input.defaultValue));
  }
  builder.setInsertionPointToEnd(module.getBody());
  entry = func::FuncOp::create(builder, loc, name, builder.getFunctionType(types, {}));
  for (auto [index, attr] : llvm::enumerate(attrs)) {
    entry.setArgAttrs(index, attr);
    if (inputs[index].isTokens)
      entry.setArgAttr(index, "thresh.tokens", builder.getUnitAttr());
  }
  loads.clear();
  Block *body = entry.addEntryBlock();
  builder.setInsertionPointToStart(body);
  return llvm::to_vector_of<Value>(body->getArguments());
}

void GraphBuilder::endEntry(ArrayRef<EntryOutput> outputs) {
  SmallVector<Value> values = llvm::map_to_vector(outputs, [](const EntryOutput &output) { return output.value; });
  func::ReturnOp::create(builder, loc, values);
  entry.setFunctionType(builder.getFunctionType(entry.getArgumentTypes(), TypeRange(ValueRange(values))));
  for (auto [index, output] : llvm::enumerate(outputs)) {
    auto type = cast<RankedTensorType>(output.value.getType());
    entry.setResultAttrs(index, signatureAttrs(output.name, type, output.dims, std::nullopt));
  }
}

void GraphBuilder::limitExtent(llvm::StringRef dim, OpFoldResult extent, int64_t limit, llvm::StringRef limitName) {
  if (std::optional<int64_t> fixed = getConstantIntValue(extent)) {
    if (*fixed > limit)
      fail(makeError("dimension \"" + dim + "\": expects an extent of at most " + llvm::Twine(limit) + " (" +
                     limitName + "), but got " + llvm::Twine(*fixed)));
    return;
  }
  Value value = getValueOrCreateConstantIndexOp(builder, loc, extent);
  Value extent64 = arith::IndexCastOp::create(builder, loc, builder.getI64Type(), value);
  Value limit64 = arith::ConstantIntOp::create(builder, loc, limit, 64);
  Value fits = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::sle, extent64, limit64);
  std::string format = ("dimension " + dim + " is %lld, but " + limitName + " is %lld").str();
  CheckOp::create(builder, loc, fits, builder.getStringAttr(format), ValueRange{extent64, limit64});
}

//===----------------------------------------------------------------------===//
// Values
//===----------------------------------------------------------------------===//

const StoredTensor *GraphBuilder::findTensor(llvm::StringRef name, ArrayRef<int64_t> shape, llvm::StringRef oldName) {
  const StoredTensor *stored = tensors.find(name);
  if (!stored && !oldName.empty())
    stored = tensors.find(oldName);
  if (!stored) {
    fail(makeError(tensors.getIndexFile() + ": expects a tensor \"" + name + "\" of shape " + describeShape(shape)));
    return nullptr;
  }
  std::string place = stored->file + ": tensor \"" + stored->name + "\": ";
  if (ArrayRef<int64_t>(stored->shape) != shape) {
    fail(makeError(place + "expects shape " + describeShape(shape) + ", but got " + describeShape(stored->shape)));
    return nullptr;
  }
  if (!getWeightType(stored->dtype, builder.getContext())) {
    fail(makeError(place + "expects dtype F32, F16 or BF16, but got " + stored->dtype));
    return nullptr;
  }
  return stored;
}

SourceAttr GraphBuilder::findSource(llvm::StringRef name, ArrayRef<int64_t> shape, llvm::StringRef oldName) {
  MLIRContext *context = builder.getContext();
  if (std::optional<int64_t> seed = tensors.getSeed()) {
    auto type = RankedTensorType::get(shape, builder.getF32Type());
    int64_t bytes = sizeof(float);
    for (int64_t extent : shape)
      if (llvm::MulOverflow(bytes, extent, bytes)) {
        fail(
            makeError("tensor \"" + name + "\": expects fewer than 2^63 bytes, but got shape " + describeShape(shape)));
        return nullptr;
      }
    return SourceAttr::get(context, builder.getStringAttr(""), 0, bytes, builder.getStringAttr(name), type, *seed);
  }
  const StoredTensor *stored = findTensor(name, shape, oldName);
  if (!stored)
    return nullptr;
  auto type = RankedTensorType::get(shape, getWeightType(stored->dtype, context));
  return SourceAttr::get(context, builder.getStringAttr(stored->file), stored->offset, stored->bytes,
                         builder.getStringAttr(stored->name), type, /*seed=*/-1);
}

Value GraphBuilder::parameter(llvm::StringRef name, ArrayRef<int64_t> shape, llvm::StringRef oldName) {
  if (Value known = loads.lookup(name))
    return known;
  auto type = RankedTensorType::get(shape, builder.getF32Type());
  SourceAttr source = findSource(name, shape, oldName);
  if (!source)
    return tensor::EmptyOp::create(builder, loc, shape, builder.getF32Type());

  Location tensorLoc = NameLoc::get(source.getTensor());
  if (declared.insert(name).second) {
    OpBuilder top(firstEntry());
    ParameterOp::create(top, tensorLoc, name, type, source, PackAttr());
  }
  Value value = LoadParameterOp::create(builder, tensorLoc, type, name);
  loads[name] = value;
  return value;
}

func::FuncOp GraphBuilder::firstEntry() { return *module.getOps<func::FuncOp>().begin(); }

void GraphBuilder::declareState(llvm::StringRef name, ArrayRef<int64_t> shape, int64_t window) {
  OpBuilder top = OpBuilder::atBlockEnd(module.getBody());
  StateOp::create(top, loc, name, RankedTensorType::get(shape, builder.getF32Type()),
                  window ? builder.getI64IntegerAttr(window) : IntegerAttr());
}

Value GraphBuilder::splat(double value, Sizes sizes) {
  auto scalarType = RankedTensorType::get({}, builder.getF32Type());
  auto attr = DenseElementsAttr::get(scalarType, builder.getF32FloatAttr(value).getValue());
  return broadcast(arith::ConstantOp::create(builder, loc, attr), sizes);
}

Value GraphBuilder::broadcast(Value value, Sizes sizes) { return BroadcastOp::create(builder, loc, value, sizes); }

Value GraphBuilder::reshape(Value value, Sizes sizes) { return ReshapeOp::create(builder, loc, value, sizes); }

Value GraphBuilder::transpose(Value value, ArrayRef<int64_t> permutation) {
  return TransposeOp::create(builder, loc, value, permutation);
}

void GraphBuilder::declareContext(int64_t tokens) {
  module->setAttr("thresh.context", builder.getI64IntegerAttr(tokens));
}

//===----------------------------------------------------------------------===//
// Layers
//===----------------------------------------------------------------------===//

Value GraphBuilder::linear(Value x, Sizes rows, llvm::StringRef name, int64_t in, int64_t out, LinearForm form) {
  SmallVector<int64_t> shape = {out, in};
  if (form.isTransposed)
    std::swap(shape[0], shape[1]);
  Value weight = parameter((name + ".weight").str(), shape);
  Value product = MatmulOp::create(builder, loc, x, weight, /*transpose_rhs=*/!form.isTransposed);
  if (!form.hasBias)
    return product;
  Value bias = parameter((name + ".bias").str(), {out});
  SmallVector<OpFoldResult> sizes(rows);
  sizes.push_back(builder.getIndexAttr(out));
  return arith::AddFOp::create(builder, loc, product, broadcast(bias, sizes));
}

Value GraphBuilder::layerNorm(Value x, llvm::StringRef name, int64_t width, double epsilon) {
  Value scale = parameter((name + ".weight").str(), {width}, (name + ".gamma").str());
  Value bias = parameter((name + ".bias").str(), {width}, (name + ".beta").str());
  int64_t axis = cast<RankedTensorType>(x.getType()).getRank() - 1;
  return LayerNormOp::create(builder, loc, x, scale, bias, axis, llvm::APFloat(epsilon));
}

} // namespace thresh
