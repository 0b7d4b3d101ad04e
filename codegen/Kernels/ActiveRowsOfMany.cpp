//===- ActiveRowsOfMany.cpp - The chosen neurons of many rows ----------------===//
//
// Few rows of x, tokens, are taken one after the other: most neurons that they choose are chosen by one alone. More are
// bound by arithmetic: nearly every neuron is chosen by some token. The neurons are cut in chunks whose weights stay in
// a cache while the tokens pass by; each token walks the part of its list that lies in the chunk. Up rows: chunks are
// tasks, which leave the heights of the chosen neurons. Down rows: strips of columns are tasks, in which the sums of a
// token are in registers while it walks. No sum depends on the number of threads.
//
//===-----------------------------------------------------------------------===//

#include "codegen/Kernels/CodeDots.h"
#include "codegen/Kernels/Compaction.h"
#include "codegen/Kernels/Kernels.h"
#include "codegen/Ops.h"
#include "codegen/Schedules/Loops.h"

#include <optional>

using Halide::Expr;
using Halide::Func;
using Halide::LoopLevel;
using Halide::RDom;
using Halide::RVar;
using Halide::TailStrategy;
using Halide::Tuple;
using Halide::Var;

namespace thresh::codegen {
namespace {

/// Up rows that are multiplied with a token side by side.
constexpr int kRows = 4;
/// Bytes of up rows in a chunk, at most: they stay in a core's cache. Its neurons: a multiple of kRows and of 8.
constexpr int kChunkBytes = 640 << 10, kLeastChunk = 16, kMostChunk = 1024;
/// Tokens whose sums one task has.
constexpr int kBlockTokens = 256;
/// Bytes that are copied at once.
constexpr int kLine = 64;

class ActiveRowsOfMany : ChosenRows {
public:
  explicit ActiveRowsOfMany(Pipeline &pipeline)
      : ChosenRows(pipeline), pipeline(pipeline), lanes(vectorLanes(pipeline, 4)), tokens(counts->dim(0).extent()) {
    chunkSize = kMostChunk;
    const WeightRows &first = gated ? up : down;
    int rowBytes = first.width * (first.coded() ? 1 : dtypeBytes(first.dtype));
    while (chunkSize > kLeastChunk && chunkSize * rowBytes > kChunkBytes)
      chunkSize /= 2;
    chunks = (neurons + chunkSize - 1) / chunkSize;
  }

  void build() {
    defineStarts();
    defineLists();
    defineUsed();
    defineHeights();
    defineSums();
  }

private:
  /// starts(chunk, token): the place in the token's list of its first neuron in the chunk.
  void defineStarts() {
    RDom place(0, neurons, "place"), step(0, chunks, "step");
    place.where(place < count(token));
    starts(chunk, token) = 0;
    starts(chunkOf((*indices)(place, token)) + 1, token) += 1;
    starts(step + 1, token) += starts(step, token);
    starts.compute_root().bound(chunk, 0, chunks + 1).bound(token, 0, tokens);
    for (int update : {0, 1})
      parallelTasks(starts.update(update), {token}, tokens, update == 0 ? neurons / kRows : chunks);
  }

  /// The entries of all lists in the order in which they are walked, chunk after chunk: `begins` tells for (token,
  /// chunk) the first pass, of kRows entries; `entries` has (neuron, value). Lists as they come lie far apart, and a
  /// token would wait for its part of a chunk.
  void defineLists() {
    Var flat("flat"), slot("slot");
    RDom walk(0, tokens, 0, chunks, "walk");
    begins(flat) = 0;
    begins(walk.y * tokens + walk.x + 1) =
        begins(walk.y * tokens + walk.x) + (starts(walk.y + 1, walk.x) - starts(walk.y, walk.x) + kRows - 1) / kRows;
    begins.compute_root().bound(flat, 0, tokens * chunks + 1);

    RDom all(0, neurons, 0, tokens, "all");
    all.where(all.x < count(all.y));
    Expr neuron = (*indices)(all.x, all.y), in = chunkOf(neuron);
    Expr at = begins(in * tokens + all.y) * kRows + all.x - starts(in, all.y);
    entries(slot) = Tuple(Halide::undef<int32_t>(), Halide::undef<float>());
    entries(Halide::unsafe_promise_clamped(at, 0, passes() * kRows - 1)) = Tuple(neuron, (*values)(all.x, all.y));
    entries.compute_root().bound(slot, 0, passes() * kRows);
    entries.update().allow_race_conditions().parallel(all.y);
  }

  /// The neurons that some token chose.
  void defineUsed() {
    Var neuron("neuron");
    RDom all(0, neurons, 0, tokens, "chosen");
    all.where(all.x < count(all.y));
    Func isUsed("is_used");
    isUsed(neuron) = uint8_t(0);
    isUsed(Halide::unsafe_promise_clamped((*indices)(all.x, all.y), 0, neurons - 1)) = uint8_t(1);
    isUsed.compute_root().vectorize(neuron, kLine, TailStrategy::GuardWithIf);
    used.emplace(neurons, std::vector<Var>(), [&](const Expr &index) { return isUsed(index) != uint8_t(0); });
    used->schedule(LoopLevel::root(), lanes, /*behind=*/8);
  }

  Expr chunkOf(const Expr &neuron) const { return Halide::unsafe_promise_clamped(neuron / chunkSize, 0, chunks - 1); }
  /// The most passes of all tokens.
  Expr passes() const { return tokens * ((neurons + kRows - 1) / kRows + chunks); }

  Expr length() const { return starts(chunk + 1, token) - starts(chunk, token); }
  Expr firstPass() const { return Halide::unsafe_promise_clamped(begins(chunk * tokens + token), 0, passes() - 1); }
  /// The entry number `entry` that the token has in the chunk, or its last one.
  Halide::FuncRef entryAt(const Expr &entry) const {
    Expr inside = Halide::min(entry, length() - 1);
    return entries(Halide::unsafe_promise_clamped(firstPass() * kRows + inside, 0, passes() * kRows - 1));
  }
  /// The neuron as a row of its chunk.
  Expr memberAt(const Expr &entry) const {
    return Halide::unsafe_promise_clamped(entryAt(entry)[0] - chunk * chunkSize, 0, chunkSize - 1);
  }

  /// A chunk of weights as the tokens read it.
  struct Copy {
    Func elements{"chunk_elements"}; ///< (column, member, chunk): codes in bytes, floats as they are
    Func scales{"chunk_scales"};     ///< (group, member, chunk): f32
    RDom used;                       ///< of the list of used neurons
  };

  /// `isSigned`: codes lose their zero point.
  Copy copyChunk(const WeightRows &weights, bool isSigned) {
    Copy copy;
    copy.used = RDom(0, chunkSize, "used_rows");
    Expr first = Halide::unsafe_promise_clamped(used->countBefore(chunk * chunkSize, {}), 0, neurons);
    copy.used.where(copy.used < used->countBefore((chunk + 1) * chunkSize, {}) - first);
    Expr neuron = Halide::unsafe_promise_clamped(used->list(first + copy.used), 0, neurons - 1);
    Expr row = Halide::unsafe_promise_clamped(neuron - chunk * chunkSize, 0, chunkSize - 1);
    Expr inside = Halide::min(column, weights.width - 1);
    Expr element = isSigned || !weights.coded() ? weights.plain(inside, neuron) : weights.code(inside, neuron);
    copy.elements(column, member, chunk) = Halide::undef(element.type());
    copy.elements(column, row, chunk) = element;
    if (weights.coded()) {
      copy.scales(group, member, chunk) = Halide::undef<float>();
      copy.scales(group, row, chunk) = weights.scale(Halide::min(group, weights.groups() - 1), neuron);
    }
    return copy;
  }

  /// `columns` of all rows of a chunk that some token uses, in every step of `level`.
  void scheduleCopy(Copy &copy, int columns, const LoopLevel &level) {
    copy.elements.compute_at(level).bound_extent(column, columns).bound(member, 0, chunkSize).bound_extent(chunk, 1);
    copy.elements.update().vectorize(column, kLine, TailStrategy::GuardWithIf).reorder(column, copy.used.x);
    if (!copy.scales.defined())
      return;
    int groups = columns / kRowGroup;
    copy.scales.compute_at(level).bound_extent(group, groups).bound(member, 0, chunkSize).bound_extent(chunk, 1);
    copy.scales.update().vectorize(group, vectorThatDivides(lanes, groups)).reorder(group, copy.used.x);
  }

  /// heights(row, pass): what the down rows of the entries are multiplied with.
  void defineHeights() {
    RDom walk(0, chunkSize / kRows, 0, tokens, 0, chunks, "walk");
    heights(row, pass) = Halide::undef<float>();
    Func height("height");
    Var part("part");
    Expr entry = part * kRows + row;
    height(row, part, token, chunk) = entryAt(entry)[1];
    RowDots dots;
    CodeDots codeDots;
    Copy copy;
    if (gated) {
      copy = copyChunk(up, /*isSigned=*/false);
      AtColumn elementAt = [&](const Expr &column) { return copy.elements(column, memberAt(entry), chunk); };
      AtGroup scaleAt = [&](const Expr &group) { return copy.scales(group, memberAt(entry), chunk); };
      std::vector<Var> place = {row, part, token, chunk};
      if (up.coded()) {
        RowOfCodes ofRow{[&](const Expr &byte, const Expr &) { return elementAt(byte); }, scaleAt, nullptr};
        CodeActivations activations = defineCodeActivations(up, /*halves=*/1, lanes, *x, tokens);
        codeDots = defineCodeDots(up, activations, place, token, ofRow);
        height(row, part, token, chunk) *= codeDots.sums(row, part, token, chunk);
      } else {
        AtColumn weightAt = [&](const Expr &column) { return up.fromPlain(elementAt(column)); };
        AtColumn xAt = [&](const Expr &column) { return (*x)(column, token); };
        dots = defineRowDots(up, lanes, place, weightAt, xAt);
        height(row, part, token, chunk) *= dots.sums(row, part, token, chunk);
      }
    }
    auto lengthAt = starts(walk.z + 1, walk.y) - starts(walk.z, walk.y);
    walk.where(walk.x * kRows < lengthAt);
    Expr first = Halide::unsafe_promise_clamped(begins(walk.z * tokens + walk.y), 0, passes() - 1);
    heights(row, Halide::unsafe_promise_clamped(first + walk.x, 0, passes() - 1)) = height(row, walk.x, walk.y, walk.z);
    heights.compute_root().bound(row, 0, kRows).bound(pass, 0, passes());
    heights.update().reorder({row, walk.x, walk.y, walk.z}).unroll(row).allow_race_conditions().parallel(walk.z);
    LoopLevel level(heights, RVar(walk.x));
    height.compute_at(level).bound_extent(row, kRows).bound_extent(part, 1).unroll(row);
    if (!gated)
      return;
    height.update().unroll(row);
    scheduleCopy(copy, up.width, LoopLevel(heights, RVar(walk.z)));
    if (up.coded())
      scheduleCodeDots(codeDots, up, kRows, level);
    else
      scheduleRowDots(dots, lanes, kRows, level);
  }

  /// Vectors of columns in a strip, whose sums stay in registers: the most that divide the columns, without splitting
  /// groups; else as many as fit.
  int stripVectors() const {
    int most = pipeline.target().vectorBits >= 512 ? 16 : 8;
    for (int vectors = most; vectors >= most / 2; --vectors)
      if (down.width % (vectors * lanes) == 0 && (!down.coded() || vectors * lanes % kRowGroup == 0))
        return vectors;
    return most;
  }

  /// The output: in every chunk a token adds the sums over its neurons there.
  void defineSums() {
    int strip = stripVectors() * lanes;
    Func chunkSums("chunk_sums"), weights("weights"), result("active_rows");
    RDom walk(0, chunkSize, "walk"), all(0, chunks, "all");
    walk.where(walk < length());
    auto height = [&](const Expr &entry) {
      Expr at = Halide::unsafe_promise_clamped(firstPass() + entry / kRows, 0, passes() - 1);
      return heights(entry % kRows, at);
    };
    Copy copy = copyChunk(down, /*isSigned=*/true);
    Expr weight = height(walk);
    if (down.coded()) {
      weights(group, entry, token, chunk) = height(entry) * copy.scales(group, memberAt(entry), chunk);
      weight = weights(column / kRowGroup, walk, token, chunk);
    }
    chunkSums(column, token, chunk) = 0.0f;
    chunkSums(column, token, chunk) += weight * down.fromPlain(copy.elements(column, memberAt(walk), chunk));
    result(column, token) = 0.0f;
    result(column, token) += chunkSums(column, token, all);

    Var vectors("vectors"), vector("vector"), block("block"), stripe("strip"), inner("inner");
    result.bound(token, 0, tokens);
    result.vectorize(column, lanes, TailStrategy::GuardWithIf);
    result.update()
        .split(column, stripe, inner, strip, TailStrategy::GuardWithIf)
        .split(inner, vectors, vector, lanes)
        .split(token, block, token, kBlockTokens, TailStrategy::GuardWithIf)
        .reorder({vector, vectors, token, all.x, stripe, block})
        .vectorize(vector)
        .unroll(vectors);
    result.update().fuse(stripe, block, stripe).parallel(stripe);
    LoopLevel level(result, token);
    chunkSums.compute_at(level).bound_extent(column, strip).vectorize(column, lanes).unroll(column);
    scheduleCopy(copy, strip, LoopLevel(result, RVar(all.x)));
    chunkSums.update().split(column, vectors, vector, lanes).reorder({vector, vectors, walk.x});
    chunkSums.update().vectorize(vector).unroll(vectors);
    if (down.coded())
      weights.compute_at(chunkSums, walk.x).bound_extent(group, strip / kRowGroup).vectorize(group);
    addOutput(result);
  }

  /// The sums, or of few tokens those of one after the other: these would hardly share what is copied.
  void addOutput(Func ofMany) {
    Func few = activeRowsOneByOne(pipeline), result("result");
    result(column, token) = Halide::select(tokens <= kFewTokens, few(column, token), ofMany(column, token));
    few.compute_root().bound(column, 0, down.width).bound(token, 0, tokens);
    ofMany.compute_root().bound(column, 0, down.width);
    result.bound(token, 0, tokens).vectorize(column, lanes, TailStrategy::GuardWithIf);
    pipeline.addOutput(result);
  }

  Pipeline &pipeline;
  int lanes, chunkSize, chunks;
  Expr tokens;
  std::optional<Compaction> used;
  Var row{"row"}, pass{"pass"}, token{"token"}, chunk{"chunk"}, column{"column"}, entry{"entry"}, group{"group"},
      member{"member"};
  Func starts{"starts"}, begins{"begins"}, entries{"entries"}, heights{"heights"};
};

} // namespace

void buildActiveRowsOfMany(Pipeline &pipeline) { ActiveRowsOfMany(pipeline).build(); }

} // namespace thresh::codegen
