//===- KernelSpec.h - The seam between the compiler and the code generator -===//
//
// A KernelSpec says in plain data what one kernel computes. The compiler fills it from a group of
// linalg ops or from one sparse op; codegen turns it into one Halide pipeline. It prints as JSON and
// reads back, so a kernel can be compiled, timed and tested without the compiler.
//
//===-----------------------------------------------------------------------===//
#ifndef THRESH_CODEGEN_KERNELSPEC_H
#define THRESH_CODEGEN_KERNELSPEC_H

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace thresh::codegen {

/// Element types; the numbers are thresh_dtype of thresh/abi.h.
enum class DType : int { F32, F64, F16, BF16, I8, U8, I16, U16, I32, U32, I64, U64, Bool };

/// A buffer that the caller passes: dense, row-major (the last dimension is contiguous).
/// Inputs come first, outputs last, in the order of the kernel's C arguments.
struct Operand {
  std::string name;
  DType dtype = DType::F32;
  std::vector<int64_t> shape; ///< extents, -1 where dynamic
  bool output = false;
};

/// The extent of one loop: a constant, or the extent of an operand's dimension.
struct Extent {
  int64_t value = -1; ///< >= 0: constant
  int operand = -1;   ///< otherwise: index into KernelSpec::operands ...
  int dim = -1;       ///< ... and the dimension of it
};

/// What an expression node does. Arithmetic is on the node's dtype; comparisons and logic give Bool.
/// Integer division and remainder truncate toward zero (C); FloorDiv and FloorMod round toward minus infinity.
/// Max/Min propagate NaN; MaxNum/MinNum return the other operand.
// clang-format off
enum class Op {
  Const,  ///< `real` for floats, `integer` otherwise
  Index,  ///< value of loop `integer` of the stage; dtype I32
  Load,   ///< element of source `source` at the coordinates `args` (I32/I64 nodes), one per dimension.
          ///< An Index node over a loop of dynamic extent, used as the coordinate of a dynamic dimension, says
          ///< that the two extents are equal (as linalg does); write Add(Index, Const 0) where they may differ.
          ///< Coordinates must be in range, but under a Select's arm they may be anything: they are clamped.
          ///< Coordinates that come from data (gather) are checked by the host before the launch.
  Acc,    ///< a reduction's running value number `integer`
  Dim,    ///< extent `integer` of the operand `source`; dtype I32
  Cast,   ///< args[0] to dtype, as C does (float to int truncates; anything to Bool is x != 0)
  Bitcast,
  Add, Sub, Mul, Div, Rem, FloorDiv, FloorMod, Max, Min, MaxNum, MinNum, Pow, Atan2,
  And, Or, Xor, Shl, ShrSigned, ShrUnsigned, ///< bitwise; logical on Bool
  Eq, Ne, Lt, Le, Gt, Ge,                    ///< ordered comparisons (false with NaN), except Ne
  Select,                                    ///< args: condition, then, else
  Neg, Abs, Exp, Exp2, Expm1, Log, Log2, Log1p, Sqrt, Rsqrt, Sin, Cos, Tan, Asin, Acos, Atan,
  Sinh, Cosh, Tanh, Asinh, Acosh, Atanh, Erf, Floor, Ceil, Round, RoundEven, Trunc,
  IsNan, IsInf, Not, Fma, CountOnes
};
// clang-format on

/// One node of a stage's expression graph. Nodes are in SSA order: args refer to earlier nodes.
struct Node {
  Op op = Op::Const;
  DType dtype = DType::F32;
  std::vector<int> args;
  double real = 0;
  int64_t integer = 0;
  int source = -1; ///< Load, Dim: operand index; Load of an earlier stage's result: see Source below
  int result = 0;  ///< Load of a stage with several results: which
};

/// Load::source addresses operands by their index, and stage s by `kStageSource + s`.
constexpr int kStageSource = 1 << 16;

/// One Halide Func: for all parallel loops, result = body; with reduction loops, the results start
/// at `inits` and are updated by `results` for every point of the reduction domain, innermost last.
struct Stage {
  std::string name;
  std::vector<Extent> loops; ///< parallel loops first: dimension d of the results is loop d
  int parallel = 0;          ///< number of parallel loops
  std::vector<Node> body;    ///< shared by inits and results
  std::vector<int> inits;    ///< node per result; empty unless there are reduction loops (no Acc, no reduction Index)
  std::vector<int> results;  ///< node per result
  std::vector<DType> dtypes; ///< dtype per result
};

/// A number or a word that shapes a kernel of a sparse family.
struct Parameter {
  enum class Kind { Integer, Real, Text };
  Kind kind = Kind::Integer;
  int64_t integer = 0;
  double real = 0; ///< finite
  std::string text;
};

/// What the kernel does; selects the schedule rule (codegen/Schedules) that the stages take or, of a sparse
/// family, the algorithm (codegen/Kernels), which goes by the operands and the parameters alone.
enum class Family {
  Elementwise,     ///< one stage, no reduction (gather, transpose, broadcast, copy included)
  Reduction,       ///< one reduction stage, elementwise around it
  Rowwise,         ///< several stages over common outer loops, reductions over the inner ones: softmax, norms
  Matmul,          ///< one contraction stage, then elementwise (epilogue) stages
  Attention,       ///< contraction, row-wise stages, contraction
  QuantizedMatmul, ///< groups of 32 products of u8 or u4 codes and i8 activations, their weighted sum, then
                   ///< elementwise (epilogue) stages; codegen/README.md has the layout
  ChooseRows,      ///< sparse: indices and activated values of the scores above a statistical threshold
  ActiveRows,      ///< sparse: the part of a feed-forward block that its chosen neurons take
  TopkAttention    ///< sparse: attention of one query over the keys that a partial key chooses
};

/// One kernel: the stages in order of dependence; the last ones define the outputs.
struct KernelSpec {
  std::string name; ///< C symbol, unique in the library
  Family family = Family::Elementwise;
  std::vector<Operand> operands;
  std::vector<Stage> stages; ///< none of a sparse family
  std::vector<int>
      outputs;        ///< per output operand, the stage that defines it (a stage with n results: n consecutive outputs)
  std::string target; ///< "x86-64-v4", ...; see targets() in codegen/Codegen.h
  std::map<std::string, Parameter> parameters; ///< of a sparse family: those of its table in SparseRules.cpp
};

/// JSON with stable key order: equal specs print equally.
std::string toJson(const KernelSpec &spec);

/// Checks every rule above: indices, SSA order, ranks, dtypes, the target's name; of a sparse family operands and
/// parameters. On failure returns false and `error` begins with the JSON pointer of the offender: "at /stages/0/body/3:
/// ...".
bool verify(const KernelSpec &spec, std::string &error);

/// Reads what toJson prints and verifies it. On failure returns false and says why and where in `error`.
bool fromJson(const std::string &text, KernelSpec &spec, std::string &error);

/// A hash of everything but the name: equal kernels have equal keys.
std::string cacheKey(const KernelSpec &spec);

} // namespace thresh::codegen

#endif // THRESH_CODEGEN_KERNELSPEC_H
