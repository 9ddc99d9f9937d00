import Tensor

/// Whole numbers in −127 … 127 with a scale for each row. The arithmetic is that of the tensor kernels, whose bits are
/// the same on every instruction set.
enum Int8Codec {
    /// uint8: the scales, then the codes.
    static func encode(_ values: AnyTensor, _ groups: RowGroups) throws(TensorError) -> AnyTensor {
        var (scales, codes) = ([AnyTensor](), [AnyTensor]())
        for matrix in try groups.matrices(of: values) {
            let peaks = try matrix.abs().max(axes: [1], keepsDimensions: true)
            scales.append(try (peaks / 127).bytes())
            // A row of zeros has no factor, and 0 × ∞ is cast to 0.
            codes.append(try (matrix * (127 / peaks)).rounded().cast(to: .int8).bytes())
        }
        return try .concatenate(scales + codes)
    }

    static func decode(_ bytes: AnyTensor, _ groups: RowGroups) throws(TensorError) -> AnyTensor {
        let codes = groups.count * 4
        let scales = try bytes.slice(elements: 0..<codes).bitCast(to: .float32)
        let numbers = try bytes.slice(elements: codes..<bytes.elementCount).bitCast(to: .int8).cast(to: .float32)
        return try groups.scaled(numbers, by: scales)
    }
}

/// One bit an element, and the mean magnitude of each row.
enum SignCodec {
    /// uint8: the magnitudes, then the bits.
    static func encode(_ values: AnyTensor, _ groups: RowGroups) throws(TensorError) -> AnyTensor {
        let magnitudes = try groups.matrices(of: values).map { matrix throws(TensorError) in
            try matrix.abs().mean(axes: [1]).bytes()
        }
        var bits = [UInt8](repeating: 0, count: (values.elementCount + 7) / 8)
        values.withFloats { values in
            for place in 0..<values.count where unsafe values[place] >= 0 { bits[place / 8] |= 1 << UInt8(place % 8) }
        }
        return try .concatenate(magnitudes + [AnyTensor(bits, shape: [bits.count])])
    }

    static func decode(_ bytes: AnyTensor, _ groups: RowGroups) throws(TensorError) -> AnyTensor {
        let start = groups.count * 4
        let magnitudes = try bytes.slice(elements: 0..<start).bitCast(to: .float32)
        var signs = [Float](repeating: -1, count: groups.elementCount)
        bytes.withBytes { bytes in
            for place in signs.indices where unsafe bytes[start + place / 8] >> UInt8(place % 8) & 1 == 1 {
                signs[place] = 1
            }
        }
        return try groups.scaled(AnyTensor(signs, shape: [signs.count]), by: magnitudes)
    }
}

/// Some elements as they are, by their places; the others are 0.
enum SparseCodec {
    /// uint8: the places of the `count` elements of largest magnitude, ascending, then their values. Of equal
    /// magnitudes the first.
    static func encode(_ values: AnyTensor, count: Int) throws(TensorError) -> AnyTensor {
        let places = try values.abs().topK(count).indices.scalars(as: Int32.self).sorted()
        let kept = values.withFloats { values in places.map { unsafe values[Int($0)] } }
        return try .concatenate([
            AnyTensor(places.map(UInt32.init), shape: [count]).bytes(), AnyTensor(kept, shape: [count]).bytes(),
        ])
    }

    /// - Throws: `TensorError.Code.indexOutOfRange` for places that do not ascend, or that are no places of so many
    ///   elements.
    static func decode(_ bytes: AnyTensor, _ elementCount: Int) throws(TensorError) -> AnyTensor {
        let half = bytes.elementCount / 2
        let places = try bytes.slice(elements: 0..<half).bitCast(to: .uint32).scalars(as: UInt32.self)
        let kept = try bytes.slice(elements: half..<bytes.elementCount).bitCast(to: .float32).scalars(as: Float.self)
        guard zip(places, places.dropFirst()).allSatisfy({ $0 < $1 }), (places.last ?? 0) < max(1, elementCount) else {
            throw TensorError(.indexOutOfRange, "its places must ascend and be below \(elementCount)")
        }
        var values = [Float](repeating: 0, count: elementCount)
        for (place, value) in zip(places, kept) { values[Int(place)] = value }
        return try AnyTensor(values, shape: [elementCount])
    }
}

extension AnyTensor {
    /// The bytes, uint8 with one axis.
    func bytes() throws(TensorError) -> AnyTensor {
        try reshaped(to: [elementCount]).bitCast(to: .uint8)
    }

    /// Calls `body` with the elements of a float32 tensor.
    @safe fileprivate func withFloats<R, E>(_ body: (UnsafeBufferPointer<Float>) throws(E) -> R) throws(E) -> R {
        precondition(dtype == .float32)
        return try withBytes { (bytes) throws(E) in
            // Safe: storage is aligned for its element type.
            try unsafe body(bytes.assumingMemoryBound(to: Float.self))
        }
    }
}
