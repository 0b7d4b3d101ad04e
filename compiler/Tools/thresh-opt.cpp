//===- thresh-opt.cpp - mlir-opt with the thresh dialect and its passes -----===//
#include "compiler/Conversion/HostToLLVM/Passes.h"
#include "compiler/Conversion/ThreshToLinalg/ThreshToLinalg.h"
#include "compiler/Pipeline/Phases.h"
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
  thresh::registerDialects(registry);
  mlir::registerAllPasses();
  thresh::registerThreshToLinalgPasses();
  thresh::registerThreshTransformsPasses();
  thresh::registerThreshHostToLLVMPasses();
  thresh::registerPhasePipelines();
  return mlir::asMainReturnCode(mlir::MlirOptMain(argc, argv, "Thresh optimizer driver\n", registry));
}
