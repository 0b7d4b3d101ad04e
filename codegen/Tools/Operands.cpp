//===- Operands.cpp - What a kernel under the clock works on -----------------===//

#include "codegen/Tools/Operands.h"
#include "codegen/Ops.h"
#include "codegen/Tools/Machine.h"

#include <Halide.h>

#include <cstring>
#include <numeric>
#include <random>
#include <sys/mman.h>

namespace thresh::codegen::bench {
namespace {

constexpr size_t kHugePage = size_t(2) << 20;
/// Lists of neurons; no divisor of the number of copies, so that all combinations come up.
constexpr size_t kLists = 61;
/// Random elements; a prime, so that no two rows are alike.
constexpr size_t kDrawn = 65521;

void setAll(Buffer &buffer, DType dtype, int64_t elements, double value) {
  for (int64_t i = 0; i < elements; ++i)
    switch (dtype) {
    case DType::F32: reinterpret_cast<float *>(buffer.data.get())[i] = float(value); break;
    case DType::I32: reinterpret_cast<int32_t *>(buffer.data.get())[i] = int32_t(value); break;
    case DType::I64: reinterpret_cast<int64_t *>(buffer.data.get())[i] = int64_t(value); break;
    default: break;
    }
}

/// Floats are drawn around 0, bytes are any; wider integers, which may be indices, are 0. The first kDrawn elements
/// come again and again.
void setRandom(Buffer &buffer, DType dtype, size_t elements, unsigned seed) {
  std::mt19937 generator(seed);
  std::normal_distribution<float> reals(0, 0.5f);
  unsigned char *data = buffer.data.get();
  std::memset(data, 0, buffer.bytes);
  for (size_t i = 0; i < std::min(elements, kDrawn); ++i)
    switch (dtype) {
    case DType::F64: reinterpret_cast<double *>(data)[i] = double(reals(generator)); break;
    case DType::F32: reinterpret_cast<float *>(data)[i] = reals(generator); break;
    case DType::F16: reinterpret_cast<uint16_t *>(data)[i] = Halide::float16_t(reals(generator)).to_bits(); break;
    case DType::BF16: reinterpret_cast<uint16_t *>(data)[i] = Halide::bfloat16_t(reals(generator)).to_bits(); break;
    case DType::I8:
    case DType::U8: data[i] = uint8_t(generator()); break;
    default: return;
    }
  size_t period = kDrawn * size_t(dtypeBytes(dtype));
  for (size_t at = period; at < buffer.bytes; at += period)
    std::memcpy(data + at, data, std::min(period, buffer.bytes - at));
}

/// Large buffers lie in huge pages: looking up small ones can halve the bandwidth.
Memory allocateMemory(size_t bytes) {
  size_t alignment = bytes < kHugePage ? 64 : kHugePage, allocated = (bytes / alignment + 1) * alignment;
  Memory memory(static_cast<unsigned char *>(std::aligned_alloc(alignment, allocated)), &std::free);
  if (alignment == kHugePage)
    madvise(memory.get(), allocated, MADV_HUGEPAGE);
  return memory;
}

void allocate(Buffer &buffer, const Operand &operand, const Shape &shape, unsigned seed) {
  int64_t elements = 1;
  buffer.dims.resize(shape.size());
  for (size_t h = 0; h < shape.size(); ++h) {
    int64_t extent = shape[shape.size() - 1 - h];
    buffer.dims[h] = halide_dimension_t(0, int(extent), int(elements));
    elements *= extent;
  }
  buffer.bytes = size_t(elements * dtypeBytes(operand.dtype));
  buffer.data = allocateMemory(buffer.bytes);
  setRandom(buffer, operand.dtype, size_t(elements), seed);
  buffer.buffer.host = buffer.data.get();
  buffer.buffer.dimensions = int(shape.size());
  buffer.buffer.dim = buffer.dims.data();
}

/// Adds up words side by side, so that only memory bounds it.
class Reader {
public:
  void read(const unsigned char *data, size_t bytes) {
    const uint64_t *words = reinterpret_cast<const uint64_t *>(data);
    size_t count = bytes / 8, word = 0;
    for (; word + 8 <= count; word += 8)
      for (int i = 0; i < 8; ++i)
        sums[i] += words[word + i];
    for (; word < count; ++word)
      sums[0] += words[word];
  }
  uint64_t total() const { return std::accumulate(sums, sums + 8, uint64_t(0)); }

private:
  uint64_t sums[8] = {};
};

volatile uint64_t sink;

} // namespace

Operands::Operands(const KernelSpec &spec, const std::vector<Shape> &shapes, const std::map<std::string, double> &set,
                   int copies)
    : spec(spec), buffers(copies), args(copies) {
  for (int i = 0; i < copies; ++i) {
    buffers[i] = std::vector<Buffer>(shapes.size());
    for (size_t o = 0; o < shapes.size(); ++o) {
      Buffer &buffer = buffers[i][o];
      allocate(buffer, spec.operands[o], shapes[o], unsigned(i + 1));
      auto value = set.find(spec.operands[o].name);
      if (value != set.end())
        setAll(buffer, spec.operands[o].dtype, int64_t(buffer.bytes) / dtypeBytes(spec.operands[o].dtype),
               value->second);
      args[i].push_back(&buffer.buffer);
    }
  }
  if (spec.family == Family::ActiveRows)
    addLists();
}

void Operands::addLists() {
  listOperand = int(spec.parameters.at("gated").integer);
  int64_t neurons = spec.operands[listOperand].shape[1];
  Buffer &counts = buffers[0][listOperand + 2];
  tokens = counts.bytes / sizeof(int32_t);
  int32_t count = *reinterpret_cast<int32_t *>(counts.data.get());
  listLength = size_t(std::min<int64_t>(std::max(count, 0), neurons));
  for (std::vector<Buffer> &copy : buffers)
    setAll(copy[listOperand + 2], DType::I32, int64_t(tokens), double(listLength));
  for (int o = listOperand + 3; o + 1 < int(spec.operands.size()); ++o)
    rowOperands.push_back(o);
  for (std::vector<Buffer> &copy : buffers)
    records.push_back(interleaveRows(copy, size_t(neurons)));
  std::mt19937 generator(2);
  for (size_t i = 0; i < (tokens == 1 ? kLists : 1); ++i) {
    std::vector<int32_t> list(tokens * neurons);
    for (auto begin = list.begin(); begin != list.end(); begin += neurons) {
      std::iota(begin, begin + neurons, 0);
      std::shuffle(begin, begin + neurons, generator);
      std::sort(begin, begin + int64_t(listLength));
    }
    lists.push_back(std::move(list));
  }
}

Memory Operands::interleaveRows(std::vector<Buffer> &copy, size_t rows) {
  constexpr size_t kLine = 64;
  size_t rowBytes = 0, first = 0;
  for (int o : rowOperands)
    rowBytes += copy[o].bytes / rows;
  rowBytes = (rowBytes + kLine - 1) / kLine * kLine;
  recordBytes = rows * rowBytes;
  Memory record = allocateMemory(recordBytes);
  std::memset(record.get(), 0, recordBytes);
  for (int o : rowOperands) {
    size_t bytes = copy[o].bytes / rows;
    for (size_t row = 0; row < rows; ++row)
      std::memcpy(record.get() + row * rowBytes + first, copy[o].data.get() + row * bytes, bytes);
    copy[o].data.reset();
    copy[o].buffer.host = record.get() + first;
    copy[o].dims[1].stride = int(rowBytes / size_t(dtypeBytes(spec.operands[o].dtype)));
    first += bytes;
  }
  return record;
}

std::vector<halide_buffer_t *> &Operands::next() {
  size_t now = turn++, copy = now % args.size();
  if (listOperand >= 0)
    args[copy][listOperand]->host = reinterpret_cast<uint8_t *>(lists[now % lists.size()].data());
  return args[copy];
}

double Operands::readSeconds(int threads) const {
  if (readsList()) {
    double best = 1e30;
    for (size_t together : {1, 2, 4, 8})
      for (bool ahead : {false, true})
        best = std::min(best, rowSeconds(threads, together, ahead));
    return best;
  }
  auto read = [&](int t) {
    Reader reader;
    auto readPart = [&](const Memory &data, size_t bytes) {
      size_t blocks = data ? bytes / 64 : 0, begin = blocks * t / threads, end = blocks * (t + 1) / threads;
      reader.read(data.get() + 64 * begin, 64 * (end - begin));
    };
    for (const std::vector<Buffer> &copy : buffers)
      for (const Buffer &buffer : copy)
        readPart(buffer.data, buffer.bytes);
    for (const Memory &record : records)
      readPart(record, recordBytes);
    sink = reader.total();
  };
  return secondsPerCall([&] { onThreads(threads, read); }) / double(buffers.size());
}

double Operands::rowSeconds(int threads, size_t together, bool ahead) const {
  size_t start = 0, calls = std::max<size_t>(buffers.size(), 16);
  auto read = [&](int t) {
    Reader reader;
    for (size_t call = start; call < start + calls; ++call) {
      const std::vector<Buffer> &copy = buffers[call % buffers.size()];
      const std::vector<int32_t> &list = lists[call % lists.size()];
      size_t first = listLength * t / threads, end = listLength * (t + 1) / threads;
      for (; first < end; first += together)
        for (int o : rowOperands) {
          size_t bytes = copy[o].bytes / list.size(), last = std::min(first + together, end);
          size_t stride = size_t(copy[o].dims[1].stride) * size_t(dtypeBytes(spec.operands[o].dtype));
          const unsigned char *rows = copy[o].buffer.host;
          for (size_t line = 0; line < bytes; line += 64)
            for (size_t i = first; i < last; ++i) {
              if (ahead && i + together < end)
                __builtin_prefetch(rows + size_t(list[i + together]) * stride + line);
              reader.read(rows + size_t(list[i]) * stride + line, std::min<size_t>(64, bytes - line));
            }
        }
    }
    sink = reader.total();
  };
  auto round = [&] {
    onThreads(threads, read);
    start += calls;
  };
  return secondsPerCall(round) / double(calls);
}

double Operands::readBytes() const {
  double bytes = 0;
  if (!readsList())
    for (const Buffer &buffer : buffers[0])
      bytes += double(buffer.bytes);
  else
    for (int o : rowOperands)
      bytes += double(buffers[0][o].bytes / lists[0].size() * listLength);
  return bytes;
}

double Operands::chosenKeys() const {
  const int32_t *counts = reinterpret_cast<const int32_t *>(buffers[0].back().data.get());
  int64_t heads = spec.operands.back().shape[1];
  return double(std::accumulate(counts, counts + heads, int64_t(0))) / double(heads);
}

double Operands::neededBytes() const {
  if (spec.family != Family::TopkAttention)
    return readBytes();
  const int32_t *counts = reinterpret_cast<const int32_t *>(buffers[0].back().data.get());
  int64_t scanned = 1 + spec.parameters.at("scaled").integer; // operands: the keys and their scales
  double bytes = 0;
  for (size_t o = 0; o < buffers[0].size(); ++o) {
    const Shape &shape = spec.operands[o].shape;
    if (shape.empty() || shape[0] >= 0)
      continue;
    int64_t rows = buffers[0][o].dims.back().extent, keyHeads = shape[1], chosen = 0;
    int64_t members = spec.operands.back().shape[1] / keyHeads;
    for (int64_t keyHead = 0; keyHead < keyHeads; ++keyHead)
      chosen +=
          std::min(rows, std::accumulate(counts + keyHead * members, counts + (keyHead + 1) * members, int64_t(0)));
    bytes += double(buffers[0][o].bytes) * (scanned-- > 0 ? 1 : double(chosen) / double(rows * keyHeads));
  }
  return bytes;
}

double Operands::selectSeconds(int operand, int64_t count) const {
  std::vector<float> scratch;
  size_t copy = 0;
  auto select = [&] {
    const Buffer &buffer = buffers[copy++ % buffers.size()][operand];
    const float *values = reinterpret_cast<const float *>(buffer.data.get());
    scratch.assign(values, values + buffer.bytes / sizeof(float));
    std::nth_element(scratch.begin(), scratch.begin() + count, scratch.end(), std::greater<float>());
  };
  return secondsPerCall(select);
}

} // namespace thresh::codegen::bench
