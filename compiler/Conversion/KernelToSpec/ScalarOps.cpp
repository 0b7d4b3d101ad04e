//===- ScalarOps.cpp - Scalar ops of linalg bodies to KernelSpec nodes -------===//
//
// One table for the ops that have a node of their own; comparisons, casts and unsigned integer ops are composed.
//
//===-----------------------------------------------------------------------===//
#include "compiler/Conversion/KernelToSpec/ScalarOps.h"

#include "compiler/Conversion/KernelToSpec/KernelToSpec.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "llvm/ADT/StringMap.h"

using namespace mlir;
using thresh::codegen::DType;
using NodeOp = thresh::codegen::Op;

namespace thresh {

int NodeBuilder::add(NodeOp op, DType dtype, std::vector<int> args) {
  codegen::Node node;
  node.op = op;
  node.dtype = dtype;
  node.args = std::move(args);
  stage.body.push_back(std::move(node));
  return stage.body.size() - 1;
}

int NodeBuilder::constant(DType dtype, double real, int64_t integer) {
  int node = add(NodeOp::Const, dtype);
  stage.body[node].real = real;
  stage.body[node].integer = integer;
  return node;
}

int NodeBuilder::index(int loop) {
  int node = add(NodeOp::Index, DType::I32);
  stage.body[node].integer = loop;
  return node;
}

int NodeBuilder::load(int source, DType dtype, std::vector<int> coordinates, int result) {
  int node = add(NodeOp::Load, dtype, std::move(coordinates));
  stage.body[node].source = source;
  stage.body[node].result = result;
  return node;
}

int NodeBuilder::accumulator(int result, DType dtype) {
  int node = add(NodeOp::Acc, dtype);
  stage.body[node].integer = result;
  return node;
}

int NodeBuilder::cast(int node, DType dtype) {
  return dtypeOf(node) == dtype ? node : add(NodeOp::Cast, dtype, {node});
}

namespace {

/// Ops whose operands and result map one to one onto a node of the result's type.
const llvm::StringMap<NodeOp> &directOps() {
  // clang-format off
  static const llvm::StringMap<NodeOp> table = {
      {"arith.addf", NodeOp::Add},            {"arith.addi", NodeOp::Add},            {"arith.subf", NodeOp::Sub},
      {"arith.subi", NodeOp::Sub},            {"arith.mulf", NodeOp::Mul},            {"arith.muli", NodeOp::Mul},
      {"arith.divf", NodeOp::Div},            {"arith.divsi", NodeOp::Div},           {"arith.remf", NodeOp::Rem},
      {"arith.remsi", NodeOp::Rem},           {"arith.floordivsi", NodeOp::FloorDiv}, {"arith.maximumf", NodeOp::Max},
      {"arith.minimumf", NodeOp::Min},        {"arith.maxnumf", NodeOp::MaxNum},      {"arith.minnumf", NodeOp::MinNum},
      {"arith.maxsi", NodeOp::Max},           {"arith.minsi", NodeOp::Min},           {"arith.andi", NodeOp::And},
      {"arith.ori", NodeOp::Or},              {"arith.xori", NodeOp::Xor},            {"arith.shli", NodeOp::Shl},
      {"arith.shrsi", NodeOp::ShrSigned},     {"arith.select", NodeOp::Select},       {"arith.negf", NodeOp::Neg},
      {"arith.bitcast", NodeOp::Bitcast},     {"math.powf", NodeOp::Pow},             {"math.atan2", NodeOp::Atan2},
      {"math.absf", NodeOp::Abs},             {"math.absi", NodeOp::Abs},             {"math.exp", NodeOp::Exp},
      {"math.exp2", NodeOp::Exp2},            {"math.expm1", NodeOp::Expm1},          {"math.log", NodeOp::Log},
      {"math.log2", NodeOp::Log2},            {"math.log1p", NodeOp::Log1p},          {"math.sqrt", NodeOp::Sqrt},
      {"math.rsqrt", NodeOp::Rsqrt},          {"math.sin", NodeOp::Sin},              {"math.cos", NodeOp::Cos},
      {"math.tan", NodeOp::Tan},              {"math.asin", NodeOp::Asin},            {"math.acos", NodeOp::Acos},
      {"math.atan", NodeOp::Atan},            {"math.sinh", NodeOp::Sinh},            {"math.cosh", NodeOp::Cosh},
      {"math.tanh", NodeOp::Tanh},            {"math.asinh", NodeOp::Asinh},          {"math.acosh", NodeOp::Acosh},
      {"math.atanh", NodeOp::Atanh},          {"math.erf", NodeOp::Erf},              {"math.floor", NodeOp::Floor},
      {"math.ceil", NodeOp::Ceil},            {"math.round", NodeOp::Round},          {"math.roundeven", NodeOp::RoundEven},
      {"math.trunc", NodeOp::Trunc},          {"math.isnan", NodeOp::IsNan},          {"math.isinf", NodeOp::IsInf},
      {"math.fma", NodeOp::Fma},              {"math.ipowi", NodeOp::Pow},            {"math.ctpop", NodeOp::CountOnes}};
  // clang-format on
  return table;
}

/// Integer ops that read their operands as unsigned.
const llvm::StringMap<NodeOp> &unsignedOps() {
  static const llvm::StringMap<NodeOp> table = {{"arith.divui", NodeOp::Div},
                                                {"arith.remui", NodeOp::Rem},
                                                {"arith.maxui", NodeOp::Max},
                                                {"arith.minui", NodeOp::Min},
                                                {"arith.shrui", NodeOp::ShrUnsigned}};
  return table;
}

DType toUnsigned(DType dtype) {
  switch (dtype) {
  case DType::I8: return DType::U8;
  case DType::I16: return DType::U16;
  case DType::I32: return DType::U32;
  case DType::I64: return DType::U64;
  default: return dtype;
  }
}

int compareIntegers(arith::CmpIOp op, ArrayRef<int> args, NodeBuilder &nodes) {
  using P = arith::CmpIPredicate;
  static const std::pair<P, NodeOp> table[] = {
      {P::eq, NodeOp::Eq},  {P::ne, NodeOp::Ne},  {P::slt, NodeOp::Lt}, {P::sle, NodeOp::Le}, {P::sgt, NodeOp::Gt},
      {P::sge, NodeOp::Ge}, {P::ult, NodeOp::Lt}, {P::ule, NodeOp::Le}, {P::ugt, NodeOp::Gt}, {P::uge, NodeOp::Ge}};
  P predicate = op.getPredicate();
  int lhs = args[0], rhs = args[1];
  if (predicate >= P::ult) {
    DType dtype = toUnsigned(nodes.dtypeOf(lhs));
    lhs = nodes.cast(lhs, dtype);
    rhs = nodes.cast(rhs, dtype);
  }
  for (auto [key, spelling] : table)
    if (key == predicate)
      return nodes.add(spelling, DType::Bool, {lhs, rhs});
  llvm_unreachable("the table holds every integer predicate");
}

/// Ordered comparisons have nodes; an unordered one is the negation of its ordered opposite.
int compareFloats(arith::CmpFOp op, ArrayRef<int> args, NodeBuilder &nodes) {
  using P = arith::CmpFPredicate;
  auto compare = [&](NodeOp spelling) { return nodes.add(spelling, DType::Bool, {args[0], args[1]}); };
  auto negate = [&](int node) { return nodes.add(NodeOp::Not, DType::Bool, {node}); };
  auto isNan = [&](int node) { return nodes.add(NodeOp::IsNan, DType::Bool, {node}); };
  auto either = [&](int a, int b) { return nodes.add(NodeOp::Or, DType::Bool, {a, b}); };
  switch (op.getPredicate()) {
  case P::OEQ: return compare(NodeOp::Eq);
  case P::OGT: return compare(NodeOp::Gt);
  case P::OGE: return compare(NodeOp::Ge);
  case P::OLT: return compare(NodeOp::Lt);
  case P::OLE: return compare(NodeOp::Le);
  case P::ONE: return either(compare(NodeOp::Lt), compare(NodeOp::Gt));
  case P::ORD: return negate(either(isNan(args[0]), isNan(args[1])));
  case P::UEQ: return negate(either(compare(NodeOp::Lt), compare(NodeOp::Gt)));
  case P::UGT: return negate(compare(NodeOp::Le));
  case P::UGE: return negate(compare(NodeOp::Lt));
  case P::ULT: return negate(compare(NodeOp::Ge));
  case P::ULE: return negate(compare(NodeOp::Gt));
  case P::UNE: return compare(NodeOp::Ne);
  case P::UNO: return either(isNan(args[0]), isNan(args[1]));
  case P::AlwaysFalse: return nodes.constant(DType::Bool, 0, 0);
  case P::AlwaysTrue: return nodes.constant(DType::Bool, 1, 1);
  }
  llvm_unreachable("every float predicate is handled");
}

/// MLIR's integer casts spell signedness in the op; i1 is sign-extended to -1 by the signed ones.
int castScalar(Operation *op, int arg, NodeBuilder &nodes) {
  DType result = *dtypeOf(op->getResult(0).getType());
  DType source = nodes.dtypeOf(arg);
  if (isa<arith::ExtUIOp, arith::UIToFPOp, arith::IndexCastUIOp>(op))
    return nodes.cast(nodes.cast(arg, toUnsigned(source)), result);
  if (isa<arith::ExtSIOp, arith::SIToFPOp, arith::IndexCastOp>(op) && source == DType::Bool)
    return nodes.add(NodeOp::Neg, result, {nodes.cast(arg, result)});
  if (isa<arith::TruncIOp, arith::IndexCastOp>(op) && result == DType::Bool)
    return nodes.add(
        NodeOp::Ne, DType::Bool,
        {nodes.add(NodeOp::And, source, {arg, nodes.constant(source, 1, 1)}), nodes.constant(source, 0, 0)});
  if (isa<arith::FPToUIOp>(op))
    return nodes.cast(nodes.cast(arg, toUnsigned(result)), result);
  return nodes.cast(arg, result);
}

int buildConstant(arith::ConstantOp op, NodeBuilder &nodes) {
  DType dtype = *dtypeOf(op.getType());
  if (auto real = dyn_cast<FloatAttr>(op.getValue())) {
    bool lossless;
    llvm::APFloat value = real.getValue();
    value.convert(llvm::APFloat::IEEEdouble(), llvm::APFloat::rmNearestTiesToEven, &lossless);
    return nodes.constant(dtype, value.convertToDouble(), 0);
  }
  const llvm::APInt &value = cast<IntegerAttr>(op.getValue()).getValue();
  return nodes.constant(dtype, 0, dtype == DType::Bool ? value.getZExtValue() : value.getSExtValue());
}

bool isCast(Operation *op) {
  return isa<arith::ExtFOp, arith::ExtSIOp, arith::ExtUIOp, arith::TruncFOp, arith::TruncIOp, arith::SIToFPOp,
             arith::UIToFPOp, arith::FPToSIOp, arith::FPToUIOp, arith::IndexCastOp, arith::IndexCastUIOp>(op);
}

} // namespace

bool isKernelScalarOp(Operation *op) {
  StringRef name = op->getName().getStringRef();
  if (op->getNumResults() != 1 || !dtypeOf(op->getResult(0).getType()))
    return false;
  for (Value operand : op->getOperands())
    if (!dtypeOf(operand.getType()))
      return false;
  return directOps().contains(name) || unsignedOps().contains(name) || isCast(op) ||
         isa<arith::CmpIOp, arith::CmpFOp>(op) ||
         (isa<arith::ConstantOp>(op) && isa<FloatAttr, IntegerAttr>(cast<arith::ConstantOp>(op).getValue()));
}

int buildScalarOp(Operation *op, ArrayRef<int> args, NodeBuilder &nodes) {
  StringRef name = op->getName().getStringRef();
  if (auto constant = dyn_cast<arith::ConstantOp>(op))
    return buildConstant(constant, nodes);
  if (auto compare = dyn_cast<arith::CmpIOp>(op))
    return compareIntegers(compare, args, nodes);
  if (auto compare = dyn_cast<arith::CmpFOp>(op))
    return compareFloats(compare, args, nodes);
  if (isCast(op))
    return castScalar(op, args[0], nodes);
  DType result = *dtypeOf(op->getResult(0).getType());

  if (auto direct = directOps().find(name); direct != directOps().end())
    return nodes.add(direct->second, result, args.vec());
  std::vector<int> operands;
  for (int arg : args)
    operands.push_back(nodes.cast(arg, toUnsigned(nodes.dtypeOf(arg))));
  return nodes.cast(nodes.add(unsignedOps().lookup(name), toUnsigned(result), operands), result);
}

} // namespace thresh
