extension Safetensors {
    /// Writes tensors to a file, in place of the one that is there, if any.
    ///
    /// Elements are streamed to a new file beside it, which takes the name when all of it is on disk: a reader, and a
    /// machine that loses power, see the old file or the new one. Wider elements come first, so that a reader can use
    /// each where it lies. Views that are not contiguous are packed a few megabytes at a time: writing takes no second
    /// copy of a tensor.
    ///
    /// - Throws: ``TensorError/Code/fileUnwritable``, ``TensorError/Code/fileTooLarge`` for names and metadata that
    ///   need a header of more than 100 MB, which no reader takes, ``TensorError/Code/duplicateName`` for a tensor
    ///   called `__metadata__`, ``TensorError/Code/valuesUnknown`` for an abstract tensor,
    ///   ``TensorError/Code/notDense`` for a row-sparse one.
    public static func write(
        _ tensors: NamedTensors, metadata: [String: String] = [:], to path: String
    ) throws(TensorError) {
        let plan = try SafetensorsPlan(tensors, metadata)
        let file = try ReplacementFile(for: path)
        try file.append(plan.head)
        for place in plan.order {
            try tensors[place].tensor.forEachPiece { bytes throws(TensorError) in
                // Safe: the file reads the bytes before the closure returns.
                unsafe try file.append(bytes)
            }
        }
        try file.commit()
    }

    /// The bytes of a file that holds the tensors.
    ///
    /// - Throws: as ``write(_:metadata:to:)``.
    public static func encode(
        _ tensors: NamedTensors, metadata: [String: String] = [:]
    ) throws(TensorError) -> [UInt8] {
        try encode(tensors, metadata: metadata, largestHeader: SafetensorsHeader.largestHeader)
    }

    /// ``encode(_:metadata:)`` with a limit of its own for the header, in bytes.
    package static func encode(
        _ tensors: NamedTensors, metadata: [String: String], largestHeader: Int
    ) throws(TensorError) -> [UInt8] {
        let plan = try SafetensorsPlan(tensors, metadata, largestHeader: largestHeader)
        var bytes = plan.head
        bytes.reserveCapacity(bytes.count + tensors.byteCount)
        for place in plan.order {
            try tensors[place].tensor.forEachPiece { elements throws(TensorError) in
                // Safe: the elements are copied before the closure returns.
                unsafe bytes.append(contentsOf: elements)
            }
        }
        return bytes
    }
}

/// The head of a safetensors file and the order in which the elements follow, for whoever streams a file whose tensors
/// are not all in memory.
package struct SafetensorsPlan {
    /// The header's length and the header, padded with spaces so that the data begins at a multiple of eight bytes.
    package let head: [UInt8]
    /// The places of the tensors, in the order of their elements.
    package let order: [Int]

    fileprivate init(
        _ tensors: NamedTensors, _ metadata: [String: String], largestHeader: Int = SafetensorsHeader.largestHeader
    ) throws(TensorError) {
        for (name, tensor) in tensors where tensor.isAbstract {
            try tensors.requireDense(name)
            throw TensorError(.valuesUnknown, "tensor \"\(name)\" is abstract and has no values to write")
        }
        try self.init(tensors.map { ($0.name, $0.tensor.type) }, metadata, largestHeader: largestHeader)
    }

    /// - Parameter tensors: names, each once, and what they are of.
    /// - Throws: as ``Safetensors/write(_:metadata:to:)`` does for names and sizes.
    package init(
        _ tensors: [(name: String, type: TensorType)], _ metadata: [String: String] = [:],
        largestHeader: Int = SafetensorsHeader.largestHeader
    ) throws(TensorError) {
        guard !tensors.contains(where: { $0.name == "__metadata__" }) else {
            throw TensorError(.duplicateName, "a safetensors file keeps the name \"__metadata__\" for itself")
        }
        var offsets = [Range<Int>](repeating: 0..<0, count: tensors.count)
        var order: [Int] = []
        var end = 0
        for width in Set(tensors.map(\.type.dtype.byteWidth)).sorted(by: >) {
            for place in tensors.indices where tensors[place].type.dtype.byteWidth == width {
                offsets[place] = end..<end + tensors[place].type.byteCount
                end = offsets[place].upperBound
                order.append(place)
            }
        }
        self.order = order

        var members: [String] = []
        if !metadata.isEmpty {
            let pairs = metadata.sorted { $0.key < $1.key }.map { "\($0.key.asJSON):\($0.value.asJSON)" }
            members.append("\"__metadata__\":{\(pairs.joined(separator: ","))}")
        }
        for (place, (name, type)) in tensors.enumerated() {
            let shape = type.shape.map(String.init).joined(separator: ",")
            members.append(
                "\(name.asJSON):{\"dtype\":\"\(type.dtype.safetensorsName)\",\"shape\":[\(shape)],"
                    + "\"data_offsets\":[\(offsets[place].lowerBound),\(offsets[place].upperBound)]}")
        }
        var header = Array("{\(members.joined(separator: ","))}".utf8)
        let padded = (header.count + 7) / 8 * 8
        header += [UInt8](repeating: UInt8(ascii: " "), count: padded - header.count)
        guard header.count <= largestHeader else {
            throw TensorError(
                .fileTooLarge,
                "the header of \(tensors.count) tensors and \(metadata.count) metadata would take \(header.count) bytes; "
                    + "the limit is \(largestHeader)")
        }
        let length = UInt64(header.count)
        head =
            (0..<UInt64(SafetensorsHeader.lengthByteCount)).map { UInt8(truncatingIfNeeded: length >> ($0 * 8)) }
            + header
    }
}

extension String {
    /// The string as a JSON string, in quotes.
    fileprivate var asJSON: String {
        var json = "\""
        for scalar in unicodeScalars {
            switch scalar {
            case "\"": json += "\\\""
            case "\\": json += "\\\\"
            case "\u{0}"..<"\u{20}":
                let digits = String(scalar.value, radix: 16)
                json += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: json.unicodeScalars.append(scalar)
            }
        }
        return json + "\""
    }
}
