// Slices, concatenations, pads, generated tensors and fills become one element-wise linalg.generic each.
// RUN: thresh-opt %s --pass-pipeline='builtin.module(func.func(thresh-lower-tensor-ops),canonicalize)' | FileCheck %s

// CHECK-DAG: #[[$STRIDED:.*]] = affine_map<(d0, d1) -> (d0 * 3 + 1, d1 * 2 + 1)>
// CHECK-DAG: #[[$SHIFTED:.*]] = affine_map<(d0, d1) -> (d0 + 3, d1)>
// CHECK-DAG: #[[$ROW:.*]] = affine_map<(d0) -> (4, d0)>
// CHECK-DAG: #[[$PLANE:.*]] = affine_map<(d0, d1) -> (d0, d1)>
// CHECK-DAG: #[[$LINE:.*]] = affine_map<(d0) -> (d0)>

// A slice of constant offsets and strides is an affine read.
// CHECK-LABEL: func.func @strided(
// CHECK-SAME: %[[X:.*]]: tensor<6x10xf32>
// CHECK: linalg.generic {indexing_maps = [#[[$STRIDED]], #[[$PLANE]]]{{.*}} ins(%[[X]] : tensor<6x10xf32>)
func.func @strided(%x: tensor<6x10xf32>) -> tensor<2x5xf32> {
  %slice = tensor.extract_slice %x[1, 1] [2, 5] [3, 2] : tensor<6x10xf32> to tensor<2x5xf32>
  return %slice : tensor<2x5xf32>
}

// CHECK-LABEL: func.func @shifted(
// CHECK-SAME: %[[X:.*]]: tensor<6x10xf32>
// CHECK: linalg.generic {indexing_maps = [#[[$SHIFTED]], #[[$PLANE]]]{{.*}} ins(%[[X]] : tensor<6x10xf32>)
func.func @shifted(%x: tensor<6x10xf32>) -> tensor<2x10xf32> {
  %slice = tensor.extract_slice %x[3, 0] [2, 10] [1, 1] : tensor<6x10xf32> to tensor<2x10xf32>
  return %slice : tensor<2x10xf32>
}

// CHECK-LABEL: func.func @dropped_dimension(
// CHECK: linalg.generic {indexing_maps = [#[[$ROW]], #[[$LINE]]]
func.func @dropped_dimension(%x: tensor<6x10xf32>) -> tensor<10xf32> {
  %slice = tensor.extract_slice %x[4, 0] [1, 10] [1, 1] : tensor<6x10xf32> to tensor<10xf32>
  return %slice : tensor<10xf32>
}

// A shorter dimension read from its start is not an affine read: linalg takes a plain loop index to mean equal extents.
// CHECK-LABEL: func.func @prefix(
// CHECK-SAME: %[[X:.*]]: tensor<6x10xf32>
// CHECK: linalg.generic {indexing_maps = [#[[$PLANE]]]
// CHECK-NOT: ins(
// CHECK: %[[I:.*]] = linalg.index 0
// CHECK: %[[J:.*]] = linalg.index 1
// CHECK: tensor.extract %[[X]][%[[I]], %[[J]]]
func.func @prefix(%x: tensor<6x10xf32>) -> tensor<3x10xf32> {
  %slice = tensor.extract_slice %x[0, 0] [3, 10] [1, 1] : tensor<6x10xf32> to tensor<3x10xf32>
  return %slice : tensor<3x10xf32>
}

// CHECK-LABEL: func.func @dynamic_slice(
// CHECK-SAME: %[[X:.*]]: tensor<?x4xf32>, %[[OFFSET:.*]]: index, %[[SIZE:.*]]: index
// CHECK: tensor.empty(%[[SIZE]])
// CHECK: %[[I:.*]] = linalg.index 0
// CHECK: %[[SCALED:.*]] = arith.muli %[[I]], %c2
// CHECK: %[[AT:.*]] = arith.addi %[[OFFSET]], %[[SCALED]]
// CHECK: tensor.extract %[[X]][%[[AT]], %{{.*}}]
func.func @dynamic_slice(%x: tensor<?x4xf32>, %offset: index, %size: index) -> tensor<?x4xf32> {
  %slice = tensor.extract_slice %x[%offset, 0] [%size, 4] [2, 1] : tensor<?x4xf32> to tensor<?x4xf32>
  return %slice : tensor<?x4xf32>
}

// Inputs without elements are left out; the reads of the others are clamped into them.
// CHECK-LABEL: func.func @concat(
// CHECK-SAME: %[[X:.*]]: tensor<?x4xf32>, %[[NOTHING:.*]]: tensor<0x4xf32>, %[[Y:.*]]: tensor<?x4xf32>
// CHECK: %[[XS:.*]] = tensor.dim %[[X]], %c0
// CHECK: %[[YS:.*]] = tensor.dim %[[Y]], %c0
// CHECK: %[[TOTAL:.*]] = arith.addi %[[XS]], %[[YS]]
// CHECK: tensor.empty(%[[TOTAL]])
// CHECK: %[[I:.*]] = linalg.index 0
// CHECK: %[[LAST:.*]] = arith.subi %[[XS]], %c1
// CHECK: %[[UPPER:.*]] = arith.minsi %[[I]], %[[LAST]]
// CHECK: %[[CLAMPED:.*]] = arith.maxsi %[[UPPER]], %c0
// CHECK: %[[LEFT:.*]] = tensor.extract %[[X]][%[[CLAMPED]],
// CHECK-NOT: %[[NOTHING]]
// CHECK: %[[RIGHT:.*]] = tensor.extract %[[Y]]
// CHECK: %[[HERE:.*]] = arith.cmpi sge, %[[I]], %[[XS]]
// CHECK: arith.select %[[HERE]], %[[RIGHT]], %[[LEFT]]
func.func @concat(%x: tensor<?x4xf32>, %nothing: tensor<0x4xf32>, %y: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %all = tensor.concat dim(0) %x, %nothing, %y : (tensor<?x4xf32>, tensor<0x4xf32>, tensor<?x4xf32>) -> tensor<?x4xf32>
  return %all : tensor<?x4xf32>
}

// CHECK-LABEL: func.func @concat_of_nothing(
// CHECK-SAME: %[[NOTHING:.*]]: tensor<0x4xf32>
// CHECK-NEXT: return %[[NOTHING]]
func.func @concat_of_nothing(%nothing: tensor<0x4xf32>) -> tensor<0x4xf32> {
  %all = tensor.concat dim(0) %nothing, %nothing : (tensor<0x4xf32>, tensor<0x4xf32>) -> tensor<0x4xf32>
  return %all : tensor<0x4xf32>
}

// CHECK-LABEL: func.func @pad(
// CHECK-SAME: %[[X:.*]]: tensor<?xf32>, %[[VALUE:.*]]: f32
// CHECK: %[[EXTENT:.*]] = tensor.dim %[[X]], %c0
// CHECK: %[[LOCAL:.*]] = arith.subi %{{.*}}, %c1
// CHECK: %[[ABOVE:.*]] = arith.cmpi sge, %[[LOCAL]], %c0
// CHECK: %[[BELOW:.*]] = arith.cmpi slt, %[[LOCAL]], %[[EXTENT]]
// CHECK: %[[INSIDE:.*]] = arith.andi %[[ABOVE]], %[[BELOW]]
// CHECK: %[[ELEMENT:.*]] = tensor.extract %[[X]]
// CHECK: arith.select %[[INSIDE]], %[[ELEMENT]], %[[VALUE]]
func.func @pad(%x: tensor<?xf32>, %value: f32) -> tensor<?xf32> {
  %padded = tensor.pad %x low[1] high[2] {
  ^bb0(%i: index):
    tensor.yield %value : f32
  } : tensor<?xf32> to tensor<?xf32>
  return %padded : tensor<?xf32>
}

// Padding that differs from place to place stays.
// CHECK-LABEL: func.func @pad_by_index(
// CHECK: tensor.pad
func.func @pad_by_index(%x: tensor<3xindex>) -> tensor<5xindex> {
  %padded = tensor.pad %x low[0] high[2] {
  ^bb0(%i: index):
    tensor.yield %i : index
  } : tensor<3xindex> to tensor<5xindex>
  return %padded : tensor<5xindex>
}

// CHECK-LABEL: func.func @generate(
// CHECK-SAME: %[[N:.*]]: index
// CHECK: tensor.empty(%[[N]])
// CHECK: %[[I:.*]] = linalg.index 0
// CHECK: %[[J:.*]] = linalg.index 1
// CHECK: %[[SUM:.*]] = arith.addi %[[I]], %[[J]]
// CHECK: arith.index_cast %[[SUM]]
func.func @generate(%n: index) -> tensor<?x3xi64> {
  %table = tensor.generate %n {
  ^bb0(%i: index, %j: index):
    %sum = arith.addi %i, %j : index
    %element = arith.index_cast %sum : index to i64
    tensor.yield %element : i64
  } : tensor<?x3xi64>
  return %table : tensor<?x3xi64>
}

// A fill that starts a reduction stays; where its value is data, it is element-wise work.
// CHECK-LABEL: func.func @fills(
// CHECK: %[[DATA:.*]] = linalg.generic {indexing_maps = [#[[$LINE]]]
// CHECK: %[[START:.*]] = linalg.fill
// CHECK: %[[SUM:.*]] = linalg.generic {{.*}}"reduction"{{.*}} outs(%[[START]]
// CHECK: return %[[SUM]], %[[DATA]]
func.func @fills(%x: tensor<4x8xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
  %zero = arith.constant 0.0 : f32
  %empty = tensor.empty() : tensor<4xf32>
  %zeros = linalg.fill ins(%zero : f32) outs(%empty : tensor<4xf32>) -> tensor<4xf32>
  %sums = linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i)>], iterator_types = ["parallel", "reduction"]}
      ins(%x : tensor<4x8xf32>) outs(%zeros : tensor<4xf32>) {
  ^bb0(%in: f32, %running: f32):
    %next = arith.addf %running, %in : f32
    linalg.yield %next : f32
  } -> tensor<4xf32>
  return %sums, %zeros : tensor<4xf32>, tensor<4xf32>
}
