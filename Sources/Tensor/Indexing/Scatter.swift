import CTensorKernels

// `result = target`, but for the places that the indices name on one axis: there each element of the source meets what
// is in its place, in the row-major order of the source, so that repeated indices give one answer.

extension Primitive {
    /// The last element that is sent to a place stays.
    package static let scatter: Primitive = Primitive(
        id: 6_001, name: "scatter", scattering(MW_SCATTER_SET, "scatter"),
        derivative: .reverse([
            OperandDerivative(saving: .second) { cotangent, step throws(TensorError) in
                var target = cotangent
                var indices = step.operands[1]
                var zeros = try AnyTensor.zeros(.scalar, dtype: target.dtype).broadcast(to: indices.shape)
                return try Primitive.scatter.apply(&target, &indices, &zeros, step.attributes)
            },
            .constant,
            OperandDerivative(saving: .second) { cotangent, step throws(TensorError) in
                // An element that a later one replaced has no part in the result.
                let indices = step.operands[1]
                let last = try indices.isLastOfItsPlace(in: step.operands[0].shape, step.attributes)
                let values = try Primitive.gather.applied(to: cotangent, indices, step.attributes)
                let zero = try AnyTensor.zeros(.scalar, dtype: values.dtype)
                return try AnyTensor.select(last, values, zero)
            },
        ]))

    /// Elements are added; integers wrap around. 16-bit floats are added in float32 and rounded once.
    package static let scatterAdd: Primitive = Primitive(
        id: 6_002, name: "scatterAdd", scattering(MW_SCATTER_ADD, "scatterAdd"),
        derivative: .reverse([
            OperandDerivative { cotangent, _ throws(TensorError) in cotangent },
            .constant,
            OperandDerivative(saving: .second) { cotangent, step throws(TensorError) in
                try Primitive.gather.applied(to: cotangent, step.operands[1], step.attributes)
            },
        ]))

    /// Elements are multiplied. The cotangent of each is that of its place times all other factors there.
    package static let scatterMultiply: Primitive = Primitive(
        id: 6_003, name: "scatterMultiply", scattering(MW_SCATTER_MULTIPLY, "scatterMultiply"),
        derivative: .reverse([
            OperandDerivative(saving: [.second, .third]) { cotangent, step throws(TensorError) in
                var factors = try AnyTensor.ones(step.operand.shape, dtype: cotangent.dtype)
                var (indices, source) = (step.operands[1], step.operands[2])
                return try cotangent
                    * Primitive.scatterMultiply.apply(&factors, &indices, &source, step.attributes)
            },
            .constant,
            OperandDerivative(saving: [.first, .second, .third]) { cotangent, step throws(TensorError) in
                guard case .axis(let axis) = step.attributes else { preconditionFailure("no axis") }
                let others = try step.operands[2].productsOfOthers(
                    sentBy: step.operands[1], along: axis, of: step.operands[0].shape[axis])
                let upstream = try cotangent * step.operands[0]
                return try Primitive.gather.applied(to: upstream, step.operands[1], step.attributes) * others
            },
        ]))

    /// The largest element stays; NaN counts as larger than all. Equal ones share the cotangent.
    package static let scatterMaximum: Primitive = Primitive(
        id: 6_004, name: "scatterMaximum", scattering(MW_SCATTER_MAXIMUM, "scatterMaximum"),
        derivative: scatteredExtreme)

    /// The smallest element stays; NaN counts as smaller than all. Equal ones share the cotangent.
    package static let scatterMinimum: Primitive = Primitive(
        id: 6_005, name: "scatterMinimum", scattering(MW_SCATTER_MINIMUM, "scatterMinimum"),
        derivative: scatteredExtreme)

    private static let scatteredExtreme: Derivative = .reverse([
        OperandDerivative(saving: [.first, .second, .third, .result]) { cotangent, step throws(TensorError) in
            let shares = try step.sharesOfExtremes(cotangent.dtype)
            return try cotangent / shares.count * shares.target
        },
        .constant,
        OperandDerivative(saving: [.first, .second, .third, .result]) { cotangent, step throws(TensorError) in
            let shares = try step.sharesOfExtremes(cotangent.dtype)
            let parts = try cotangent / shares.count
            return try Primitive.gather.applied(to: parts, step.operands[1], step.attributes) * shares.source
        },
    ])

    /// Rule and kernel of a scatter: the target, the indices, and a source of the indices' shape.
    private static func scattering(_ mode: mw_scatter_mode, _ operation: StaticString) -> Form {
        .ternary(
            rule: { target, indices, source, attributes throws(TensorError) in
                try checkIndices(of: target, indices, attributes, in: operation)
                try target.requireSameType(as: source, in: operation)
                guard mode == MW_SCATTER_SET || target.dtype != .bool else {
                    throw TensorError(.dtypeMismatch, "\(operation): not defined for \(target)")
                }
                guard source.shape == indices.shape else {
                    throw TensorError(
                        .shapeMismatch,
                        "\(operation): a source of shape \(source.shape) for indices of \(indices.shape)")
                }
                return target
            },
            kernel: { target, indices, source, attributes, type throws(TensorError) in
                guard case .axis(let axis) = attributes else { preconditionFailure("no axis") }
                // Before anything is written.
                let indices = try indices.normalizedIndices(
                    below: type.shape[axis], fromTheBack: true, in: operation)
                let isRoundedOnce = mode != MW_SCATTER_SET && type.dtype.byteWidth == 2 && type.dtype.isFloatingPoint
                var result = isRoundedOnce ? try target.widened() : target.take()
                let source = isRoundedOnce ? try source.widened() : source
                try result.makeWritable()
                result.scatter(mode, axis: axis, indices, source)
                return isRoundedOnce ? try result.narrowed(to: type.dtype) : result
            })
    }
}

extension ReverseStep {
    /// 1 for each element of the target and of the source that is the extreme of its place, else 0; and how many a place has.
    fileprivate func sharesOfExtremes(
        _ dtype: DType
    ) throws(TensorError) -> (target: AnyTensor, source: AnyTensor, count: AnyTensor) {
        let target = try (operands[0] .== result).cast(to: dtype)
        let extremes = try Primitive.gather.applied(to: result, operands[1], attributes)
        let source = try (operands[2] .== extremes).cast(to: dtype)
        var (sum, indices, addends) = (target, operands[1], source)
        return (target, source, try Primitive.scatterAdd.apply(&sum, &indices, &addends, attributes))
    }
}

extension AnyTensor {
    /// Scatters into these contiguous elements, which nothing else sees. The indices have been checked.
    func scatter(_ mode: mw_scatter_mode, axis: Int, _ indices: AnyTensor, _ source: AnyTensor) {
        source.shape.dimensions.withPointer { shape in
            layout.strides.withPointer { strides in
                indices.layout.strides.withPointer { indexStrides in
                    source.layout.strides.withPointer { sourceStrides in
                        // Safe: indices and source have one shape, every index names a place of the axis, and the
                        // other dimensions are this tensor's.
                        unsafe mw_scatter(
                            mode, dtype.kernel, source.rank, shape, axis, firstByte, strides, indices.elements(),
                            indexStrides, source.firstByte, sourceStrides)
                    }
                }
            }
        }
    }

    /// 16-bit floats as contiguous float32.
    func widened() throws(TensorError) -> AnyTensor {
        if dtype == .float32 { return try contiguous() }
        let packed = try contiguous()
        let wide = try AnyTensor(uninitialized: shape, dtype: .float32)
        // Safe: both hold as many elements, contiguous.
        unsafe mw_widen_16(dtype.kernel, packed.elementCount, wide.elements(), packed.elements())
        return wide
    }

    /// Contiguous float32 rounded to 16-bit floats.
    func narrowed(to dtype: DType) throws(TensorError) -> AnyTensor {
        let narrow = try AnyTensor(uninitialized: shape, dtype: dtype)
        // Safe: both hold as many elements, contiguous.
        unsafe mw_narrow_16(dtype.kernel, elementCount, narrow.elements(), elements())
        return narrow
    }

    /// Of scatter's indices, which ones are the last that name their place.
    func isLastOfItsPlace(in target: Shape, _ attributes: Attributes) throws(TensorError) -> AnyTensor {
        let numbers = try AnyTensor.stride(from: 0, to: elementCount, by: 1, dtype: .int32).reshaped(to: shape)
        var places = try AnyTensor.zeros(target, dtype: .int32)
        var indices = self
        var source = numbers
        let winners = try Primitive.scatter.apply(&places, &indices, &source, attributes)
        return try Primitive.gather.applied(to: winners, self, attributes) .== numbers
    }
}
