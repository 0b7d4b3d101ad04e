//===- ImportFixture.h - A checkpoint folder in memory that tests import -----===//
#ifndef THRESH_TESTS_COMPILER_FRONTEND_CHECKPOINT_IMPORTFIXTURE_H
#define THRESH_TESTS_COMPILER_FRONTEND_CHECKPOINT_IMPORTFIXTURE_H

#include "compiler/Frontend/Checkpoint/CheckpointFrontend.h"
#include "tests/compiler/Frontend/Checkpoint/Files.h"

#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/MLIRContext.h"

namespace thresh::test {

/// The fields of config.json and tensors of zeros, which tests change before `import`.
class ImportTest : public ScratchTest {
protected:
  /// `dtype`: F32, or one of 2 bytes.
  void add(const std::string &name, const std::vector<int64_t> &shape, const std::string &dtype = "F32") {
    int64_t bytes = dtype == "F32" ? 4 : 2;
    for (int64_t extent : shape)
      bytes *= extent;
    tensors[name] = {dtype, shape, std::string(bytes, '\0')};
  }

  mlir::OwningOpRef<mlir::ModuleOp> import() {
    write("config.json", config.dump());
    write("model.safetensors", makeSafetensors(tensors));
    mlir::ScopedDiagnosticHandler handler(&context, [&](mlir::Diagnostic &diagnostic) { message = diagnostic.str(); });
    return importCheckpoint(folder.string(), context, options);
  }

  /// The error that importing gives, "" if none.
  std::string problem() {
    message.clear();
    mlir::OwningOpRef<mlir::ModuleOp> module = import();
    EXPECT_EQ(bool(module), message.empty());
    return message;
  }

  std::string inConfig(const std::string &text) { return path("config.json") + ": " + text; }

  nlohmann::json config;
  std::map<std::string, TestTensor> tensors;
  mlir::MLIRContext context;
  CheckpointOptions options;
  std::string message;
};

} // namespace thresh::test

#endif // THRESH_TESTS_COMPILER_FRONTEND_CHECKPOINT_IMPORTFIXTURE_H
