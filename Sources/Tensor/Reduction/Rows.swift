/// A tensor seen as rows of contiguous elements along its last axis: what the kernels for class scores and for row
/// indices take.
struct Rows {
    /// The tensor that holds them: the one given, or a packed copy where its layout has no such rows.
    let tensor: AnyTensor
    let count: Int
    /// Elements of a row.
    let width: Int
    /// From the start of a row to the start of the next, in elements.
    let stride: Int

    /// The rows along the last `innerAxes` axes, which together are contiguous.
    init(of tensor: consuming AnyTensor, innerAxes: Int = 1) throws(TensorError) {
        let outer = 0..<tensor.rank - innerAxes
        let inner = outer.upperBound..<tensor.rank
        count = outer.reduce(1) { $0 * tensor.shape[$1] }
        width = inner.reduce(1) { $0 * tensor.shape[$1] }
        if width <= 1 || tensor.layout.stride(ofMergedAxes: inner) == 1,
            let stride = tensor.layout.stride(ofMergedAxes: outer)
        {
            self.tensor = tensor
            self.stride = stride
        } else {
            self.tensor = try tensor.contiguous()
            stride = width
        }
    }
}

extension Primitive {
    /// The rule of an operation along the last axis of a float tensor.
    static func rowsRule(_ operation: StaticString) -> UnaryRule {
        { type, _ throws(TensorError) in
            try type.require(.float32, .float64, .bfloat16, .float16, in: operation)
            guard type.shape.rank >= 1 else {
                throw TensorError(.shapeMismatch, "\(operation): a scalar has no axis of classes")
            }
            return type
        }
    }
}
