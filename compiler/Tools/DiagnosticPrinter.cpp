//===- DiagnosticPrinter.cpp - Diagnostics as a user reads them ----------------===//
#include "compiler/Tools/DiagnosticPrinter.h"

#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/Location.h"
#include "llvm/ADT/StringExtras.h"
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

/// `place` with every number as a '#'.
std::string withoutNumbers(llvm::StringRef place) {
  std::string pattern;
  for (size_t i = 0; i < place.size(); ++i)
    if (!llvm::isDigit(place[i]))
      pattern += place[i];
    else if (pattern.empty() || pattern.back() != '#')
      pattern += '#';
  return pattern;
}

/// `error: PLACE: message`, and the notes below.
std::string describe(Diagnostic &diagnostic) {
  std::string text, place = describePlace(diagnostic.getLocation());
  llvm::raw_string_ostream stream(text);
  stream << severityName(diagnostic.getSeverity()) << ": " << place << (place.empty() ? "" : ": ") << diagnostic;
  for (Diagnostic &note : diagnostic.getNotes())
    stream << "\n" << describe(note);
  return text;
}

} // namespace

DiagnosticPrinter::DiagnosticPrinter(MLIRContext &context, std::function<void()> before)
    : before(std::move(before)), handler(&context, [this](Diagnostic &diagnostic) { handle(diagnostic); }) {}

void DiagnosticPrinter::handle(Diagnostic &diagnostic) {
  if (diagnostic.getSeverity() == DiagnosticSeverity::Remark) {
    std::string pattern = withoutNumbers(describePlace(diagnostic.getLocation())) + ": " + diagnostic.str();
    Remarks &alike = remarks[pattern];
    if (alike.count++ == 0)
      alike.text = describe(diagnostic);
    return;
  }
  flush();
  before();
  errors |= diagnostic.getSeverity() == DiagnosticSeverity::Error;
  llvm::errs() << describe(diagnostic) << "\n";
}

void DiagnosticPrinter::flush() {
  if (!remarks.empty())
    before();
  for (auto &[pattern, alike] : remarks) {
    llvm::errs() << alike.text;
    if (alike.count > 1)
      llvm::errs() << " (and " << alike.count - 1 << " more like it)";
    llvm::errs() << "\n";
  }
  remarks.clear();
}

} // namespace thresh
