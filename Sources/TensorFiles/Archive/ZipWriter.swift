import Tensor

/// Writes a zip file member by member; sizes and checksum are set in a member's header when its bytes are there.
///
/// 64-bit sizes are written where 32 bits do not hold them. Times are those of zip's first day, so that equal members make
/// equal files.
struct ZipWriter<Sink: ByteSink> {
    private let sink: Sink
    private var directory: [UInt8] = []
    private var memberCount: UInt64 = 0
    /// From which value on a size or an offset is written with 64 bits.
    private let wideFrom: UInt64

    private static var versionOfWideSizes: UInt16 { 45 }
    private static var versionOfDeflate: UInt16 { 20 }
    /// Midnight of 1980-01-01.
    private static var date: UInt16 { 1 << 5 | 1 }
    /// Where stored bytes begin: what a reader maps is then aligned for every type, and for a kernel's vectors.
    private static var alignment: Int { 64 }

    init(to sink: Sink, wideFrom: UInt64 = UInt64(UInt32.max)) {
        self.sink = sink
        self.wideFrom = wideFrom
    }

    /// Writes a member of `byteCount` bytes, which `body` gives to the function that it is called with.
    mutating func append(
        _ name: String, method: ZipMethod, byteCount: Int,
        _ body: ((UnsafeRawBufferPointer) throws(TensorError) -> Void) throws(TensorError) -> Void
    ) throws(TensorError) {
        let nameBytes = Array(name.utf8)
        guard nameBytes.count <= Int(UInt16.max), !nameBytes.contains(0) else {
            throw TensorError(
                .fileUnwritable, "a zip file cannot hold a name of \(nameBytes.count) bytes, or one with a zero byte")
        }
        let offset = UInt64(sink.byteCount)
        // Deflate adds five bytes to each block of 16,383 that does not shrink (zlib.h, `deflateBound`).
        let mostBytes = UInt64(byteCount) + (method == .stored ? 0 : UInt64(byteCount) / 1_000 + 64)
        let isWide = mostBytes >= wideFrom
        let flags = nameBytes.allSatisfy { $0 < 0x80 } ? 0 : ZipFlag.nameIsUTF8
        let version = isWide ? Self.versionOfWideSizes : Self.versionOfDeflate

        var header: [UInt8] = []
        header.append(littleEndian: ZipSignature.localHeader)
        header.append(littleEndian: version)
        header.append(littleEndian: flags)
        header.append(littleEndian: method.rawValue)
        header.append(littleEndian: UInt16(0))
        header.append(littleEndian: Self.date)
        let sizesPlace = sink.byteCount + header.count
        header += [UInt8](repeating: 0, count: 12)
        header.append(littleEndian: UInt16(nameBytes.count))
        let extraLengthPlace = header.count
        header.append(littleEndian: UInt16(0))
        header += nameBytes
        let extraStart = header.count
        if isWide {
            header.append(littleEndian: ZipExtra.wideSizes)
            header.append(littleEndian: UInt16(16))
            header += [UInt8](repeating: 0, count: 16)
        }
        if method == .stored {
            let unpadded = sink.byteCount + header.count + 4
            let padding = (Self.alignment - unpadded % Self.alignment) % Self.alignment
            header.append(littleEndian: ZipExtra.alignment)
            header.append(littleEndian: UInt16(padding))
            header += [UInt8](repeating: 0, count: padding)
        }
        let extraLength = UInt16(header.count - extraStart)
        header[extraLengthPlace] = UInt8(truncatingIfNeeded: extraLength)
        header[extraLengthPlace + 1] = UInt8(truncatingIfNeeded: extraLength >> 8)
        try sink.append(header)

        let dataStart = sink.byteCount
        let (checksum, written) = unsafe try write(method: method, body)
        precondition(written == byteCount, "a member has \(written) bytes, not \(byteCount)")
        let (compressed, uncompressed) = (UInt64(sink.byteCount - dataStart), UInt64(byteCount))

        var sizes: [UInt8] = []
        sizes.append(littleEndian: checksum)
        sizes.append(littleEndian: isWide ? UInt32.max : UInt32(compressed))
        sizes.append(littleEndian: isWide ? UInt32.max : UInt32(uncompressed))
        try sink.overwrite(sizes, at: sizesPlace)
        if isWide {
            var wide: [UInt8] = []
            wide.append(littleEndian: uncompressed)
            wide.append(littleEndian: compressed)
            try sink.overwrite(wide, at: Int(offset) + extraStart + 4)
        }
        appendToDirectory(
            nameBytes, flags: flags, method: method, checksum: checksum, compressed: compressed,
            uncompressed: uncompressed, offset: offset)
    }

    /// Gives the sink what `body` gives, compressed or not.
    private func write(
        method: ZipMethod,
        _ body: ((UnsafeRawBufferPointer) throws(TensorError) -> Void) throws(TensorError) -> Void
    ) throws(TensorError) -> (checksum: UInt32, byteCount: Int) {
        var checksum: UInt32 = 0
        var byteCount = 0
        let deflation = method == .deflated ? try Deflation(to: sink) : nil
        unsafe try body { bytes throws(TensorError) in
            checksum = unsafe zlibChecksum(checksum, bytes)
            byteCount += bytes.count
            if let deflation { unsafe try deflation.append(bytes) } else { unsafe try sink.append(bytes) }
        }
        try deflation?.finish()
        return (checksum, byteCount)
    }

    private mutating func appendToDirectory(
        _ name: [UInt8], flags: UInt16, method: ZipMethod, checksum: UInt32, compressed: UInt64, uncompressed: UInt64,
        offset: UInt64
    ) {
        var extra: [UInt8] = []
        func narrow(_ value: UInt64) -> UInt32 {
            guard value >= wideFrom else { return UInt32(value) }
            extra.append(littleEndian: value)
            return UInt32.max
        }
        // In the order that the extra field has them.
        let narrowUncompressed = narrow(uncompressed)
        let narrowCompressed = narrow(compressed)
        let narrowOffset = narrow(offset)
        let version = extra.isEmpty ? Self.versionOfDeflate : Self.versionOfWideSizes
        let unix: UInt16 = 3 << 8
        directory.append(littleEndian: ZipSignature.centralHeader)
        directory.append(littleEndian: unix | version)
        directory.append(littleEndian: version)
        directory.append(littleEndian: flags)
        directory.append(littleEndian: method.rawValue)
        directory.append(littleEndian: UInt16(0))
        directory.append(littleEndian: Self.date)
        directory.append(littleEndian: checksum)
        directory.append(littleEndian: narrowCompressed)
        directory.append(littleEndian: narrowUncompressed)
        directory.append(littleEndian: UInt16(name.count))
        directory.append(littleEndian: UInt16(extra.isEmpty ? 0 : extra.count + 4))
        // No comment, the first disk, no attributes but a regular file's that its owner writes and all read.
        directory.append(littleEndian: UInt16(0))
        directory.append(littleEndian: UInt16(0))
        directory.append(littleEndian: UInt16(0))
        directory.append(littleEndian: UInt32(0o100644) << 16)
        directory.append(littleEndian: narrowOffset)
        directory += name
        if !extra.isEmpty {
            directory.append(littleEndian: ZipExtra.wideSizes)
            directory.append(littleEndian: UInt16(extra.count))
            directory += extra
        }
        memberCount += 1
    }

    /// Writes the directory.
    func finish() throws(TensorError) {
        let offset = UInt64(sink.byteCount)
        let size = UInt64(directory.count)
        var end = directory
        let isWide = memberCount >= min(wideFrom, UInt64(UInt16.max)) || size >= wideFrom || offset >= wideFrom
        if isWide {
            end.append(littleEndian: ZipSignature.wideEnd)
            end.append(littleEndian: UInt64(ZipLength.wideEnd - 12))
            end.append(littleEndian: Self.versionOfWideSizes)
            end.append(littleEndian: Self.versionOfWideSizes)
            end.append(littleEndian: UInt32(0))
            end.append(littleEndian: UInt32(0))
            end.append(littleEndian: memberCount)
            end.append(littleEndian: memberCount)
            end.append(littleEndian: size)
            end.append(littleEndian: offset)
            end.append(littleEndian: ZipSignature.wideEndLocator)
            end.append(littleEndian: UInt32(0))
            end.append(littleEndian: offset + size)
            end.append(littleEndian: UInt32(1))
        }
        end.append(littleEndian: ZipSignature.end)
        end.append(littleEndian: UInt16(0))
        end.append(littleEndian: UInt16(0))
        let count = isWide ? UInt16.max : UInt16(memberCount)
        end.append(littleEndian: count)
        end.append(littleEndian: count)
        end.append(littleEndian: isWide ? UInt32.max : UInt32(size))
        end.append(littleEndian: isWide ? UInt32.max : UInt32(offset))
        end.append(littleEndian: UInt16(0))
        try sink.append(end)
    }
}
