//===- thresh-opt.cpp - mlir-opt with the thresh dialect and its passes -----===//
#include "compiler/Conversion/ThreshToLinalg/ThreshToLinalg.h"
#include "compiler/Transforms/Passes.h"
#include "dialects/Thresh/IR/ThreshDialect.h"

#include "mlir/InitAllDialects.h"
#include "mlir/InitAllExtensions.h"
#include "mlir/InitAllPasses.h"
#include "mlir/Tools/mlir-opt/MlirOptMain.h"

int main(int argc, char **argv) {
  mlir::DialectRegistry registry;
  mlir::registerAllDialects(registry);
  mlir::registerAllExtensions(registry);
  registry.insert<thresh::ThreshDialect>();
  thresh::registerBufferizableOpInterfaces(registry);
  mlir::registerAllPasses();
  thresh::registerThreshToLinalgPasses();
  thresh::registerThreshTransformsPasses();
  return mlir::asMainReturnCode(mlir::MlirOptMain(argc, argv, "Thresh optimizer driver\n", registry));
}
