//===- BufferizableOpInterfaces.cpp - Our ops in one-shot bufferization ------===//
#include "compiler/Transforms/Passes.h"

#include "mlir/Dialect/Bufferization/IR/BufferizableOpInterface.h"
#include "mlir/Dialect/Bufferization/IR/DstBufferizableOpInterfaceImpl.h"

using namespace mlir;
using namespace mlir::bufferization;

namespace thresh {
namespace {

/// Kernels read dense row-major memory: a strided view is copied first. Parameters have the layout that their readers
/// take.
FailureOr<Value> denseBuffer(RewriterBase &rewriter, Value tensor, const BufferizationOptions &options,
                             BufferizationState &state) {
  FailureOr<Value> buffer = getBuffer(rewriter, tensor, options, state);
  if (failed(buffer))
    return failure();
  auto type = cast<MemRefType>(buffer->getType());
  if (type.getLayout().isIdentity() || buffer->getDefiningOp<LoadParameterOp>())
    return buffer;
  Location loc = tensor.getLoc();
  SmallVector<Value> sizes;
  for (int64_t dim = 0; dim < type.getRank(); ++dim)
    if (type.isDynamicDim(dim))
      sizes.push_back(memref::DimOp::create(rewriter, loc, *buffer, dim));
  auto denseType = MemRefType::get(type.getShape(), type.getElementType());
  Value dense = memref::AllocOp::create(rewriter, loc, denseType, sizes);
  memref::CopyOp::create(rewriter, loc, *buffer, dense);
  return dense;
}

struct LaunchModel : DstBufferizableOpInterfaceExternalModel<LaunchModel, LaunchOp> {
  bool bufferizesToMemoryRead(Operation *op, OpOperand &operand, const AnalysisState &) const {
    return !cast<DestinationStyleOpInterface>(op).isDpsInit(&operand);
  }

  /// Kernels read inputs while they write outputs, in any order.
  bool bufferizesToElementwiseAccess(Operation *, const AnalysisState &, ArrayRef<OpOperand *>) const { return false; }

  LogicalResult bufferize(Operation *op, RewriterBase &rewriter, const BufferizationOptions &options,
                          BufferizationState &state) const {
    auto launch = cast<LaunchOp>(op);
    SmallVector<Value> inputs, outs;
    for (Value input : launch.getInputs()) {
      FailureOr<Value> buffer = denseBuffer(rewriter, input, options, state);
      if (failed(buffer))
        return failure();
      inputs.push_back(*buffer);
    }
    for (Value out : launch.getOuts()) {
      FailureOr<Value> buffer = getBuffer(rewriter, out, options, state);
      if (failed(buffer))
        return failure();
      if (!cast<MemRefType>(buffer->getType()).getLayout().isIdentity())
        return launch.emitOpError("expects a dense destination, but got ") << buffer->getType();
      outs.push_back(*buffer);
    }
    LaunchOp::create(rewriter, op->getLoc(), TypeRange{}, launch.getKernelAttr(), inputs, outs);
    replaceOpWithBufferizedValues(rewriter, op, outs);
    return success();
  }
};

struct WriteRowsModel : DstBufferizableOpInterfaceExternalModel<WriteRowsModel, WriteRowsOp> {
  bool bufferizesToMemoryRead(Operation *op, OpOperand &operand, const AnalysisState &) const {
    return !cast<DestinationStyleOpInterface>(op).isDpsInit(&operand);
  }

  bool bufferizesToElementwiseAccess(Operation *, const AnalysisState &, ArrayRef<OpOperand *>) const { return false; }

  LogicalResult bufferize(Operation *op, RewriterBase &rewriter, const BufferizationOptions &options,
                          BufferizationState &state) const {
    auto write = cast<WriteRowsOp>(op);
    FailureOr<Value> past = denseBuffer(rewriter, write.getPast(), options, state);
    FailureOr<Value> rows = denseBuffer(rewriter, write.getRows(), options, state);
    FailureOr<Value> starts = denseBuffer(rewriter, write.getStarts(), options, state);
    FailureOr<Value> dest = getBuffer(rewriter, write.getDest(), options, state);
    if (failed(past) || failed(rows) || failed(starts) || failed(dest))
      return failure();
    if (!cast<MemRefType>(dest->getType()).getLayout().isIdentity())
      return write.emitOpError("expects a dense destination, but got ") << dest->getType();
    WriteRowsOp::create(rewriter, op->getLoc(), Type(), *past, *rows, *starts, *dest, write.getAxis());
    replaceOpWithBufferizedValues(rewriter, op, *dest);
    return success();
  }
};

/// A parameter is read-only memory of the weights file.
struct LoadParameterModel : BufferizableOpInterface::ExternalModel<LoadParameterModel, LoadParameterOp> {
  bool isWritable(Operation *, Value, const AnalysisState &) const { return false; }
  AliasingOpOperandList getAliasingOpOperands(Operation *, Value, const AnalysisState &) const { return {}; }

  FailureOr<BufferLikeType> getBufferType(Operation *op, Value, const BufferizationOptions &,
                                          const BufferizationState &, SmallVector<Value> &) const {
    return cast<BufferLikeType>(Type(memoryOf(cast<LoadParameterOp>(op))));
  }

  LogicalResult bufferize(Operation *op, RewriterBase &rewriter, const BufferizationOptions &,
                          BufferizationState &) const {
    auto load = cast<LoadParameterOp>(op);
    Value buffer = LoadParameterOp::create(rewriter, op->getLoc(), memoryOf(load), load.getParameterAttr());
    replaceOpWithBufferizedValues(rewriter, op, buffer);
    return success();
  }

  static MemRefType memoryOf(LoadParameterOp load) {
    return SymbolTable::lookupNearestSymbolFrom<ParameterOp>(load, load.getParameterAttr()).getMemRefType();
  }
};

/// A state is memory of the session; only append_state writes it.
struct ReadStateModel : BufferizableOpInterface::ExternalModel<ReadStateModel, ReadStateOp> {
  bool isWritable(Operation *, Value, const AnalysisState &) const { return false; }
  AliasingOpOperandList getAliasingOpOperands(Operation *, Value, const AnalysisState &) const { return {}; }

  LogicalResult bufferize(Operation *op, RewriterBase &rewriter, const BufferizationOptions &,
                          BufferizationState &) const {
    auto read = cast<ReadStateOp>(op);
    auto type = cast<RankedTensorType>(read.getType());
    Value buffer = ReadStateOp::create(rewriter, op->getLoc(), MemRefType::get(type.getShape(), type.getElementType()),
                                       read.getStateAttr(), read.getLength());
    replaceOpWithBufferizedValues(rewriter, op, buffer);
    return success();
  }
};

struct AppendStateModel : BufferizableOpInterface::ExternalModel<AppendStateModel, AppendStateOp> {
  bool bufferizesToMemoryRead(Operation *, OpOperand &, const AnalysisState &) const { return true; }
  bool bufferizesToMemoryWrite(Operation *, OpOperand &, const AnalysisState &) const { return false; }
  AliasingValueList getAliasingValues(Operation *, OpOperand &, const AnalysisState &) const { return {}; }

  LogicalResult bufferize(Operation *op, RewriterBase &rewriter, const BufferizationOptions &options,
                          BufferizationState &state) const {
    auto append = cast<AppendStateOp>(op);
    FailureOr<Value> rows = denseBuffer(rewriter, append.getRows(), options, state);
    if (failed(rows))
      return failure();
    AppendStateOp::create(rewriter, op->getLoc(), append.getStateAttr(), *rows, append.getPosition());
    rewriter.eraseOp(op);
    return success();
  }
};

/// Copies out of the state and of the rows into memory of its own.
struct RecallStateModel : DstBufferizableOpInterfaceExternalModel<RecallStateModel, RecallStateOp> {
  bool bufferizesToMemoryRead(Operation *op, OpOperand &operand, const AnalysisState &) const {
    return !cast<DestinationStyleOpInterface>(op).isDpsInit(&operand);
  }

  LogicalResult bufferize(Operation *op, RewriterBase &rewriter, const BufferizationOptions &options,
                          BufferizationState &state) const {
    auto recall = cast<RecallStateOp>(op);
    FailureOr<Value> rows = denseBuffer(rewriter, recall.getRows(), options, state);
    FailureOr<Value> out = getBuffer(rewriter, recall.getOut(), options, state);
    if (failed(rows) || failed(out))
      return failure();
    if (!cast<MemRefType>(out->getType()).getLayout().isIdentity())
      return recall.emitOpError("expects a dense destination, but got ") << out->getType();
    RecallStateOp::create(rewriter, op->getLoc(), Type(), recall.getStateAttr(), recall.getPosition(), *rows, *out);
    replaceOpWithBufferizedValues(rewriter, op, *out);
    return success();
  }
};

} // namespace

void registerBufferizableOpInterfaces(DialectRegistry &registry) {
  registry.addExtension(+[](MLIRContext *context, ThreshDialect *) {
    AppendStateOp::attachInterface<AppendStateModel>(*context);
    LaunchOp::attachInterface<LaunchModel>(*context);
    LoadParameterOp::attachInterface<LoadParameterModel>(*context);
    ReadStateOp::attachInterface<ReadStateModel>(*context);
    RecallStateOp::attachInterface<RecallStateModel>(*context);
    WriteRowsOp::attachInterface<WriteRowsModel>(*context);
  });
}

} // namespace thresh
