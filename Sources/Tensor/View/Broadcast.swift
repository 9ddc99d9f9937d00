extension Primitive {
    /// Each element repeated along the axes that the result has and the operand lacks: a view with strides of 0.
    package static let broadcast: Primitive = Primitive(
        id: 16, name: "broadcast",
        .unary(
            rule: { type, attributes throws(TensorError) in
                guard case .shape(let shape) = attributes else { preconditionFailure("no shape to broadcast to") }
                guard type.shape.broadcasts(to: shape) else {
                    throw TensorError(.shapeMismatch, "broadcast: \(type.shape) does not broadcast to \(shape)")
                }
                return TensorType(type.dtype, shape)
            },
            kernel: { operand, _, type throws(TensorError) in
                operand.layout = operand.layout.broadcast(to: type.shape)
                return operand.take()
            }),
        derivative: .reverse([
            OperandDerivative { cotangent, step throws(TensorError) in try cotangent.summed(toOperandOf: step) }
        ]))
}

extension AnyTensor {
    /// The elements repeated along missing axes and those of length 1, without a copy.
    ///
    /// - Throws: ``TensorError/Code/shapeMismatch`` unless this shape broadcasts to `shape`.
    public consuming func broadcast(to shape: Shape) throws(TensorError) -> AnyTensor {
        if shape == self.shape { return self }
        return try Primitive.broadcast.apply(&self, .shape(shape))
    }
}

extension Tensor {
    /// The elements repeated along missing axes and those of length 1, without a copy.
    public consuming func broadcast(to shape: Shape) -> Tensor {
        Tensor { () throws(TensorError) in try self.core.take().broadcast(to: shape) }
    }
}
