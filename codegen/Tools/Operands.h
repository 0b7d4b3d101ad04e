//===- Operands.h - What a kernel under the clock works on -------------------===//
#ifndef THRESH_CODEGEN_TOOLS_OPERANDS_H
#define THRESH_CODEGEN_TOOLS_OPERANDS_H

#include "codegen/KernelSpec.h"

#include <HalideRuntime.h>

#include <cstdlib>
#include <map>
#include <memory>
#include <vector>

namespace thresh::codegen::bench {

using Shape = std::vector<int64_t>;

/// Operands of more bytes than this leave nothing of each other in the caches.
constexpr double kColdBytes = 512e6;

using Memory = std::unique_ptr<unsigned char, decltype(&std::free)>;

struct Buffer {
  Memory data{nullptr, &std::free};
  size_t bytes = 0;
  std::vector<halide_dimension_t> dims;
  halide_buffer_t buffer{};
};

/// Copies of a kernel's operands, to be used in turn, in huge pages where they are large. Floats and bytes are
/// random, the values that `set` names are what it says, all else is 0. Copies of active_rows have lists of random
/// neurons, another one in every call.
class Operands {
public:
  Operands(const KernelSpec &spec, const std::vector<Shape> &shapes, const std::map<std::string, double> &set,
           int copies);

  std::vector<halide_buffer_t *> &next();

  /// Whether a call reads the rows of one list.
  bool readsList() const { return tokens == 1; }
  /// Neurons that a call of active_rows multiplies with, of all lists.
  double chosen() const { return double(tokens) * double(listLength); }

  /// Seconds in which `threads` threads read what one call reads: all operands, each thread its part of every one, or
  /// for active_rows of one row those of the list one after the other. Of the latter two loops are tried, and one
  /// fetches ahead.
  double readSeconds(int threads) const;
  /// Bytes of that.
  double readBytes() const;
  /// Bytes that one call cannot do without: the same, or for topk_attention, after a call, all partial keys, and the
  /// rest and the values of the keys that the heads chose, as if no two of them shared any.
  double neededBytes() const;
  /// Keys that a head of topk_attention chose, on average, in the first copy's last call.
  double chosenKeys() const;

  /// Seconds in which std::nth_element finds the `count` greatest of an operand's floats.
  double selectSeconds(int operand, int64_t count) const;

private:
  void addLists();
  /// Lays the rows that lists name side by side, as the compiler does. Returns the memory that they are in then.
  Memory interleaveRows(std::vector<Buffer> &copy, size_t rows);
  /// Reads the rows of a list, `together` of them side by side, fetching the next ones meanwhile if `ahead`.
  double rowSeconds(int threads, size_t together, bool ahead) const;

  const KernelSpec &spec;
  std::vector<std::vector<Buffer>> buffers;
  std::vector<std::vector<halide_buffer_t *>> args;
  int listOperand = -1; ///< of active_rows: the operand that holds the neurons
  size_t tokens = 0;    ///< lists of a call
  size_t listLength = 0;
  std::vector<int> rowOperands;            ///< the matrices whose rows the list names
  std::vector<Memory> records;             ///< their rows, for each copy: where these operands are
  size_t recordBytes = 0;                  ///< of one copy
  std::vector<std::vector<int32_t>> lists; ///< used in turn
  size_t turn = 0;
};

} // namespace thresh::codegen::bench

#endif // THRESH_CODEGEN_TOOLS_OPERANDS_H
