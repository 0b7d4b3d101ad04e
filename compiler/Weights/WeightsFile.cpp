//===- WeightsFile.cpp - The packed safetensors file ---------------------------===//
#include "compiler/Weights/Fnv1a.h"
#include "compiler/Weights/Quantize.h"
#include "compiler/Weights/QuantizedPacker.h"
#include "compiler/Weights/TensorPacker.h"
#include "compiler/Weights/WeightsPlan.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/BLAKE3.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MathExtras.h"

#include <fcntl.h>
#include <unistd.h>

using namespace mlir;

namespace thresh {

/// Feeds one parameter to `sink`, or of a matrix `rows` rows from number `first` on.
static llvm::Error packParameter(ParameterOp parameter, SourceFiles &files, PieceSink sink, int64_t first = 0,
                                 std::optional<int64_t> rows = std::nullopt) {
  Type elementType = cast<RankedTensorType>(parameter.getType()).getElementType();
  PackAttr pack = parameter.getPackAttr();
  bool isQuantized = pack && pack.isQuantized();
  if (isQuantized)
    elementType = Float32Type::get(parameter.getContext());
  llvm::Expected<SourceReader> reader = SourceReader::open(parameter.getSource(), elementType, files);
  if (!reader)
    return reader.takeError();
  if (isQuantized) {
    QuantizedPacker packer(parameter, *reader);
    return rows ? packer.packRows(first, *rows, sink) : packer.pack(sink);
  }
  TensorPacker packer(parameter, *reader);
  return rows ? packer.packRows(first, *rows, sink) : packer.pack(sink);
}

/// Feeds the records that the rows of `parts` are to `sink`, some records at a time.
static llvm::Error packRecords(ArrayRef<ParameterOp> parts, SourceFiles &files, PieceSink sink) {
  int64_t bytes = ParameterOp(parts.front()).getRecord()->getBytes();
  int64_t rows = cast<RankedTensorType>(ParameterOp(parts.front()).getType()).getDimSize(0);
  int64_t step = std::max<int64_t>(llvm::alignDown(kPieceBytes / bytes, kGroupColumns), kGroupColumns);
  SmallVector<char> records, part;
  for (int64_t first = 0; first < rows; first += step) {
    int64_t count = std::min(step, rows - first);
    records.assign(count * bytes, 0);
    for (ParameterOp parameter : parts) {
      part.clear();
      auto collect = [&](ArrayRef<char> piece) { part.append(piece.begin(), piece.end()); };
      if (llvm::Error error = packParameter(parameter, files, collect, first, count))
        return error;
      int64_t rowBytes = parameter.getRowBytes();
      for (int64_t row = 0; row < count; ++row)
        std::memcpy(records.data() + row * bytes + parameter.getRecord()->getOffset(), part.data() + row * rowBytes,
                    rowBytes);
    }
    sink(records);
  }
  return llvm::Error::success();
}

FailureOr<std::string> streamWeights(WeightsPlan &plan, llvm::raw_ostream &out) {
  SourceFiles files;
  llvm::TruncatedBLAKE3<16> hasher;
  int64_t position = 0;
  auto emit = [&](ArrayRef<char> piece) {
    hasher.update(StringRef(piece.data(), piece.size()));
    out.write(piece.data(), piece.size());
    position += piece.size();
  };
  for (auto [tensor, parts] : llvm::zip_equal(plan.weights.tensors, plan.parts)) {
    emit(SmallVector<char>(tensor.offset - position, 0));
    ParameterOp parameter = parts.front();
    if (llvm::Error error =
            parameter.getRecord() ? packRecords(parts, files, emit) : packParameter(parameter, files, emit))
      return emitError(parameter.getLoc()) << llvm::toString(std::move(error));
  }
  std::string content = llvm::toHex(hasher.final(), /*LowerCase=*/true);
  plan.weights.id = hashFnv1a(makeWeightsHeader(plan.weights, content));
  return content;
}

/// A file that was just written lies in memory in pages of 4 KiB. Reading it anew lets the runtime have huge pages
/// (runtime/src/weights.c), which decides how fast weights larger than the caches are walked.
static void forgetPages(int descriptor, int64_t bytes) {
  constexpr int64_t kWorthwhile = 64 << 20;
  if (bytes >= kWorthwhile && fdatasync(descriptor) == 0)
    posix_fadvise(descriptor, 0, 0, POSIX_FADV_DONTNEED);
}

LogicalResult writeFileAtomically(Location loc, StringRef outFile,
                                  llvm::function_ref<LogicalResult(llvm::raw_pwrite_stream &)> write) {
  auto fail = [&](const llvm::Twine &reason) -> LogicalResult {
    return emitError(loc) << outFile << ": cannot be written: " << reason;
  };
  llvm::Expected<llvm::sys::fs::TempFile> temp = llvm::sys::fs::TempFile::create(outFile + "-%%%%%%%%.tmp");
  if (!temp)
    return fail(llvm::toString(temp.takeError()));
  llvm::raw_fd_ostream out(temp->FD, /*shouldClose=*/false);
  LogicalResult written = write(out);
  out.flush();
  if (std::error_code code = out.error()) {
    out.clear_error();
    written = succeeded(written) ? fail(code.message()) : written;
  }
  forgetPages(temp->FD, static_cast<int64_t>(out.tell()));
  if (failed(written)) {
    llvm::consumeError(temp->discard());
    return failure();
  }
  if (llvm::Error error = temp->keep(outFile))
    return fail(llvm::toString(std::move(error)));
  return success();
}

LogicalResult packWeights(ModuleOp module, StringRef outFile, PackedWeights &result) {
  FailureOr<WeightsPlan> plan = planWeights(module);
  if (failed(plan))
    return failure();
  auto write = [&](llvm::raw_pwrite_stream &out) -> LogicalResult {
    out.write_zeros(plan->weights.headerBytes);
    FailureOr<std::string> content = streamWeights(*plan, out);
    if (failed(content))
      return failure();
    std::string header = makeWeightsHeader(plan->weights, *content);
    out.pwrite(header.data(), header.size(), 0);
    return success();
  };
  if (failed(writeFileAtomically(module.getLoc(), outFile, write)))
    return failure();
  result = std::move(plan->weights);
  return success();
}

} // namespace thresh
