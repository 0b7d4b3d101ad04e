//===- weights_test.cpp - Packing a module's parameters -----------------------===//
#include "tests/compiler/Weights/WeightsTest.h"

#include <algorithm>
#include <array>
#include <cmath>

using namespace thresh;
using namespace thresh::test;

namespace {

std::vector<float> iota(int64_t count) {
  std::vector<float> values(count);
  for (int64_t i = 0; i < count; ++i)
    values[i] = float(i + 1);
  return values;
}

TEST_F(WeightsTest, KeepsOrderAndTypes) {
  declareFloats("a", {3}, {1, 2, 3});
  declare("b", builder.getI64Type(), {2}, bytesOf<int64_t>({-5, 7}), builder.getI64Type(), {2});
  declare("c", builder.getI1Type(), {3}, bytesOf<uint8_t>({1, 0, 1}), builder.getI1Type(), {3});
  declare("d", f32(), {}, bytesOf<float>({4}), f32(), {});
  declare("e", f32(), {0, 2}, "", f32(), {0, 2});
  ASSERT_TRUE(pack()) << message;
  EXPECT_EQ(packed<float>("a"), (std::vector<float>{1, 2, 3}));
  EXPECT_EQ(packed<int64_t>("b"), (std::vector<int64_t>{-5, 7}));
  EXPECT_EQ(packed<uint8_t>("c"), (std::vector<uint8_t>{1, 0, 1}));
  EXPECT_EQ(packed<float>("d"), (std::vector<float>{4}));
  EXPECT_EQ(header["b"]["dtype"], "I64");
  EXPECT_EQ(header["c"]["dtype"], "BOOL");
  EXPECT_EQ(header["d"]["shape"], nlohmann::json::array());
  EXPECT_EQ(header["e"]["shape"], (nlohmann::json{0, 2}));
  EXPECT_EQ(header["__metadata__"]["format"], "thresh");
}

TEST_F(WeightsTest, AlignsAndCoversTheData) {
  declareFloats("small", {3}, {1, 2, 3});
  declareFloats("big", {20000}, iota(20000));
  declareFloats("big2", {20001}, iota(20001));
  declareFloats("small2", {1}, {9});
  ASSERT_TRUE(pack()) << message;
  EXPECT_EQ(weights.headerBytes % 4096, 0);
  int64_t next = 0;
  std::map<int64_t, std::pair<int64_t, std::string>> ranges;
  for (auto &[name, entry] : header.items())
    if (name != "__metadata__")
      ranges[entry["data_offsets"][0]] = {entry["data_offsets"][1], name};
  for (auto &[begin, rest] : ranges) {
    EXPECT_EQ(begin, next) << rest.second;
    next = rest.first;
  }
  EXPECT_EQ(next, int64_t(data.size()));
  EXPECT_EQ(weights.dataBytes, next);
  EXPECT_EQ(weights.offsets.lookup("sym_big") % 4096, 0);
  EXPECT_EQ(weights.offsets.lookup("sym_big2") % 4096, 0);
  EXPECT_EQ(weights.offsets.lookup("sym_small") % 64, 0);
  EXPECT_EQ(weights.offsets.lookup("sym_small2") % 64, 0);
  for (const PackedTensor &tensor : weights.tensors)
    EXPECT_EQ(header[tensor.name]["data_offsets"], (nlohmann::json{tensor.offset, tensor.offset + tensor.bytes}));
  EXPECT_EQ(packed<float>("big2"), iota(20001));

  PackedWeights layout;
  ASSERT_TRUE(succeeded(layoutWeights(*module, layout)));
  EXPECT_EQ(layout.headerBytes, weights.headerBytes);
  EXPECT_EQ(layout.dataBytes, weights.dataBytes);
  EXPECT_EQ(layout.offsets.lookup("sym_big2"), weights.offsets.lookup("sym_big2"));
}

TEST_F(WeightsTest, CutsColumnsIntoPanels) {
  // [K = 3, N = 5] in panels of 2: [3, 3, 2], the last panel half empty.
  declare("rows", f32(), {3, 5}, bytesOf(iota(15)), f32(), {3, 3, 2}, packing({0, 1}, 2));
  // The same matrix stored as [N, K].
  declare("columns", f32(), {5, 3}, bytesOf<float>({1, 6, 11, 2, 7, 12, 3, 8, 13, 4, 9, 14, 5, 10, 15}), f32(),
          {3, 3, 2}, packing({1, 0}, 2));
  ASSERT_TRUE(pack()) << message;
  std::vector<float> expected = {1, 2, 6, 7, 11, 12, 3, 4, 8, 9, 13, 14, 5, 0, 10, 0, 15, 0};
  EXPECT_EQ(packed<float>("rows.packed"), expected);
  EXPECT_EQ(packed<float>("columns.packed"), expected);
  EXPECT_EQ(header["rows.packed"]["shape"], (nlohmann::json{3, 3, 2}));
}

TEST_F(WeightsTest, PermutesAndKeepsBatches) {
  std::vector<float> values = iota(2 * 3 * 4);
  declare("transposed", f32(), {2, 3, 4}, bytesOf(values), f32(), {2, 4, 3}, packing({0, 2, 1}, 0));
  declare("reversed", f32(), {2, 3, 4}, bytesOf(values), f32(), {4, 3, 2}, packing({2, 1, 0}, 0));
  declare("batched", f32(), {2, 3, 4}, bytesOf(values), f32(), {2, 2, 3, 3}, packing({0, 1, 2}, 3));
  declare("bytes", builder.getIntegerType(8), {2, 3}, "abcdef", builder.getIntegerType(8), {3, 2}, packing({1, 0}, 0));
  ASSERT_TRUE(pack()) << message;
  auto at = [&](int64_t i, int64_t j, int64_t k) { return values[(i * 3 + j) * 4 + k]; };
  auto transposed = packed<float>("transposed.packed"), reversed = packed<float>("reversed.packed"),
       batched = packed<float>("batched.packed");
  for (int64_t i = 0; i < 2; ++i)
    for (int64_t j = 0; j < 3; ++j)
      for (int64_t k = 0; k < 4; ++k) {
        EXPECT_EQ(transposed[(i * 4 + k) * 3 + j], at(i, j, k));
        EXPECT_EQ(reversed[(k * 3 + j) * 2 + i], at(i, j, k));
        EXPECT_EQ(batched[((i * 2 + k / 3) * 3 + j) * 3 + k % 3], at(i, j, k));
      }
  EXPECT_EQ(packed<char>("bytes.rows"), (std::vector<char>{'a', 'd', 'b', 'e', 'c', 'f'}));
}

/// Larger than the packer's buffer in every way: many rows, many panels, one panel of many rows.
TEST_F(WeightsTest, CutsBigTensorsIntoTiles) {
  struct Case {
    int64_t rows, columns, panel;
  };
  const Case cases[] = {{300, 5000, 16}, {600000, 3, 2}, {3, 400000, 16}, {1500, 1500, 0}};
  auto name = [&](const Case &each) { return "t" + std::to_string(&each - cases); };
  for (const Case &each : cases) {
    std::string bytes = bytesOf(iota(each.rows * each.columns));
    int64_t panel = each.panel ? each.panel : each.columns;
    SmallVector<int64_t> shape = {(each.columns + panel - 1) / panel, each.rows, panel};
    if (!each.panel)
      shape.erase(shape.begin());
    declare(name(each), f32(), {each.columns, each.rows}, bytes, f32(), shape, packing({1, 0}, each.panel));
    declare(name(each) + "r", f32(), {each.rows, each.columns}, bytes, f32(), shape, packing({0, 1}, each.panel));
  }
  ASSERT_TRUE(pack()) << message;
  for (const Case &each : cases) {
    std::string layout = each.panel ? ".packed" : ".rows";
    auto transposed = packed<float>(name(each) + layout), plain = packed<float>(name(each) + "r" + layout);
    int64_t panel = each.panel ? each.panel : each.columns;
    int64_t panels = (each.columns + panel - 1) / panel;
    ASSERT_EQ(int64_t(transposed.size()), panels * each.rows * panel);
    int64_t wrong = 0;
    for (int64_t p = 0; p < panels; ++p)
      for (int64_t row = 0; row < each.rows; ++row)
        for (int64_t c = 0; c < panel; ++c) {
          int64_t column = p * panel + c, position = (p * each.rows + row) * panel + c;
          bool inside = column < each.columns;
          // The stored values count from 1.
          wrong += transposed[position] != (inside ? float(column * each.rows + row + 1) : 0);
          wrong += plain[position] != (inside ? float(row * each.columns + column + 1) : 0);
        }
    EXPECT_EQ(wrong, 0) << name(each);
  }
}

TEST_F(WeightsTest, CastsHalvesExactly) {
  std::vector<uint16_t> halves = {0x0000, 0x8000, 0x3c00, 0xc000, 0x7bff, 0x0400,
                                  0x0001, 0x83ff, 0x7c00, 0xfc00, 0x3555};
  std::vector<float> expected = {0.0f,     -0.0f,         1.0f,     -2.0f,     65504.0f,   0x1p-14f,
                                 0x1p-24f, -0x1.ff8p-15f, INFINITY, -INFINITY, 0x1.554p-2f};
  declare("half", builder.getF16Type(), {11}, bytesOf(halves), f32(), {11});
  declare("nan", builder.getF16Type(), {1}, bytesOf<uint16_t>({0x7e01}), f32(), {1});
  declare("brain", builder.getBF16Type(), {3, 1}, bytesOf<uint16_t>({0x3f80, 0xc040, 0x0001}), f32(), {1, 1, 3},
          packing({1, 0}, 3));
  ASSERT_TRUE(pack()) << message;
  auto got = packed<float>("half");
  for (size_t i = 0; i < halves.size(); ++i) {
    EXPECT_EQ(got[i], expected[i]) << i;
    EXPECT_EQ(std::signbit(got[i]), std::signbit(expected[i])) << i;
  }
  EXPECT_TRUE(std::isnan(packed<float>("nan")[0]));
  EXPECT_EQ(packed<float>("brain.packed"), (std::vector<float>{1.0f, -3.0f, 0x1p-133f}));
}

TEST_F(WeightsTest, NarrowsToHalves) {
  std::vector<float> values = {1.0f, -0x1.002p0f, 0x1.006p0f, 65519.0f, 0x1p-25f, INFINITY, -0.0f, 0x1.01p0f};
  declare("f16", f32(), {8}, bytesOf(values), builder.getF16Type(), {8});
  declare("bf16", f32(), {2, 4}, bytesOf(values), builder.getBF16Type(), {2, 4, 1}, packing({1, 0}, 1));
  declare("cross", builder.getF16Type(), {3}, bytesOf<uint16_t>({0x3c00, 0x3c07, 0x0001}), builder.getBF16Type(), {3});
  ASSERT_TRUE(pack()) << message;
  EXPECT_EQ(packed<uint16_t>("f16"),
            (std::vector<uint16_t>{0x3c00, 0xbc00, 0x3c02, 0x7bff, 0x0000, 0x7c00, 0x8000, 0x3c04}));
  EXPECT_EQ(packed<uint16_t>("bf16.packed"),
            (std::vector<uint16_t>{0x3f80, 0xbf80, 0x3f80, 0x4780, 0x3300, 0x7f80, 0x8000, 0x3f80}));
  EXPECT_EQ(packed<uint16_t>("cross"), (std::vector<uint16_t>{0x3f80, 0x3f81, 0x3380}));
  EXPECT_EQ(header["f16"]["dtype"], "F16");
}

TEST_F(WeightsTest, RejectsWhatIsTooLargeForAHalf) {
  declare("a", f32(), {2, 2}, bytesOf<float>({1, INFINITY, -70000, 2}), builder.getF16Type(), {2, 2});
  EXPECT_EQ(problem(),
            path("source.bin") +
                ": tensor \"a\": element [1, 0]: expects a magnitude of at most 65504 for f16, but got -70000");
}

/// More records than one piece holds, of codes, scales, and floats in both orders of storage.
TEST_F(WeightsTest, LaysRowsSideBySide) {
  constexpr int64_t kRows = 30000, kBytes = 192;
  std::vector<float> up(kRows * 32), down(kRows * 3), plain(kRows * 5);
  for (int64_t row = 0; row < kRows; ++row) {
    for (int64_t k = 0; k < 32; ++k)
      up[row * 32 + k] = k == 0 ? 127 * float(1 + row % 7) : float((row % 7 + 1) * (k - 16));
    for (int64_t d = 0; d < 3; ++d)
      down[d * kRows + row] = float(row * 3 + d);
    for (int64_t d = 0; d < 5; ++d)
      plain[row * 5 + d] = float(row * 5 + d);
  }
  Type i8 = builder.getIntegerType(8), f16 = builder.getF16Type();
  auto inRecord = [&](ParameterOp parameter, int64_t offset) {
    parameter.setRecordAttr(RecordAttr::get(&context, builder.getStringAttr("neurons"), offset, kBytes));
  };
  ParameterOp codes =
      declare("up", f32(), {kRows, 32}, bytesOf(up), i8, {kRows, 32}, packing({0, 1}, 0, PackFormat::Q8RowCodes));
  inRecord(codes, 0);
  SourceAttr source = codes.getSource();
  inRecord(ParameterOp::create(builder, builder.getUnknownLoc(), "sym_scales", RankedTensorType::get({kRows, 1}, f16),
                               source, packing({0, 1}, 0, PackFormat::Q8RowScales)),
           32);
  inRecord(declare("down", f32(), {3, kRows}, bytesOf(down), f32(), {kRows, 3}, packing({1, 0}, 0)), 36);
  inRecord(declare("plain", f32(), {kRows, 5}, bytesOf(plain), f32(), {kRows, 5}), 48);
  ASSERT_TRUE(pack());
  EXPECT_EQ(header.at("neurons").at("dtype"), "U8");
  EXPECT_EQ(header.at("neurons").at("shape"), (std::vector<int64_t>{kRows, kBytes}));
  EXPECT_EQ(weights.offsets.lookup("sym_down"), weights.offsets.lookup("sym_up") + 36);
  std::string parts = header.at("__metadata__").at("records");
  EXPECT_EQ(nlohmann::json::parse(parts).at("neurons").at(1).dump(),
            R"({"dtype":"F16","name":"up.q8_row_scales","offset":32,"shape":[30000,1]})");
  std::vector<uint8_t> records = packed<uint8_t>("neurons");
  for (int64_t row = 0; row < kRows; ++row) {
    const uint8_t *record = records.data() + row * kBytes;
    ASSERT_EQ(record[0], 255) << "row " << row;
    for (int64_t k = 1; k < 32; ++k)
      ASSERT_EQ(record[k], 128 + k - 16) << "row " << row << ", code " << k;
    constexpr uint16_t kHalves[] = {0x3c00, 0x4000, 0x4200, 0x4400, 0x4500, 0x4600, 0x4700}; // 1 to 7
    ASSERT_EQ(std::memcmp(record + 32, &kHalves[row % 7], 2), 0) << "row " << row;
    float floats[8];
    std::memcpy(floats, record + 36, sizeof floats);
    for (int64_t d = 0; d < 8; ++d)
      ASSERT_EQ(floats[d], d < 3 ? float(row * 3 + d) : float(row * 5 + d - 3)) << "row " << row << ", float " << d;
    ASSERT_TRUE(std::all_of(record + 68, record + kBytes, [](uint8_t byte) { return byte == 0; })) << "row " << row;
  }
}

TEST_F(WeightsTest, RejectsRowsThatDoNotFitTheirRecord) {
  auto inRecord = [&](const std::string &name, int64_t rows, int64_t offset, int64_t bytes) {
    ParameterOp parameter = declareFloats(name, {rows, 4}, iota(rows * 4));
    parameter.setRecordAttr(RecordAttr::get(&context, builder.getStringAttr("r"), offset, bytes));
    return parameter;
  };
  inRecord("a", 3, 0, 64);
  for (auto [rows, offset, bytes] : {std::array<int64_t, 3>{3, 12, 64}, {3, 16, 128}, {4, 16, 64}}) {
    ParameterOp wrong = inRecord("b", rows, offset, bytes);
    EXPECT_EQ(problem(), "record \"r\": expects rows behind byte 16 of 'tensor<3x64xui8>', but got rows from byte " +
                             std::to_string(offset) + " on of 'tensor<" + std::to_string(rows) + "x" +
                             std::to_string(bytes) + "xui8>'");
    wrong.erase();
  }
}

TEST_F(WeightsTest, SharesEqualParametersAndTellsEqualNamesApart) {
  auto type = RankedTensorType::get({4}, f32());
  source = bytesOf(iota(8));
  declareAt("tied", 0, 16, type, type);
  ParameterOp second = declareAt("alias", 0, 16, type, type);
  ParameterOp third = declareAt("tied", 16, 16, type, type);
  third.setSymName("other");
  ASSERT_TRUE(pack()) << message;
  EXPECT_EQ(weights.tensors.size(), 2u);
  EXPECT_EQ(weights.offsets.lookup("sym_tied"), weights.offsets.lookup(second.getSymName()));
  EXPECT_NE(weights.offsets.lookup("sym_tied"), weights.offsets.lookup("other"));
  EXPECT_EQ(packed<float>("tied.1"), (std::vector<float>{5, 6, 7, 8}));
  EXPECT_FALSE(header.contains("alias"));
}

TEST_F(WeightsTest, KeepsPaddingNamesApart) {
  declareFloats("__pad_0", {1}, {1});
  declareFloats("__metadata__", {1}, {2});
  ASSERT_TRUE(pack()) << message;
  EXPECT_EQ(packed<float>("__pad_0"), (std::vector<float>{1}));
  EXPECT_EQ(packed<float>("__metadata__.1"), (std::vector<float>{2}));
  EXPECT_TRUE(header.contains("__pad_1"));
}

TEST_F(WeightsTest, IdFollowsTheContent) {
  declareFloats("a", {2}, {1, 2});
  ASSERT_TRUE(pack());
  uint64_t id = weights.id;
  ASSERT_TRUE(pack());
  EXPECT_EQ(weights.id, id);
  uint64_t hash = 0xcbf29ce484222325u;
  for (unsigned char byte : read(path("out.safetensors")).substr(0, weights.headerBytes))
    hash = (hash ^ byte) * 0x100000001b3u;
  EXPECT_EQ(id, hash);
  source[0] ^= 1;
  ASSERT_TRUE(pack());
  EXPECT_NE(weights.id, id);
}

TEST_F(WeightsTest, WritesTheSameDataIntoAnObject) {
  declareFloats("a", {2}, {1, 2});
  declareFloats("big", {20000}, iota(20000));
  ASSERT_TRUE(pack());
  PackedWeights embedded;
  llvm::Triple triple("x86_64-unknown-linux-gnu");
  ASSERT_TRUE(succeeded(writeWeightsObject(*module, path("w.o"), "the_weights", triple, embedded)));
  EXPECT_EQ(embedded.id, weights.id);
  std::string object = read(path("w.o"));
  EXPECT_EQ(object.substr(0, 4), "\x7f"
                                 "ELF");
  EXPECT_EQ(object.substr(4096, data.size()), data);
  std::string command = "readelf -sSW " + path("w.o") + " > " + path("readelf.txt");
  ASSERT_EQ(std::system(command.c_str()), 0);
  std::string listing = read(path("readelf.txt"));
  EXPECT_NE(listing.find(".lrodata"), std::string::npos);
  EXPECT_NE(listing.find("GLOBAL HIDDEN     1 the_weights"), std::string::npos);
}

TEST_F(WeightsTest, RejectsObjectsForUnknownTargets) {
  declareFloats("a", {2}, {1, 2});
  write("source.bin", source);
  ScopedDiagnosticHandler handler(&context, [&](Diagnostic &diagnostic) { message = diagnostic.str(); });
  EXPECT_TRUE(failed(writeWeightsObject(*module, path("w.o"), "x", llvm::Triple("x86_64-apple-macosx"), weights)));
  EXPECT_EQ(message,
            "embedded weights: expects an ELF target for x86-64, aarch64 or riscv64, but got x86_64-apple-macosx");
  EXPECT_FALSE(std::filesystem::exists(path("w.o")));
}

TEST_F(WeightsTest, RejectsWrongTypes) {
  std::string place = path("source.bin") + ": tensor \"a\": ";
  ParameterOp op = declareFloats("a", {2, 3}, iota(6));
  auto with = [&](RankedTensorType type, PackAttr pack) {
    op.setType(type);
    op.setPackAttr(pack);
    return problem();
  };
  EXPECT_EQ(with(RankedTensorType::get({2, 3}, builder.getF64Type()), {}),
            place + "cannot be cast from 'f32' to 'f64'");
  EXPECT_EQ(with(RankedTensorType::get({3, 2}, f32()), {}),
            place + "expects type 'tensor<2x3xf32>' by its source and packing, but got 'tensor<3x2xf32>'");
  EXPECT_EQ(with(RankedTensorType::get({2, 3}, f32()), packing({0, 1}, 2)),
            place + "expects type 'tensor<2x2x2xf32>' by its source and packing, but got 'tensor<2x3xf32>'");
  EXPECT_EQ(with(RankedTensorType::get({2, 3}, f32()), packing({0, 0}, 0)),
            place + "expects a permutation of 2 dimensions and a panel of columns, but got #thresh.pack<permutation = "
                    "[0, 0], panel = 0>");
  EXPECT_EQ(with(RankedTensorType::get({2, ShapedType::kDynamic}, f32()), {}),
            place + "expects a static shape and an element type of a weights file, but got 'tensor<2x?xf32>'");
}

TEST_F(WeightsTest, RejectsWrongSources) {
  std::string file = path("source.bin");
  auto type = RankedTensorType::get({2}, f32());
  source = bytesOf(iota(2));
  ParameterOp op = declareAt("a", 4, 8, type, type);
  EXPECT_EQ(problem(), file + ": tensor \"a\": expects 8 bytes at offset 4, but the file has 8");
  op.erase();
  op = declareAt("a", 0, 4, type, type);
  EXPECT_EQ(problem(), file + ": tensor \"a\": expects 8 bytes by its stored type, but got 4");
  op.erase();
  op = declareAt("a", INT64_MAX - 4, 8, type, type);
  EXPECT_EQ(problem(), file + ": tensor \"a\": expects 8 bytes at offset 9223372036854775803, but the file has 8");
  op.erase();
  auto gone = SourceAttr::get(&context, builder.getStringAttr(path("gone")), 0, 8, builder.getStringAttr("a"), type,
                              /*seed=*/-1);
  ParameterOp::create(builder, builder.getUnknownLoc(), "a", type, gone, PackAttr());
  EXPECT_EQ(problem(), path("gone") + ": cannot be read: No such file or directory");
}

TEST_F(WeightsTest, RejectsUnwritablePlaces) {
  declareFloats("a", {2}, {1, 2});
  write("source.bin", source);
  ScopedDiagnosticHandler handler(&context, [&](Diagnostic &diagnostic) { message = diagnostic.str(); });
  EXPECT_TRUE(failed(packWeights(*module, path("no/such/out"), weights)));
  EXPECT_EQ(message, path("no/such/out") + ": cannot be written: No such file or directory");
}

} // namespace
