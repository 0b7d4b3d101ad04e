//===- ThreshActivations.cpp - Activation functions as arith and math ops ----===//
#include "dialects/Thresh/IR/ThreshActivations.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;

namespace thresh {

Value buildSplat(OpBuilder &builder, Location loc, double value, ArrayRef<OpFoldResult> sizes) {
  auto scalarType = RankedTensorType::get({}, builder.getF32Type());
  auto attr = DenseElementsAttr::get(scalarType, builder.getF32FloatAttr(value).getValue());
  return BroadcastOp::create(builder, loc, arith::ConstantOp::create(builder, loc, attr), sizes);
}

namespace {

/// Elementwise maths on tensors of one shape.
class Elementwise {
public:
  Elementwise(OpBuilder &builder, Location loc, ArrayRef<OpFoldResult> sizes)
      : builder(builder), loc(loc), sizes(sizes) {}

  Value constant(double value) { return buildSplat(builder, loc, value, sizes); }
  Value add(Value a, Value b) { return binary<arith::AddFOp>(a, b); }
  Value mul(Value a, Value b) { return binary<arith::MulFOp>(a, b); }
  Value div(Value a, Value b) { return binary<arith::DivFOp>(a, b); }
  Value max(Value a, Value b) { return binary<arith::MaximumFOp>(a, b); }
  Value neg(Value x) { return unary<arith::NegFOp>(x); }
  Value erf(Value x) { return unary<math::ErfOp>(x); }
  Value exp(Value x) { return unary<math::ExpOp>(x); }
  Value tanh(Value x) { return unary<math::TanhOp>(x); }

  Value sigmoid(Value x) { return div(constant(1), add(constant(1), exp(neg(x)))); }

private:
  template <typename OpTy> Value unary(Value x) { return OpTy::create(builder, loc, x); }
  template <typename OpTy> Value binary(Value a, Value b) { return OpTy::create(builder, loc, a, b); }

  OpBuilder &builder;
  Location loc;
  ArrayRef<OpFoldResult> sizes;
};

/// x/2 (1 + erf(x / sqrt 2))
Value gelu(Elementwise &e, Value x) {
  Value erf = e.erf(e.mul(x, e.constant(0.70710678118654752440)));
  return e.mul(e.mul(x, e.constant(0.5)), e.add(e.constant(1), erf));
}

/// x/2 (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3)))
Value geluTanh(Elementwise &e, Value x) {
  Value cube = e.mul(e.mul(x, x), x);
  Value inner = e.mul(e.add(x, e.mul(cube, e.constant(0.044715))), e.constant(0.79788456080286535588));
  return e.mul(e.mul(x, e.constant(0.5)), e.add(e.constant(1), e.tanh(inner)));
}

} // namespace

Value buildActivation(OpBuilder &builder, Location loc, Activation activation, Value x, ArrayRef<OpFoldResult> sizes) {
  Elementwise e(builder, loc, sizes);
  switch (activation) {
  case Activation::Identity: return x;
  case Activation::Relu: return e.max(x, e.constant(0));
  case Activation::Relu2: {
    Value positive = e.max(x, e.constant(0));
    return e.mul(positive, positive);
  }
  case Activation::Silu: return e.mul(x, e.sigmoid(x));
  case Activation::Gelu: return gelu(e, x);
  case Activation::GeluTanh: return geluTanh(e, x);
  case Activation::QuickGelu: return e.mul(x, e.sigmoid(e.mul(x, e.constant(1.702))));
  case Activation::Sigmoid: return e.sigmoid(x);
  case Activation::Tanh: return e.tanh(x);
  }
  llvm_unreachable("the switch holds every activation");
}

} // namespace thresh
