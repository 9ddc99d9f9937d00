extension Primitive {
    /// The first operand with the second in the place of a slice, whose shape it has.
    package static let replaceSlice: Primitive = Primitive(
        id: 2_002, name: "replaceSlice",
        .binary(
            rule: { whole, part, attributes throws(TensorError) in
                guard case .bounds(let bounds, let shape) = attributes, shape == whole.shape,
                    bounds.shape == part.shape
                else { preconditionFailure("bounds of another shape") }
                try whole.requireSameType(as: part, in: "replaceSlice")
                return whole
            },
            kernel: { whole, part, attributes, type throws(TensorError) in
                guard case .bounds(let bounds, _) = attributes else { preconditionFailure("no bounds") }
                var result = whole.take()
                try result.makeWritable()
                let (layout, offset) = result.layout.sliced(bounds)
                // Safe: the slice lies in the result, which nothing else refers to, so not the part either.
                unsafe part.copyElements(to: result.firstByte + offset &* type.dtype.byteWidth, layout: layout)
                return result
            }),
        derivative: .reverse([
            OperandDerivative { cotangent, step throws(TensorError) in
                guard case .bounds(let bounds, _) = step.attributes else { preconditionFailure("no bounds") }
                let zeros = try AnyTensor.zeros(.scalar, dtype: cotangent.dtype).broadcast(to: bounds.shape)
                return try Primitive.replaceSlice.applied(to: cotangent, zeros, step.attributes)
            },
            OperandDerivative { cotangent, step throws(TensorError) in
                try Primitive.slice.applied(to: cotangent, step.attributes)
            },
        ]))
}
