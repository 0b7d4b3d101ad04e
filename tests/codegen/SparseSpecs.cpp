//===- SparseSpecs.cpp - Specs of the sparse families --------------------------===//

#include "tests/codegen/SparseSpecs.h"

namespace thresh::codegen::test {

KernelSpec chooseRowsSpec(const ChooseCase &c) {
  int64_t rows = c.rows == 1 ? 1 : -1;
  KernelSpec spec;
  spec.name = "choose_rows";
  spec.family = Family::ChooseRows;
  spec.target = "x86-64-v3";
  spec.operands = {{"scores", DType::F32, {rows, c.n}},
                   {"indices", DType::I32, {rows, c.n}, true},
                   {"values", DType::F32, {rows, c.n}, true},
                   {"counts", DType::I32, {rows}, true}};
  spec.parameters = {{"activation", textOf(c.activation)},
                     {"mask", integerOf(c.mask)},
                     {"quantile", realOf(c.quantile)},
                     {"variance_factor", realOf(c.varianceFactor)}};
  return spec;
}

namespace {

void addWeights(KernelSpec &spec, const ActiveCase &c, const std::string &name, int64_t width) {
  if (c.format == "q8" || c.format == "q4") {
    spec.operands.push_back({name, DType::U8, {c.n, c.format == "q4" ? width / 2 : width}});
    spec.operands.push_back({name + "_scales", DType::F16, {c.n, width / 32}});
    return;
  }
  DType dtype = c.format == "f32" ? DType::F32 : c.format == "f16" ? DType::F16 : DType::BF16;
  spec.operands.push_back({name, dtype, {c.n, width}});
}

} // namespace

KernelSpec activeRowsSpec(const ActiveCase &c) {
  int64_t rows = c.rows == 1 ? 1 : -1;
  KernelSpec spec;
  spec.name = "active_rows_" + c.format;
  spec.family = Family::ActiveRows;
  spec.target = "x86-64-v3";
  if (c.gated)
    spec.operands.push_back({"x", DType::F32, {rows, c.k}});
  spec.operands.push_back({"indices", DType::I32, {rows, c.n}});
  spec.operands.push_back({"values", DType::F32, {rows, c.n}});
  spec.operands.push_back({"counts", DType::I32, {rows}});
  if (c.gated)
    addWeights(spec, c, "up", c.k);
  addWeights(spec, c, "down", c.d);
  spec.operands.push_back({"y", DType::F32, {rows, c.d}, true});
  spec.parameters = {{"format", textOf(c.format)}, {"gated", integerOf(c.gated)}};
  return spec;
}

KernelSpec topkAttentionSpec(const TopkAttentionCase &c) {
  KernelSpec spec;
  spec.name = "topk_attention";
  spec.family = Family::TopkAttention;
  spec.target = "x86-64-v3";
  auto addCache = [&](const std::string &name, int64_t width) {
    spec.operands.push_back({name, c.cache, {-1, c.keyHeads, width}});
    if (c.cache == DType::I8)
      spec.operands.push_back({name + "_scales", DType::F32, {-1, c.keyHeads}});
  };
  spec.operands.push_back({"query", DType::F32, {1, c.heads, c.partial}});
  if (c.rest > 0)
    spec.operands.push_back({"query_rest", DType::F32, {1, c.heads, c.rest}});
  addCache("key", c.partial);
  if (c.rest > 0)
    addCache("key_rest", c.rest);
  addCache("value", c.valueWidth);
  spec.operands.push_back({"position", DType::I64, {}});
  spec.operands.push_back({"statistics", DType::F32, {2}});
  spec.operands.push_back({"y", DType::F32, {1, c.heads, c.valueWidth}, true});
  spec.operands.push_back({"counts", DType::I32, {1, c.heads}, true});
  spec.parameters = {{"k", integerOf(c.k)},           {"rest", integerOf(c.rest > 0)},
                     {"scale", realOf(c.scale)},      {"scaled", integerOf(c.cache == DType::I8)},
                     {"soft_cap", realOf(c.softCap)}, {"window", integerOf(c.window)}};
  if (c.softplus)
    spec.parameters["softplus_scale"] = realOf(0.125);
  return spec;
}

} // namespace thresh::codegen::test
