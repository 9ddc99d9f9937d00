extension AnyTensor: CustomStringConvertible {
    /// The values as nested brackets, and the type: `[[1.0, 2.0], [3.0, 4.0]] float32[2, 2]`. Of an axis with more than
    /// eight elements the first and the last three are shown.
    public var description: String {
        guard !isAbstract, let packed = try? contiguous() else { return "abstract \(type)" }
        return packed.rendered(axis: 0, start: 0) + " \(type)"
    }

    /// Axes longer than this are abbreviated.
    private static var longestAxisInFull: Int { 8 }
    private static var shownAtEachEnd: Int { 3 }

    /// The elements from `start` on, in the axes from `axis` on.
    private func rendered(axis: Int, start: Int) -> String {
        guard axis < rank else { return rendered(element: start) }
        let stride = layout.strides[axis]
        let count = shape[axis]
        func part(_ index: Int) -> String { rendered(axis: axis + 1, start: start + index * stride) }
        guard count > Self.longestAxisInFull else {
            return "[" + (0..<count).map(part).joined(separator: ", ") + "]"
        }
        let front = (0..<Self.shownAtEachEnd).map(part)
        let back = (count - Self.shownAtEachEnd..<count).map(part)
        return "[" + (front + ["…"] + back).joined(separator: ", ") + "]"
    }

    private func rendered(element index: Int) -> String {
        switch dtype {
        case .float64: text(of: index, as: Double.self)
        case .float32: text(of: index, as: Float.self)
        case .bfloat16: text(of: index, as: BFloat16.self)
        case .float16: text(of: index, as: Float16.self)
        case .int64: text(of: index, as: Int64.self)
        case .int32: text(of: index, as: Int32.self)
        case .int16: text(of: index, as: Int16.self)
        case .int8: text(of: index, as: Int8.self)
        case .uint64: text(of: index, as: UInt64.self)
        case .uint32: text(of: index, as: UInt32.self)
        case .uint16: text(of: index, as: UInt16.self)
        case .uint8: text(of: index, as: UInt8.self)
        case .bool: text(of: index, as: UInt8.self) == "0" ? "false" : "true"
        }
    }

    private func text<Scalar: BitwiseCopyable & CustomStringConvertible>(of index: Int, as: Scalar.Type) -> String {
        withBytes { bytes in
            // Safe: the index is one of a contiguous tensor's elements, which have this size.
            unsafe bytes.load(fromByteOffset: index * MemoryLayout<Scalar>.size, as: Scalar.self).description
        }
    }
}

extension Tensor: CustomStringConvertible {
    /// The values as nested brackets, and the type, as ``AnyTensor/description`` shows them.
    public var description: String { core.description }
}
