//===- Ops.h - Names and typing of the expression operations -----------------===//
//
// One table says how each Op is spelled in JSON, how many arguments it takes and which dtypes it
// works on. The JSON reader, the checker, the Halide translator and the tests all go by it.
//
//===-----------------------------------------------------------------------===//
#ifndef THRESH_CODEGEN_OPS_H
#define THRESH_CODEGEN_OPS_H

#include "codegen/KernelSpec.h"

#include <string>
#include <vector>

namespace thresh::codegen {

/// How the dtypes of a node and of its arguments hang together.
enum class OpClass {
  Leaf,      ///< no computed argument: Const, Index, Acc, Dim; Load takes coordinates
  Convert,   ///< any dtype to any dtype
  Numeric,   ///< arguments have the node's dtype, which is not Bool
  Float,     ///< arguments have the node's dtype, which is a float
  Bits,      ///< arguments have the node's dtype, an integer or Bool
  Integer,   ///< arguments have the node's dtype, an integer
  Compare,   ///< arguments agree, the result is Bool
  FloatTest, ///< a float argument, the result is Bool
  Choice     ///< Select: Bool, then two of the node's dtype
};

struct OpInfo {
  Op op;
  const char *name; ///< as JSON spells it
  int arity;        ///< -1: any number (Load)
  OpClass cls;
};

/// All operations in the order of the enumeration.
const std::vector<OpInfo> &opTable();
const OpInfo &opInfo(Op op);
/// Null if there is no such operation.
const OpInfo *findOp(const std::string &name);

/// "f32", "bool", ...; the number of dtypes is `kNumDTypes`.
constexpr int kNumDTypes = 13;
const char *dtypeName(DType dtype);
/// False if there is no such dtype.
bool findDType(const std::string &name, DType &dtype);
int dtypeBytes(DType dtype);
bool isFloat(DType dtype);
bool isSigned(DType dtype);
/// Signed or unsigned, not Bool.
bool isInteger(DType dtype);

/// Whether kernels of the family have parameters instead of stages.
bool isSparse(Family family);
const char *familyName(Family family);
bool findFamily(const std::string &name, Family &family);

} // namespace thresh::codegen

#endif // THRESH_CODEGEN_OPS_H
