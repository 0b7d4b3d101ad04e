//===- WeightsPlan.cpp - Where each packed tensor goes -------------------------===//
#include "compiler/Weights/WeightsPlan.h"

#include "compiler/Weights/Quantize.h"

#include "mlir/Dialect/Utils/IndexingUtils.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Support/Endian.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/MathExtras.h"

#include "nlohmann/json.hpp"

#include <map>
#include <tuple>

using namespace mlir;

namespace thresh {

namespace {

constexpr int64_t kPageBytes = 4096;
constexpr int64_t kLineBytes = 64;
/// From here on a tensor starts on a page of its own.
constexpr int64_t kBigBytes = 64 * 1024;
constexpr size_t kContentDigits = 32;

/// Lays the distinct tensors of a module out, big ones first.
class Planner {
public:
  explicit Planner(ModuleOp module) : module(module) {}
  FailureOr<WeightsPlan> plan();

private:
  /// A tensor that several parameters may share.
  struct Tensor {
    PackedTensor packed;
    SmallVector<ParameterOp, 1> parts;
    SmallVector<std::pair<StringRef, int64_t>> symbols; ///< and the bytes before it in the tensor
  };

  LogicalResult add(ParameterOp parameter);
  LogicalResult addToRecord(ParameterOp parameter, RecordAttr record);
  LogicalResult check(ParameterOp parameter);
  size_t addTensor(ParameterOp first, std::string name, RankedTensorType type);
  std::string makeName(std::string base);

  ModuleOp module;
  std::vector<Tensor> tensors;
  /// Source and layout. A tensor's name tells sources apart only where they are noise.
  using Key = std::tuple<StringRef, int64_t, StringRef, const void *, const void *, const void *>;
  std::map<Key, size_t> known;
  llvm::StringMap<size_t> records;
  llvm::StringSet<> names;
};

} // namespace

/// The safetensors name of an element type, or empty.
static StringRef getDtypeName(Type type) {
  if (type.isF32())
    return "F32";
  if (type.isF64())
    return "F64";
  if (type.isF16())
    return "F16";
  if (type.isBF16())
    return "BF16";
  if (type.isInteger(1))
    return "BOOL";
  auto integer = dyn_cast<IntegerType>(type);
  if (!integer)
    return "";
  bool isUnsigned = integer.isUnsigned();
  switch (integer.getWidth()) {
  case 8: return isUnsigned ? "U8" : "I8";
  case 16: return isUnsigned ? "U16" : "I16";
  case 32: return isUnsigned ? "U32" : "I32";
  case 64: return isUnsigned ? "U64" : "I64";
  default: return "";
  }
}

int64_t getElementBytes(Type type) {
  return getDtypeName(type).empty() ? 0 : llvm::divideCeil(type.getIntOrFloatBitWidth(), 8);
}

/// What a tensor like `source` would have to be for `pack`; empty when it is.
static std::string findMismatch(PackAttr pack, RankedTensorType source) {
  ArrayRef<int64_t> permutation = pack.getPermutation();
  int64_t rank = source.getRank();
  bool isPermuted = int64_t(permutation.size()) == rank && isPermutationVector(permutation);
  if (!pack.isQuantized()) {
    bool hasColumns = pack.getPanel() == 0 || (pack.getPanel() > 0 && rank >= 2);
    return isPermuted && hasColumns ? ""
                                    : "a permutation of " + std::to_string(rank) + " dimensions and a panel of columns";
  }
  bool isMatrix = isPermuted && rank == 2 && source.getDimSize(permutation[pack.getGroupedDim()]) % kGroupRows == 0;
  if (isMatrix && pack.getPanel() == (pack.isByRow() ? 0 : kGroupColumns))
    return "";
  return pack.isByRow() ? "a matrix whose rows are whole groups of 32 and no panel"
                        : "a matrix of whole groups of 32 rows and a panel of 16 columns";
}

/// Whether the packer makes elements of type `to` of `from`.
static bool isCastable(Type from, Type to, PackAttr pack) {
  auto isFloat = [](Type type) { return type.isF32() || type.isF16() || type.isBF16(); };
  if (Type demanded = pack ? pack.getElementType() : nullptr)
    return isFloat(from) && to == demanded;
  return from == to || (isFloat(from) && isFloat(to));
}

LogicalResult Planner::check(ParameterOp parameter) {
  SourceAttr source = parameter.getSource();
  auto fail = [&]() {
    return emitError(parameter.getLoc()) << source.getFile().getValue() << ": tensor \""
                                         << source.getTensor().getValue() << "\": ";
  };
  auto type = cast<RankedTensorType>(parameter.getType());
  RankedTensorType stored = source.getType();
  bool isNoise = source.getSeed() >= 0;
  if (source.getFile().empty() != isNoise)
    return fail() << "expects either a source file or a seed";
  for (RankedTensorType each : {type, stored})
    if (!each.hasStaticShape() || getElementBytes(each.getElementType()) == 0)
      return fail() << "expects a static shape and an element type of a weights file, but got " << each;
  Type from = stored.getElementType(), to = type.getElementType();
  if (isNoise && !from.isF32())
    return fail() << "expects noise of f32, but got " << from;
  PackAttr pack = parameter.getPackAttr();
  if (!isCastable(from, to, pack))
    return fail() << "cannot be cast from " << from << " to " << to;
  if (std::string expected = pack ? findMismatch(pack, stored) : ""; !expected.empty())
    return fail() << "expects " << expected << ", but got " << pack;
  RankedTensorType packed = pack ? RankedTensorType::get(pack.packShape(stored.getShape()), to) : stored.clone(to);
  if (packed != type)
    return fail() << "expects type " << packed << " by its source and packing, but got " << type;
  int64_t bytes = stored.getNumElements() * getElementBytes(from);
  if (source.getLength() != bytes)
    return fail() << "expects " << bytes << " bytes by its stored type, but got " << source.getLength();
  return success();
}

/// The model's name of the tensor, marked when the layout is no longer the model's.
static std::string getBaseName(ParameterOp parameter) {
  std::string base = llvm::json::fixUTF8(parameter.getSource().getTensor().getValue());
  if (PackAttr pack = parameter.getPackAttr()) {
    bool isRows = pack.getPanel() == 0 && pack.getPermutation().size() == 2;
    StringRef layout = pack.isQuantized() ? stringifyPackFormat(pack.getFormat()) : isRows ? "rows" : "packed";
    base += ("." + layout).str();
  }
  return base;
}

/// What the file says of a parameter. Codes have no sign, which the IR does not say.
static RankedTensorType getFileType(ParameterOp parameter) {
  auto type = cast<RankedTensorType>(parameter.getType());
  PackAttr pack = parameter.getPackAttr();
  return pack && pack.isCodes() ? type.clone(IntegerType::get(type.getContext(), 8, IntegerType::Unsigned)) : type;
}

/// `base`, or with a number if the file has a tensor of this name.
std::string Planner::makeName(std::string base) {
  std::string name = base;
  for (int suffix = 1; !names.insert(name).second; ++suffix)
    name = base + "." + std::to_string(suffix);
  return name;
}

size_t Planner::addTensor(ParameterOp first, std::string name, RankedTensorType type) {
  Tensor tensor;
  tensor.parts.push_back(first);
  tensor.packed.name = makeName(std::move(name));
  tensor.packed.type = type;
  tensor.packed.bytes = type.getNumElements() * getElementBytes(type.getElementType());
  tensors.push_back(std::move(tensor));
  return tensors.size() - 1;
}

/// A record is a row of bytes.
LogicalResult Planner::addToRecord(ParameterOp parameter, RecordAttr record) {
  if (failed(check(parameter)))
    return failure();
  auto byte = IntegerType::get(parameter.getContext(), 8, IntegerType::Unsigned);
  int64_t rows = cast<RankedTensorType>(parameter.getType()).getDimSize(0);
  auto type = RankedTensorType::get({rows, record.getBytes()}, byte);
  auto [it, isNew] = records.try_emplace(record.getName().getValue(), tensors.size());
  if (isNew) {
    addTensor(parameter, llvm::json::fixUTF8(record.getName().getValue()), type);
  } else {
    Tensor &tensor = tensors[it->second];
    ParameterOp last = tensor.parts.back();
    int64_t end = last.getRecord()->getOffset() + last.getRowBytes();
    if (tensor.packed.type != type || record.getOffset() < end)
      return emitError(parameter.getLoc())
             << "record " << record.getName() << ": expects rows behind byte " << end << " of " << tensor.packed.type
             << ", but got rows from byte " << record.getOffset() << " on of " << type;
    tensor.parts.push_back(parameter);
  }
  tensors[it->second].symbols.push_back({parameter.getSymName(), record.getOffset()});
  tensors[it->second].packed.parts.push_back({getBaseName(parameter), getFileType(parameter), record.getOffset()});
  return success();
}

LogicalResult Planner::add(ParameterOp parameter) {
  if (std::optional<RecordAttr> record = parameter.getRecord())
    return addToRecord(parameter, *record);
  SourceAttr source = parameter.getSource();
  bool isNoise = source.getSeed() >= 0;
  Key key(source.getFile().getValue(), isNoise ? source.getSeed() : source.getOffset(),
          isNoise ? source.getTensor().getValue() : "", source.getType().getAsOpaquePointer(),
          parameter.getType().getAsOpaquePointer(), parameter.getPackAttr().getAsOpaquePointer());
  auto [it, isNew] = known.try_emplace(key, tensors.size());
  if (isNew) {
    if (failed(check(parameter)))
      return failure();
    addTensor(parameter, getBaseName(parameter), getFileType(parameter));
  }
  tensors[it->second].symbols.push_back({parameter.getSymName(), 0});
  return success();
}

FailureOr<WeightsPlan> Planner::plan() {
  names.insert("__metadata__");
  for (ParameterOp parameter : module.getOps<ParameterOp>())
    if (failed(add(parameter)))
      return failure();

  std::stable_partition(tensors.begin(), tensors.end(),
                        [](const Tensor &tensor) { return tensor.packed.bytes >= kBigBytes; });
  WeightsPlan plan;
  int64_t offset = 0;
  for (Tensor &tensor : tensors) {
    offset = llvm::alignTo(offset, tensor.packed.bytes >= kBigBytes ? kPageBytes : kLineBytes);
    tensor.packed.offset = offset;
    offset += tensor.packed.bytes;
    for (auto [symbol, before] : tensor.symbols)
      plan.weights.offsets[symbol] = tensor.packed.offset + before;
    plan.weights.tensors.push_back(std::move(tensor.packed));
    plan.parts.push_back(std::move(tensor.parts));
  }
  plan.weights.dataBytes = offset;
  plan.weights.headerBytes = makeWeightsHeader(plan.weights, std::string(kContentDigits, '0')).size();
  return plan;
}

FailureOr<WeightsPlan> planWeights(ModuleOp module) { return Planner(module).plan(); }

LogicalResult layoutWeights(ModuleOp module, PackedWeights &result) {
  FailureOr<WeightsPlan> plan = planWeights(module);
  if (failed(plan))
    return failure();
  result = std::move(plan->weights);
  return success();
}

/// For each record the matrices whose rows it holds, as JSON: metadata are strings.
static std::string describeRecords(const PackedWeights &weights) {
  nlohmann::ordered_json records = nlohmann::ordered_json::object();
  for (const PackedTensor &tensor : weights.tensors)
    for (const RecordPart &part : tensor.parts)
      records[tensor.name].push_back({{"name", part.name},
                                      {"dtype", getDtypeName(part.type.getElementType()).str()},
                                      {"shape", part.type.getShape().vec()},
                                      {"offset", part.offset}});
  return records.empty() ? "" : records.dump();
}

std::string makeWeightsHeader(const PackedWeights &weights, StringRef content) {
  llvm::StringSet<> names;
  for (const PackedTensor &tensor : weights.tensors)
    names.insert(tensor.name);

  nlohmann::ordered_json header;
  header["__metadata__"] = {{"format", "thresh"}, {"content", content.str()}};
  if (std::string records = describeRecords(weights); !records.empty())
    header["__metadata__"]["records"] = records;
  auto addTensor = [&](const std::string &name, StringRef dtype, ArrayRef<int64_t> shape, int64_t begin, int64_t end) {
    header[name] = {{"dtype", dtype.str()}, {"shape", shape.vec()}, {"data_offsets", {begin, end}}};
  };
  int64_t next = 0;
  int paddings = 0;
  for (const PackedTensor &tensor : weights.tensors) {
    if (tensor.offset > next) {
      std::string name;
      do
        name = "__pad_" + std::to_string(paddings++);
      while (names.contains(name));
      addTensor(name, "U8", {tensor.offset - next}, next, tensor.offset);
    }
    next = tensor.offset + tensor.bytes;
    addTensor(tensor.name, getDtypeName(tensor.type.getElementType()), tensor.type.getShape(), tensor.offset, next);
  }

  std::string text = header.dump();
  constexpr size_t kLengthBytes = 8;
  text.append(llvm::alignTo(text.size() + kLengthBytes, kPageBytes) - kLengthBytes - text.size(), ' ');
  char length[kLengthBytes];
  llvm::support::endian::write64le(length, text.size());
  return std::string(length, kLengthBytes) + text;
}

} // namespace thresh
