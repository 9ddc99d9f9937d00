/// Indices of a subscript, worked out for a shape: a slice of it, and the shape that the slice is shown in.
struct TensorIndices {
    /// One range for each axis; a place is a range of one.
    private(set) var bounds: SliceBounds
    /// Without the axes that are indexed by place, with the new ones.
    let shape: Shape

    /// - Throws: ``TensorError/Code/indexOutOfRange`` for more indices than axes, and places and ranges outside,
    ///   ``TensorError/Code/shapeMismatch`` for two ellipses, ``TensorError/Code/rankTooLarge``.
    init(_ indices: [TensorIndex], of whole: Shape) throws(TensorError) {
        let named = indices.count { $0.kind != .newAxis && $0.kind != .ellipsis }
        guard named <= whole.rank else {
            throw TensorError(.indexOutOfRange, "subscript: \(indices) index \(named) axes of \(whole)")
        }
        guard indices.count(where: { $0.kind == .ellipsis }) <= 1 else {
            throw TensorError(.shapeMismatch, "subscript: \(indices) hold more than one ellipsis")
        }
        bounds = SliceBounds(whole: whole)
        var dimensions: [Int] = []
        var axis = 0
        func takeWhole(until end: Int) {
            while axis < end {
                dimensions.append(whole[axis])
                axis += 1
            }
        }
        for index in indices {
            switch index.kind {
            case .newAxis:
                dimensions.append(1)
            case .ellipsis:
                takeWhole(until: axis + whole.rank - named)
            case .place(let place):
                let position = place < 0 ? place + whole[axis] : place
                guard position >= 0, position < whole[axis] else {
                    throw TensorError(.indexOutOfRange, "subscript: index \(place) on axis \(axis) of \(whole)")
                }
                try bounds.narrow(axis: axis, to: position..<position + 1, step: 1, in: "subscript")
                axis += 1
            case .range, .strided, .places:
                guard let (range, step) = index.range(ofLength: whole[axis]) else {
                    throw TensorError(.indexOutOfRange, "subscript: \(index) on axis \(axis) of \(whole)")
                }
                try bounds.narrow(axis: axis, to: range, step: step, in: "subscript")
                dimensions.append(bounds.shape[axis])
                axis += 1
            }
        }
        takeWhole(until: whole.rank)
        shape = try Shape(dimensions)
    }
}

extension TensorIndex {
    /// The range and the step that this index of several places is on an axis of `length`, as
    /// ``SliceBounds/narrow(axis:to:step:in:)`` takes them; nil where it does not fit.
    fileprivate func range(ofLength length: Int) -> (range: Range<Int>, step: Int)? {
        func counted(_ bound: Int) -> Int { bound < 0 ? bound + length : bound }
        func checked(_ lower: Int, _ upper: Int, step: Int) -> (range: Range<Int>, step: Int)? {
            guard lower >= 0, lower <= upper, upper <= length, step != 0, step != .min else { return nil }
            return (lower..<upper, step)
        }
        switch kind {
        case .range(let from, let to):
            return checked(from.map(counted) ?? 0, to.map(counted) ?? length, step: 1)
        case .strided(let from, let to, let step):
            if step > 0 { return checked(from.map(counted) ?? 0, to.map(counted) ?? length, step: step) }
            // Backwards: from the place `from` down to the one above `to`.
            let first = from.map(counted) ?? length - 1
            let beyond = to.map(counted) ?? -1
            guard first < length, beyond >= -1, beyond < length else { return nil }
            return checked(beyond + 1, first + 1, step: step)
        case .places(_, 0, let step):
            return checked(0, 0, step: step)
        case .places(let first, let count, let step):
            // The last place is one that the stride ran through: it does not overflow.
            let last = first + (count - 1) * step
            return checked(Swift.min(first, last), Swift.max(first, last) &+ 1, step: step)
        case .place, .newAxis, .ellipsis:
            return nil
        }
    }
}

extension AnyTensor {
    /// The elements that indices name, one for each axis from the first on: a view without a copy. Axes that none speaks
    /// of are shown whole.
    ///
    /// - Throws: ``TensorError/Code/indexOutOfRange`` with the index, the axis and the shape,
    ///   ``TensorError/Code/shapeMismatch`` for two ellipses, ``TensorError/Code/rankTooLarge``.
    public consuming func indexed(by indices: [TensorIndex]) throws(TensorError) -> AnyTensor {
        let whole = shape
        let resolved = try TensorIndices(indices, of: whole)
        return try Primitive.slice.apply(&self, .bounds(resolved.bounds, whole: whole)).reshaped(to: resolved.shape)
    }

    /// Puts `value` in the place of the elements that indices name; it broadcasts to them. In place where nothing else
    /// refers to the storage, in debug builds too; what other tensors see does not change.
    ///
    /// ```swift
    /// try image.assign(.scalar(Float(0)), at: [0, .all, .range(1..<3)])
    /// ```
    ///
    /// - Throws: as ``indexed(by:)``; ``TensorError/Code/shapeMismatch`` unless the value broadcasts,
    ///   ``TensorError/Code/dtypeMismatch`` unless it has this tensor's element type. Then nothing has changed.
    public mutating func assign(_ value: consuming AnyTensor, at indices: [TensorIndex]) throws(TensorError) {
        let whole = shape
        let resolved = try TensorIndices(indices, of: whole)
        try type.requireSameType(as: value.type, in: "assign")
        var part = try value.broadcast(to: resolved.shape).reshaped(to: resolved.bounds.shape)
        if part.sharesStorage(with: self) { part = try part.contiguousCopy() }
        try replace(beside: part.trace) { own throws(TensorError) in
            try Primitive.replaceSlice.apply(&own, &part, .bounds(resolved.bounds, whole: whole))
        }
    }
}
