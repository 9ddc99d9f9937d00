import CTensorKernels

/// How a batch of products is handed to the kernel: in as few and as large products as the strides allow.
///
/// Where one operand is the same for a whole axis of the batch, and the other's matrices follow each other evenly, that
/// axis is no batch: `[b, m, k] · [k, n]` is one product of `b · m` rows. The result is contiguous.
struct ProductPlan {
    private(set) var rows: Int
    private(set) var columns: Int
    private let depth: Int
    private let dtype: DType
    private var left: (row: Int, column: Int)
    private var right: (row: Int, column: Int)
    private(set) var batch: Shape
    private let leftBatch: AxisValues
    private let rightBatch: AxisValues

    /// The plan for operands of these layouts and a result of `type`, which the rule has found.
    init(_ leftLayout: Layout, _ rightLayout: Layout, _ type: TensorType) {
        dtype = type.dtype
        batch = type.shape.batch
        rows = type.shape[batch.rank]
        columns = type.shape[batch.rank + 1]
        depth = leftLayout.shape[leftLayout.rank - 1]
        left = leftLayout.matrixStrides
        right = rightLayout.matrixStrides
        // Most products are no batches, and a small one takes hardly longer than a walk over axes that it has not.
        guard batch.rank > 0 else {
            leftBatch = AxisValues(repeating: 0)
            rightBatch = AxisValues(repeating: 0)
            return
        }
        leftBatch = leftLayout.batch.strides(broadcastTo: batch)
        rightBatch = rightLayout.batch.strides(broadcastTo: batch)
        while batch.rank > 0, foldInnermostAxis() {
            batch = Shape(unchecked: batch.dimensions, rank: batch.rank - 1)
        }
    }

    /// Makes the innermost axis of the batch part of the rows, or of the columns of a single row, where that is the
    /// same.
    private mutating func foldInnermostAxis() -> Bool {
        let axis = batch.rank - 1
        let length = batch[axis]
        if length == 1 { return true }
        if rightBatch[axis] == 0, rows == 1 || leftBatch[axis] == rows &* left.row {
            if rows == 1 { left.row = leftBatch[axis] }
            rows *= length
            return true
        }
        if rows == 1, leftBatch[axis] == 0, columns == 1 || rightBatch[axis] == columns &* right.column {
            if columns == 1 { right.column = rightBatch[axis] }
            columns *= length
            return true
        }
        return false
    }

    /// The product of two matrices, without the rule and its batches, which take longer than the product of small ones; nil
    /// in every other case, mistakes among them.
    @inline(__always)
    static func product(
        _ left: borrowing AnyTensor, _ right: borrowing AnyTensor
    ) throws(TensorError) -> AnyTensor? {
        guard
            left.rank == 2, right.rank == 2, left.dtype == right.dtype, left.dtype != .bool, left.trace == nil,
            right.trace == nil, left.layout.shape.dimensions[1] == right.layout.shape.dimensions[0]
        else { return nil }
        let (rows, depth) = (left.layout.shape.dimensions[0], left.layout.shape.dimensions[1])
        let columns = right.layout.shape.dimensions[1]
        let shape = try Shape(checking: AxisValues(rows, columns), rank: 2)
        let result = try AnyTensor(uninitialized: shape, dtype: left.dtype)
        let (leftStrides, rightStrides) = (left.layout.matrixStrides, right.layout.matrixStrides)
        var noBatch = 0
        unsafe withUnsafePointer(to: &noBatch) { noBatch in
            var product = unsafe mw_product(
                dtype: left.dtype.kernel, m: rows, n: columns, k: depth, a_row_stride: leftStrides.row,
                a_column_stride: leftStrides.column, b_row_stride: rightStrides.row,
                b_column_stride: rightStrides.column, c_row_stride: columns, accumulate: false, batch_rank: 0,
                batch_shape: noBatch, a_batch_strides: noBatch, b_batch_strides: noBatch)
            // Safe: both matrices lie in their operands, the result is contiguous and as large as the shape says, and of
            // a batch without axes no length is read.
            unsafe mw_multiply_batch(&product, result.firstByte, left.firstByte, right.firstByte)
        }
        return result
    }

    /// Multiplies; with `accumulate`, adds to what the result holds.
    func multiply(_ leftOperand: AnyTensor, _ rightOperand: AnyTensor, into result: AnyTensor, accumulate: Bool) {
        batch.dimensions.withPointer { shape in
            leftBatch.withPointer { leftBatch in
                rightBatch.withPointer { rightBatch in
                    var product = unsafe mw_product(
                        dtype: dtype.kernel, m: rows, n: columns, k: depth, a_row_stride: left.row,
                        a_column_stride: left.column, b_row_stride: right.row, b_column_stride: right.column,
                        c_row_stride: columns, accumulate: accumulate, batch_rank: batch.rank, batch_shape: shape,
                        a_batch_strides: leftBatch, b_batch_strides: rightBatch)
                    // Safe: every matrix of the batch lies in its operand, and the result is contiguous and as large as
                    // the rule said.
                    unsafe mw_multiply_batch(
                        &product, result.firstByte, leftOperand.firstByte, rightOperand.firstByte)
                }
            }
        }
    }
}

extension Shape {
    /// The axes before the last two.
    var batch: Shape { Shape(unchecked: dimensions, rank: rank - 2) }
}

extension Layout {
    /// The axes before the last two.
    var batch: Layout {
        Layout(shape: shape.batch, strides: strides)
    }

    /// The strides of the last two axes.
    var matrixStrides: (row: Int, column: Int) {
        if isContiguous { return (Swift.max(shape.dimensions[rank - 1], 1), 1) }
        let strides = strides
        return (strides[rank - 2], strides[rank - 1])
    }
}
