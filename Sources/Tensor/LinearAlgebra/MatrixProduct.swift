import CTensorKernels

extension Primitive {
    /// The product of matrices in the last two axes, `[…, m, k] · […, k, n]`; the axes before them broadcast.
    ///
    /// A transposed view costs nothing: the kernel takes both strides of each matrix. With a cotangent `g`:
    /// `Ȧ = g · Bᵀ` and `Ḃ = Aᵀ · g`, summed over the axes that were broadcast.
    package static let matrixProduct: Primitive = Primitive(
        id: 24, name: "matmul",
        .binary(
            rule: { left, right, _ throws(TensorError) in
                try left.require(.float32, in: "matmul")
                try right.require(.float32, in: "matmul")
                guard left.shape.rank >= 2, right.shape.rank >= 2,
                    left.shape[left.shape.rank - 1] == right.shape[right.shape.rank - 2]
                else {
                    throw TensorError(
                        .shapeMismatch, "matmul: \(left.shape) and \(right.shape) are not […, m, k] and […, k, n]")
                }
                let batch = try Shape.broadcast(left.shape.batch, right.shape.batch, in: "matmul")
                return TensorType(
                    .float32,
                    try Shape(batch + [left.shape[left.shape.rank - 2], right.shape[right.shape.rank - 1]]))
            },
            kernel: { left, right, _, type throws(TensorError) in
                let result = try AnyTensor(uninitialized: type.shape, dtype: type.dtype)
                let batch = type.shape.batch
                let rank = batch.rank
                let (m, n) = (type.shape[rank], type.shape[rank + 1])
                let k = left.shape[left.rank - 1]
                let leftBatch = left.layout.batch.broadcast(to: batch)
                let rightBatch = right.layout.batch.broadcast(to: batch)
                let leftStrides = left.layout.matrixStrides
                let rightStrides = right.layout.matrixStrides
                for index in 0..<batch.elementCount {
                    // Safe: the offsets are those of a matrix that lies in its operand, and the result is new.
                    unsafe mw_active_kernels().pointee.matrix.gemm_f32(
                        m, n, k, left.elements() + leftBatch.offset(ofElement: index), leftStrides.row,
                        leftStrides.column, right.elements() + rightBatch.offset(ofElement: index), rightStrides.row,
                        rightStrides.column, result.elements() + index * m * n, n, false, 0)
                }
                return result
            }),
        derivative: .reverse([
            OperandDerivative(saving: .second) { cotangent, step throws(TensorError) in
                try cotangent.matmul(step.operands[1].transposed()).summed(toOperandOf: step)
            },
            OperandDerivative(saving: .first) { cotangent, step throws(TensorError) in
                try step.operands[0].transposed().matmul(cotangent).summed(toOperandOf: step)
            },
        ]))
}

extension Shape {
    /// The axes before the last two.
    fileprivate var batch: Shape { Shape(unchecked: dimensions, rank: rank - 2) }
}

extension Layout {
    /// The axes before the last two.
    fileprivate var batch: Layout {
        Layout(shape: Shape(unchecked: shape.dimensions, rank: rank - 2), strides: strides)
    }

    /// The strides of the last two axes.
    fileprivate var matrixStrides: (row: Int, column: Int) { (strides[rank - 2], strides[rank - 1]) }

    /// How far the element at a place of the row-major order lies from the first.
    fileprivate func offset(ofElement index: Int) -> Int {
        var rest = index
        var offset = 0
        for axis in (0..<rank).reversed() {
            offset += rest % shape[axis] * strides[axis]
            rest /= shape[axis]
        }
        return offset
    }
}

extension AnyTensor {
    /// The product of matrices in the last two axes, `[…, m, k] · […, k, n]`; the axes before them broadcast. Transposed
    /// and sliced views are multiplied where they lie.
    ///
    /// - Throws: ``TensorError/Code/shapeMismatch``, ``TensorError/Code/dtypeMismatch`` unless both are float32.
    public consuming func matmul(_ other: consuming AnyTensor) throws(TensorError) -> AnyTensor {
        try Primitive.matrixProduct.apply(&self, &other)
    }
}

extension Tensor where Scalar == Float {
    /// The product of matrices in the last two axes, `[…, m, k] · […, k, n]`; the axes before them broadcast. Transposed
    /// and sliced views are multiplied where they lie.
    public consuming func matmul(_ other: consuming Tensor) -> Tensor {
        Tensor { () throws(TensorError) in try Primitive.matrixProduct.apply(&self.core, &other.core) }
    }
}
