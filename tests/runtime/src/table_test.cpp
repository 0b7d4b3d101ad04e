//===- table_test.cpp - checks of the table that a library exports ------------===//
extern "C" {
#include "runtime/src/table.h"
}

#include <cstddef>
#include <functional>
#include <gtest/gtest.h>
#include <string>

namespace {

int32_t nothing(const thresh_abi_call *) { return 0; }

/// A sound table with two inputs, one output and one variant, for a test to damage.
struct Table {
  int64_t shape[2] = {-1, 4};
  const char *dims[2] = {"batch", nullptr};
  thresh_abi_tensor inputs[2] = {{"x", THRESH_F32, 2, shape, dims, 0, 0, 0},
                                 {"y", THRESH_I64, 0, nullptr, nullptr, 0, 0, 0}};
  thresh_abi_tensor outputs[1] = {{"z", THRESH_F32, 2, shape, dims, 0, 0, 0}};
  thresh_abi_entry entries[1] = {{"main", 2, 1, inputs, outputs}};
  thresh_abi_function functions[1] = {nothing};
  thresh_abi_variant variants[1] = {{"x86-64-v3", 0, functions}};
  alignas(4096) uint8_t weights[4096] = {};
  thresh_abi_library library = {
      THRESH_ABI_VERSION, 1, entries, 1, 0, variants, "{}", nullptr, nullptr, 0, 0, 0, nullptr};
};

std::string check(const std::function<void(Table &)> &damage) {
  Table table;
  damage(table);
  thresh_status status = {};
  thresh_code code = thresh_table_check(&table.library, "m.so", &status);
  EXPECT_EQ(code, status.message[0] ? THRESH_INVALID_LIBRARY : THRESH_OK);
  return status.message;
}

TEST(Table, SoundOnesPass) {
  EXPECT_EQ(check([](Table &) {}), "");
  EXPECT_EQ(check([](Table &t) { t.library.weights_embedded = t.weights, t.library.weights_bytes = 9; }), "");
  EXPECT_EQ(check([](Table &t) { t.library.weights_file = "w", t.library.weights_header_bytes = 8192; }), "");
}

TEST(Table, VersionComesFirst) {
  EXPECT_EQ(check([](Table &t) { t.library = {}, t.library.abi_version = 7; }),
            "library 'm.so' is of another compiler version: expects ABI version 1, but got 7");
}

TEST(Table, FaultsOfTheTable) {
  const std::pair<const char *, std::function<void(Table &)>> cases[] = {
      {"no entry points", [](Table &t) { t.library.num_entries = 0; }},
      {"no entry points", [](Table &t) { t.library.entries = nullptr; }},
      {"no variants", [](Table &t) { t.library.num_variants = -1; }},
      {"no variants", [](Table &t) { t.library.variants = nullptr; }},
      {"a variant without target or functions", [](Table &t) { t.variants[0].target = nullptr; }},
      {"a variant without target or functions", [](Table &t) { t.variants[0].functions = nullptr; }},
      {"a variant without a function for each entry", [](Table &t) { t.functions[0] = nullptr; }},
      {"weights both embedded and in a file",
       [](Table &t) { t.library.weights_embedded = t.weights, t.library.weights_file = "w"; }},
      {"weights neither embedded nor in a file", [](Table &t) { t.library.weights_bytes = 1; }},
      {"embedded weights that are not page-aligned", [](Table &t) { t.library.weights_embedded = t.weights + 64; }},
      {"a weights file outside its own folder", [](Table &t) { t.library.weights_file = "../w"; }},
      {"a weights file outside its own folder", [](Table &t) { t.library.weights_file = ""; }},
      {"weights that are not page-aligned in their file",
       [](Table &t) { t.library.weights_file = "w", t.library.weights_header_bytes = 100; }},
      {"weights that are not page-aligned in their file", [](Table &t) { t.library.weights_file = "w"; }},
      {"weights of impossible size",
       [](Table &t) {
         t.library.weights_file = "w", t.library.weights_header_bytes = 4096, t.library.weights_bytes = UINT64_MAX;
       }},
  };
  for (const auto &[fault, damage] : cases)
    EXPECT_EQ(check(damage), std::string("damaged library 'm.so': its table has ") + fault);
}

TEST(Table, FaultsOfEntries) {
  EXPECT_EQ(check([](Table &t) { t.entries[0].name = ""; }), "damaged library 'm.so': entry 0 has no name");
  EXPECT_EQ(check([](Table &t) { t.entries[0].num_inputs = -1; }),
            "damaged library 'm.so': entry 'main' lists no inputs");
  EXPECT_EQ(check([](Table &t) { t.entries[0].outputs = nullptr; }),
            "damaged library 'm.so': entry 'main' lists no outputs");
}

TEST(Table, FaultsOfTensors) {
  const std::pair<const char *, std::function<void(Table &)>> cases[] = {
      {"has no name", [](Table &t) { t.inputs[0].name = nullptr; }},
      {"has an unknown dtype", [](Table &t) { t.inputs[0].dtype = 13; }},
      {"has an unknown dtype", [](Table &t) { t.inputs[0].dtype = -1; }},
      {"has a rank outside 0 to 8", [](Table &t) { t.inputs[0].rank = 9; }},
      {"has a rank outside 0 to 8", [](Table &t) { t.inputs[0].rank = -1; }},
      {"has no shape", [](Table &t) { t.inputs[0].shape = nullptr; }},
      {"has no shape", [](Table &t) { t.inputs[0].dim_symbols = nullptr; }},
      {"has a negative extent", [](Table &t) { t.shape[1] = -2; }},
      {"has a dynamic dimension without a name", [](Table &t) { t.shape[1] = -1; }},
      {"has a dynamic dimension without a name", [](Table &t) { t.dims[0] = ""; }},
  };
  for (const auto &[fault, damage] : cases)
    EXPECT_EQ(check(damage), std::string("damaged library 'm.so': input 0 of entry 'main' ") + fault);
  EXPECT_EQ(check([](Table &t) { t.inputs[1].name = "x"; }),
            "damaged library 'm.so': input 1 of entry 'main' has the name of another");
  EXPECT_EQ(check([](Table &t) { t.outputs[0].dtype = 99; }),
            "damaged library 'm.so': output 0 of entry 'main' has an unknown dtype");
}

// The compiler emits these structs field by field.
TEST(Table, LayoutIsFixed) {
  EXPECT_EQ(sizeof(thresh_abi_tensor), 48u);
  EXPECT_EQ(offsetof(thresh_abi_tensor, shape), 16u);
  EXPECT_EQ(offsetof(thresh_abi_tensor, optional), 32u);
  EXPECT_EQ(offsetof(thresh_abi_tensor, default_value), 40u);
  EXPECT_EQ(sizeof(thresh_abi_entry), 32u);
  EXPECT_EQ(offsetof(thresh_abi_entry, inputs), 16u);
  EXPECT_EQ(sizeof(thresh_abi_variant), 24u);
  EXPECT_EQ(sizeof(thresh_abi_view), 16u);
  EXPECT_EQ(sizeof(thresh_abi_call), 48u);
  EXPECT_EQ(offsetof(thresh_abi_call, arena), 24u);
  EXPECT_EQ(offsetof(thresh_abi_call, fail), 40u);
  EXPECT_EQ(sizeof(thresh_abi_library), 88u);
  EXPECT_EQ(offsetof(thresh_abi_library, entries), 8u);
  EXPECT_EQ(offsetof(thresh_abi_library, num_variants), 16u);
  EXPECT_EQ(offsetof(thresh_abi_library, variants), 24u);
  EXPECT_EQ(offsetof(thresh_abi_library, weights_id), 72u);
  EXPECT_EQ(offsetof(thresh_abi_library, set_par_for), 80u);
}

} // namespace
