//===- Runner.h - Compile, load and run kernels in a test --------------------===//
#ifndef THRESH_TESTS_CODEGEN_RUNNER_H
#define THRESH_TESTS_CODEGEN_RUNNER_H

#include "tests/codegen/Tensor.h"

#include <map>
#include <string>

namespace thresh::codegen::test {

/// Builds the nodes of a stage; every call returns the new node's index.
struct StageBuilder {
  Stage stage;

  StageBuilder(std::vector<Extent> loops, int parallel) {
    stage.name = "stage";
    stage.loops = std::move(loops);
    stage.parallel = parallel;
  }
  int add(Node node) {
    stage.body.push_back(std::move(node));
    return int(stage.body.size()) - 1;
  }
  int op(Op op, DType dtype, std::vector<int> args) { return add({op, dtype, std::move(args)}); }
  int index(int loop) { return add({Op::Index, DType::I32, {}, 0, loop}); }
  int real(double value, DType dtype = DType::F32) { return add({Op::Const, dtype, {}, value}); }
  int integer(int64_t value, DType dtype = DType::I32) { return add({Op::Const, dtype, {}, 0, value}); }
  int acc(DType dtype, int result = 0) { return add({Op::Acc, dtype, {}, 0, result}); }
  int dim(int operand, int dimension) { return add({Op::Dim, DType::I32, {}, 0, dimension, operand}); }
  int load(int source, DType dtype, std::vector<int> coordinates, int result = 0) {
    return add({Op::Load, dtype, std::move(coordinates), 0, 0, source, result});
  }
  /// A load at the given loops.
  int loadAt(int source, DType dtype, const std::vector<int> &loops) {
    std::vector<int> coordinates;
    for (int loop : loops)
      coordinates.push_back(index(loop));
    return load(source, dtype, coordinates);
  }
  Stage pure(std::vector<int> results) {
    stage.results = std::move(results);
    return typed();
  }
  Stage reduction(std::vector<int> inits, std::vector<int> results) {
    stage.inits = std::move(inits);
    stage.results = std::move(results);
    return typed();
  }

private:
  Stage typed() {
    for (int result : stage.results)
      stage.dtypes.push_back(stage.body[result].dtype);
    return stage;
  }
};

inline Extent fixed(int64_t value) { return {value, -1, -1}; }
inline Extent dimOf(int operand, int dim) { return {-1, operand, dim}; }
inline int fromStage(int stage) { return kStageSource + stage; }

/// Kernels compiled together and loaded as one library. Fails the test where something goes wrong.
class Library {
public:
  /// Compiles all for their targets; names must differ.
  explicit Library(const std::vector<KernelSpec> &specs);
  ~Library();
  Library(const Library &) = delete;

  bool loaded() const { return handle != nullptr; }
  /// Runs a kernel on the operands. Returns what it returns.
  int run(const std::string &name, std::vector<Tensor> &operands) const;

private:
  std::string folder;
  void *handle = nullptr;
};

/// How much a result may differ: |got - wanted| <= absolute + relative * |wanted|.
struct Tolerance {
  double relative = 1e-6;
  double absolute = 1e-7;
};

/// Runs the kernel and the reference on the same inputs and compares every output.
void expectSame(const Library &library, const KernelSpec &spec, const std::vector<Tensor> &operands,
                Tolerance tolerance);

/// The targets that this machine runs, without plain x86-64.
std::vector<std::string> runnableTargets();

using Shapes = std::vector<std::vector<int64_t>>; ///< one shape per operand

/// One kernel and the shapes to try it on.
struct Trial {
  KernelSpec spec;
  std::vector<Shapes> shapes;
  Tolerance tolerance;
};

/// Compiles every kernel for every target that this machine runs and compares with the reference on random operands,
/// whose seed the message of a failure tells. `prepare` may change the operands.
void check(std::vector<Trial> trials, void (*prepare)(std::vector<Tensor> &) = nullptr);

/// Where a kernel and its inputs came from, for the message of a failure.
std::string describe(const KernelSpec &spec, const std::vector<Tensor> &operands);

} // namespace thresh::codegen::test

#endif // THRESH_TESTS_CODEGEN_RUNNER_H
