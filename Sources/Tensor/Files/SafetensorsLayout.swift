/// Where the tensors of a safetensors file lie, for whoever reads it a piece at a time.
package struct SafetensorsLayout {
    /// One tensor.
    package struct Entry {
        package let name: String
        package let type: TensorType
        /// Its bytes in the file.
        package let bytes: Range<Int>
    }

    /// The tensors, in the order of the header.
    package let entries: [Entry]
    /// The strings that the header carries under `__metadata__`.
    package let metadata: [String: String]

    /// How many bytes at the beginning of a file say how many there are before its elements.
    package static let prefixByteCount = SafetensorsHeader.lengthByteCount

    /// How many bytes a file has before its elements.
    ///
    /// - Parameter prefix: its first ``prefixByteCount`` bytes.
    /// - Throws: ``TensorError/Code/fileMalformed``.
    package static func headByteCount(prefix: [UInt8], source: String) throws(TensorError) -> Int {
        let result = unsafe prefix.withUnsafeBytes { bytes in
            // Safe: the bytes are read before the closure returns.
            Result { () throws(TensorError) in unsafe try SafetensorsHeader.dataStart(in: bytes, source: source) }
        }
        return try result.get()
    }

    /// - Parameters:
    ///   - head: the bytes before the elements.
    ///   - fileByteCount: those of the whole file.
    /// - Throws: ``TensorError/Code/fileMalformed`` and ``TensorError/Code/dtypeUnsupported``.
    package init(head: [UInt8], fileByteCount: Int, source: String) throws(TensorError) {
        let result = unsafe head.withUnsafeBytes { bytes in
            // Safe: what the header has is copied from the bytes.
            Result { () throws(TensorError) in
                unsafe try SafetensorsHeader(in: bytes, fileByteCount: fileByteCount, source: source)
            }
        }
        let header = try result.get()
        entries = header.entries.map {
            let start = header.dataStart
            return Entry(
                name: $0.name, type: $0.type, bytes: start + $0.offsets.lowerBound..<start + $0.offsets.upperBound)
        }
        metadata = header.metadata
    }
}
