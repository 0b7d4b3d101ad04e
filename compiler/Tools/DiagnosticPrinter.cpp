//===- DiagnosticPrinter.cpp - Diagnostics as a user reads them ----------------===//
#include "compiler/Tools/DiagnosticPrinter.h"

#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/Location.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;

namespace thresh {

namespace {

/// "file:line:column", "node name", or "" for locations that say nothing.
std::string describePlace(Location location) {
  if (auto file = dyn_cast<FileLineColLoc>(location)) {
    std::string place = file.getFilename().str();
    if (file.getLine())
      place += ":" + std::to_string(file.getLine()) + ":" + std::to_string(file.getColumn());
    return place;
  }
  if (auto name = dyn_cast<NameLoc>(location)) {
    std::string inner = describePlace(name.getChildLoc());
    return inner.empty() ? name.getName().str() : inner + ": " + name.getName().str();
  }
  if (auto fused = dyn_cast<FusedLoc>(location))
    for (Location part : fused.getLocations())
      if (std::string place = describePlace(part); !place.empty())
        return place;
  if (auto call = dyn_cast<CallSiteLoc>(location))
    return describePlace(call.getCallee());
  return "";
}

const char *severityName(DiagnosticSeverity severity) {
  switch (severity) {
  case DiagnosticSeverity::Error: return "error";
  case DiagnosticSeverity::Warning: return "warning";
  case DiagnosticSeverity::Remark: return "remark";
  case DiagnosticSeverity::Note: return "note";
  }
  return "error";
}

} // namespace

DiagnosticPrinter::DiagnosticPrinter(MLIRContext &context, std::function<void()> before)
    : before(std::move(before)), handler(&context, [this](Diagnostic &diagnostic) { print(diagnostic); }) {}

void DiagnosticPrinter::print(Diagnostic &diagnostic) {
  before();
  errors |= diagnostic.getSeverity() == DiagnosticSeverity::Error;
  std::string place = describePlace(diagnostic.getLocation());
  llvm::errs() << severityName(diagnostic.getSeverity()) << ": " << place << (place.empty() ? "" : ": ") << diagnostic
               << "\n";
  for (Diagnostic &note : diagnostic.getNotes())
    print(note);
}

} // namespace thresh
