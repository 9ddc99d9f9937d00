extension AnyTensor {
    /// These labels of any integer type as int32, which the losses read; `operation` names them in errors.
    ///
    /// A label beyond int32 throws here, with its value: made narrower, it would name another class.
    func classLabels(in operation: StaticString) throws(TensorError) -> AnyTensor {
        if dtype == .int32 { return self }
        try type.require(.integers, in: operation)
        if !isAbstract, let place = try firstPlaceBeyondInt32() {
            let label = try slice(elements: place..<place + 1)
            let value =
                dtype == .uint64
                ? try String(label.scalars(as: UInt64.self)[0])
                : try String(label.cast(to: .int64).scalars(as: Int64.self)[0])
            throw TensorError(
                .indexOutOfRange, "\(operation): element \(place) of the labels is \(value), which names no class")
        }
        return try cast(to: .int32)
    }

    /// The place in row-major order of the first integer that int32 does not hold.
    private func firstPlaceBeyondInt32() throws(TensorError) -> Int? {
        guard dtype.byteWidth == 8 || dtype == .uint32 else { return nil }
        var isBeyond = try self .> Double(Int32.max)
        if dtype == .int64 { isBeyond = try isBeyond | (self .< Double(Int32.min)) }
        return try isBeyond.scalars(as: Bool.self).firstIndex(of: true)
    }
}
