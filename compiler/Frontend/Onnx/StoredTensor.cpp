//===- StoredTensor.cpp - Decodes small tensors, locates large ones ------===//
#include "compiler/Frontend/Onnx/StoredTensor.h"

#include "compiler/Frontend/Onnx/Tensor.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/Diagnostics.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MathExtras.h"
#include "llvm/Support/Path.h"

using namespace mlir;
using namespace thresh;
using onnx::TensorProto;

/// A tensor whose numbers are spelt out in the protobuf (int64_data and the like) is held in the module whatever its
/// size, up to this many elements; writers put larger ones into raw_data.
static constexpr int64_t maxTypedElements = 1 << 20;

FailureOr<ElementType> thresh::convertElementType(int32_t dataType, Location loc) {
  Builder builder(loc.getContext());
  auto integer = [&](unsigned width, bool isUnsigned) {
    return ElementType{builder.getIntegerType(width), isUnsigned};
  };
  switch (dataType) {
  case TensorProto::FLOAT: return ElementType{builder.getF32Type()};
  case TensorProto::DOUBLE: return ElementType{builder.getF64Type()};
  case TensorProto::FLOAT16: return ElementType{builder.getF16Type()};
  case TensorProto::BFLOAT16: return ElementType{builder.getBF16Type()};
  case TensorProto::BOOL: return integer(1, false);
  case TensorProto::INT8: return integer(8, false);
  case TensorProto::INT16: return integer(16, false);
  case TensorProto::INT32: return integer(32, false);
  case TensorProto::INT64: return integer(64, false);
  case TensorProto::UINT8: return integer(8, true);
  case TensorProto::UINT16: return integer(16, true);
  case TensorProto::UINT32: return integer(32, true);
  case TensorProto::UINT64: return integer(64, true);
  default: break;
  }
  std::string name = TensorProto::DataType_IsValid(dataType)
                         ? TensorProto::DataType_Name(static_cast<TensorProto::DataType>(dataType))
                         : std::to_string(dataType);
  return emitError(loc) << "expects a float, integer or boolean element type, but got " << name;
}

int64_t thresh::storageBytes(Type elementType) { return llvm::divideCeil(elementType.getIntOrFloatBitWidth(), 8); }

std::string thresh::unsignedName(Type elementType) { return "u" + std::to_string(elementType.getIntOrFloatBitWidth()); }

std::optional<int64_t> thresh::checkedBytes(ArrayRef<int64_t> shape, Type elementType) {
  int64_t bytes = storageBytes(elementType);
  bool empty = llvm::is_contained(shape, 0);
  for (int64_t extent : shape) {
    int64_t product;
    if (extent < 0 || llvm::MulOverflow(bytes, empty ? 1 : extent, product) || product > (int64_t(1) << 62))
      return std::nullopt;
    bytes = product;
  }
  return empty ? 0 : bytes;
}

namespace {

/// Where a tensor's bytes lie.
struct Extent {
  std::string file;
  int64_t offset = 0;
  int64_t length = 0;
};

/// One external_data number: decimal digits only.
FailureOr<int64_t> parseNumber(StringRef key, StringRef text, Location loc) {
  int64_t number;
  if (text.empty() || !llvm::all_of(text, llvm::isDigit) || text.getAsInteger(10, number))
    return emitError(loc) << "expects external data '" << key << "' as a decimal number, but got '" << text << "'";
  return number;
}

/// The path of an external data file: relative, below the model's folder, also after links are followed.
FailureOr<std::string> resolveExternal(StringRef location, StringRef modelPath, Location loc) {
  namespace path = llvm::sys::path;
  bool leaves = llvm::any_of(llvm::make_range(path::begin(location), path::end(location)),
                             [](StringRef part) { return part == ".."; });
  if (location.empty() || location.contains('\0') || path::is_absolute(location) || leaves)
    return emitError(loc) << "expects external data at a relative path below the model's folder, but got '" << location
                          << "'";
  StringRef folder = path::parent_path(modelPath);
  SmallString<128> file(folder), realFolder, realFile;
  path::append(file, location);
  if (std::error_code code = llvm::sys::fs::real_path(file, realFile))
    return emitError(loc) << "cannot open external data '" << file << "': " << code.message();
  if (std::error_code code = llvm::sys::fs::real_path(folder.empty() ? "." : folder, realFolder))
    return emitError(loc) << "cannot open folder '" << folder << "': " << code.message();
  if (!realFolder.ends_with("/"))
    realFolder += '/';
  if (!realFile.starts_with(realFolder))
    return emitError(loc) << "expects external data below the model's folder, but '" << location << "' leads to '"
                          << realFile << "'";
  if (!llvm::sys::fs::is_regular_file(realFile))
    return emitError(loc) << "expects external data in a regular file, but '" << location << "' is none";
  return file.str().str();
}

FailureOr<Extent> locateExternal(const TensorProto &proto, int64_t bytes, StringRef modelPath, Location loc) {
  Extent extent;
  std::string location;
  std::optional<int64_t> length;
  for (const onnx::StringStringEntryProto &entry : proto.external_data()) {
    StringRef key = entry.key();
    if (key == "location") {
      location = entry.value();
    } else if (key == "offset" || key == "length") {
      FailureOr<int64_t> number = parseNumber(key, entry.value(), loc);
      if (failed(number))
        return failure();
      key == "offset" ? void(extent.offset = *number) : void(length = *number);
    } else if (key != "checksum" && key != "basepath") {
      return emitError(loc) << "unknown external data key '" << key << "'";
    }
  }
  if (length && *length != bytes)
    return emitError(loc) << "expects " << bytes << " bytes of external data for its shape, but got length " << *length;
  extent.length = bytes;
  FailureOr<std::string> file = resolveExternal(location, modelPath, loc);
  if (failed(file))
    return failure();
  uint64_t fileSize = 0;
  if (std::error_code code = llvm::sys::fs::file_size(*file, fileSize))
    return emitError(loc) << "cannot open external data '" << *file << "': " << code.message();
  if (uint64_t(extent.offset) > fileSize || uint64_t(bytes) > fileSize - uint64_t(extent.offset))
    return emitError(loc) << "external data at offset " << extent.offset << ", " << bytes << " bytes, lies outside '"
                          << location << "' (" << fileSize << " bytes)";
  extent.file = *file;
  return extent;
}

/// A constant from little-endian bytes in ONNX's storage.
DenseElementsAttr decodeBytes(RankedTensorType type, StringRef bytes) {
  if (type.getNumElements() == 0)
    return DenseElementsAttr::get(type, ArrayRef<Attribute>());
  if (!type.getElementType().isInteger(1))
    return DenseElementsAttr::getFromRawBuffer(type, ArrayRef<char>(bytes.data(), bytes.size()));
  SmallVector<bool> bits;
  for (char byte : bytes)
    bits.push_back(byte != 0);
  return DenseElementsAttr::get(type, bits);
}

/// Little-endian bytes of the numbers that the typed fields spell out.
FailureOr<std::string> typedBytes(const TensorProto &proto, Type elementType, int64_t count, Location loc) {
  std::string bytes;
  auto append = [&](const auto &numbers, int64_t width) {
    for (auto number : numbers)
      bytes.append(reinterpret_cast<const char *>(&number), width);
    return numbers.size();
  };
  int64_t width = storageBytes(elementType), found = 0;
  switch (proto.data_type()) {
  case TensorProto::FLOAT: found = append(proto.float_data(), width); break;
  case TensorProto::DOUBLE: found = append(proto.double_data(), width); break;
  case TensorProto::INT64: found = append(proto.int64_data(), width); break;
  case TensorProto::UINT32:
  case TensorProto::UINT64: found = append(proto.uint64_data(), width); break;
  default: found = append(proto.int32_data(), width); break;
  }
  if (found != count)
    return emitError(loc) << "expects " << count << " elements for its shape, but got " << found;
  return bytes;
}

/// A file extent by value when it is small.
LogicalResult finishLocated(StoredTensor &result, const Extent &extent, StringRef name, Location loc) {
  int64_t count = result.type.getNumElements();
  bool small = count <= (isa<FloatType>(result.type.getElementType()) ? maxConstantFloats : maxShapeElements);
  MLIRContext *context = loc.getContext();
  if (!small) {
    result.source = SourceAttr::get(context, StringAttr::get(context, extent.file), extent.offset, extent.length,
                                    StringAttr::get(context, name), result.type, /*seed=*/-1);
    return success();
  }
  if (extent.length == 0) {
    result.constant = decodeBytes(result.type, "");
    return success();
  }
  auto slice = llvm::MemoryBuffer::getFileSlice(extent.file, extent.length, extent.offset);
  if (!slice)
    return emitError(loc) << "cannot read '" << extent.file << "': " << slice.getError().message();
  result.constant = decodeBytes(result.type, (*slice)->getBuffer());
  return success();
}

} // namespace

FailureOr<StoredTensor> thresh::readStoredTensor(const TensorProto &proto, const OnnxFile &file, Location loc) {
  FailureOr<ElementType> element = convertElementType(proto.data_type(), loc);
  if (failed(element))
    return failure();
  SmallVector<int64_t> shape(proto.dims().begin(), proto.dims().end());
  std::optional<int64_t> bytes = checkedBytes(shape, element->type);
  if (!bytes) {
    InFlightDiagnostic diagnostic = emitError(loc)
                                    << "expects dimensions >= 0 and less than 2^62 bytes, but got shape [";
    llvm::interleaveComma(shape, diagnostic);
    return diagnostic << "]";
  }
  StoredTensor result;
  result.type = RankedTensorType::get(shape, element->type);
  result.isUnsigned = element->isUnsigned;

  Extent extent;
  if (proto.data_location() == TensorProto::EXTERNAL) {
    FailureOr<Extent> external = locateExternal(proto, *bytes, file.path(), loc);
    if (failed(external))
      return failure();
    extent = *external;
  } else if (proto.has_segment()) {
    extent = {file.path().str(), proto.segment().begin(), proto.segment().end() - proto.segment().begin()};
    if (extent.length != *bytes)
      return emitError(loc) << "expects " << *bytes << " bytes of data for its shape, but got " << extent.length;
  } else {
    int64_t count = result.type.getNumElements();
    if (count > maxTypedElements)
      return emitError(loc) << "expects raw_data in a tensor of " << count << " elements";
    FailureOr<std::string> decoded = typedBytes(proto, element->type, count, loc);
    if (failed(decoded))
      return failure();
    result.constant = decodeBytes(result.type, *decoded);
    return result;
  }
  if (failed(finishLocated(result, extent, proto.name(), loc)))
    return failure();
  return result;
}
