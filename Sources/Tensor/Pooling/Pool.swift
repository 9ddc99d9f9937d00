import CTensorKernels

extension Primitive {
    /// The largest element of each window; NaN if there is one. The cotangent goes to the first of equal ones.
    package static let maxPool: Primitive = Primitive(
        id: 7_100, name: "maxPool",
        .unary(rule: poolingRule("maxPool", .numbers), kernel: pool { _ in MW_POOL_MAXIMUM }),
        derivative: .reverse([
            OperandDerivative(saving: .first) { cotangent, step throws(TensorError) in
                let places = try step.operands[0].elementsOfMaxima(step.attributes)
                let count = step.operand.elementCount
                let rows = try cotangent.reshaped(to: Shape([places.elementCount, 1]))
                return try Primitive.scatterAddRows.applied(to: rows, places, .rowCount(count))
                    .reshaped(to: step.operand.shape)
            }
        ]))

    /// Where the largest element of each window lies in its image and channel, in row-major order, as int32.
    package static let maxPoolIndices: Primitive = Primitive(
        id: 7_101, name: "maxPoolIndices",
        .unary(
            rule: { type, attributes throws(TensorError) in
                guard case .pooling(let geometry) = attributes else { preconditionFailure("no windows") }
                let result = try poolingRule("maxPoolIndices", .numbers)(type, attributes)
                let first = geometry.layout.firstSpatialAxis
                let places = (first..<first + type.shape.rank - 2).reduce(1) { $0 * type.shape[$1] }
                guard places <= Int(Int32.max) else {
                    throw TensorError(.shapeMismatch, "maxPoolIndices: \(type.shape) has places that no int32 names")
                }
                return TensorType(.int32, result.shape)
            },
            kernel: { operand, attributes, type throws(TensorError) in
                guard case .pooling(let geometry) = attributes else { preconditionFailure("no windows") }
                let result = try AnyTensor(uninitialized: type.shape, dtype: type.dtype)
                var descriptor = geometry.descriptor(for: operand)
                // Safe: the descriptor has the operand's shape and strides, and the result an element for each window.
                unsafe mw_active_kernels().pointee.pooling.pool_indices(
                    operand.dtype.kernel, &descriptor, result.elements(), operand.firstByte)
                return result
            }),
        derivative: .notDifferentiable)

    /// The mean of each window. Its transpose is that of a convolution of each channel with ones.
    package static let averagePool: Primitive = Primitive(
        id: 7_102, name: "averagePool",
        .unary(
            rule: poolingRule("averagePool", .floats),
            kernel: pool { $0.countsPadding ? MW_POOL_PADDED_AVERAGE : MW_POOL_AVERAGE }),
        derivative: .reverse([
            OperandDerivative { cotangent, step throws(TensorError) in
                guard case .pooling(let windows) = step.attributes else { preconditionFailure("no windows") }
                let shape = step.operand.shape
                let rank = shape.rank - 2
                let channels = shape[windows.layout.channelAxis(rank: shape.rank)]
                var input = AxisValues(repeating: 1)
                for axis in 0..<rank { input[axis] = shape[windows.layout.firstSpatialAxis + axis] }
                // A convolution's last window ends inside the padding.
                var after = windows.after
                for axis in 0..<rank { after[axis] = windows.reach(axis: axis, length: input[axis]) }
                let geometry = ConvolutionGeometry(
                    strides: windows.strides, dilations: windows.dilations, before: windows.before, after: after,
                    groups: channels, layout: windows.layout, input: input, kernel: windows.kernel)
                let ones = try AnyTensor.scalar(Float(1)).cast(to: cotangent.dtype)
                    .broadcast(to: Shape([channels, 1] + (0..<rank).map { windows.kernel[$0] }))
                let shares = try cotangent / windows.counts(of: shape).cast(to: cotangent.dtype)
                return try Primitive.transposedConvolution.applied(to: shares, ones, .convolution(geometry))
            }
        ]))

    private static func poolingRule(_ operation: StaticString, _ allowed: DTypeSet) -> UnaryRule {
        { type, attributes throws(TensorError) in
            guard case .pooling(let geometry) = attributes else { preconditionFailure("no windows") }
            try type.require(allowed, in: operation)
            return try geometry.resultType(of: type)
        }
    }

    private static func pool(
        _ operation: @escaping @Sendable (PoolingGeometry) -> mw_pooling_operation
    ) -> UnaryKernel {
        { operand, attributes, type throws(TensorError) in
            guard case .pooling(let geometry) = attributes else { preconditionFailure("no windows") }
            let result = try AnyTensor(uninitialized: type.shape, dtype: type.dtype)
            var descriptor = geometry.descriptor(for: operand)
            // Safe: the descriptor has the operand's shape and strides, and the result an element for each window.
            unsafe mw_active_kernels().pointee.pooling.pool(
                operation(geometry), type.dtype.kernel, &descriptor, result.firstByte, operand.firstByte)
            return result
        }
    }
}

extension PoolingGeometry {
    /// By what each window's sum is divided, float32, in a shape that broadcasts to the result's.
    func counts(of shape: Shape) throws(TensorError) -> AnyTensor {
        let rank = shape.rank - 2
        var product = try AnyTensor.scalar(Float(1))
        for axis in 0..<rank {
            let length = shape[layout.firstSpatialAxis + axis]
            let counts = (0..<windows(axis: axis, length: length)).map { window in
                let start = window * strides[axis] - before[axis]
                let inside = countsPadding ? -before[axis]..<length + after[axis] : 0..<length
                /// The taps of the window before a place.
                func taps(before place: Int) -> Int {
                    place <= start ? 0 : Swift.min((place - start - 1) / dilations[axis] + 1, kernel[axis])
                }
                return Float(taps(before: inside.upperBound) - taps(before: inside.lowerBound))
            }
            var dimensions = Array(repeating: 1, count: shape.rank)
            dimensions[layout.firstSpatialAxis + axis] = counts.count
            product = try product * AnyTensor(counts, shape: Shape(dimensions))
        }
        return product
    }
}

extension AnyTensor {
    /// The element, in row-major order over the whole tensor, that is the largest of each window, in a row of int32.
    fileprivate func elementsOfMaxima(_ attributes: Attributes) throws(TensorError) -> AnyTensor {
        guard case .pooling(let geometry) = attributes else { preconditionFailure("no windows") }
        guard elementCount <= Int(Int32.max) else {
            throw TensorError(.shapeMismatch, "maxPool: the gradient of \(shape), whose elements no int32 names")
        }
        let channelAxis = geometry.layout.channelAxis(rank: rank)
        let (batch, channels) = (shape[0], shape[channelAxis])
        let places = batch * channels == 0 ? 0 : elementCount / (batch * channels)
        let isLast = geometry.layout == .channelsLast
        var indices = try Primitive.maxPoolIndices.applied(to: self.withoutTrace(), attributes)
        if isLast { indices = try indices * .scalar(Int32(channels)) }
        func offsets(_ axis: Int, _ count: Int, _ step: Int) throws(TensorError) -> AnyTensor {
            var dimensions = Array(repeating: 1, count: rank)
            dimensions[axis] = count
            return try AnyTensor((0..<count).map { Int32($0 * step) }, shape: Shape(dimensions))
        }
        indices = try indices + offsets(0, batch, places * channels)
        indices = try indices + offsets(channelAxis, channels, isLast ? 1 : places)
        return try indices.reshaped(to: Shape([indices.elementCount]))
    }
}
