//===- SparseLayers.h - Layers that use what a predictor chooses --------------===//
//
// The layers of the Spark Transformer (You et al., 2025): the first dimensions of an input predict which neurons, or
// which tokens, matter; the other dimensions give their values.
//
//===-----------------------------------------------------------------------===//
#ifndef THRESH_COMPILER_FRONTEND_CHECKPOINT_SPARSELAYERS_H
#define THRESH_COMPILER_FRONTEND_CHECKPOINT_SPARSELAYERS_H

#include "compiler/Frontend/Checkpoint/GraphBuilder.h"
#include "compiler/Frontend/Checkpoint/Json.h"

namespace thresh {

/// What one layer chooses. Dense unless k is positive.
struct LayerSparsity {
  int64_t k = 0;          ///< neurons or tokens that are about to survive
  int64_t predictor = 0;  ///< first dimensions, of the hidden state or of a head, that choose
  bool isImposed = false; ///< on the tensors of a dense layer (ImposedSparsity.h), of whose neurons the gate chooses

  bool isSparse() const { return k > 0; }
};

/// The fields of config.json that make layers sparse: an integer for all layers or one per layer; 0 or absent is dense.
struct SparsityFields {
  llvm::StringLiteral k, predictor;
};

/// The required field `key`: one integer for all layers or a list of one for each, 0 to `max`. One entry per layer.
std::vector<int64_t> readPerLayer(JsonFields &fields, llvm::StringRef key, size_t layers, int64_t max);

/// One entry per layer. A predictor is a multiple of `step` below `width`; the error names the field at fault.
std::vector<LayerSparsity> readSparsity(JsonFields &fields, const SparsityFields &names, size_t layers, int64_t width,
                                        int64_t step);

/// Heads [rows, heads, width]: whole, or the first dimensions of each and the others.
struct HeadParts {
  mlir::Value first;
  mlir::Value rest; ///< null where they are whole
};

/// The first dimensions of each head and the others. x is [rows, heads, width].
HeadParts splitHeads(GraphBuilder &graph, mlir::Value x, int64_t first);

/// What a sparse attention layer reads: rotated queries [rows, heads, width] and keys [length, heads, width] in two
/// parts, values [length, heads, width]; keys and values are those of the session.
struct SparseAttentionInputs {
  HeadParts query, key;
  mlir::Value value, position;
};

/// How a layer weighs the tokens that it sees.
struct AttentionFacts {
  double scale;   ///< of a dense layer's scores
  double cap;     ///< bounds the scores; 0: none
  int64_t window; ///< 0: none
};

/// What a sparse layer gives, and how much each row used: neurons [rows], or tokens [rows, heads].
struct SparseResult {
  mlir::Value result, survivors;
};

/// softmax over the chosen keys of the first dimensions' scores, times softplus of the others'; imposed, softmax over
/// the chosen keys of all dimensions' scores.
SparseResult buildSparseAttention(GraphBuilder &graph, llvm::StringRef place, const SparseAttentionInputs &inputs,
                                  LayerSparsity sparsity, const AttentionFacts &facts);

/// down (act(topk(gate x[:r])) * (up x[r:])), with `place`.mlp.{gate,up,down}_proj.weight; imposed, gate and up see all
/// of x, and the chosen neurons are as they would be in a dense layer. x is [rows, width].
SparseResult buildSparseFeedForward(GraphBuilder &graph, llvm::StringRef place, mlir::Value x, int64_t neurons,
                                    LayerSparsity sparsity, llvm::StringRef activation);

} // namespace thresh

#endif // THRESH_COMPILER_FRONTEND_CHECKPOINT_SPARSELAYERS_H
