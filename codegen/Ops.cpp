//===- Ops.cpp - The table of expression operations --------------------------===//

#include "codegen/Ops.h"

#include <iterator>

namespace thresh::codegen {

const std::vector<OpInfo> &opTable() {
  static const std::vector<OpInfo> table = {
      {Op::Const, "const", 0, OpClass::Leaf},
      {Op::Index, "index", 0, OpClass::Leaf},
      {Op::Load, "load", -1, OpClass::Leaf},
      {Op::Acc, "acc", 0, OpClass::Leaf},
      {Op::Dim, "dim", 0, OpClass::Leaf},
      {Op::Cast, "cast", 1, OpClass::Convert},
      {Op::Bitcast, "bitcast", 1, OpClass::Convert},
      {Op::Add, "add", 2, OpClass::Numeric},
      {Op::Sub, "sub", 2, OpClass::Numeric},
      {Op::Mul, "mul", 2, OpClass::Numeric},
      {Op::Div, "div", 2, OpClass::Numeric},
      {Op::Rem, "rem", 2, OpClass::Numeric},
      {Op::FloorDiv, "floordiv", 2, OpClass::Numeric},
      {Op::FloorMod, "floormod", 2, OpClass::Numeric},
      {Op::Max, "max", 2, OpClass::Numeric},
      {Op::Min, "min", 2, OpClass::Numeric},
      {Op::MaxNum, "maxnum", 2, OpClass::Numeric},
      {Op::MinNum, "minnum", 2, OpClass::Numeric},
      {Op::Pow, "pow", 2, OpClass::Numeric},
      {Op::Atan2, "atan2", 2, OpClass::Float},
      {Op::And, "and", 2, OpClass::Bits},
      {Op::Or, "or", 2, OpClass::Bits},
      {Op::Xor, "xor", 2, OpClass::Bits},
      {Op::Shl, "shl", 2, OpClass::Integer},
      {Op::ShrSigned, "shr_signed", 2, OpClass::Integer},
      {Op::ShrUnsigned, "shr_unsigned", 2, OpClass::Integer},
      {Op::Eq, "eq", 2, OpClass::Compare},
      {Op::Ne, "ne", 2, OpClass::Compare},
      {Op::Lt, "lt", 2, OpClass::Compare},
      {Op::Le, "le", 2, OpClass::Compare},
      {Op::Gt, "gt", 2, OpClass::Compare},
      {Op::Ge, "ge", 2, OpClass::Compare},
      {Op::Select, "select", 3, OpClass::Choice},
      {Op::Neg, "neg", 1, OpClass::Numeric},
      {Op::Abs, "abs", 1, OpClass::Numeric},
      {Op::Exp, "exp", 1, OpClass::Float},
      {Op::Exp2, "exp2", 1, OpClass::Float},
      {Op::Expm1, "expm1", 1, OpClass::Float},
      {Op::Log, "log", 1, OpClass::Float},
      {Op::Log2, "log2", 1, OpClass::Float},
      {Op::Log1p, "log1p", 1, OpClass::Float},
      {Op::Sqrt, "sqrt", 1, OpClass::Float},
      {Op::Rsqrt, "rsqrt", 1, OpClass::Float},
      {Op::Sin, "sin", 1, OpClass::Float},
      {Op::Cos, "cos", 1, OpClass::Float},
      {Op::Tan, "tan", 1, OpClass::Float},
      {Op::Asin, "asin", 1, OpClass::Float},
      {Op::Acos, "acos", 1, OpClass::Float},
      {Op::Atan, "atan", 1, OpClass::Float},
      {Op::Sinh, "sinh", 1, OpClass::Float},
      {Op::Cosh, "cosh", 1, OpClass::Float},
      {Op::Tanh, "tanh", 1, OpClass::Float},
      {Op::Asinh, "asinh", 1, OpClass::Float},
      {Op::Acosh, "acosh", 1, OpClass::Float},
      {Op::Atanh, "atanh", 1, OpClass::Float},
      {Op::Erf, "erf", 1, OpClass::Float},
      {Op::Floor, "floor", 1, OpClass::Float},
      {Op::Ceil, "ceil", 1, OpClass::Float},
      {Op::Round, "round", 1, OpClass::Float},
      {Op::RoundEven, "round_even", 1, OpClass::Float},
      {Op::Trunc, "trunc", 1, OpClass::Float},
      {Op::IsNan, "isnan", 1, OpClass::FloatTest},
      {Op::IsInf, "isinf", 1, OpClass::FloatTest},
      {Op::Not, "not", 1, OpClass::Bits},
      {Op::Fma, "fma", 3, OpClass::Float},
      {Op::CountOnes, "count_ones", 1, OpClass::Integer},
  };
  return table;
}

const OpInfo &opInfo(Op op) { return opTable()[static_cast<int>(op)]; }

const OpInfo *findOp(const std::string &name) {
  for (const OpInfo &info : opTable())
    if (name == info.name)
      return &info;
  return nullptr;
}

namespace {
struct DTypeInfo {
  const char *name;
  int bytes;
  char kind; ///< 'f' float, 'i' signed, 'u' unsigned, 'b' Bool
};
constexpr DTypeInfo kDTypes[kNumDTypes] = {
    {"f32", 4, 'f'}, {"f64", 8, 'f'}, {"f16", 2, 'f'},  {"bf16", 2, 'f'}, {"i8", 1, 'i'},
    {"u8", 1, 'u'},  {"i16", 2, 'i'}, {"u16", 2, 'u'},  {"i32", 4, 'i'},  {"u32", 4, 'u'},
    {"i64", 8, 'i'}, {"u64", 8, 'u'}, {"bool", 1, 'b'},
};
const DTypeInfo &infoOf(DType dtype) { return kDTypes[static_cast<int>(dtype)]; }

constexpr const char *kFamilies[] = {"elementwise",      "reduction",   "rowwise",     "matmul",        "attention",
                                     "quantized_matmul", "choose_rows", "active_rows", "topk_attention"};
} // namespace

const char *dtypeName(DType dtype) { return infoOf(dtype).name; }
int dtypeBytes(DType dtype) { return infoOf(dtype).bytes; }
bool isFloat(DType dtype) { return infoOf(dtype).kind == 'f'; }
bool isSigned(DType dtype) { return infoOf(dtype).kind == 'i'; }
bool isInteger(DType dtype) { return infoOf(dtype).kind == 'i' || infoOf(dtype).kind == 'u'; }

bool findDType(const std::string &name, DType &dtype) {
  for (int i = 0; i < kNumDTypes; ++i)
    if (name == kDTypes[i].name) {
      dtype = static_cast<DType>(i);
      return true;
    }
  return false;
}

bool isSparse(Family family) { return family >= Family::ChooseRows; }

const char *familyName(Family family) { return kFamilies[static_cast<int>(family)]; }

bool findFamily(const std::string &name, Family &family) {
  for (size_t i = 0; i < std::size(kFamilies); ++i)
    if (name == kFamilies[i]) {
      family = static_cast<Family>(i);
      return true;
    }
  return false;
}

} // namespace thresh::codegen
