/// A zip file, field by field: what a test wants to be wrong, it sets.
struct ZipFixture {
    struct Member {
        var name = "x.npy"
        var method: UInt16 = 0
        var flags: UInt16 = 0
        /// As they lie in the file.
        var bytes: [UInt8]
        var checksum: UInt32
        var compressed: UInt32
        var uncompressed: UInt32
        var extra: [UInt8] = []
        /// In the local header, where it is to differ.
        var localName: String?
        var localMethod: UInt16?
        var localChecksum: UInt32?
        var localCompressed: UInt32?
        var localUncompressed: UInt32?
        var localExtra: [UInt8] = []
        /// In the directory, where it is to differ.
        var offset: UInt32?
        var disk: UInt16 = 0
        /// What lies between the data and the next member.
        var behind: [UInt8] = []

        /// A stored member.
        init(_ bytes: [UInt8], named name: String = "x.npy") {
            self.name = name
            self.bytes = bytes
            checksum = ZipFixture.checksum(of: bytes)
            compressed = UInt32(bytes.count)
            uncompressed = UInt32(bytes.count)
        }

        /// A member that was deflated from `plain`, in blocks that are not compressed.
        init(deflating plain: [UInt8], named name: String = "x.npy") {
            self.init(plain, named: name)
            method = 8
            let length = UInt16(plain.count)
            bytes = [1] + ZipFixture.bytes(length) + ZipFixture.bytes(~length) + plain
            compressed = UInt32(bytes.count)
        }

        /// With sizes and checksum behind the data and zeros in its own header.
        var withDescriptor: Member {
            var member = self
            member.flags |= 1 << 3
            (member.localChecksum, member.localCompressed, member.localUncompressed) = (0, 0, 0)
            member.behind = ZipFixture.record(
                ZipFixture.bytes(0x0807_4b50 as UInt32), ZipFixture.bytes(checksum), ZipFixture.bytes(compressed),
                ZipFixture.bytes(uncompressed))
            return member
        }
    }

    var members: [Member]
    var comment: [UInt8] = []
    /// In the record of the end, where it is to differ.
    var memberCount: UInt16?
    var directorySize: UInt32?
    var directoryOffset: UInt32?
    /// Before the first member, uncounted in the offsets.
    var before: [UInt8] = []
    /// Between the directory and its end.
    var afterDirectory: [UInt8] = []

    init(_ members: Member...) { self.members = members }

    var bytes: [UInt8] {
        var file: [UInt8] = []
        var directory: [UInt8] = []
        for member in members {
            let offset = UInt32(file.count)
            let name = Array(member.name.utf8)
            let localName = Array((member.localName ?? member.name).utf8)
            file += Self.record(
                Self.bytes(0x0403_4b50 as UInt32), [20, 0], Self.bytes(member.flags),
                Self.bytes(member.localMethod ?? member.method), [0, 0, 33, 0],
                Self.bytes(member.localChecksum ?? member.checksum),
                Self.bytes(member.localCompressed ?? member.compressed),
                Self.bytes(member.localUncompressed ?? member.uncompressed), Self.bytes(UInt16(localName.count)),
                Self.bytes(UInt16(member.localExtra.count)), localName, member.localExtra, member.bytes, member.behind)
            directory += Self.record(
                Self.bytes(0x0201_4b50 as UInt32), [20, 3, 20, 0], Self.bytes(member.flags), Self.bytes(member.method),
                [0, 0, 33, 0], Self.bytes(member.checksum), Self.bytes(member.compressed),
                Self.bytes(member.uncompressed), Self.bytes(UInt16(name.count)),
                Self.bytes(UInt16(member.extra.count)), [0, 0], Self.bytes(member.disk), [0, 0, 0, 0, 0, 0],
                Self.bytes(member.offset ?? offset), name, member.extra)
        }
        let count = Self.bytes(memberCount ?? UInt16(members.count))
        let end = Self.record(
            Self.bytes(0x0605_4b50 as UInt32), [0, 0, 0, 0], count, count,
            Self.bytes(directorySize ?? UInt32(directory.count)), Self.bytes(directoryOffset ?? UInt32(file.count)),
            Self.bytes(UInt16(comment.count)), comment)
        return Self.record(before, file, directory, afterDirectory, end)
    }

    private static func record(_ fields: [UInt8]...) -> [UInt8] { Array(fields.joined()) }

    static func bytes<Value: FixedWidthInteger>(_ value: Value) -> [UInt8] {
        (0..<Value.bitWidth / 8).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
    }

    /// CRC-32, bit by bit.
    static func checksum(of bytes: [UInt8]) -> UInt32 {
        var sum = UInt32.max
        for byte in bytes {
            sum ^= UInt32(byte)
            for _ in 0..<8 { sum = sum & 1 == 0 ? sum >> 1 : (sum >> 1) ^ 0xEDB8_8320 }
        }
        return ~sum
    }
}
