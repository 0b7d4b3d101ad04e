//===- DiagnosticPrinter.h - Diagnostics as a user reads them ------------------===//
#ifndef THRESH_COMPILER_TOOLS_DIAGNOSTICPRINTER_H
#define THRESH_COMPILER_TOOLS_DIAGNOSTICPRINTER_H

#include "mlir/IR/Diagnostics.h"

#include <functional>

namespace thresh {

/// Prints every diagnostic of a context to stderr as `error: PLACE: message`; PLACE is a file position, the name of a
/// node or of a tensor. `before` runs ahead of each, to clear a progress line.
class DiagnosticPrinter {
public:
  DiagnosticPrinter(mlir::MLIRContext &context, std::function<void()> before);

  bool sawError() const { return errors; }

private:
  void print(mlir::Diagnostic &diagnostic);

  std::function<void()> before;
  bool errors = false;
  mlir::ScopedDiagnosticHandler handler;
};

} // namespace thresh

#endif // THRESH_COMPILER_TOOLS_DIAGNOSTICPRINTER_H
