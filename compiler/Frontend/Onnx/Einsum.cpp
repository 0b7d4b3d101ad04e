//===- Einsum.cpp - Einstein sums as matrix products ---------------------===//
#include "compiler/Frontend/Onnx/Handlers.h"

#include <map>

using namespace mlir;
using namespace thresh;

namespace {

/// A tensor whose dimensions have names. Letters name themselves; the dimensions under an ellipsis are digits, '0'
/// being the last.
struct Term {
  Tensor tensor;
  std::string labels;
};

/// An equation with its ellipses spelt out.
struct Equation {
  SmallVector<std::string> inputs;
  std::string output;
};

} // namespace

/// The labels of one subscript for a tensor of `rank` dimensions (-1: the result, whose ellipsis has `hidden`).
static std::optional<std::string> expandLabels(StringRef subscript, int64_t rank, int64_t &hidden) {
  size_t dots = subscript.find("...");
  std::string labels;
  if (dots != StringRef::npos) {
    if (rank >= 0)
      hidden = rank - static_cast<int64_t>(subscript.size() - 3);
    if (hidden < 0 || hidden > 10)
      return std::nullopt;
    for (int64_t i = hidden; i-- > 0;)
      labels.push_back(static_cast<char>('0' + i));
    labels = (subscript.take_front(dots) + labels + subscript.drop_front(dots + 3)).str();
  } else {
    labels = subscript.str();
  }
  for (char label : labels)
    if (!llvm::isAlnum(label))
      return std::nullopt;
  return labels;
}

static FailureOr<Equation> parseEquation(Node &node) {
  std::string text = node.stringAttribute("equation", "");
  llvm::erase(text, ' ');
  auto malformed = [&]() { return node.error() << "expects an equation for its inputs, but got '" << text << "'"; };
  auto [left, right] = StringRef(text).split("->");
  SmallVector<StringRef> subscripts;
  left.split(subscripts, ',');
  if (subscripts.size() != node.inputCount())
    return malformed();
  Equation equation;
  int64_t mostHidden = 0;
  std::map<char, int> counts;
  for (auto [i, subscript] : llvm::enumerate(subscripts)) {
    int64_t hidden = 0, rank = node.shapeInput(i).rank();
    std::optional<std::string> labels = expandLabels(subscript, rank, hidden);
    if (!labels || int64_t(labels->size()) != rank)
      return malformed();
    for (char label : *labels) {
      ++counts[label];
      if (llvm::count(*labels, label) > 1)
        return node.error() << "a label twice in one input is not supported, but got '" << text << "'";
    }
    mostHidden = std::max(mostHidden, hidden);
    equation.inputs.push_back(*labels);
  }
  if (StringRef(text).contains("->")) {
    std::optional<std::string> labels = expandLabels(right, -1, mostHidden);
    if (!labels)
      return malformed();
    equation.output = *labels;
  } else {
    for (int64_t i = mostHidden; i-- > 0;)
      equation.output.push_back(static_cast<char>('0' + i));
    for (auto [label, count] : counts)
      if (count == 1 && llvm::isAlpha(label))
        equation.output.push_back(label);
  }
  for (char label : equation.output)
    if (!counts.count(label) || llvm::count(equation.output, label) > 1)
      return malformed();
  return equation;
}

/// Sums away the dimensions whose labels are not among `kept`.
static Term sumOver(Emitter &emit, Term term, StringRef kept) {
  SmallVector<int64_t> dimensions;
  std::string labels;
  for (auto [i, label] : llvm::enumerate(term.labels))
    if (kept.contains(label))
      labels.push_back(label);
    else
      dimensions.push_back(static_cast<int64_t>(i));
  if (!dimensions.empty())
    term.tensor = emit.reduce(ReduceKind::Sum, term.tensor, dimensions, false);
  term.labels = labels;
  return term;
}

/// `term` with its dimensions in the order of `labels`, which may add dimensions of size 1.
static Tensor arrange(Emitter &emit, const Term &term, StringRef labels) {
  SmallVector<int64_t> permutation;
  Sizes sizes;
  for (char label : labels) {
    size_t at = term.labels.find(label);
    if (at != std::string::npos)
      permutation.push_back(static_cast<int64_t>(at));
    sizes.push_back(at == std::string::npos ? emit.math.constant(1) : term.tensor.sizes[at]);
  }
  return emit.reshape(emit.transpose(term.tensor, permutation), sizes);
}

/// The product of two terms, summed over the labels that neither `later` nor the other operand needs: a batched matmul
/// [batch, m, k] x [batch, k, n].
static FailureOr<Term> contract(Emitter &emit, Term a, Term b, StringRef later) {
  a = sumOver(emit, a, b.labels + later.str());
  b = sumOver(emit, b, a.labels + later.str());
  std::string batch, rows, columns, inner;
  for (char label : a.labels)
    if (b.labels.find(label) == std::string::npos)
      rows.push_back(label);
    else
      (later.contains(label) ? batch : inner).push_back(label);
  for (char label : b.labels)
    if (a.labels.find(label) == std::string::npos)
      columns.push_back(label);
  Tensor lhs = arrange(emit, a, batch + rows + inner), rhs = arrange(emit, b, batch + inner + columns);
  // Dimensions of size 1 broadcast, also those that are summed.
  Sizes lhsSizes = lhs.sizes, rhsSizes = rhs.sizes;
  auto unify = [&](size_t inLhs, size_t inRhs) -> LogicalResult {
    FailureOr<Sizes> common = emit.broadcastSizes(lhsSizes[inLhs], rhsSizes[inRhs]);
    if (failed(common))
      return failure();
    lhsSizes[inLhs] = rhsSizes[inRhs] = common->front();
    return success();
  };
  for (size_t i = 0; i < batch.size(); ++i)
    if (failed(unify(i, i)))
      return failure();
  for (size_t i = 0; i < inner.size(); ++i)
    if (failed(unify(batch.size() + rows.size() + i, batch.size() + i)))
      return failure();
  lhs = emit.broadcast(lhs, lhsSizes);
  rhs = emit.broadcast(rhs, rhsSizes);
  auto product = [&](ArrayRef<Size> sizes) { return emit.math.product(sizes); };
  ArrayRef<Size> lhsRef(lhsSizes), rhsRef(rhsSizes);
  ArrayRef<Size> batchSizes = lhsRef.take_front(batch.size());
  ArrayRef<Size> rowSizes = lhsRef.slice(batch.size(), rows.size());
  ArrayRef<Size> columnSizes = rhsRef.take_back(columns.size());
  Size k = product(lhsRef.take_back(inner.size()));
  Tensor result = emit.matmul(emit.reshape(lhs, {product(batchSizes), product(rowSizes), k}),
                              emit.reshape(rhs, {product(batchSizes), k, product(columnSizes)}), false);
  Sizes sizes(batchSizes);
  llvm::append_range(sizes, rowSizes);
  llvm::append_range(sizes, columnSizes);
  return Term{emit.reshape(result, sizes), batch + rows + columns};
}

static LogicalResult einsum(Node &node) {
  Emitter &emit = node.emit;
  if (failed(node.requireSameTypes()))
    return failure();
  FailureOr<Equation> equation = parseEquation(node);
  if (failed(equation))
    return failure();
  Term result{node.input(0), equation->inputs[0]};
  for (size_t i = 1; i < node.inputCount(); ++i) {
    std::string later = equation->output;
    for (const std::string &labels : ArrayRef(equation->inputs).drop_front(i + 1))
      later += labels;
    FailureOr<Term> next = contract(emit, result, {node.input(i), equation->inputs[i]}, later);
    if (failed(next))
      return failure();
    result = *next;
  }
  result = sumOver(emit, result, equation->output);
  node.setOutput(0, arrange(emit, result, equation->output));
  return success();
}

static const OpHandler table[] = {
    {"Einsum", 1, anyNumber, TypeClass::Numeric, einsum, 12},
};

ArrayRef<OpHandler> thresh::einsumHandlers() { return table; }
