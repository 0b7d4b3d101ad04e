//===- Compaction.cpp - The elements of a row that survive -------------------===//

#include "codegen/Kernels/Compaction.h"
#include "codegen/Schedules/Loops.h"

using Halide::Expr;
using Halide::RDom;
using Halide::Var;

namespace thresh::codegen {
namespace {

/// Elements whose survivors are stored at once.
constexpr int kOctet = 8;

/// For every pattern of 8 bits the positions of its ones, ascending, then zeros.
Halide::Buffer<uint8_t> positionsOfOnes() {
  Halide::Buffer<uint8_t> table(kOctet, 1 << kOctet);
  for (int bits = 0; bits < 1 << kOctet; ++bits) {
    int ones = 0;
    for (int i = 0; i < kOctet; ++i)
      if (bits >> i & 1)
        table(ones++, bits) = uint8_t(i);
    while (ones < kOctet)
      table(ones++, bits) = 0;
  }
  return table;
}

} // namespace

Compaction::Compaction(const Expr &elements, const std::vector<Var> &args,
                       const std::function<Expr(const Expr &)> &survives)
    : elements(elements), octets((elements + kOctet - 1) / kOctet) {
  bit = RDom(0, kOctet, "bit");
  bits(behind({octet}, args)) = 0;
  bits(behind({octet}, args)) += Halide::select(survives(octet * kOctet + bit), 1 << bit, 0);

  before = RDom(0, octets, "before");
  starts(behind({octet}, args)) = 0;
  starts(behind({before + 1}, args)) = starts(behind({before}, args)) + Halide::popcount(bits(behind({before}, args)));

  of = RDom(0, kOctet, 0, octets, "of");
  Expr first = Halide::unsafe_promise_clamped(starts(behind({of.y}, args)), 0, elements);
  Expr pattern = Halide::unsafe_promise_clamped(bits(behind({of.y}, args)), 0, 255);
  list(behind({position}, args)) = Halide::undef<int32_t>();
  list(behind({first + of.x}, args)) = of.y * kOctet + Halide::cast<int32_t>(positionsOfOnes()(of.x, pattern));
}

Expr Compaction::count(const std::vector<Expr> &args) const { return starts(behind({octets}, args)); }

Expr Compaction::countBefore(const Expr &element, const std::vector<Expr> &args) const {
  return starts(behind({Halide::min(element / kOctet, octets)}, args));
}

void Compaction::schedule(const Halide::LoopLevel &level, int lanes, int behind, const NestOfRow &each) {
  bits.compute_at(level).bound(octet, 0, octets).vectorize(octet, lanes, Halide::TailStrategy::GuardWithIf);
  bits.update().atomic().vectorize(bit.x);
  starts.compute_at(level).bound(octet, 0, octets + 1);
  list.compute_at(level).bound(position, 0, elements + behind);
  list.update().allow_race_conditions().vectorize(of.x);
  if (!each)
    return;
  each(bits, bits, octets / lanes + 1);
  each(bits, bits.update(), octets);
  each(starts, starts, octets / lanes + 1);
  each(starts, starts.update(), octets);
  each(list, list.update(), 2 * octets);
}

} // namespace thresh::codegen
