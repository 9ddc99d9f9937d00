import Tensor

/// A member of a zip file, after the directory and its local header were checked against each other and the file.
struct ZipMember {
    let name: String
    let method: ZipMethod
    let checksum: UInt32
    /// Where its bytes lie in the file, as they are kept.
    let place: Range<Int>
    /// How many bytes it has, as it was.
    let byteCount: Int
    /// From its local header to the end of its bytes.
    let region: Range<Int>
}

/// The members of a zip file, in the order of its directory.
///
/// Strict where zip's readers differ: the directory ends where the record of its end begins, both headers of a member
/// agree, no two members share a byte, and no name occurs twice. So what is read here is what any other reader shows.
struct ZipDirectory {
    private(set) var members: [ZipMember] = []

    init(of file: UnsafeRawBufferPointer) throws(TensorError) {
        let end = unsafe try DirectoryEnd(of: file)
        var place = end.directory.lowerBound
        var names: Set<String> = []
        members.reserveCapacity(min(end.memberCount, end.directory.count / ZipLength.centralHeader))
        for _ in 0..<end.memberCount {
            let member = unsafe try Self.member(at: &place, of: file, directory: end.directory)
            guard names.insert(member.name).inserted else {
                throw malformed("two members are called \"\(member.name)\"")
            }
            members.append(member)
        }
        guard place == end.directory.upperBound else {
            throw malformed(
                "the directory has \(end.directory.upperBound - place) bytes after its \(members.count) members")
        }
        var before: ZipMember?
        for member in members.sorted(by: { $0.region.lowerBound < $1.region.lowerBound }) {
            if let before, member.region.lowerBound < before.region.upperBound {
                throw malformed("the members \"\(before.name)\" and \"\(member.name)\" overlap")
            }
            before = member
        }
    }

    /// The member whose header in the directory begins at `place`, which moves behind it.
    private static func member(
        at place: inout Int, of file: UnsafeRawBufferPointer, directory: Range<Int>
    ) throws(TensorError) -> ZipMember {
        let start = place
        guard directory.upperBound - start >= ZipLength.centralHeader,
            unsafe file.littleEndian(UInt32.self, at: start) == ZipSignature.centralHeader
        else { throw malformed("the directory has no member's header at byte \(start)") }
        let flags = unsafe file.littleEndian(UInt16.self, at: start + 8)
        let method = unsafe file.littleEndian(UInt16.self, at: start + 10)
        let nameLength = unsafe Int(file.littleEndian(UInt16.self, at: start + 28))
        let extraLength = unsafe Int(file.littleEndian(UInt16.self, at: start + 30))
        let commentLength = unsafe Int(file.littleEndian(UInt16.self, at: start + 32))
        let nameStart = start + ZipLength.centralHeader
        guard directory.upperBound - nameStart >= nameLength + extraLength + commentLength else {
            throw malformed("a member's header ends behind the directory")
        }
        place = nameStart + nameLength + extraLength + commentLength
        let nameBytes = unsafe file[nameStart..<nameStart + nameLength]
        guard let name = unsafe String(validating: nameBytes, as: UTF8.self) else {
            throw malformed("a member's name is not UTF-8")
        }
        do throws(TensorError) {
            guard flags & ZipFlag.refused == 0 else {
                throw TensorError(.fileMalformed, "it is encrypted, or a patch of another")
            }
            guard let method = ZipMethod(rawValue: method) else {
                throw TensorError(
                    .fileMalformed, "it is compressed by method \(method); 0 (stored) and 8 (deflated) are read")
            }
            guard unsafe file.littleEndian(UInt16.self, at: start + 34) == 0 else {
                throw TensorError(.fileMalformed, "it begins on another disk")
            }
            var sizes = unsafe ZipSizes(
                uncompressed: UInt64(file.littleEndian(UInt32.self, at: start + 24)),
                compressed: UInt64(file.littleEndian(UInt32.self, at: start + 20)),
                localHeaderOffset: UInt64(file.littleEndian(UInt32.self, at: start + 42)))
            let extra = nameStart + nameLength..<nameStart + nameLength + extraLength
            unsafe try sizes.widen(from: UnsafeRawBufferPointer(rebasing: file[extra]))
            let checksum = unsafe file.littleEndian(UInt32.self, at: start + 16)
            let local = unsafe try LocalHeader(at: sizes.localHeaderOffset ?? 0, of: file, before: directory.lowerBound)
            guard unsafe local.method == method.rawValue && file[local.name].elementsEqual(nameBytes) else {
                throw TensorError(.fileMalformed, "its two headers differ in name or method")
            }
            guard
                local.hasDescriptor
                    || (local.checksum == checksum && local.sizes.compressed == sizes.compressed
                        && local.sizes.uncompressed == sizes.uncompressed)
            else { throw TensorError(.fileMalformed, "its two headers differ in sizes or checksum") }
            guard sizes.compressed <= UInt64(directory.lowerBound - local.region.upperBound) else {
                throw TensorError(.fileMalformed, "its \(sizes.compressed) bytes do not fit before the directory")
            }
            let data = local.region.upperBound..<local.region.upperBound + Int(sizes.compressed)
            // Deflate makes at most 1,032 bytes of one: 258 of two bits (RFC 1951, 3.2.5).
            let (mostBytes, overflows) = sizes.compressed.multipliedReportingOverflow(by: method == .stored ? 1 : 1_032)
            guard sizes.uncompressed <= (overflows ? UInt64(Int.max) : mostBytes),
                method == .deflated || sizes.uncompressed == sizes.compressed
            else {
                throw TensorError(
                    .fileMalformed, "\(sizes.compressed) bytes in the file cannot be \(sizes.uncompressed) outside it")
            }
            return ZipMember(
                name: name, method: method, checksum: checksum, place: data, byteCount: Int(sizes.uncompressed),
                region: local.region.lowerBound..<data.upperBound)
        } catch {
            throw TensorError(error.code, "member \"\(name)\": \(error.message)", cause: error.cause)
        }
    }
}

private func malformed(_ message: String) -> TensorError { TensorError(.fileMalformed, message) }

/// What a member's own header says, before its data.
private struct LocalHeader {
    let method: UInt16
    let checksum: UInt32
    var sizes: ZipSizes
    /// Whether sizes and checksum follow the data.
    let hasDescriptor: Bool
    let name: Range<Int>
    /// The header, with name and extra fields.
    let region: Range<Int>

    init(at offset: UInt64, of file: UnsafeRawBufferPointer, before limit: Int) throws(TensorError) {
        guard limit >= ZipLength.localHeader, offset <= UInt64(limit - ZipLength.localHeader),
            unsafe file.littleEndian(UInt32.self, at: Int(offset)) == ZipSignature.localHeader
        else { throw malformed("it has no header of its own at byte \(offset)") }
        let start = Int(offset)
        hasDescriptor = unsafe file.littleEndian(UInt16.self, at: start + 6) & ZipFlag.hasDescriptor != 0
        method = unsafe file.littleEndian(UInt16.self, at: start + 8)
        checksum = unsafe file.littleEndian(UInt32.self, at: start + 14)
        sizes = unsafe ZipSizes(
            uncompressed: UInt64(file.littleEndian(UInt32.self, at: start + 22)),
            compressed: UInt64(file.littleEndian(UInt32.self, at: start + 18)), localHeaderOffset: nil)
        let nameStart = start + ZipLength.localHeader
        let nameEnd = unsafe nameStart + Int(file.littleEndian(UInt16.self, at: start + 26))
        let end = unsafe nameEnd + Int(file.littleEndian(UInt16.self, at: start + 28))
        guard end <= limit else { throw malformed("its own header ends behind the directory's start") }
        name = nameStart..<nameEnd
        region = start..<end
        if !hasDescriptor { unsafe try sizes.widen(from: UnsafeRawBufferPointer(rebasing: file[nameEnd..<end])) }
    }
}

/// Where the directory lies and how many members it has: from the records at the file's end.
private struct DirectoryEnd {
    let directory: Range<Int>
    let memberCount: Int

    init(of file: UnsafeRawBufferPointer) throws(TensorError) {
        let place = unsafe try Self.place(in: file)
        var diskNumbers = unsafe [
            UInt64(file.littleEndian(UInt16.self, at: place + 4)),
            UInt64(file.littleEndian(UInt16.self, at: place + 6)),
        ]
        var counts = unsafe [
            UInt64(file.littleEndian(UInt16.self, at: place + 8)),
            UInt64(file.littleEndian(UInt16.self, at: place + 10)),
        ]
        var size = unsafe UInt64(file.littleEndian(UInt32.self, at: place + 12))
        var offset = unsafe UInt64(file.littleEndian(UInt32.self, at: place + 16))
        var end = place

        let locator = place - ZipLength.wideEndLocator
        if locator >= ZipLength.wideEnd,
            unsafe file.littleEndian(UInt32.self, at: locator) == ZipSignature.wideEndLocator
        {
            // Values that do not fit stand in a record of 64-bit ones, whose own extensible end is not read.
            let record = unsafe file.littleEndian(UInt64.self, at: locator + 8)
            guard record <= UInt64(locator - ZipLength.wideEnd),
                unsafe file.littleEndian(UInt32.self, at: Int(record)) == ZipSignature.wideEnd,
                unsafe file.littleEndian(UInt64.self, at: Int(record) + 4) == UInt64(locator) - record - 12
            else { throw malformed("the record of 64-bit sizes is not where its locator says") }
            end = Int(record)
            diskNumbers = unsafe [
                UInt64(file.littleEndian(UInt32.self, at: end + 16)),
                UInt64(file.littleEndian(UInt32.self, at: end + 20)),
            ]
            counts = unsafe [
                file.littleEndian(UInt64.self, at: end + 24), file.littleEndian(UInt64.self, at: end + 32),
            ]
            size = unsafe file.littleEndian(UInt64.self, at: end + 40)
            offset = unsafe file.littleEndian(UInt64.self, at: end + 48)
        }
        guard diskNumbers == [0, 0], counts[0] == counts[1] else { throw malformed("it is one of several disks") }
        guard size <= UInt64(end), offset == UInt64(end) - size else {
            throw malformed(
                "the directory of \(size) bytes at byte \(offset) does not end where its end is told, at byte \(end)")
        }
        guard counts[0] <= size / UInt64(ZipLength.centralHeader) else {
            throw malformed("\(counts[0]) members do not fit a directory of \(size) bytes")
        }
        directory = Int(offset)..<end
        memberCount = Int(counts[0])
    }

    /// Where the last record begins, behind which only its comment follows.
    private static func place(in file: UnsafeRawBufferPointer) throws(TensorError) -> Int {
        let last = file.count - ZipLength.end
        guard last >= 0 else { throw malformed("\(file.count) bytes are too few for a zip file") }
        for place in stride(from: last, through: max(0, last - Int(UInt16.max)), by: -1)
        where unsafe file.littleEndian(UInt32.self, at: place) == ZipSignature.end
            && Int(file.littleEndian(UInt16.self, at: place + 20)) == last - place
        {
            return place
        }
        throw malformed("it has no zip directory at its end")
    }
}
