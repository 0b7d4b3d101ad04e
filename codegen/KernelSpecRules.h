//===- KernelSpecRules.h - What the files that check a KernelSpec share ------===//
#ifndef THRESH_CODEGEN_KERNELSPECRULES_H
#define THRESH_CODEGEN_KERNELSPECRULES_H

#include "codegen/KernelSpec.h"

namespace thresh::codegen {

/// Thrown where a rule is broken, caught by `verify`.
struct RuleError {
  std::string message;
};

/// `pointer`: the JSON pointer of the offender.
[[noreturn]] void failRule(const std::string &pointer, const std::string &message);

/// The rules of the sparse families: parameters, operands, nothing else.
void checkSparse(const KernelSpec &spec);

} // namespace thresh::codegen

#endif // THRESH_CODEGEN_KERNELSPECRULES_H
