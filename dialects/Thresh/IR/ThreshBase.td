//===- ThreshBase.td - What the op definitions share ------------*- tablegen -*-===//
#ifndef THRESH_IR_THRESHBASE_TD
#define THRESH_IR_THRESHBASE_TD

include "mlir/IR/OpBase.td"

include "mlir/IR/SymbolInterfaces.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"
include "mlir/Interfaces/DestinationStyleOpInterface.td"
include "mlir/Interfaces/ControlFlowInterfaces.td"
include "Thresh/IR/ThreshDialect.td"
include "Thresh/IR/ThreshAttributes.td"

class Thresh_Op<string mnemonic, list<Trait> traits = []> : Op<Thresh_Dialect, mnemonic, traits>;

/// A graph op: pure, on ranked tensors, with result shapes that can be asked for.
class Thresh_GraphOp<string mnemonic, list<Trait> traits = []>
    : Thresh_Op<mnemonic, !listconcat([Pure, DeclareOpInterfaceMethods<ReifyRankedShapedTypeOpInterface, ["reifyResultShapes"]>], traits)>;

/// A graph op whose result type follows from its operands and attributes. `inferReturnTypes` checks the op's constraints;
/// a declared result type may be more or less static than the inferred one, but must not contradict it.
class Thresh_InferredOp<string mnemonic, list<Trait> traits = []>
    : Thresh_GraphOp<mnemonic, !listconcat([InferTypeOpAdaptorWithIsCompatible], traits)> {
  let extraClassDefinition = [{
    bool $cppClass::isCompatibleReturnTypes(::mlir::TypeRange inferred, ::mlir::TypeRange declared) {
      return ::thresh::areCompatibleTypes(inferred, declared);
    }
  }];
}

def Thresh_FloatTensor : RankedTensorOf<[AnyFloat]>;

#endif // THRESH_IR_THRESHBASE_TD
