import MeshWire
package import Tensor

/// How a gradient's bytes are to be read; the numbers are on the wire.
package enum GradientEncoding: UInt32, Sendable, Hashable, CaseIterable {
    /// float32.
    case none = 0
    /// bfloat16.
    case bfloat16 = 1
    /// binary16.
    case float16 = 2
    /// float32 scales, one a row group, then int8 for each element.
    case int8 = 3
    /// uint32 places, ascending, then a float32 for each; the others are 0.
    case sparse = 4
    /// float32 magnitudes, one a row group, then a bit for each element, the first in a byte's lowest: 1 for +, 0 for
    /// −.
    case signs = 5
}

extension GradientEncoding {
    /// The type of 16-bit floats, of an encoding that is nothing else.
    var halfFloats: DType? {
        switch self {
        case .bfloat16: .bfloat16
        case .float16: .float16
        default: nil
        }
    }
}

/// A gradient as it arrived: what the log has, and what everybody who executes it decodes by himself.
package struct EncodedGradient: Sendable {
    package var encoding: GradientEncoding
    /// uint8 `[bytes]`.
    package var bytes: AnyTensor
    /// The keys of the rows, uint64; `nil` where the table is dense.
    package var keys: AnyTensor?
    /// float32 `[elements]`, where they have been decoded: kept while a push is checked and applied.
    package var values: AnyTensor?

    package init(_ encoding: GradientEncoding, bytes: AnyTensor, keys: AnyTensor?) {
        self.encoding = encoding
        self.bytes = bytes
        self.keys = keys
    }

    package var byteCount: Int { bytes.byteCount + (keys?.byteCount ?? 0) }

    /// The elements, float32 with one axis.
    ///
    /// - Throws: ``ParameterServerError`` with `shapeMismatch` for another number of bytes than the elements take,
    ///   `malformedRequest` for places that do not ascend or are none, `applyFailed` for lack of memory.
    func decoded(_ groups: RowGroups) throws(ParameterServerError) -> AnyTensor {
        if let values { return values }
        do throws(TensorError) {
            switch encoding {
            case .none: return try bytes.bitCast(to: .float32)
            case .bfloat16: return try halves(.bfloat16, groups)
            case .float16: return try halves(.float16, groups)
            case .int8:
                try check(groups.count * 4 + groups.elementCount, groups)
                return try Int8Codec.decode(bytes, groups)
            case .signs:
                try check(groups.count * 4 + (groups.elementCount + 7) / 8, groups)
                return try SignCodec.decode(bytes, groups)
            case .sparse:
                guard bytes.elementCount.isMultiple(of: 8) else {
                    throw TensorError(.shapeMismatch, "\(bytes.elementCount) bytes are no places with values")
                }
                return try SparseCodec.decode(bytes, groups.elementCount)
            }
        } catch {
            let code: ParameterServerError.Code =
                switch error.code {
                case .shapeMismatch: .shapeMismatch
                case .indexOutOfRange: .malformedRequest
                default: .applyFailed
                }
            throw ParameterServerError(code, "the encoding \(encoding) of a gradient: \(error.message)")
        }
    }

    private func halves(_ dtype: DType, _ groups: RowGroups) throws(TensorError) -> AnyTensor {
        try check(groups.elementCount * 2, groups)
        return try bytes.bitCast(to: dtype).cast(to: .float32)
    }

    private func check(_ expected: Int, _ groups: RowGroups) throws(TensorError) {
        guard bytes.elementCount == expected else {
            throw TensorError(
                .shapeMismatch,
                "expected \(expected) bytes of \(groups.elementCount) elements, found \(bytes.elementCount)")
        }
    }
}
