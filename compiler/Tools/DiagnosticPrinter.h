//===- DiagnosticPrinter.h - Diagnostics as a user reads them ------------------===//
#ifndef THRESH_COMPILER_TOOLS_DIAGNOSTICPRINTER_H
#define THRESH_COMPILER_TOOLS_DIAGNOSTICPRINTER_H

#include "mlir/IR/Diagnostics.h"
#include "llvm/ADT/MapVector.h"

#include <functional>
#include <map>
#include <string>

namespace thresh {

/// Prints every diagnostic of a context to stderr as `error: PLACE: message`; PLACE is a file position, the name of a
/// node or of a tensor. `before` runs ahead of each, to clear a progress line. Remarks wait for `flush`, or for the
/// next error: those that say the same at places that differ in numbers only, such as layers, become one.
class DiagnosticPrinter {
public:
  DiagnosticPrinter(mlir::MLIRContext &context, std::function<void()> before);
  ~DiagnosticPrinter() { flush(); }

  void flush();

  bool sawError() const { return errors; }

private:
  /// Remarks that say the same, in the words of the first.
  struct Remarks {
    std::string text;
    int count = 0;
  };
  void handle(mlir::Diagnostic &diagnostic);

  std::function<void()> before;
  bool errors = false;
  llvm::MapVector<std::string, Remarks, std::map<std::string, unsigned>> remarks;
  mlir::ScopedDiagnosticHandler handler;
};

} // namespace thresh

#endif // THRESH_COMPILER_TOOLS_DIAGNOSTICPRINTER_H
