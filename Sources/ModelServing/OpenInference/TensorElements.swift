import Tensor

/// Reads the `data` of one input: flat, or nested as the shape says, in row-major order.
struct TensorElements {
    private let tensor: RequestedTensor
    private let range: Range<Int>
    private let text: JSONReader
    private let count: Int

    /// The elements of `tensor`, whose shape a model has accepted, at `range` of a text that has been checked.
    init(_ tensor: RequestedTensor, range: Range<Int>, of text: JSONReader) {
        self.tensor = tensor
        self.range = range
        self.text = text
        count = tensor.shape.reduce(1, &*)
    }

    func read(as dtype: DType) throws(ServingError) -> AnyTensor {
        do {
            let shape = try Shape(tensor.shape)
            switch dtype {
            case .float64: return try AnyTensor(elements(double), shape: shape)
            case .float32: return try AnyTensor(elements(float), shape: shape)
            case .bfloat16: return try AnyTensor(elements(bfloat16), shape: shape)
            case .float16: return try AnyTensor(elements(float16), shape: shape)
            case .int64: return try AnyTensor(elements(integer(Int64.self)), shape: shape)
            case .int32: return try AnyTensor(elements(integer(Int32.self)), shape: shape)
            case .int16: return try AnyTensor(elements(integer(Int16.self)), shape: shape)
            case .int8: return try AnyTensor(elements(integer(Int8.self)), shape: shape)
            case .uint64: return try AnyTensor(elements(integer(UInt64.self)), shape: shape)
            case .uint32: return try AnyTensor(elements(integer(UInt32.self)), shape: shape)
            case .uint16: return try AnyTensor(elements(integer(UInt16.self)), shape: shape)
            case .uint8: return try AnyTensor(elements(integer(UInt8.self)), shape: shape)
            case .bool: return try AnyTensor(elements(bool), shape: shape)
            }
        } catch let error as ServingError {
            throw error
        } catch {
            throw ServingError(.invalidInput, "input '\(tensor.name)'", cause: error)
        }
    }

    private typealias One<Scalar> = (inout JSONReader) throws(ServingError) -> Scalar

    private func elements<Scalar>(_ one: One<Scalar>) throws(ServingError) -> [Scalar] {
        var elements: [Scalar] = []
        // An element takes at least a byte: no room is made for what is only announced.
        elements.reserveCapacity(min(count, range.count))
        var reader = text.reader(at: range.lowerBound)
        try read(&reader, axis: 0, isNested: nil, &elements, one)
        return elements
    }

    /// Reads the array that stands for `axis`; the first one finds out whether the elements are nested.
    private func read<Scalar>(
        _ reader: inout JSONReader, axis: Int, isNested known: Bool?, _ elements: inout [Scalar], _ one: One<Scalar>
    ) throws(ServingError) {
        guard reader.isAtArray() else { throw wrongShape("an array is missing at byte \(reader.position)") }
        var isNested = known
        var length = 0
        try reader.array { reader throws(ServingError) in
            let nested = isNested ?? (tensor.shape.count > 1 && reader.isAtArray())
            isNested = nested
            length += 1
            if nested, axis + 1 < tensor.shape.count {
                try read(&reader, axis: axis + 1, isNested: true, &elements, one)
            } else {
                elements.append(try one(&reader))
            }
        }
        let expected = isNested == true ? tensor.shape[axis] : count
        guard length == expected else {
            throw wrongShape(
                isNested == true
                    ? "axis \(axis) has \(length) elements, not \(expected)" : "\(length) elements, not \(expected)")
        }
    }

    private func wrongShape(_ detail: String) -> ServingError {
        ServingError(
            .invalidInput,
            "Unable to parse 'data' of input '\(tensor.name)': Shape does not match true shape of 'data' field: \(detail)"
        )
    }

    private func double(_ reader: inout JSONReader) throws(ServingError) -> Double {
        let value = try number(&reader).value(in: reader.bytes)
        guard value.isFinite else { throw unfit(reader) }
        return value
    }

    private func float(_ reader: inout JSONReader) throws(ServingError) -> Float {
        let value = Float(try double(&reader))
        guard value.isFinite else { throw unfit(reader) }
        return value
    }

    private func bfloat16(_ reader: inout JSONReader) throws(ServingError) -> BFloat16 {
        let value = BFloat16(try double(&reader))
        guard value.isFinite else { throw unfit(reader) }
        return value
    }

    private func float16(_ reader: inout JSONReader) throws(ServingError) -> Float16 {
        let value = Float16(try double(&reader))
        guard value.isFinite else { throw unfit(reader) }
        return value
    }

    private func integer<Scalar: FixedWidthInteger>(_ type: Scalar.Type) -> One<Scalar> {
        { reader throws(ServingError) in
            guard let whole = try number(&reader).integer, let value = Scalar(exactly: whole) else {
                throw unfit(reader)
            }
            return value
        }
    }

    private func bool(_ reader: inout JSONReader) throws(ServingError) -> Bool {
        do throws(ServingError) {
            return try reader.bool()
        } catch {
            throw unfit(reader)
        }
    }

    private func number(_ reader: inout JSONReader) throws(ServingError) -> JSONNumber {
        do throws(ServingError) {
            return try reader.number()
        } catch {
            throw unfit(reader)
        }
    }

    private func unfit(_ reader: JSONReader) -> ServingError {
        ServingError(
            .invalidInput,
            "Unable to parse 'data' of input '\(tensor.name)': no \(tensor.dtypeName) value at byte \(reader.position)")
    }
}
