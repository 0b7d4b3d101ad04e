//===- WeightsTest.h - Parameters packed and read back -------------------------===//
#ifndef THRESH_TESTS_COMPILER_WEIGHTS_WEIGHTSTEST_H
#define THRESH_TESTS_COMPILER_WEIGHTS_WEIGHTSTEST_H

#include "compiler/Weights/Weights.h"

#include "dialects/Thresh/IR/ThreshDialect.h"
#include "tests/compiler/Frontend/Checkpoint/Files.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/MLIRContext.h"

namespace thresh::test {

using namespace mlir;

/// A module of parameters over one source file, its packed file, and the message of a refusal.
class WeightsTest : public ScratchTest {
protected:
  WeightsTest() : builder(&context), module(ModuleOp::create(builder.getUnknownLoc())) {
    context.loadDialect<ThreshDialect>();
    builder.setInsertionPointToEnd(module->getBody());
  }

  /// Appends `bytes` to the source file and declares a parameter over them.
  ParameterOp declare(const std::string &name, Type stored, ArrayRef<int64_t> shape, const std::string &bytes,
                      Type type, ArrayRef<int64_t> packedShape, PackAttr pack = nullptr) {
    int64_t offset = source.size();
    source += bytes;
    return declareAt(name, offset, bytes.size(), RankedTensorType::get(shape, stored),
                     RankedTensorType::get(packedShape, type), pack);
  }

  ParameterOp declareAt(const std::string &name, int64_t offset, int64_t length, RankedTensorType stored,
                        RankedTensorType type, PackAttr pack = nullptr) {
    auto attr = SourceAttr::get(&context, builder.getStringAttr(path("source.bin")), offset, length,
                                builder.getStringAttr(name), stored, /*seed=*/-1);
    return ParameterOp::create(builder, builder.getUnknownLoc(), "sym_" + name, type, attr, pack);
  }

  ParameterOp declareFloats(const std::string &name, ArrayRef<int64_t> shape, const std::vector<float> &values) {
    return declare(name, f32(), shape, bytesOf(values), f32(), shape);
  }

  PackAttr packing(ArrayRef<int64_t> permutation, int64_t panel, PackFormat format = PackFormat::Elements) {
    return PackAttr::get(&context, permutation, panel, format);
  }
  Type f32() { return builder.getF32Type(); }

  /// Packs; the header comes back in `header`, the data in `data`.
  bool pack() {
    write("source.bin", source);
    ScopedDiagnosticHandler handler(&context, [&](Diagnostic &diagnostic) { message = diagnostic.str(); });
    if (failed(packWeights(*module, path("out.safetensors"), weights)))
      return false;
    std::string file = read(path("out.safetensors"));
    header = nlohmann::json::parse(file.substr(8, weights.headerBytes - 8));
    data = file.substr(weights.headerBytes);
    return true;
  }

  std::string problem() {
    EXPECT_FALSE(pack());
    // The source alone: no output, no temporary file.
    for (const auto &entry : std::filesystem::directory_iterator(folder))
      EXPECT_EQ(entry.path().filename(), "source.bin");
    return message;
  }

  template <typename T> std::vector<T> packed(const std::string &name) {
    std::vector<int64_t> range = header.at(name).at("data_offsets");
    std::vector<T> values((range[1] - range[0]) / sizeof(T));
    std::memcpy(values.data(), data.data() + range[0], range[1] - range[0]);
    return values;
  }

  MLIRContext context;
  OpBuilder builder;
  OwningOpRef<ModuleOp> module;
  std::string source;
  PackedWeights weights;
  nlohmann::json header;
  std::string data;
  std::string message;
};

} // namespace thresh::test

#endif // THRESH_TESTS_COMPILER_WEIGHTS_WEIGHTSTEST_H
