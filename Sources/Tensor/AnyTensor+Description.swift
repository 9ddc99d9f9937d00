extension AnyTensor: CustomStringConvertible {
    /// The values as nested brackets, and the type.
    ///
    /// Few values stand on one line, `[[1.0, 2.5], [3.0, 4.0]] float32[2, 2]`; more stand on a line for each row, in
    /// columns. Floats have the digits that tell every shown one from its neighbours, at most eight behind the point and
    /// as many for each. Of a tensor with more than 1,000 elements, axes longer than six show their first and last three.
    public var description: String {
        guard !isAbstract else { return "abstract \(type)" }
        return TensorText(of: self).text + " \(type)"
    }
}

extension Tensor: CustomStringConvertible {
    /// The values as nested brackets, and the type, as ``AnyTensor/description`` shows them.
    public var description: String { core.description }
}

/// The values of a tensor as text.
struct TensorText {
    private(set) var text = ""
    private let shape: Shape
    /// The texts of the shown elements, in order, and which one is next.
    private let elements: [String]
    private var next = 0
    private let width: Int
    private let isOneLine: Bool
    private let isAbbreviated: Bool

    /// A tensor with more elements is abbreviated.
    private static let mostElementsInFull = 1_000
    private static let shownAtEachEnd = 3
    /// Tensors of several axes with at most so many elements stand on one line.
    private static let mostElementsOnOneLine = 8
    private static let lineWidth = 100

    init(of tensor: AnyTensor) {
        shape = tensor.shape
        isAbbreviated = tensor.elementCount > Self.mostElementsInFull
        var offsets: [Int] = []
        Self.collectOffsets(of: tensor.layout, axis: 0, from: 0, isAbbreviated: isAbbreviated, into: &offsets)
        elements = tensor.elementTexts(at: offsets)
        width = elements.lazy.map(\.count).max() ?? 0
        isOneLine = tensor.elementCount <= (shape.rank == 1 ? 20 : Self.mostElementsOnOneLine)
        append(axis: 0)
    }

    /// The places of an axis that are shown; nil stands for those that are not.
    private static func shownPlaces(_ length: Int, isAbbreviated: Bool) -> [Int?] {
        guard isAbbreviated, length > 2 * shownAtEachEnd else { return Array(0..<length) }
        return Array(0..<shownAtEachEnd) + [nil] + Array(length - shownAtEachEnd..<length)
    }

    private static func collectOffsets(
        of layout: Layout, axis: Int, from offset: Int, isAbbreviated: Bool, into offsets: inout [Int]
    ) {
        guard axis < layout.rank else { return offsets.append(offset) }
        for case let place? in shownPlaces(layout.shape[axis], isAbbreviated: isAbbreviated) {
            collectOffsets(
                of: layout, axis: axis + 1, from: offset + place * layout.strides[axis], isAbbreviated: isAbbreviated,
                into: &offsets)
        }
    }

    /// The next elements, in the axes from `axis` on.
    private mutating func append(axis: Int) {
        guard axis < shape.rank else { return appendElement(padded: false) }
        text += "["
        let places = Self.shownPlaces(shape[axis], isAbbreviated: isAbbreviated)
        if axis == shape.rank - 1 {
            appendRow(places)
        } else {
            // A blank line for each further axis keeps the matrices of a stack apart.
            let newline =
                String(repeating: "\n", count: shape.rank - 1 - axis) + String(repeating: " ", count: axis + 1)
            for (number, place) in places.enumerated() {
                if number > 0 { text += isOneLine ? ", " : "," + newline }
                if place == nil { text += "…" } else { append(axis: axis + 1) }
            }
        }
        text += "]"
    }

    /// A row, on as many lines as it takes.
    private mutating func appendRow(_ places: [Int?]) {
        let indent = shape.rank
        var column = indent
        for (number, place) in places.enumerated() {
            if number > 0 {
                text += ","
                column += 1
                if !isOneLine, column + 1 + width > Self.lineWidth {
                    text += "\n" + String(repeating: " ", count: indent)
                    column = indent
                } else {
                    text += " "
                    column += 1
                }
            }
            if place == nil {
                text += "…"
                column += 1
            } else {
                appendElement(padded: !isOneLine)
                column += width
            }
        }
    }

    private mutating func appendElement(padded: Bool) {
        let element = elements[next]
        next += 1
        if padded { text += String(repeating: " ", count: width - element.count) }
        text += element
    }
}

extension AnyTensor {
    /// The elements at these distances from the first one, in one format.
    fileprivate func elementTexts(at offsets: [Int]) -> [String] {
        switch dtype {
        case .float64: DecimalText.uniform(values(at: offsets, as: Double.self).map { DecimalText($0.description) })
        case .float32: DecimalText.uniform(values(at: offsets, as: Float.self).map { DecimalText($0.description) })
        case .float16: DecimalText.uniform(values(at: offsets, as: Float16.self).map { DecimalText($0.description) })
        case .bfloat16: DecimalText.uniform(values(at: offsets, as: BFloat16.self).map(DecimalText.init(shortest:)))
        case .int64: values(at: offsets, as: Int64.self).map(\.description)
        case .int32: values(at: offsets, as: Int32.self).map(\.description)
        case .int16: values(at: offsets, as: Int16.self).map(\.description)
        case .int8: values(at: offsets, as: Int8.self).map(\.description)
        case .uint64: values(at: offsets, as: UInt64.self).map(\.description)
        case .uint32: values(at: offsets, as: UInt32.self).map(\.description)
        case .uint16: values(at: offsets, as: UInt16.self).map(\.description)
        case .uint8: values(at: offsets, as: UInt8.self).map(\.description)
        case .bool: values(at: offsets, as: Bool.self).map(\.description)
        }
    }

    private func values<Scalar: TensorScalar>(at offsets: [Int], as: Scalar.Type) -> [Scalar] {
        let values = offsets.map { offset in
            // Safe: the offsets are those of elements, which have this type; bools were checked where they came in.
            unsafe firstByte.load(fromByteOffset: offset &* MemoryLayout<Scalar>.size, as: Scalar.self)
        }
        extendLifetime(storage)
        return values
    }
}
