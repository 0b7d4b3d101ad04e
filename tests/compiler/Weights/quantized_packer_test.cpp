//===- quantized_packer_test.cpp - Matrices packed as codes and scales ----------===//
#include "tests/compiler/Weights/WeightsTest.h"

#include "compiler/Weights/Halves.h"
#include "compiler/Weights/Noise.h"
#include "compiler/Weights/Quantize.h"

#include <cmath>
#include <random>
#include <sys/resource.h>

using namespace thresh;
using namespace thresh::test;

namespace {

constexpr uint32_t kSeed = 815;

/// A matrix [n, k], in f32.
struct Matrix {
  int64_t n, k;
  std::vector<float> values;

  float at(int64_t row, int64_t column) const { return row < n ? values[row * k + column] : 0; }
  std::vector<float> transposed() const {
    std::vector<float> result;
    for (int64_t column = 0; column < k; ++column)
      for (int64_t row = 0; row < n; ++row)
        result.push_back(at(row, column));
    return result;
  }
};

Matrix makeMatrix(int64_t n, int64_t k) {
  std::mt19937 random(kSeed);
  std::normal_distribution<float> normal;
  Matrix matrix = {n, k, std::vector<float>(n * k)};
  for (float &w : matrix.values)
    w = normal(random);
  return matrix;
}

/// The packed tensors of a matrix, in panels and by row, as the layouts define them, by a plain loop over its groups.
struct Expected {
  std::vector<uint8_t> codes, rowCodes;
  std::vector<uint16_t> scales, rowScales;

  Expected(const Matrix &matrix, const QuantScheme &scheme) {
    int64_t panels = (matrix.n + 15) / 16, groups = matrix.k / 32;
    codes.resize(panels * 16 * matrix.k * scheme.codeBits / 8);
    scales.resize(panels * groups * 16);
    rowCodes.resize(matrix.n * matrix.k * scheme.codeBits / 8);
    rowScales.resize(matrix.n * groups);
    for (int64_t n = 0; n < panels * 16; ++n)
      for (int64_t g = 0; g < groups; ++g)
        addGroup(matrix, scheme, n, g);
  }

private:
  static float quantize(float w, float scale, const QuantScheme &scheme) {
    float q = scale == 0 ? 0 : std::nearbyint(w * (1 / scale));
    return std::min(std::max(q, float(scheme.low)), float(scheme.high));
  }

  void addGroup(const Matrix &matrix, const QuantScheme &scheme, int64_t n, int64_t g) {
    float extreme = 0;
    for (int64_t k = 32 * g; k < 32 * g + 32; ++k)
      if (std::fabs(matrix.at(n, k)) > std::fabs(extreme))
        extreme = matrix.at(n, k);
    if (!scheme.isSigned)
      extreme = std::fabs(extreme);
    uint16_t best = 0;
    float leastError = INFINITY;
    for (float divisor : scheme.divisors) {
      uint16_t bits = narrowToF16(extreme / divisor);
      float scale = widenF16(bits), error = 0;
      for (int64_t k = 32 * g; k < 32 * g + 32; ++k) {
        float difference = matrix.at(n, k) - quantize(matrix.at(n, k), scale, scheme) * scale;
        error += difference * difference;
      }
      if (error < leastError) {
        leastError = error;
        best = bits;
      }
    }
    scales[(n / 16 * (matrix.k / 32) + g) * 16 + n % 16] = best;
    if (n < matrix.n)
      rowScales[n * (matrix.k / 32) + g] = best;
    for (int64_t k = 32 * g; k < 32 * g + 32; ++k) {
      int code = int(quantize(matrix.at(n, k), widenF16(best), scheme)) + scheme.zero;
      int64_t line = scheme.codeBits == 8 ? k / 4 : k / 8, lines = matrix.k * scheme.codeBits / 32;
      uint8_t &byte = codes[((n / 16 * lines + line) * 16 + n % 16) * 4 + k % 4];
      byte |= scheme.codeBits == 4 && k % 8 >= 4 ? code << 4 : code;
      if (n < matrix.n && scheme.codeBits == 8)
        rowCodes[n * matrix.k + k] = code;
      if (n < matrix.n && scheme.codeBits == 4)
        rowCodes[(n * matrix.k + 32 * g) / 2 + k % 16] |= k % 32 < 16 ? code : code << 4;
    }
  }
};

class QuantizedPackerTest : public WeightsTest {
protected:
  /// Declares codes and scales, @NAME_codes and @NAME_scales, of a matrix [n, k], or transposed [k, n].
  void declareQuantized(const std::string &name, const QuantScheme &scheme, SourceAttr stored, bool isTransposed) {
    bool isQ8 = &scheme == &kQ8Scheme;
    const PackFormat formats[] = {isQ8 ? PackFormat::Q8Codes : PackFormat::Q4Codes,
                                  isQ8 ? PackFormat::Q8Scales : PackFormat::Q4Scales};
    declareParts(name, formats, stored, isTransposed ? packing({0, 1}, 16) : packing({1, 0}, 16));
  }

  /// The same row by row, @NAME_row_codes and @NAME_row_scales.
  void declareRows(const std::string &name, const QuantScheme &scheme, SourceAttr stored, bool isTransposed) {
    bool isQ8 = &scheme == &kQ8Scheme;
    const PackFormat formats[] = {isQ8 ? PackFormat::Q8RowCodes : PackFormat::Q4RowCodes,
                                  isQ8 ? PackFormat::Q8RowScales : PackFormat::Q4RowScales};
    declareParts(name + "_row", formats, stored, isTransposed ? packing({1, 0}, 0) : packing({0, 1}, 0));
  }

  void declareParts(const std::string &name, ArrayRef<PackFormat> formats, SourceAttr stored, PackAttr layout) {
    for (PackFormat format : formats) {
      PackAttr pack = packing(layout.getPermutation(), layout.getPanel(), format);
      auto type = RankedTensorType::get(pack.packShape(stored.getType().getShape()), pack.getElementType());
      std::string symbol = name + (type.getElementType().isF16() ? "_scales" : "_codes");
      ParameterOp::create(builder, builder.getUnknownLoc(), symbol, type, stored, pack);
    }
  }

  /// Appends `bytes` to the source file.
  SourceAttr store(const std::string &name, Type type, ArrayRef<int64_t> shape, const std::string &bytes) {
    int64_t offset = source.size();
    source += bytes;
    return makeSource(path("source.bin"), offset, bytes.size(), name, RankedTensorType::get(shape, type), -1);
  }

  SourceAttr makeNoise(const std::string &name, ArrayRef<int64_t> shape, int64_t seed) {
    auto type = RankedTensorType::get(shape, f32());
    return makeSource("", 0, type.getNumElements() * 4, name, type, seed);
  }

  SourceAttr makeSource(const std::string &file, int64_t offset, int64_t length, const std::string &name,
                        RankedTensorType type, int64_t seed) {
    return SourceAttr::get(&context, builder.getStringAttr(file), offset, length, builder.getStringAttr(name), type,
                           seed);
  }

  void expectRows(const std::string &name, const QuantScheme &scheme, const Matrix &matrix) {
    std::string format = name + (&scheme == &kQ8Scheme ? ".q8_row" : ".q4_row");
    Expected expected(matrix, scheme);
    EXPECT_TRUE(packed<uint8_t>(format + "_codes") == expected.rowCodes) << format << " seed " << kSeed;
    EXPECT_TRUE(packed<uint16_t>(format + "_scales") == expected.rowScales) << format << " seed " << kSeed;
  }

  void expectPacked(const std::string &name, const QuantScheme &scheme, const Matrix &matrix) {
    std::string format = name + (&scheme == &kQ8Scheme ? ".q8" : ".q4");
    Expected expected(matrix, scheme);
    EXPECT_TRUE(packed<uint8_t>(format + "_codes") == expected.codes) << format << " seed " << kSeed;
    EXPECT_TRUE(packed<uint16_t>(format + "_scales") == expected.scales) << format << " seed " << kSeed;
  }
};

TEST_F(QuantizedPackerTest, PacksBothOrdersOfStorage) {
  const std::pair<int64_t, int64_t> shapes[] = {{1, 32}, {15, 64}, {16, 32}, {17, 96}, {50, 160}, {64, 512}};
  for (auto [n, k] : shapes) {
    std::string name = std::to_string(n) + "x" + std::to_string(k);
    Matrix matrix = makeMatrix(n, k);
    SourceAttr rows = store(name, f32(), {n, k}, bytesOf(matrix.values));
    SourceAttr columns = store(name + "t", f32(), {k, n}, bytesOf(matrix.transposed()));
    for (const QuantScheme *scheme : {&kQ8Scheme, &kQ4Scheme}) {
      std::string symbol = name + (scheme == &kQ8Scheme ? "q8" : "q4");
      declareQuantized(symbol, *scheme, rows, /*isTransposed=*/false);
      declareQuantized(symbol + "t", *scheme, columns, /*isTransposed=*/true);
    }
  }
  ASSERT_TRUE(pack()) << message;
  for (auto [n, k] : shapes) {
    std::string name = std::to_string(n) + "x" + std::to_string(k);
    for (const QuantScheme *scheme : {&kQ8Scheme, &kQ4Scheme}) {
      expectPacked(name, *scheme, makeMatrix(n, k));
      expectPacked(name + "t", *scheme, makeMatrix(n, k));
    }
  }
}

/// Rows are as long as they are, and as many; the codes are those of the panels.
TEST_F(QuantizedPackerTest, PacksRowByRow) {
  // The last are larger than the packer's buffer: many columns side by side in the file, and one long row.
  const std::pair<int64_t, int64_t> shapes[] = {{1, 32},   {15, 64},  {16, 32},     {17, 96},
                                                {50, 160}, {64, 512}, {3000, 1024}, {17, 70016}};
  auto nameOf = [](std::pair<int64_t, int64_t> shape) {
    return std::to_string(shape.first) + "x" + std::to_string(shape.second);
  };
  for (auto shape : shapes) {
    auto [n, k] = shape;
    Matrix matrix = makeMatrix(n, k);
    SourceAttr rows = store(nameOf(shape), f32(), {n, k}, bytesOf(matrix.values));
    SourceAttr columns = store(nameOf(shape) + "t", f32(), {k, n}, bytesOf(matrix.transposed()));
    for (const QuantScheme *scheme : {&kQ8Scheme, &kQ4Scheme}) {
      std::string symbol = nameOf(shape) + (scheme == &kQ8Scheme ? "q8" : "q4");
      declareRows(symbol, *scheme, rows, /*isTransposed=*/false);
      declareRows(symbol + "t", *scheme, columns, /*isTransposed=*/true);
    }
  }
  ASSERT_TRUE(pack()) << message;
  for (auto shape : shapes)
    for (const QuantScheme *scheme : {&kQ8Scheme, &kQ4Scheme}) {
      Matrix matrix = makeMatrix(shape.first, shape.second);
      expectRows(nameOf(shape), *scheme, matrix);
      expectRows(nameOf(shape) + "t", *scheme, matrix);
    }
}

TEST_F(QuantizedPackerTest, KeepsRowsAndPanelsOfOneMatrix) {
  Matrix matrix = makeMatrix(20, 64);
  SourceAttr stored = store("w", f32(), {20, 64}, bytesOf(matrix.values));
  declareQuantized("a", kQ4Scheme, stored, /*isTransposed=*/false);
  declareRows("a", kQ4Scheme, stored, /*isTransposed=*/false);
  ASSERT_TRUE(pack()) << message;
  expectPacked("w", kQ4Scheme, matrix);
  expectRows("w", kQ4Scheme, matrix);
  EXPECT_EQ(header["w.q4_row_codes"]["dtype"], "U8");
  EXPECT_EQ(header["w.q4_row_codes"]["shape"], (nlohmann::json{20, 32}));
  EXPECT_EQ(header["w.q4_row_scales"]["dtype"], "F16");
  EXPECT_EQ(header["w.q4_row_scales"]["shape"], (nlohmann::json{20, 2}));
}

TEST_F(QuantizedPackerTest, SaysWhichWeightOfARowCannotBeQuantized) {
  Matrix matrix = makeMatrix(20, 96);
  matrix.values[18 * 96 + 70] = INFINITY;
  declareRows("a", kQ8Scheme, store("a", f32(), {96, 20}, bytesOf(matrix.transposed())), /*isTransposed=*/true);
  EXPECT_EQ(
      problem(),
      path("source.bin") +
          ": tensor \"a\": element [70, 18]: expects a magnitude of at most 8319008 for q8_row_codes, but got inf");
}

TEST_F(QuantizedPackerTest, RejectsRowsWithoutGroups) {
  SourceAttr stored = store("a", f32(), {64, 40}, std::string(64 * 40 * 4, '\0'));
  declareRows("a", kQ8Scheme, stored, /*isTransposed=*/false);
  EXPECT_EQ(problem(), path("source.bin") +
                           ": tensor \"a\": expects a matrix whose rows are whole groups of 32 and no panel, "
                           "but got #thresh.pack<permutation = [0, 1], panel = 0, format = q8_row_codes>");
}

TEST_F(QuantizedPackerTest, NamesWhatItWrites) {
  SourceAttr stored = store("w", f32(), {20, 64}, bytesOf(makeMatrix(20, 64).values));
  declareQuantized("a", kQ8Scheme, stored, /*isTransposed=*/false);
  declareQuantized("b", kQ4Scheme, stored, /*isTransposed=*/false);
  ASSERT_TRUE(pack()) << message;
  EXPECT_EQ(header["w.q8_codes"]["dtype"], "U8");
  EXPECT_EQ(header["w.q8_codes"]["shape"], (nlohmann::json{2, 16, 16, 4}));
  EXPECT_EQ(header["w.q4_codes"]["shape"], (nlohmann::json{2, 8, 16, 4}));
  EXPECT_EQ(header["w.q8_scales"]["dtype"], "F16");
  EXPECT_EQ(header["w.q4_scales"]["shape"], (nlohmann::json{2, 2, 16}));
}

/// Larger than the packer's buffer in each way: many panels, one panel of many groups.
TEST_F(QuantizedPackerTest, PacksMatricesInPieces) {
  const std::pair<int64_t, int64_t> shapes[] = {{3000, 1024}, {17, 70016}};
  for (auto [n, k] : shapes) {
    std::string name = std::to_string(n);
    Matrix matrix = makeMatrix(n, k);
    declareQuantized(name, kQ8Scheme, store(name, f32(), {n, k}, bytesOf(matrix.values)), /*isTransposed=*/false);
    declareQuantized(name + "t", kQ4Scheme, store(name + "t", f32(), {k, n}, bytesOf(matrix.transposed())),
                     /*isTransposed=*/true);
  }
  ASSERT_TRUE(pack()) << message;
  for (auto [n, k] : shapes) {
    expectPacked(std::to_string(n), kQ8Scheme, makeMatrix(n, k));
    expectPacked(std::to_string(n) + "t", kQ4Scheme, makeMatrix(n, k));
  }
}

TEST_F(QuantizedPackerTest, ReadsHalves) {
  Matrix matrix = makeMatrix(18, 96), ofF16 = matrix, ofBF16 = matrix;
  std::vector<uint16_t> f16, bf16;
  for (int64_t i = 0; i < 18 * 96; ++i) {
    f16.push_back(narrowToF16(matrix.values[i]));
    bf16.push_back(narrowToBF16(matrix.values[i]));
    ofF16.values[i] = widenF16(f16.back());
    ofBF16.values[i] = widenBF16(bf16.back());
  }
  declareQuantized("a", kQ4Scheme, store("f16", builder.getF16Type(), {18, 96}, bytesOf(f16)), /*isTransposed=*/false);
  declareQuantized("b", kQ8Scheme, store("bf16", builder.getBF16Type(), {18, 96}, bytesOf(bf16)),
                   /*isTransposed=*/false);
  ASSERT_TRUE(pack()) << message;
  expectPacked("f16", kQ4Scheme, ofF16);
  expectPacked("bf16", kQ8Scheme, ofBF16);
}

TEST_F(QuantizedPackerTest, QuantizesNoise) {
  declareQuantized("w", kQ8Scheme, makeNoise("w", {40, 64}, 5), /*isTransposed=*/false);
  declareQuantized("v", kQ8Scheme, makeNoise("v", {40, 64}, 5), /*isTransposed=*/false);
  declareQuantized("wt", kQ4Scheme, makeNoise("wt", {64, 40}, 5), /*isTransposed=*/true);
  ASSERT_TRUE(pack()) << message;
  for (const char *name : {"w", "v"}) {
    Matrix matrix = {40, 64, std::vector<float>(40 * 64)};
    Noise(5, name, {40, 64}).fill(0, 40 * 64, matrix.values.data());
    expectPacked(name, kQ8Scheme, matrix);
  }
  std::vector<float> stored(64 * 40);
  Noise(5, "wt", {64, 40}).fill(0, 64 * 40, stored.data());
  expectPacked("wt", kQ4Scheme, {40, 64, Matrix{64, 40, stored}.transposed()});
}

/// Noise needs no file, and packs alike by any layout.
TEST_F(QuantizedPackerTest, MakesNoiseWithoutAFile) {
  SourceAttr noise = makeNoise("w", {3, 5}, 9);
  ParameterOp::create(builder, builder.getUnknownLoc(), "plain", noise.getType(), noise, PackAttr());
  ParameterOp::create(builder, builder.getUnknownLoc(), "panels", RankedTensorType::get({2, 5, 2}, f32()), noise,
                      packing({1, 0}, 2));
  ParameterOp::create(builder, builder.getUnknownLoc(), "half", RankedTensorType::get({3, 5}, builder.getBF16Type()),
                      noise, PackAttr());
  SourceAttr other = makeNoise("w", {3, 5}, 10);
  ParameterOp::create(builder, builder.getUnknownLoc(), "other", other.getType(), other, PackAttr());
  ASSERT_TRUE(pack()) << message;
  auto plain = packed<float>("w"), panels = packed<float>("w.packed"), another = packed<float>("w.2");
  auto half = packed<uint16_t>("w.1");
  std::vector<float> expected(15);
  Noise(9, "w", {3, 5}).fill(0, 15, expected.data());
  EXPECT_EQ(plain, expected);
  EXPECT_NE(another, expected);
  for (int64_t n = 0; n < 3; ++n)
    for (int64_t k = 0; k < 5; ++k) {
      EXPECT_EQ(panels[(n / 2 * 5 + k) * 2 + n % 2], expected[n * 5 + k]);
      EXPECT_EQ(half[n * 5 + k], narrowToBF16(expected[n * 5 + k]));
    }
}

TEST_F(QuantizedPackerTest, SaysWhichWeightCannotBeQuantized) {
  Matrix matrix = makeMatrix(20, 96);
  matrix.values[18 * 96 + 70] = NAN;
  declareQuantized("a", kQ8Scheme, store("a", f32(), {20, 96}, bytesOf(matrix.values)), /*isTransposed=*/false);
  EXPECT_EQ(problem(),
            path("source.bin") +
                ": tensor \"a\": element [18, 70]: expects a magnitude of at most 8319008 for q8_codes, but got nan");
}

TEST_F(QuantizedPackerTest, SaysWhereATransposedWeightIs) {
  Matrix matrix = makeMatrix(20, 96);
  matrix.values[18 * 96 + 70] = -1e30f;
  declareQuantized("a", kQ4Scheme, store("a", f32(), {96, 20}, bytesOf(matrix.transposed())), /*isTransposed=*/true);
  EXPECT_EQ(problem(),
            path("source.bin") +
                ": tensor \"a\": element [70, 18]: expects a magnitude of at most 524032 for q4_codes, but got -1e+30");
}

TEST_F(QuantizedPackerTest, RejectsWhatHasNoGroups) {
  SourceAttr stored = store("a", f32(), {16, 40}, std::string(16 * 40 * 4, '\0'));
  declareQuantized("a", kQ8Scheme, stored, /*isTransposed=*/false);
  EXPECT_EQ(problem(), path("source.bin") +
                           ": tensor \"a\": expects a matrix of whole groups of 32 rows and a panel of 16 columns, "
                           "but got #thresh.pack<permutation = [1, 0], panel = 16, format = q8_codes>");
}

TEST_F(QuantizedPackerTest, RejectsIntegersAndWrongNoise) {
  SourceAttr integers = store("a", builder.getI32Type(), {16, 32}, std::string(16 * 32 * 4, '\0'));
  declareQuantized("a", kQ8Scheme, integers, /*isTransposed=*/false);
  EXPECT_EQ(problem(), path("source.bin") + ": tensor \"a\": cannot be cast from 'i32' to 'i8'");
  module->getBody()->clear();
  auto type = RankedTensorType::get({2}, builder.getF16Type());
  ParameterOp::create(builder, builder.getUnknownLoc(), "b", type, makeSource("", 0, 4, "b", type, 3), PackAttr());
  EXPECT_EQ(problem(), ": tensor \"b\": expects noise of f32, but got 'f16'");
  module->getBody()->clear();
  ParameterOp::create(builder, builder.getUnknownLoc(), "b", type, makeSource("", 0, 4, "b", type, -1), PackAttr());
  EXPECT_EQ(problem(), ": tensor \"b\": expects either a source file or a seed");
}

/// 400 MB of noise pack within a few of memory.
TEST_F(QuantizedPackerTest, NeedsLittleMemory) {
  auto peakKilobytes = [] {
    rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_maxrss;
  };
  // The first packing loads what packing needs.
  declareQuantized("small", kQ8Scheme, makeNoise("small", {16, 32}, 1), /*isTransposed=*/false);
  PackedWeights packedWeights;
  ASSERT_TRUE(succeeded(packWeights(*module, path("small.safetensors"), packedWeights)));
  long before = peakKilobytes();
  declareQuantized("rows", kQ8Scheme, makeNoise("rows", {6000, 8192}, 1), /*isTransposed=*/false);
  declareQuantized("columns", kQ4Scheme, makeNoise("columns", {8192, 6000}, 1), /*isTransposed=*/true);
  ASSERT_TRUE(succeeded(packWeights(*module, path("big.safetensors"), packedWeights)));
  EXPECT_LT(peakKilobytes() - before, 32 * 1024);
}

} // namespace
