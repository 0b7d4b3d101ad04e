//===- GenerationDefaults.h - How a model's tokens are chosen by default ------===//
#ifndef THRESH_COMPILER_PIPELINE_GENERATIONDEFAULTS_H
#define THRESH_COMPILER_PIPELINE_GENERATIONDEFAULTS_H

#include "compiler/Pipeline/LibraryTable.h"

#include "mlir/IR/BuiltinOps.h"

namespace thresh {

/// Reads the module attribute `thresh.generation`, a dictionary of the fields of LibraryGeneration that differ from
/// their defaults, into `defaults`, which stays empty without it. Emits an error for other keys, types and numbers out
/// of range.
mlir::LogicalResult readGenerationDefaults(mlir::ModuleOp module, std::optional<LibraryGeneration> &defaults);

} // namespace thresh

#endif // THRESH_COMPILER_PIPELINE_GENERATIONDEFAULTS_H
