//===- table_test.cpp - checks of the table that a library exports ------------===//
extern "C" {
#include "runtime/src/table.h"
}

#include <cmath>
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
  thresh_abi_state_reads reads[2] = {{8, 4, 3}, {0, 16, 0}};
  thresh_abi_entry entries[1] = {{"main", 2, 1, inputs, outputs, -1, 0, 6, 9, reads}};
  thresh_abi_function functions[1] = {nothing};
  thresh_abi_variant variants[1] = {{"x86-64-v3", 0, functions}};
  alignas(4096) uint8_t weights[4096] = {};
  int64_t stateShape[2] = {8, 4};
  thresh_abi_state states[2] = {{"keys", THRESH_F32, 2, stateShape, 0, 128, 0},
                                {"values", THRESH_F32, 2, stateShape, 128, 128, 8}};
  int64_t stopTokens[1] = {2};
  thresh_abi_generation generation = {stopTokens, 1, 1, -1, 0.7f, 0.9f, 1.1f, 50};
  thresh_abi_library library = {
      THRESH_ABI_VERSION, 1, entries, 1, 0, variants, "{}", nullptr, nullptr, 0, 0, 0, nullptr, states, 2, 0, 256, 8,
      &generation};
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
            "library 'm.so' is of another compiler version: expects ABI version 5, but got 7");
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

TEST(Table, FaultsOfStates) {
  const std::pair<const char *, std::function<void(Table &)>> cases[] = {
      {"has no name", [](Table &t) { t.states[1].name = ""; }},
      {"has an unknown dtype", [](Table &t) { t.states[1].dtype = 13; }},
      {"has a rank outside 1 to 8 or no shape", [](Table &t) { t.states[1].rank = 0; }},
      {"has a rank outside 1 to 8 or no shape", [](Table &t) { t.states[1].rank = 9; }},
      {"has a rank outside 1 to 8 or no shape", [](Table &t) { t.states[1].shape = nullptr; }},
      {"has a window of less than no or more than its rows", [](Table &t) { t.states[1].window = 9; }},
      {"has a window of less than no or more than its rows", [](Table &t) { t.states[1].window = -1; }},
      {"has not the bytes of its shape", [](Table &t) { t.states[1].bytes = 127; }},
      {"lies outside the state memory or is not aligned in it", [](Table &t) { t.states[1].offset = 96; }},
      {"lies outside the state memory or is not aligned in it", [](Table &t) { t.states[1].offset = 192; }},
      {"lies outside the state memory or is not aligned in it", [](Table &t) { t.states[1].offset = ~UINT64_C(63); }},
      {"has the name of another", [](Table &t) { t.states[1].name = "keys"; }},
      {"overlaps another", [](Table &t) { t.states[1].offset = 64; }},
  };
  for (const auto &[fault, damage] : cases)
    EXPECT_EQ(check(damage), std::string("damaged library 'm.so': state 1 ") + fault);
  EXPECT_EQ(check([](Table &t) { t.stateShape[1] = 0; }), "damaged library 'm.so': state 0 has an extent below 1");
  EXPECT_EQ(check([](Table &t) { t.library.context = 7; }),
            "damaged library 'm.so': state 0 has more rows than the context");
  EXPECT_EQ(check([](Table &t) { t.library.context = 9; }),
            "damaged library 'm.so': state 0 has fewer rows than the context, but no window");
  EXPECT_EQ(check([](Table &t) { t.library.context = 9, t.states[0].window = 8; }), "") << "a ring may";
  const std::pair<const char *, std::function<void(Table &)>> tables[] = {
      {"states without a list or a context", [](Table &t) { t.library.num_states = -1; }},
      {"states without a list or a context", [](Table &t) { t.library.states = nullptr; }},
      {"states without a list or a context", [](Table &t) { t.library.context = 0; }},
      {"states without a list or a context", [](Table &t) { t.library.context = -1; }},
      {"states of impossible size", [](Table &t) { t.library.state_bytes = UINT64_MAX; }},
  };
  for (const auto &[fault, damage] : tables)
    EXPECT_EQ(check(damage), std::string("damaged library 'm.so': its table has ") + fault);
}

TEST(Table, FaultsOfReads) {
  const std::string place = "damaged library 'm.so': entry 'main' reads ";
  EXPECT_EQ(check([](Table &t) { t.entries[0].weight_bytes = 10; }), place + "more weights than a dense one");
  EXPECT_EQ(check([](Table &t) { t.entries[0].state_reads = nullptr; }), "");
  for (thresh_abi_state_reads reads :
       {thresh_abi_state_reads{9, 4, 3}, {-1, 4, 3}, {8, 17, 3}, {8, UINT64_MAX, 3}, {8, 4, -1}})
    for (int state : {0, 1})
      EXPECT_EQ(check([&](Table &t) { t.reads[state] = reads; }), place + "more of a state than there is");
}

TEST(Table, FaultsOfTheTokenInput) {
  const std::pair<const char *, std::function<void(Table &)>> cases[] = {
      {"has no input with the number of its token input", [](Table &t) { t.entries[0].token_input = -2; }},
      {"has no input with the number of its token input", [](Table &t) { t.entries[0].token_input = 2; }},
      {"has a token input of rank 0", [](Table &t) { t.entries[0].token_input = 1; }},
      {"has a token input, but the library has no context",
       [](Table &t) { t.entries[0].token_input = 0, t.library.num_states = 0, t.library.context = 0; }},
  };
  for (const auto &[fault, damage] : cases)
    EXPECT_EQ(check(damage), std::string("damaged library 'm.so': entry 'main' ") + fault);
  EXPECT_EQ(check([](Table &t) { t.entries[0].token_input = 0; }), "");
}

TEST(Table, FaultsOfTheGenerationDefaults) {
  EXPECT_EQ(check([](Table &t) { t.library.generation = nullptr; }), "");
  EXPECT_EQ(check([](Table &t) { t.generation.stop_tokens = nullptr; }),
            "damaged library 'm.so': its generation defaults have no stop tokens");
  const std::function<void(Table &)> cases[] = {
      [](Table &t) { t.generation.temperature = 0; }, [](Table &t) { t.generation.temperature = NAN; },
      [](Table &t) { t.generation.top_p = -1; },      [](Table &t) { t.generation.repetition_penalty = INFINITY; },
      [](Table &t) { t.generation.top_k = -1; },
  };
  for (const auto &damage : cases)
    EXPECT_EQ(check(damage), "damaged library 'm.so': its generation defaults have a temperature, top_k, top_p or "
                             "repetition penalty out of range");
}

// The compiler emits these structs field by field.
TEST(Table, LayoutIsFixed) {
  EXPECT_EQ(sizeof(thresh_abi_tensor), 48u);
  EXPECT_EQ(offsetof(thresh_abi_tensor, shape), 16u);
  EXPECT_EQ(offsetof(thresh_abi_tensor, optional), 32u);
  EXPECT_EQ(offsetof(thresh_abi_tensor, default_value), 40u);
  EXPECT_EQ(sizeof(thresh_abi_entry), 64u);
  EXPECT_EQ(offsetof(thresh_abi_entry, dense_weight_bytes), 48u);
  EXPECT_EQ(offsetof(thresh_abi_entry, state_reads), 56u);
  EXPECT_EQ(sizeof(thresh_abi_state_reads), 24u);
  EXPECT_EQ(offsetof(thresh_abi_state_reads, scanned_bytes), 8u);
  EXPECT_EQ(offsetof(thresh_abi_state_reads, chosen_rows), 16u);
  EXPECT_EQ(offsetof(thresh_abi_entry, weight_bytes), 40u);
  EXPECT_EQ(offsetof(thresh_abi_entry, token_input), 32u);
  EXPECT_EQ(offsetof(thresh_abi_entry, inputs), 16u);
  EXPECT_EQ(sizeof(thresh_abi_variant), 24u);
  EXPECT_EQ(sizeof(thresh_abi_view), 16u);
  EXPECT_EQ(sizeof(thresh_abi_call), 72u);
  EXPECT_EQ(offsetof(thresh_abi_call, arena), 24u);
  EXPECT_EQ(offsetof(thresh_abi_call, fail), 40u);
  EXPECT_EQ(offsetof(thresh_abi_call, state), 48u);
  EXPECT_EQ(offsetof(thresh_abi_call, position), 56u);
  EXPECT_EQ(offsetof(thresh_abi_call, launched), 64u);
  EXPECT_EQ(sizeof(thresh_abi_state), 48u);
  EXPECT_EQ(offsetof(thresh_abi_state, offset), 24u);
  EXPECT_EQ(offsetof(thresh_abi_state, window), 40u);
  EXPECT_EQ(sizeof(thresh_abi_generation), 40u);
  EXPECT_EQ(offsetof(thresh_abi_generation, bos_token), 16u);
  EXPECT_EQ(offsetof(thresh_abi_generation, temperature), 24u);
  EXPECT_EQ(offsetof(thresh_abi_generation, top_k), 36u);
  EXPECT_EQ(sizeof(thresh_abi_library), 128u);
  EXPECT_EQ(offsetof(thresh_abi_library, entries), 8u);
  EXPECT_EQ(offsetof(thresh_abi_library, num_variants), 16u);
  EXPECT_EQ(offsetof(thresh_abi_library, variants), 24u);
  EXPECT_EQ(offsetof(thresh_abi_library, weights_id), 72u);
  EXPECT_EQ(offsetof(thresh_abi_library, set_par_for), 80u);
  EXPECT_EQ(offsetof(thresh_abi_library, states), 88u);
  EXPECT_EQ(offsetof(thresh_abi_library, flags), 100u);
  EXPECT_EQ(offsetof(thresh_abi_library, state_bytes), 104u);
  EXPECT_EQ(offsetof(thresh_abi_library, generation), 120u);
}

} // namespace
