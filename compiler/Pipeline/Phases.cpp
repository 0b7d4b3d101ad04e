//===- Phases.cpp - The passes of each phase ----------------------------------===//
#include "compiler/Pipeline/Phases.h"

#include "compiler/Conversion/HostToLLVM/Passes.h"
#include "compiler/Conversion/ThreshToLinalg/ThreshToLinalg.h"
#include "compiler/Transforms/Passes.h"

#include "mlir/Conversion/Passes.h"
#include "mlir/Dialect/Affine/Transforms/Passes.h"
#include "mlir/Dialect/Arith/Transforms/BufferizableOpInterfaceImpl.h"
#include "mlir/Dialect/Bufferization/Transforms/FuncBufferizableOpInterfaceImpl.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Linalg/Passes.h"
#include "mlir/Dialect/Linalg/Transforms/BufferizableOpInterfaceImpl.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/Transforms/Passes.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/SCF/Transforms/BufferizableOpInterfaceImpl.h"
#include "mlir/Dialect/Tensor/Extensions/AllExtensions.h"
#include "mlir/Dialect/Tensor/IR/TensorInferTypeOpInterfaceImpl.h"
#include "mlir/Dialect/Tensor/Transforms/BufferizableOpInterfaceImpl.h"
#include "mlir/Dialect/UB/IR/UBOps.h"
#include "mlir/Pass/PassRegistry.h"
#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "mlir/Transforms/Passes.h"

using namespace mlir;

namespace thresh {

ArrayRef<PhaseInfo> phases() {
  static const PhaseInfo table[] = {
      {Phase::Graph, "graph", "what the frontend read: thresh, arith, math and tensor ops; nothing decided yet"},
      {Phase::Sparse, "sparse", "sparse ops as kernels or as the dense ops that they mean, matrices quantised"},
      {Phase::Linalg, "linalg", "linalg on tensors, element-wise chains fused"},
      {Phase::Kernels, "kernels", "kernels outlined, buffers placed in one arena, weights packed"},
      {Phase::Halide, "halide", "each kernel as KernelSpec (JSON) and as Halide's lowered statement"},
      {Phase::Llvm, "llvm", "LLVM IR of the host code"},
      {Phase::Asm, "asm", "assembly of the host code and of each kernel"},
      {Phase::Object, "object", "one relocatable object file"},
      {Phase::Library, "library", "the shared library and its weights (default)"}};
  return table;
}

std::optional<Phase> parsePhase(StringRef name) {
  for (const PhaseInfo &info : phases())
    if (name == info.name)
      return info.phase;
  return std::nullopt;
}

void registerDialects(DialectRegistry &registry) {
  registry
      .insert<affine::AffineDialect, arith::ArithDialect, bufferization::BufferizationDialect, cf::ControlFlowDialect,
              func::FuncDialect, linalg::LinalgDialect, LLVM::LLVMDialect, math::MathDialect, memref::MemRefDialect,
              scf::SCFDialect, tensor::TensorDialect, ThreshDialect, ub::UBDialect>();
  arith::registerBufferizableOpInterfaceExternalModels(registry);
  bufferization::func_ext::registerBufferizableOpInterfaceExternalModels(registry);
  linalg::registerBufferizableOpInterfaceExternalModels(registry);
  scf::registerBufferizableOpInterfaceExternalModels(registry);
  tensor::registerBufferizableOpInterfaceExternalModels(registry);
  tensor::registerInferTypeOpInterfaceExternalModels(registry);
  registerBufferizableOpInterfaces(registry);
  registerBuiltinDialectTranslation(registry);
  registerLLVMDialectTranslation(registry);
}

namespace {

void addCleanup(OpPassManager &passes) {
  passes.addPass(createCanonicalizerPass());
  passes.addPass(createCSEPass());
}

} // namespace

void buildSparsePhase(OpPassManager &passes, WeightFormat weights, CacheFormat cache, bool wantsDense) {
  addCleanup(passes);
  if (!wantsDense)
    passes.addPass(createChooseSparseKernelsPass());
  passes.addPass(createExpandSparsePass({wantsDense}));
  // Extents come from the read of a state itself, not from what it is widened to.
  passes.addNestedPass<func::FuncOp>(memref::createResolveRankedShapeTypeResultDimsPass());
  passes.addPass(createQuantizeParametersPass({weights}));
  if (cache == CacheFormat::Q8)
    passes.addPass(createQuantizeStatesPass());
  else
    passes.addPass(createNarrowStatesPass({cache}));
  addCleanup(passes);
}

void buildLinalgPhase(OpPassManager &passes) {
  passes.addNestedPass<func::FuncOp>(createConvertThreshToLinalgPass());
  passes.addNestedPass<func::FuncOp>(createConvertElementwiseToLinalgPass());
  passes.addNestedPass<func::FuncOp>(memref::createResolveRankedShapeTypeResultDimsPass());
  addCleanup(passes);
  passes.addNestedPass<func::FuncOp>(createLowerTensorOpsPass());
  addCleanup(passes);
  passes.addNestedPass<func::FuncOp>(createFuseElementwisePass());
  passes.addNestedPass<func::FuncOp>(memref::createResolveRankedShapeTypeResultDimsPass());
  addCleanup(passes);
  // Fusion composes indices by affine.apply, where folding does not remove it; kernels know arith.
  passes.addNestedPass<func::FuncOp>(createLowerAffinePass());
}

void buildKernelsPhase(OpPassManager &passes) {
  passes.addPass(createPackParametersPass());
  passes.addPass(createInterleaveRowsPass());
  passes.addPass(createFormKernelsPass());
  // No CSE here: it would merge the launches' destinations.
  passes.addPass(createCanonicalizerPass());
  passes.addPass(createBindEntryPointsPass());
  passes.addPass(createBufferizeEntryPointsPass());
  addCleanup(passes);
  passes.addNestedPass<func::FuncOp>(createPlanMemoryPass());
  addCleanup(passes);
}

void buildLlvmPhase(OpPassManager &passes) {
  passes.addNestedPass<func::FuncOp>(createLowerRowWritesPass());
  passes.addNestedPass<func::FuncOp>(createLowerCopiesPass());
  passes.addNestedPass<func::FuncOp>(createConvertLinalgToLoopsPass());
  passes.addNestedPass<func::FuncOp>(createLowerExpandShapesPass());
  passes.addNestedPass<func::FuncOp>(memref::createExpandStridedMetadataPass());
  passes.addNestedPass<func::FuncOp>(createLowerAffinePass());
  passes.addNestedPass<func::FuncOp>(createSCFToControlFlowPass());
  passes.addPass(createLowerHostOpsPass());
  addCleanup(passes);
  passes.addPass(createConvertMathToLLVMPass());
  passes.addPass(createConvertMathToLibmPass());
  passes.addPass(createArithToLLVMConversionPass());
  passes.addPass(createFinalizeMemRefToLLVMConversionPass());
  passes.addPass(createConvertControlFlowToLLVMPass());
  passes.addPass(createConvertFuncToLLVMPass());
  passes.addPass(createUBToLLVMConversionPass());
  passes.addPass(createReconcileUnrealizedCastsPass());
}

void registerPhasePipelines() {
  static PassPipelineRegistration<> sparse("thresh-sparse-pipeline", "graph to sparse", [](OpPassManager &passes) {
    buildSparsePhase(passes, WeightFormat::None, CacheFormat::F32, /*wantsDense=*/false);
  });
  static PassPipelineRegistration<> linalg("thresh-linalg-pipeline", "sparse to linalg", buildLinalgPhase);
  static PassPipelineRegistration<> kernels("thresh-kernels-pipeline", "linalg to kernels", buildKernelsPhase);
  static PassPipelineRegistration<> llvm("thresh-llvm-pipeline", "kernels to the LLVM dialect", buildLlvmPhase);
}

} // namespace thresh
