//===- Rope.cpp - Rotary position embeddings of config.json ------------------===//
//
// The rules are those of transformers' modeling_rope_utils; frequencies are computed in f32 where it does.
//
//===-----------------------------------------------------------------------===//
#include "compiler/Frontend/Checkpoint/Rope.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

#include <cmath>
#include <limits>

using namespace mlir;

namespace thresh {

static constexpr double kPi = 3.14159265358979323846;
static constexpr int64_t kMaxPositions = std::numeric_limits<int32_t>::max();

bool Rope::operator==(const Rope &other) const {
  return frequencies == other.frequencies && longFrequencies == other.longFrequencies && longFrom == other.longFrom &&
         dynamicFactor == other.dynamicFactor && dynamicFrom == other.dynamicFrom && magnitude == other.magnitude;
}

bool Rope::isFinite() const {
  auto isFiniteFloat = [](float value) { return std::isfinite(value); };
  return llvm::all_of(frequencies, isFiniteFloat) && llvm::all_of(longFrequencies, isFiniteFloat) &&
         std::isfinite(static_cast<float>(magnitude)) && std::isfinite(static_cast<float>(dynamicFactor));
}

namespace {

/// One scaling object being read, with the frequencies of the default type.
struct RopeReader {
  JsonFields &fields;
  const RopeContext &context;
  int64_t width; ///< elements of a head that turn
  Rope rope;

  /// base^(2i / width) for pair i.
  float power(int64_t pair) const {
    float exponent = static_cast<float>(2 * pair) / static_cast<float>(width);
    return static_cast<float>(std::pow(context.base, static_cast<double>(exponent)));
  }

  int64_t originalPositions() {
    int64_t fallback = context.originalPositions ? context.originalPositions : context.maxPositions;
    return fields.integer("original_max_position_embeddings", 1, kMaxPositions, fallback);
  }

  /// `factor`, or where it may be left out, how far the window was stretched.
  double factor(int64_t original, bool isRequired) {
    if (isRequired)
      return fields.positive("factor");
    return fields.positive("factor", static_cast<double>(context.maxPositions) / static_cast<double>(original));
  }
};

} // namespace

static void readDefault(RopeReader &) {}

static void readLinear(RopeReader &reader) {
  float factor = static_cast<float>(reader.fields.positive("factor"));
  for (float &frequency : reader.rope.frequencies)
    frequency /= factor;
}

static void readDynamic(RopeReader &reader) {
  reader.rope.dynamicFactor = reader.fields.positive("factor");
  reader.rope.dynamicFrom = reader.context.maxPositions;
  if (reader.width <= 2)
    reader.fields.fail("rope_type", "expects at least 4 rotated elements of a head for \"dynamic\", but got " +
                                        llvm::Twine(reader.width));
}

/// Long wavelengths are stretched, short ones kept, and those between blended.
static void readLlama3(RopeReader &reader) {
  double factor = reader.fields.positive("factor");
  double low = reader.fields.positive("low_freq_factor"), high = reader.fields.positive("high_freq_factor");
  double original = static_cast<double>(reader.originalPositions());
  if (high <= low)
    reader.fields.fail("high_freq_factor", "expects more than low_freq_factor, but got no more");
  for (float &frequency : reader.rope.frequencies) {
    double wavelength = 2 * kPi / frequency;
    double stretched = frequency / factor;
    double smooth = (original / wavelength - low) / (high - low);
    if (wavelength > original / low)
      frequency = static_cast<float>(stretched);
    else if (wavelength >= original / high)
      frequency = static_cast<float>((1 - smooth) * stretched + smooth * frequency);
  }
}

/// How much yarn and its relatives sharpen attention for a window stretched `factor` times.
static double yarnMagnitude(double factor, double weight) {
  return factor <= 1 ? 1.0 : 0.1 * weight * std::log(factor) + 1.0;
}

static void readYarn(RopeReader &reader) {
  JsonFields &fields = reader.fields;
  double original = static_cast<double>(reader.originalPositions());
  double factor = reader.factor(original, /*isRequired=*/false);
  double fast = fields.positive("beta_fast", 32.0), slow = fields.positive("beta_slow", 1.0);
  double magnitude = yarnMagnitude(factor, 1);
  if (fields.has("mscale") && fields.has("mscale_all_dim"))
    magnitude =
        yarnMagnitude(factor, fields.positive("mscale")) / yarnMagnitude(factor, fields.positive("mscale_all_dim"));
  reader.rope.magnitude = fields.positive("attention_factor", magnitude);

  // The pair that makes this many turns within the original window.
  auto pairOf = [&](double turns) {
    return reader.width * std::log(original / (turns * 2 * kPi)) / (2 * std::log(reader.context.base));
  };
  double low = pairOf(fast), high = pairOf(slow);
  if (fields.boolean("truncate", true)) {
    low = std::floor(low);
    high = std::ceil(high);
  }
  low = std::max(low, 0.0);
  high = std::min(high, static_cast<double>(reader.width - 1));
  if (low == high)
    high += 0.001;
  for (auto [pair, frequency] : llvm::enumerate(reader.rope.frequencies)) {
    double stretched = 1.0 / (factor * reader.power(pair));
    double ramp = std::clamp((static_cast<double>(pair) - low) / (high - low), 0.0, 1.0);
    frequency = static_cast<float>(stretched * ramp + frequency * (1 - ramp));
  }
}

static void readLongrope(RopeReader &reader) {
  JsonFields &fields = reader.fields;
  int64_t original = reader.originalPositions();
  double factor = reader.factor(static_cast<double>(original), /*isRequired=*/false);
  double magnitude = factor <= 1 ? 1.0 : std::sqrt(1 + std::log(factor) / std::log(static_cast<double>(original)));
  reader.rope.magnitude = fields.positive("attention_factor", magnitude);
  size_t pairs = reader.rope.frequencies.size();
  std::vector<double> shortFactors = fields.positives("short_factor", pairs);
  std::vector<double> longFactors = fields.positives("long_factor", pairs);
  reader.rope.longFrom = original;
  for (size_t pair = 0; pair < pairs; ++pair) {
    reader.rope.frequencies[pair] = 1.0f / (static_cast<float>(shortFactors[pair]) * reader.power(pair));
    reader.rope.longFrequencies.push_back(1.0f / (static_cast<float>(longFactors[pair]) * reader.power(pair)));
  }
}

namespace {

struct ScalingType {
  llvm::StringLiteral name;
  void (*read)(RopeReader &reader);
};

constexpr ScalingType kScalingTypes[] = {
    {"default", readDefault},   {"dynamic", readDynamic}, {"linear", readLinear}, {"llama3", readLlama3},
    {"longrope", readLongrope}, {"su", readLongrope},     {"yarn", readYarn},
};

} // namespace

Rope readRope(JsonFields &config, JsonFields *scaling, const RopeContext &context) {
  auto width = static_cast<int64_t>(static_cast<double>(context.headDim) * context.partialFactor);
  if (width < 2 || width % 2 != 0) {
    config.fail(context.partialFactor == 1 ? "head_dim" : "partial_rotary_factor",
                "expects an even number of rotated elements of a head, but got " + llvm::Twine(width));
    width = 2;
  }
  JsonFields &fields = scaling ? *scaling : config;
  RopeReader reader{fields, context, width, Rope()};
  for (int64_t pair = 0; pair < width / 2; ++pair)
    reader.rope.frequencies.push_back(1.0f / reader.power(pair));
  if (!scaling)
    return reader.rope;

  llvm::StringRef key = fields.has("rope_type") ? "rope_type" : "type";
  std::string type = fields.string(key, "default");
  const auto *rule = llvm::find_if(kScalingTypes, [&](const ScalingType &known) { return known.name == type; });
  if (rule == std::end(kScalingTypes)) {
    auto names = llvm::map_range(kScalingTypes, [](const ScalingType &known) { return known.name; });
    fields.fail(key, "expects one of " + llvm::join(names, ", ") + ", but got \"" + type + "\"");
    return reader.rope;
  }
  rule->read(reader);
  if (!reader.rope.isFinite())
    fields.fail(key, "expects fields that give finite angles, but these do not");
  return reader.rope;
}

//===----------------------------------------------------------------------===//
// Graph
//===----------------------------------------------------------------------===//

static Value floatTensor(GraphBuilder &graph, ArrayRef<float> values) {
  auto type = RankedTensorType::get({static_cast<int64_t>(values.size())}, graph.builder.getF32Type());
  return arith::ConstantOp::create(graph.builder, graph.loc, DenseElementsAttr::get(type, values));
}

static Value toFloat(OpBuilder &builder, Location loc, Value index) {
  Value integer = arith::IndexCastOp::create(builder, loc, builder.getI64Type(), index);
  return arith::SIToFPOp::create(builder, loc, builder.getF32Type(), integer);
}

static Value floatConstant(OpBuilder &builder, Location loc, double value) {
  return arith::ConstantOp::create(builder, loc, builder.getF32FloatAttr(static_cast<float>(value)));
}

/// What the base of "dynamic" is stretched by, before its exponent: factor * max(length, from) / from - factor + 1.
static Value dynamicStretch(GraphBuilder &graph, const Rope &rope, Value length) {
  OpBuilder &b = graph.builder;
  Location loc = graph.loc;
  Value from = arith::ConstantIndexOp::create(b, loc, rope.dynamicFrom);
  Value tokens = toFloat(b, loc, arith::MaxSIOp::create(b, loc, length, from));
  Value scaled = arith::MulFOp::create(
      b, loc, tokens, floatConstant(b, loc, rope.dynamicFactor / static_cast<double>(rope.dynamicFrom)));
  return arith::SubFOp::create(b, loc, scaled, floatConstant(b, loc, rope.dynamicFactor - 1));
}

namespace {

/// The frequency of a pair as the body of the kernel computes it from the constants it reads.
struct FrequencyRule {
  SmallVector<Value> constants; ///< [pairs] each
  llvm::unique_function<Value(OpBuilder &, Location, ValueRange)> body;
};

} // namespace

static FrequencyRule frequencyRule(GraphBuilder &graph, const Rope &rope, Value length) {
  FrequencyRule rule;
  rule.constants.push_back(floatTensor(graph, rope.frequencies));
  if (!rope.longFrequencies.empty()) {
    rule.constants.push_back(floatTensor(graph, rope.longFrequencies));
    rule.body = [length, from = rope.longFrom](OpBuilder &b, Location l, ValueRange args) -> Value {
      Value limit = arith::ConstantIndexOp::create(b, l, from);
      Value isLong = arith::CmpIOp::create(b, l, arith::CmpIPredicate::sgt, length, limit);
      return arith::SelectOp::create(b, l, isLong, args[1], args[0]);
    };
  } else if (rope.dynamicFactor != 0) {
    // A base b stretched s^(w / (w - 2)) times divides the frequency of pair i by s^(2i / (w - 2)).
    SmallVector<float> exponents;
    size_t width = 2 * rope.frequencies.size();
    for (size_t pair = 0; pair < rope.frequencies.size(); ++pair)
      exponents.push_back(-static_cast<float>(2 * pair) / static_cast<float>(width - 2));
    rule.constants.push_back(floatTensor(graph, exponents));
    Value stretch = dynamicStretch(graph, rope, length);
    rule.body = [stretch](OpBuilder &b, Location l, ValueRange args) -> Value {
      Value factor = math::PowFOp::create(b, l, stretch, args[1]);
      return arith::MulFOp::create(b, l, args[0], factor);
    };
  } else {
    rule.body = [](OpBuilder &, Location, ValueRange args) { return args[0]; };
  }
  return rule;
}

std::pair<Value, Value> buildAngles(GraphBuilder &graph, const Rope &rope, OpFoldResult rows, Value position,
                                    Value length) {
  OpBuilder &builder = graph.builder;
  Location loc = graph.loc;
  FrequencyRule rule = frequencyRule(graph, rope, length);
  auto pairs = static_cast<int64_t>(rope.frequencies.size());
  Value empty = tensor::EmptyOp::create(builder, loc, ArrayRef<OpFoldResult>{rows, builder.getIndexAttr(pairs)},
                                        builder.getF32Type());
  AffineMap identity = builder.getMultiDimIdentityMap(2);
  SmallVector<AffineMap> maps(rule.constants.size(),
                              AffineMap::get(2, 0, {builder.getAffineDimExpr(1)}, builder.getContext()));
  maps.append({identity, identity});
  SmallVector<utils::IteratorType> iterators(2, utils::IteratorType::parallel);
  auto angles = linalg::GenericOp::create(
      builder, loc, TypeRange{empty.getType(), empty.getType()}, rule.constants, ValueRange{empty, empty}, maps,
      iterators, [&](OpBuilder &b, Location l, ValueRange args) {
        Value row = linalg::IndexOp::create(b, l, 0);
        Value place = toFloat(b, l, arith::AddIOp::create(b, l, row, position));
        Value angle = arith::MulFOp::create(b, l, place, rule.body(b, l, args));
        Value magnitude = floatConstant(b, l, rope.magnitude);
        Value cos = arith::MulFOp::create(b, l, math::CosOp::create(b, l, angle), magnitude);
        Value sin = arith::MulFOp::create(b, l, math::SinOp::create(b, l, angle), magnitude);
        linalg::YieldOp::create(b, l, ValueRange{cos, sin});
      });
  return {angles.getResult(0), angles.getResult(1)};
}

} // namespace thresh
