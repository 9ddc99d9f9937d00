/// What stands in the places that padding adds.
public enum PadMode<Value: Sendable>: Sendable {
    /// The same value everywhere.
    case constant(Value)
    /// The elements mirrored at the border element, which is not repeated: `3 2 [1 2 3] 2 1`. Needs two elements, and goes
    /// on back and forth where more is asked for than there are.
    case reflect
    /// The border element: `1 1 [1 2 3] 3 3`.
    case edge
    /// The elements over again, as on a ring: `2 3 [1 2 3] 1 2`.
    case circular
}

extension AnyTensor {
    /// With `before` and `after` further places at the ends of each axis; one pair for each axis.
    ///
    /// ```swift
    /// try image.padded([(0, 0), (1, 1)], mode: .reflect)
    /// ```
    ///
    /// The value of a constant is a tensor without axes of this tensor's type; `nil` is 0.
    ///
    /// - Throws: ``TensorError/Code/shapeMismatch`` unless there is a pair for each axis and none is negative, and where
    ///   the mode needs elements that an axis lacks; ``TensorError/Code/dtypeMismatch``;
    ///   ``TensorError/Code/outOfMemory``.
    public consuming func padded(
        _ widths: [(before: Int, after: Int)], mode: PadMode<AnyTensor?> = .constant(nil)
    ) throws(TensorError) -> AnyTensor {
        let shape = self.shape
        guard widths.count == shape.rank, widths.allSatisfy({ $0.before >= 0 && $0.after >= 0 }) else {
            throw TensorError(.shapeMismatch, "padded: widths \(widths) for a tensor of shape \(shape)")
        }
        var padded = shape
        for (axis, width) in widths.enumerated() {
            let (sum, overflow) = width.before.addingReportingOverflow(width.after)
            let (length, overflow2) = sum.addingReportingOverflow(shape[axis])
            guard !overflow, !overflow2 else {
                throw TensorError(.outOfMemory, "padded: widths \(widths) of \(shape) cannot be addressed")
            }
            padded = try padded.replacing(axis: axis, with: length)
        }
        guard case .constant(let value) = mode else {
            var result = self
            for (axis, width) in widths.enumerated() where width.before > 0 || width.after > 0 {
                result = try result.padded(axis: axis, width, mode)
            }
            return result
        }
        var bounds = SliceBounds(whole: padded)
        for (axis, width) in widths.enumerated() {
            try bounds.narrow(axis: axis, to: width.before..<width.before + shape[axis], step: 1, in: "padded")
        }
        guard let value else { return try Primitive.embed.apply(&self, .bounds(bounds, whole: padded)) }
        guard value.rank == 0 else {
            throw TensorError(.shapeMismatch, "padded: a value of shape \(value.shape) is no scalar")
        }
        try type.requireSameType(as: value.type, in: "padded")
        var whole = try value.broadcast(to: padded)
        return try Primitive.replaceSlice.apply(&whole, &self, .bounds(bounds, whole: padded))
    }

    /// One axis, by the place of the element that stands in each place of the result.
    private consuming func padded(
        axis: Int, _ width: (before: Int, after: Int), _ mode: PadMode<AnyTensor?>
    ) throws(TensorError) -> AnyTensor {
        let shape = self.shape
        let length = shape[axis]
        guard length > 0 else {
            throw TensorError(.shapeMismatch, "padded: axis \(axis) of \(shape) has nothing to repeat")
        }
        if case .reflect = mode, length == 1 {
            throw TensorError(
                .shapeMismatch, "padded: axis \(axis) of \(shape) has one element, which reflects nothing")
        }
        let places = try AnyTensor.filled(Shape([width.before + length + width.after])) { index -> Int64 in
            let place = index - width.before
            return switch mode {
            case .constant, .edge: Int64(Swift.min(Swift.max(place, 0), length - 1))
            case .circular: Int64(place.remainder(modulo: length))
            case .reflect: Int64(place.reflected(below: length))
            }
        }
        return try self.taking(places, axis: axis)
    }
}

extension Int {
    /// The remainder in `0..<modulus`.
    fileprivate func remainder(modulo modulus: Int) -> Int {
        let remainder = self % modulus
        return remainder < 0 ? remainder + modulus : remainder
    }

    /// The place in `0..<length` where a walk that turns round at both ends arrives.
    fileprivate func reflected(below length: Int) -> Int {
        let period = Swift.max(2 * (length - 1), 1)
        let place = remainder(modulo: period)
        return place < length ? place : period - place
    }
}

extension Tensor {
    /// With `before` and `after` further places at the ends of each axis; one pair for each axis.
    public consuming func padded(
        _ widths: [(before: Int, after: Int)], mode: PadMode<Scalar>
    ) -> Tensor {
        let filling: PadMode<AnyTensor?> =
            switch mode {
            case .constant(let value): .constant(Tensor(value).core)
            case .reflect: .reflect
            case .edge: .edge
            case .circular: .circular
            }
        return Tensor { () throws(TensorError) in try self.core.take().padded(widths, mode: filling) }
    }

    /// With zeros in further places at the ends of each axis; one pair for each axis.
    public consuming func padded(_ widths: [(before: Int, after: Int)]) -> Tensor {
        Tensor { () throws(TensorError) in try self.core.take().padded(widths) }
    }
}
