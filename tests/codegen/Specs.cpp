//===- Specs.cpp - KernelSpecs of the families -------------------------------===//

#include "tests/codegen/Specs.h"

#include <cmath>

namespace thresh::codegen::test {
namespace {

constexpr DType F32 = DType::F32;

KernelSpec named(const char *name, Family family) {
  KernelSpec spec;
  spec.name = name;
  spec.family = family;
  return spec;
}

/// acc = acc `op` value from `init`.
Stage fold(StageBuilder &builder, Op op, double init, int value) {
  return builder.reduction({builder.real(init)}, {builder.op(op, F32, {builder.acc(F32), value})});
}

/// The stages of softmax over the last loop of stage `scores`, whose loops are `loops`.
void appendSoftmax(KernelSpec &spec, const std::vector<Extent> &loops, int scores) {
  int rank = int(loops.size());
  std::vector<int> all(rank);
  for (int l = 0; l < rank; ++l)
    all[l] = l;
  std::vector<int> row(all.begin(), all.end() - 1);
  StageBuilder max(loops, rank - 1);
  spec.stages.push_back(fold(max, Op::Max, -INFINITY, max.loadAt(fromStage(scores), F32, all)));
  StageBuilder exp(loops, rank);
  int shifted =
      exp.op(Op::Sub, F32, {exp.loadAt(fromStage(scores), F32, all), exp.loadAt(fromStage(scores + 1), F32, row)});
  spec.stages.push_back(exp.pure({exp.op(Op::Exp, F32, {shifted})}));
  StageBuilder sum(loops, rank - 1);
  spec.stages.push_back(fold(sum, Op::Add, 0, sum.loadAt(fromStage(scores + 2), F32, all)));
  StageBuilder weights(loops, rank);
  int e = weights.loadAt(fromStage(scores + 2), F32, all), total = weights.loadAt(fromStage(scores + 3), F32, row);
  spec.stages.push_back(weights.pure({weights.op(Op::Div, F32, {e, total})}));
}

} // namespace

KernelSpec softmaxSpec(int64_t columns) {
  KernelSpec spec = named("softmax", Family::Rowwise);
  spec.operands = {{"x", F32, {-1, -1, columns}}, {"out", F32, {-1, -1, columns}, true}};
  std::vector<Extent> all = {dimOf(0, 0), dimOf(0, 1), columns < 0 ? dimOf(0, 2) : fixed(columns)};
  StageBuilder max(all, 2);
  spec.stages.push_back(fold(max, Op::Max, -INFINITY, max.loadAt(0, F32, {0, 1, 2})));
  StageBuilder exp(all, 3);
  int shifted = exp.op(Op::Sub, F32, {exp.loadAt(0, F32, {0, 1, 2}), exp.loadAt(fromStage(0), F32, {0, 1})});
  spec.stages.push_back(exp.pure({exp.op(Op::Exp, F32, {shifted})}));
  StageBuilder sum(all, 2);
  spec.stages.push_back(fold(sum, Op::Add, 0, sum.loadAt(fromStage(1), F32, {0, 1, 2})));
  StageBuilder out(all, 3);
  int e = out.loadAt(fromStage(1), F32, {0, 1, 2}), total = out.loadAt(fromStage(2), F32, {0, 1});
  spec.stages.push_back(out.pure({out.op(Op::Div, F32, {e, total})}));
  spec.outputs = {3};
  return spec;
}

KernelSpec layerNormSpec(int64_t columns, bool keepsSum) {
  KernelSpec spec = named("layernorm", Family::Rowwise);
  spec.operands = {{"x", F32, {-1, -1, columns}},
                   {"r", F32, {-1, -1, columns}},
                   {"gamma", F32, {columns}},
                   {"beta", F32, {columns}},
                   {"out", F32, {-1, -1, columns}, true}};
  std::vector<Extent> all = {dimOf(0, 0), dimOf(0, 1), fixed(columns)}, rows = {dimOf(0, 0), dimOf(0, 1)};
  StageBuilder h(all, 3);
  spec.stages.push_back(h.pure({h.op(Op::Add, F32, {h.loadAt(0, F32, {0, 1, 2}), h.loadAt(1, F32, {0, 1, 2})})}));
  StageBuilder sum(all, 2);
  spec.stages.push_back(fold(sum, Op::Add, 0, sum.loadAt(fromStage(0), F32, {0, 1, 2})));
  StageBuilder centred(all, 3);
  int mean = centred.op(Op::Div, F32, {centred.loadAt(fromStage(1), F32, {0, 1}), centred.real(double(columns))});
  spec.stages.push_back(centred.pure({centred.op(Op::Sub, F32, {centred.loadAt(fromStage(0), F32, {0, 1, 2}), mean})}));
  StageBuilder squares(all, 2);
  int c = squares.loadAt(fromStage(2), F32, {0, 1, 2});
  spec.stages.push_back(fold(squares, Op::Add, 0, squares.op(Op::Mul, F32, {c, c})));
  StageBuilder scale(rows, 2);
  int variance = scale.op(Op::Div, F32, {scale.loadAt(fromStage(3), F32, {0, 1}), scale.real(double(columns))});
  spec.stages.push_back(scale.pure({scale.op(Op::Rsqrt, F32, {scale.op(Op::Add, F32, {variance, scale.real(1e-5)})})}));
  StageBuilder out(all, 3);
  int normal = out.op(Op::Mul, F32, {out.loadAt(fromStage(2), F32, {0, 1, 2}), out.loadAt(fromStage(4), F32, {0, 1})});
  int scaled = out.op(Op::Mul, F32, {normal, out.loadAt(2, F32, {2})});
  spec.stages.push_back(out.pure({out.op(Op::Add, F32, {scaled, out.loadAt(3, F32, {2})})}));
  spec.outputs = {5};
  if (keepsSum) {
    spec.operands.push_back({"sum", F32, {-1, -1, columns}, true});
    spec.outputs = {5, 0};
  }
  return spec;
}

KernelSpec reduceSpec(DType dtype, Op op, double init, std::vector<int64_t> shape, const std::vector<bool> &reduced) {
  KernelSpec spec = named("reduce", Family::Reduction);
  spec.operands = {{"x", dtype, shape}, {"out", dtype, {}, true}};
  std::vector<Extent> outer, inner;
  std::vector<int> loopOf(shape.size());
  for (size_t d = 0; d < shape.size(); ++d)
    if (!reduced[d]) {
      loopOf[d] = int(outer.size());
      outer.push_back(shape[d] < 0 ? dimOf(0, int(d)) : fixed(shape[d]));
      spec.operands[1].shape.push_back(shape[d]);
    }
  for (size_t d = 0; d < shape.size(); ++d)
    if (reduced[d]) {
      loopOf[d] = int(outer.size() + inner.size());
      inner.push_back(shape[d] < 0 ? dimOf(0, int(d)) : fixed(shape[d]));
    }
  int parallel = int(outer.size());
  outer.insert(outer.end(), inner.begin(), inner.end());
  StageBuilder builder(outer, parallel);
  int x = builder.loadAt(0, dtype, loopOf);
  if (inner.empty()) {
    spec.stages.push_back(builder.pure({x}));
  } else {
    int start = builder.add({Op::Const, dtype, {}, init, int64_t(std::isfinite(init) ? init : 0)});
    spec.stages.push_back(builder.reduction({start}, {builder.op(op, dtype, {builder.acc(dtype), x})}));
  }
  spec.outputs = {0};
  return spec;
}

KernelSpec argMaxSpec(int64_t columns) {
  KernelSpec spec = named("argmax", Family::Reduction);
  spec.operands = {{"x", F32, {-1, columns}}, {"best", F32, {-1}, true}, {"at", DType::I64, {-1}, true}};
  StageBuilder builder({dimOf(0, 0), columns < 0 ? dimOf(0, 1) : fixed(columns)}, 1);
  int x = builder.loadAt(0, F32, {0, 1});
  int better = builder.op(Op::Gt, DType::Bool, {x, builder.acc(F32, 0)});
  int at = builder.op(Op::Cast, DType::I64, {builder.index(1)});
  int best = builder.op(Op::Select, F32, {better, x, builder.acc(F32, 0)});
  int position = builder.op(Op::Select, DType::I64, {better, at, builder.acc(DType::I64, 1)});
  spec.stages.push_back(builder.reduction({builder.real(-INFINITY), builder.integer(0, DType::I64)}, {best, position}));
  spec.outputs = {0, 0};
  return spec;
}

KernelSpec matmulSpec(const MatmulCase &options) {
  KernelSpec spec = named("matmul", Family::Matmul);
  DType t = options.dtype, weights = t == F32 ? options.weights : t;
  int outer = options.leading + (options.batched ? 1 : 0);
  int64_t panels = options.n < 0 ? -1 : (options.n + 15) / 16;
  std::vector<int64_t> lhs(outer, -1), rhs, out(outer, -1);
  lhs.back() = out.back() = options.rows;
  lhs.push_back(options.k);
  out.push_back(options.n);
  if (options.rhs == Rhs::Packed)
    rhs = {panels, options.k, 16};
  else if (options.rhs == Rhs::Plain)
    rhs = {options.k, options.n};
  else
    rhs = {options.n, options.k};
  if (options.batched)
    rhs.insert(rhs.begin(), -1);
  spec.operands = {{"lhs", t, lhs}, {"rhs", weights, rhs}};
  if (options.epilogue != Epilogue::None)
    spec.operands.push_back({"bias", t, {options.n}});
  if (options.epilogue == Epilogue::BiasResidual)
    spec.operands.push_back({"residual", t, out});
  spec.operands.push_back({"out", t, out, true});

  int n = outer, k = outer + 1, nDim = int(rhs.size()) - (options.rhs == Rhs::Plain ? 1 : 2);
  std::vector<Extent> loops;
  std::vector<int> rows;
  for (int d = 0; d < outer; ++d) {
    loops.push_back(lhs[d] < 0 ? dimOf(0, d) : fixed(lhs[d]));
    rows.push_back(d);
  }
  loops.push_back(options.n < 0 ? dimOf(1, nDim) : fixed(options.n));
  std::vector<Extent> outLoops = loops;
  loops.push_back(options.k < 0 ? dimOf(0, outer) : fixed(options.k));
  StageBuilder builder(loops, outer + 1);
  std::vector<int> lhsLoops = rows;
  lhsLoops.push_back(k);
  int a = builder.loadAt(0, t, lhsLoops), b;
  if (options.rhs == Rhs::Packed) {
    int column = builder.index(n), sixteen = builder.integer(16);
    int panel = builder.op(Op::FloorDiv, DType::I32, {column, sixteen});
    int lane = builder.op(Op::FloorMod, DType::I32, {column, sixteen});
    b = builder.load(1, weights, {panel, builder.index(k), lane});
  } else {
    std::vector<int> rhsLoops = options.rhs == Rhs::Plain ? std::vector<int>{k, n} : std::vector<int>{n, k};
    if (options.batched)
      rhsLoops.insert(rhsLoops.begin(), 0);
    b = builder.loadAt(1, weights, rhsLoops);
  }
  if (weights != t)
    b = builder.op(Op::Cast, t, {b});
  int sum = builder.op(Op::Add, t, {builder.acc(t), builder.op(Op::Mul, t, {a, b})});
  spec.stages.push_back(builder.reduction({builder.real(0, t)}, {sum}));
  spec.outputs = {0};
  if (options.epilogue == Epilogue::None)
    return spec;

  StageBuilder end(outLoops, outer + 1);
  std::vector<int> all = rows;
  all.push_back(n);
  int x = end.op(Op::Add, t, {end.loadAt(fromStage(0), t, all), end.loadAt(2, t, {n})});
  if (options.epilogue == Epilogue::BiasGelu) {
    int erf = end.op(Op::Erf, t, {end.op(Op::Mul, t, {x, end.real(M_SQRT1_2, t)})});
    int half = end.op(Op::Mul, t, {x, end.real(0.5, t)});
    x = end.op(Op::Mul, t, {half, end.op(Op::Add, t, {erf, end.real(1, t)})});
  } else if (options.epilogue == Epilogue::BiasResidual) {
    x = end.op(Op::Add, t, {x, end.loadAt(3, t, all)});
  }
  spec.stages.push_back(end.pure({x}));
  spec.outputs = {1};
  return spec;
}

Shapes matmulShapes(const MatmulCase &c, std::vector<int64_t> rows, int64_t k, int64_t n) {
  std::vector<int64_t> lhs = rows, out = rows, rhs;
  lhs.push_back(k);
  out.push_back(n);
  rhs = c.rhs == Rhs::Packed  ? std::vector<int64_t>{(n + 15) / 16, k, 16}
        : c.rhs == Rhs::Plain ? std::vector<int64_t>{k, n}
                              : std::vector<int64_t>{n, k};
  if (c.batched)
    rhs.insert(rhs.begin(), rows[0]);
  Shapes shapes = {lhs, rhs};
  if (c.epilogue != Epilogue::None)
    shapes.push_back({n});
  if (c.epilogue == Epilogue::BiasResidual)
    shapes.push_back(out);
  shapes.push_back(out);
  return shapes;
}

KernelSpec attentionSpec(int64_t heads, int64_t headSize, bool masked) {
  KernelSpec spec = named("attention", Family::Attention);
  std::vector<int64_t> shape = {-1, -1, heads, headSize};
  spec.operands = {{"q", F32, shape}, {"k", F32, shape}, {"v", F32, shape}};
  if (masked)
    spec.operands.push_back({"mask", F32, {-1, -1}});
  spec.operands.push_back({"out", F32, shape, true});
  Extent b = dimOf(0, 0), h = fixed(heads), i = dimOf(0, 1), j = dimOf(1, 1), d = fixed(headSize);
  StageBuilder dots({b, h, i, j, d}, 4);
  int product = dots.op(Op::Mul, F32, {dots.loadAt(0, F32, {0, 2, 1, 4}), dots.loadAt(1, F32, {0, 3, 1, 4})});
  spec.stages.push_back(fold(dots, Op::Add, 0, product));
  StageBuilder scores({b, h, i, j}, 4);
  int scaled = scores.op(
      Op::Mul, F32, {scores.loadAt(fromStage(0), F32, {0, 1, 2, 3}), scores.real(1 / std::sqrt(double(headSize)))});
  if (masked)
    scaled = scores.op(Op::Add, F32, {scaled, scores.loadAt(3, F32, {0, 3})});
  spec.stages.push_back(scores.pure({scaled}));
  appendSoftmax(spec, {b, h, i, j}, 1);
  StageBuilder out({b, i, h, d, j}, 4);
  int term = out.op(Op::Mul, F32, {out.loadAt(fromStage(5), F32, {0, 2, 1, 4}), out.loadAt(2, F32, {0, 4, 2, 3})});
  spec.stages.push_back(fold(out, Op::Add, 0, term));
  spec.outputs = {6};
  return spec;
}

namespace {
/// Soft cap and mask of the raw scores of stage 0.
Stage maskedScores(const CacheCase &c, const std::vector<Extent> &loops) {
  StageBuilder s(loops, 4);
  int x = s.op(Op::Mul, F32, {s.loadAt(fromStage(0), F32, {0, 1, 2, 3}), s.real(1 / std::sqrt(double(c.headSize)))});
  if (c.softCap > 0) {
    int cap = s.real(c.softCap);
    x = s.op(Op::Mul, F32, {s.op(Op::Tanh, F32, {s.op(Op::Div, F32, {x, cap})}), cap});
  }
  auto wide = [&](int loop) { return s.op(Op::Cast, DType::I64, {s.index(loop)}); };
  int query = s.op(Op::Add, DType::I64, {wide(2), s.load(3, DType::I64, {})}), key = wide(3);
  int seen = s.op(Op::Le, DType::Bool, {key, query});
  if (c.window > 0) {
    int end = s.op(Op::Add, DType::I64, {key, s.integer(c.window, DType::I64)});
    seen = s.op(Op::And, DType::Bool, {seen, s.op(Op::Gt, DType::Bool, {end, query})});
  }
  return s.pure({s.op(Op::Select, F32, {seen, x, s.real(-3.4028234663852886e38)})});
}
} // namespace

KernelSpec cacheAttentionSpec(const CacheCase &c) {
  KernelSpec spec = named("cache_attention", Family::Attention);
  std::vector<int64_t> cache = {-1, c.heads, c.headSize}, queries = {c.queries, c.heads, c.group, c.headSize};
  spec.operands = {{"q", F32, queries}, {"k", c.cache, cache}, {"v", c.cache, cache}, {"position", DType::I64, {}}};
  bool isScaled = c.cache == DType::I8;
  if (isScaled)
    spec.operands.insert(spec.operands.end(), {{"k_scale", F32, {-1, c.heads}}, {"v_scale", F32, {-1, c.heads}}});
  spec.operands.push_back({"out", F32, queries, true});
  Extent h = fixed(c.heads), g = fixed(c.group), l = dimOf(1, 0), d = fixed(c.headSize);
  Extent i = c.queries < 0 ? dimOf(0, 0) : fixed(c.queries);
  auto cached = [&](StageBuilder &builder, int operand, const std::vector<int> &loops) {
    int element = builder.loadAt(operand, c.cache, loops);
    if (c.cache == F32)
      return element;
    int wide = builder.op(Op::Cast, F32, {element});
    return isScaled ? builder.op(Op::Mul, F32, {wide, builder.loadAt(operand + 3, F32, {loops[0], loops[1]})}) : wide;
  };
  StageBuilder dots({h, g, i, l, d}, 4);
  int product = dots.op(Op::Mul, F32, {dots.loadAt(0, F32, {2, 0, 1, 4}), cached(dots, 1, {3, 0, 4})});
  spec.stages.push_back(fold(dots, Op::Add, 0, product));
  spec.stages.push_back(maskedScores(c, {h, g, i, l}));
  appendSoftmax(spec, {h, g, i, l}, 1);
  StageBuilder out({i, h, g, d, l}, 4);
  int term = out.op(Op::Mul, F32, {out.loadAt(fromStage(5), F32, {1, 2, 0, 4}), cached(out, 2, {4, 1, 3})});
  spec.stages.push_back(fold(out, Op::Add, 0, term));
  spec.outputs = {6};
  return spec;
}

KernelSpec gatherSpec(int64_t columns) {
  KernelSpec spec = named("gather", Family::Elementwise);
  spec.operands = {{"ids", DType::I64, {-1, -1}},
                   {"table", F32, {-1, columns}},
                   {"position", F32, {-1, columns}},
                   {"out", F32, {-1, -1, columns}, true}};
  StageBuilder builder({dimOf(0, 0), dimOf(0, 1), fixed(columns)}, 3);
  int id = builder.loadAt(0, DType::I64, {0, 1});
  int row = builder.load(1, F32, {id, builder.index(2)});
  int position =
      builder.load(2, F32, {builder.op(Op::Add, DType::I32, {builder.index(1), builder.integer(0)}), builder.index(2)});
  spec.stages.push_back(builder.pure({builder.op(Op::Add, F32, {row, position})}));
  spec.outputs = {0};
  return spec;
}

} // namespace thresh::codegen::test
