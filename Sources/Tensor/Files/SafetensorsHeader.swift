/// The header of a safetensors file, checked against itself and against the number of bytes of the file.
struct SafetensorsHeader {
    /// What the header says of one tensor.
    struct Entry {
        let name: String
        let type: TensorType
        /// Where the elements lie, from the start of the data.
        let offsets: Range<Int>
    }

    /// The tensors, in the order of the header.
    private(set) var entries: [Entry] = []
    private(set) var metadata: [String: String] = [:]
    /// Where the data begins in the file.
    let dataStart: Int

    /// The largest header, as in the reference implementation: more is a mistake or an attack.
    static let largestHeader = 100_000_000
    /// The bytes before the header, which hold its length.
    static let lengthByteCount = 8

    /// Where the data begins in a file that begins with `bytes`.
    static func dataStart(in bytes: UnsafeRawBufferPointer, source: String) throws(TensorError) -> Int {
        func malformed(_ message: String) -> TensorError { TensorError(.fileMalformed, "\(source): \(message)") }
        guard bytes.count >= lengthByteCount else {
            throw malformed("\(bytes.count) bytes are too few for a safetensors file")
        }
        // Safe: eight bytes are there; they need not be aligned.
        let length = UInt64(littleEndian: unsafe bytes.loadUnaligned(as: UInt64.self))
        guard length <= UInt64(largestHeader) else {
            throw malformed("a header of \(length) bytes exceeds the limit of \(largestHeader)")
        }
        return lengthByteCount + Int(length)
    }

    /// Parses and checks the header of the file that consists of `bytes`, or begins with them and has so many.
    init(in bytes: UnsafeRawBufferPointer, fileByteCount: Int? = nil, source: String) throws(TensorError) {
        func malformed(_ message: String) -> TensorError { TensorError(.fileMalformed, "\(source): \(message)") }

        dataStart = unsafe try Self.dataStart(in: bytes, source: source)
        guard dataStart <= bytes.count else {
            throw malformed("the header ends at byte \(dataStart), the file at \(bytes.count)")
        }
        let text = unsafe Array(bytes[Self.lengthByteCount..<dataStart])
        let parsed: (entries: [Entry], metadata: [String: String])
        do throws(TensorError) {
            var parser = SafetensorsHeaderParser(text)
            parsed = try parser.parse()
        } catch {
            throw TensorError(error.code, "\(source): \(error.message)", cause: error.cause)
        }
        entries = parsed.entries
        metadata = parsed.metadata

        try checkOffsets(dataByteCount: (fileByteCount ?? bytes.count) - dataStart, malformed)
    }

    /// Every byte of the data belongs to exactly one tensor.
    private func checkOffsets(
        dataByteCount: Int, _ malformed: (String) -> TensorError
    ) throws(TensorError) {
        var end = 0
        var before = "the start of the data"
        // By upper bound too: an empty tensor may begin where the next one does.
        let ordered = entries.sorted {
            ($0.offsets.lowerBound, $0.offsets.upperBound) < ($1.offsets.lowerBound, $1.offsets.upperBound)
        }
        for entry in ordered {
            let offsets = entry.offsets
            guard offsets.count == entry.type.byteCount else {
                throw malformed(
                    "tensor \"\(entry.name)\" is \(entry.type), \(entry.type.byteCount) bytes, but its offsets "
                        + "\(offsets.lowerBound)..<\(offsets.upperBound) hold \(offsets.count)")
            }
            guard offsets.upperBound <= dataByteCount else {
                throw malformed(
                    "tensor \"\(entry.name)\" ends at byte \(offsets.upperBound) of the data, which has "
                        + "\(dataByteCount)")
            }
            guard offsets.lowerBound == end else {
                let fault =
                    offsets.lowerBound < end ? "overlaps" : "leaves a gap of \(offsets.lowerBound - end) bytes after"
                throw malformed("tensor \"\(entry.name)\" \(fault) \(before)")
            }
            end = offsets.upperBound
            before = "tensor \"\(entry.name)\""
        }
        guard end == dataByteCount else {
            throw malformed("\(dataByteCount - end) bytes after \(before) belong to no tensor")
        }
    }
}
