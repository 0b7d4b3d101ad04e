//===- FamiliesTest.cpp - Every family on shapes that fit and shapes that do not -===//

#include "tests/codegen/Specs.h"

#include <gtest/gtest.h>

#include <cmath>

namespace thresh::codegen::test {
namespace {

TEST(Rowwise, Softmax) {
  Trial dynamic{softmaxSpec(-1), {}, {1e-5, 1e-7}}, fixedColumns{softmaxSpec(40), {}, {1e-5, 1e-7}};
  for (int64_t columns : {1, 2, 15, 16, 17, 64, 100, 333})
    dynamic.shapes.push_back({{2, 3, columns}, {2, 3, columns}});
  dynamic.shapes.push_back({{0, 3, 8}, {0, 3, 8}});
  dynamic.shapes.push_back({{9, 50, 128}, {9, 50, 128}});
  fixedColumns.shapes = {{{1, 1, 40}, {1, 1, 40}}, {{3, 7, 40}, {3, 7, 40}}};
  check({dynamic, fixedColumns});
}

TEST(Rowwise, SoftmaxOfInfinitiesAndNan) {
  Trial trial{softmaxSpec(-1), {{{1, 4, 37}, {1, 4, 37}}}, {1e-5, 1e-7}};
  check({trial}, [](std::vector<Tensor> &operands) {
    operands[0].set(5, {-INFINITY, 0});
    operands[0].set(36, {-INFINITY, 0});
    operands[0].set(37 + 2, {NAN, 0});
    for (int64_t i = 2 * 37; i < 3 * 37; ++i)
      operands[0].set(i, {-INFINITY, 0}); // a fully masked row: NaN, as softmax defines it
    operands[0].set(3 * 37 + 36, {INFINITY, 0});
  });
}

TEST(Rowwise, LayerNorm) {
  std::vector<Trial> trials;
  for (int64_t columns : {1, 7, 48, 100, 384}) {
    trials.push_back({layerNormSpec(columns), {}, {2e-5, 2e-6}});
    for (std::vector<int64_t> rows : {std::vector<int64_t>{1, 1}, {2, 5}})
      trials.back().shapes.push_back({{rows[0], rows[1], columns},
                                      {rows[0], rows[1], columns},
                                      {columns},
                                      {columns},
                                      {rows[0], rows[1], columns}});
  }
  trials.push_back(
      {layerNormSpec(48, true), {{{2, 5, 48}, {2, 5, 48}, {48}, {48}, {2, 5, 48}, {2, 5, 48}}}, {2e-5, 2e-6}});
  check(trials);
}

TEST(Reduction, AxesAndOperations) {
  struct Fold {
    DType dtype;
    Op op;
    double init;
  };
  const Fold folds[] = {
      {DType::F32, Op::Add, 0},   {DType::F32, Op::Max, -INFINITY}, {DType::F32, Op::MinNum, INFINITY},
      {DType::F64, Op::Add, 1.5}, {DType::I64, Op::Add, 0},         {DType::I8, Op::Max, -128},
      {DType::Bool, Op::Or, 0},   {DType::U16, Op::Xor, 0},         {DType::F16, Op::Max, -INFINITY}};
  const std::vector<std::vector<bool>> masks = {{false, false, true}, {true, false, false}, {false, true, false},
                                                {true, true, true},   {true, false, true},  {false, true, true}};
  std::vector<Trial> trials;
  for (size_t i = 0; i < std::size(folds); ++i)
    for (size_t m = 0; m < masks.size(); ++m) {
      if (i >= 2 && (i + m) % 3 != 0)
        continue;
      std::vector<int64_t> declared = (i + m) % 2 ? std::vector<int64_t>{-1, -1, -1} : std::vector<int64_t>{5, 6, 70};
      Trial trial{reduceSpec(folds[i].dtype, folds[i].op, folds[i].init, declared, masks[m]), {}, {1e-5, 1e-4}};
      std::vector<std::vector<int64_t>> inputs = {{5, 6, 70}};
      if (declared[0] < 0)
        inputs.insert(inputs.end(), {{1, 1, 1}, {3, 1, 17}, {2, 0, 3}, {2, 3, 0}});
      for (const std::vector<int64_t> &shape : inputs) {
        std::vector<int64_t> left;
        for (size_t d = 0; d < 3; ++d)
          if (!masks[m][d])
            left.push_back(shape[d]);
        trial.shapes.push_back({shape, left});
      }
      trials.push_back(trial);
    }
  check(trials);
}

TEST(Reduction, MaximumKeepsNan) {
  Trial trial{reduceSpec(DType::F32, Op::Max, -INFINITY, {-1, -1}, {false, true}), {{{4, 70}, {4}}}, {0, 0}};
  check({trial}, [](std::vector<Tensor> &operands) {
    operands[0].set(3, {NAN, 0});
    operands[0].set(70 + 69, {NAN, 0});
    operands[0].set(2 * 70 + 33, {INFINITY, 0});
  });
}

TEST(Reduction, ArgMaxTakesTheFirst) {
  Trial trial{argMaxSpec(-1), {{{3, 50}, {3}, {3}}, {{1, 1}, {1}, {1}}, {{20, 33}, {20}, {20}}}, {0, 0}};
  check({trial}, [](std::vector<Tensor> &operands) {
    for (int64_t i = 0; i < operands[0].size(); ++i)
      operands[0].set(i, {std::round(operands[0].get(i).real), 0}); // ties
  });
}

TEST(Matmul, PackedWeights) {
  std::vector<Trial> trials;
  for (MatmulCase c : {MatmulCase{Rhs::Packed, Epilogue::Bias, 64, 48, 2},
                       {Rhs::Packed, Epilogue::BiasGelu, 37, 96},
                       {Rhs::Packed, Epilogue::BiasResidual, 64, 100, 2},
                       {Rhs::Packed, Epilogue::None, 5, 7},
                       {Rhs::Packed, Epilogue::None, 16, 80},
                       {Rhs::Packed, Epilogue::None, 33, 64},
                       {Rhs::Packed, Epilogue::Bias, -1, 32}}) {
    Trial trial{matmulSpec(c), {}, {1e-4, 2e-4}};
    for (int64_t m : {0, 1, 2, 3, 5, 8, 9, 17, 40})
      trial.shapes.push_back(matmulShapes(c, c.leading == 2 ? std::vector<int64_t>{2, m} : std::vector<int64_t>{m},
                                          c.k < 0 ? 19 : c.k, c.n));
    if (c.leading == 2)
      trial.shapes.push_back(matmulShapes(c, {1, 1}, c.k, c.n));
    trials.push_back(trial);
  }
  check(trials);
}

/// Rows that no tile divides, known when the kernel is compiled.
TEST(Matmul, FixedRows) {
  std::vector<Trial> trials;
  for (Rhs rhs : {Rhs::Packed, Rhs::Transposed})
    for (int64_t rows : {3, 7, 12, 20}) {
      MatmulCase c{rhs, Epilogue::None, 64, 48};
      c.rows = rows;
      trials.push_back({matmulSpec(c), {matmulShapes(c, {rows}, c.k, c.n)}, {1e-4, 2e-4}});
    }
  check(trials);
}

TEST(Matmul, PlainAndTransposed) {
  std::vector<Trial> trials;
  for (MatmulCase c : {MatmulCase{Rhs::Plain, Epilogue::None, -1, -1},
                       {Rhs::Transposed, Epilogue::Bias, -1, -1},
                       {Rhs::Plain, Epilogue::None, -1, -1, 1, true},
                       {Rhs::Transposed, Epilogue::None, 32, -1, 1, true},
                       {Rhs::Plain, Epilogue::None, 12, 48, 1, false, DType::F64},
                       {Rhs::Plain, Epilogue::None, 12, 20, 1, false, DType::F16}}) {
    double slack = c.dtype == DType::F16 ? 0.5 : 2e-4;
    Trial trial{matmulSpec(c), {}, {1e-4, slack}};
    for (std::vector<int64_t> size : {std::vector<int64_t>{1, 1, 1}, {4, 0, 5}, {9, 33, 50}, {24, 40, 96}, {3, 7, 130}})
      trial.shapes.push_back(matmulShapes(c,
                                          c.batched ? std::vector<int64_t>{3, size[0]} : std::vector<int64_t>{size[0]},
                                          c.k < 0 ? size[1] : c.k, c.n < 0 ? size[2] : c.n));
    trials.push_back(trial);
  }
  check(trials);
}

TEST(Attention, MatchesTheReference) {
  std::vector<Trial> trials;
  for (bool masked : {false, true}) {
    Trial trial{attentionSpec(3, 32, masked), {}, {1e-4, 1e-5}};
    for (int64_t s : {1, 2, 7, 16, 33, 64}) {
      std::vector<int64_t> shape = {2, s, 3, 32};
      Shapes shapes = {shape, shape, shape};
      if (masked)
        shapes.push_back({2, s});
      shapes.push_back(shape);
      trial.shapes.push_back(shapes);
    }
    trials.push_back(trial);
  }
  Trial odd{
      attentionSpec(1, 20, false), {{{1, 9, 1, 20}, {1, 30, 1, 20}, {1, 30, 1, 20}, {1, 9, 1, 20}}}, {1e-4, 1e-5}};
  trials.push_back(odd);
  check(trials);
}

TEST(Elementwise, Gather) {
  Trial trial{gatherSpec(24), {}, {0, 0}};
  for (std::vector<int64_t> ids : {std::vector<int64_t>{1, 1}, {2, 5}, {3, 40}})
    trial.shapes.push_back({ids, {11, 24}, {50, 24}, {ids[0], ids[1], 24}});
  check({trial}, [](std::vector<Tensor> &operands) {
    for (int64_t i = 0; i < operands[0].size(); ++i)
      operands[0].set(i, {0, (i * 7) % 11});
  });
}

/// out = x with dimensions permuted.
KernelSpec transposeSpec(const std::vector<int> &order) {
  KernelSpec spec;
  spec.name = "transpose";
  int rank = int(order.size());
  spec.operands = {{"x", DType::I32, std::vector<int64_t>(rank, -1)},
                   {"out", DType::I32, std::vector<int64_t>(rank, -1), true}};
  std::vector<Extent> loops;
  std::vector<int> coordinates(rank);
  for (int d = 0; d < rank; ++d) {
    loops.push_back(dimOf(0, order[d]));
    coordinates[order[d]] = d;
  }
  StageBuilder builder(loops, rank);
  spec.stages = {builder.pure({builder.loadAt(0, DType::I32, coordinates)})};
  spec.outputs = {0};
  return spec;
}

TEST(Elementwise, Transpose) {
  std::vector<Trial> trials;
  for (const std::vector<int> &order : {std::vector<int>{1, 0}, {0, 2, 1, 3}, {2, 0, 1}, {0, 1, 2}, {3, 2, 1, 0}}) {
    Trial trial{transposeSpec(order), {}, {0, 0}};
    for (std::vector<int64_t> shape : {std::vector<int64_t>{2, 3, 4, 5}, {1, 33, 17, 1}, {40, 20, 1, 7}}) {
      shape.resize(order.size());
      std::vector<int64_t> permuted;
      for (int d : order)
        permuted.push_back(shape[d]);
      trial.shapes.push_back({shape, permuted});
    }
    trials.push_back(trial);
  }
  check(trials);
}

/// x[i, j] and y[i, j] side by side along j; the arms of the select read out of range.
KernelSpec concatSpec() {
  KernelSpec spec;
  spec.name = "concat";
  spec.operands = {{"x", DType::F32, {-1, 5}}, {"y", DType::F32, {-1, -1}}, {"out", DType::F32, {-1, -1}, true}};
  StageBuilder builder({dimOf(0, 0), dimOf(2, 1)}, 2);
  int i = builder.index(0), j = builder.index(1), five = builder.integer(5);
  int x = builder.load(0, DType::F32, {i, j});
  int y = builder.load(1, DType::F32, {i, builder.op(Op::Sub, DType::I32, {j, five})});
  spec.stages = {
      builder.pure({builder.op(Op::Select, DType::F32, {builder.op(Op::Lt, DType::Bool, {j, five}), x, y})})};
  spec.outputs = {0};
  return spec;
}

TEST(Elementwise, ConcatByCases) {
  Trial trial{concatSpec(), {}, {0, 0}};
  for (int64_t columns : {1, 3, 30})
    trial.shapes.push_back({{4, 5}, {4, columns}, {4, 5 + columns}});
  check({trial});
}

/// out[i, j] = x[i] (broadcast), also of extent 0 and rank 0.
TEST(Elementwise, BroadcastFillAndScalars) {
  KernelSpec broadcast;
  broadcast.name = "broadcast";
  broadcast.operands = {{"x", DType::Bool, {-1}}, {"out", DType::Bool, {-1, -1}, true}};
  StageBuilder rows({dimOf(1, 0), dimOf(1, 1)}, 2);
  broadcast.stages = {rows.pure({rows.loadAt(0, DType::Bool, {0})})};
  broadcast.outputs = {0};

  KernelSpec scalar;
  scalar.name = "scalar";
  scalar.operands = {{"x", DType::F64, {}}, {"out", DType::F64, {}, true}};
  StageBuilder one({}, 0);
  scalar.stages = {one.pure({one.op(Op::Neg, DType::F64, {one.load(0, DType::F64, {})})})};
  scalar.outputs = {0};

  KernelSpec iota;
  iota.name = "iota";
  iota.operands = {{"out", DType::I64, {-1, 7}, true}};
  StageBuilder count({dimOf(0, 0), fixed(7)}, 2);
  int scaled = count.op(Op::Mul, DType::I32, {count.index(0), count.integer(7)});
  scaled = count.op(Op::Add, DType::I32, {scaled, count.index(1)});
  iota.stages = {count.pure({count.op(Op::Cast, DType::I64, {scaled})})};
  iota.outputs = {0};

  check({{broadcast, {{{3}, {3, 5}}, {{0}, {0, 4}}, {{2}, {2, 0}}, {{70}, {70, 33}}}, {}},
         {scalar, {{{}, {}}}, {}},
         {iota, {{{5, 7}}, {{0, 7}}}, {}}});
}

} // namespace
} // namespace thresh::codegen::test
