extension DNSMessage {
    /// Reads a message, all of `bytes`.
    ///
    /// Takes time and memory in proportion to the bytes: a name has at most 255, and compression only points back.
    package init(decoding bytes: [UInt8]) throws(DNSFormatError) {
        var reader = DNSReader(bytes)
        self.init(id: try reader.uint16())
        let flags = try reader.uint16()
        isResponse = flags & 0x8000 != 0
        operation = UInt8(flags >> 11 & 0xF)
        isAuthoritative = flags & 0x0400 != 0
        isTruncated = flags & 0x0200 != 0
        wantsRecursion = flags & 0x0100 != 0
        offersRecursion = flags & 0x0080 != 0
        let counts = [try reader.uint16(), try reader.uint16(), try reader.uint16(), try reader.uint16()].map(Int.init)
        guard counts.reduce(0, +) <= Self.recordLimit else {
            throw DNSFormatError("at most \(Self.recordLimit) records are read, \(counts.reduce(0, +)) are announced")
        }
        for _ in 0..<counts[0] {
            let question = DNSQuestion(try reader.name(), DNSRecordType(try reader.uint16()))
            let category = try reader.uint16()
            guard category == DNSReader.internet else {
                throw DNSFormatError("expected a question of the internet's class, found class \(category)")
            }
            questions.append(question)
        }
        var options: DNSOptions?
        answers = try reader.records(counts[1], &options, mayHaveOptions: false)
        authorities = try reader.records(counts[2], &options, mayHaveOptions: false)
        additionals = try reader.records(counts[3], &options, mayHaveOptions: true)
        guard reader.isAtEnd else { throw DNSFormatError("\(reader.left) bytes follow the message's last record") }
        datagramLimit = options?.datagramLimit
        responseCode = ResponseCode(flags & 0xF | UInt16(options?.highResponseCode ?? 0) << 4)
    }
}

/// What an OPT record says.
private struct DNSOptions {
    let datagramLimit: UInt16
    let highResponseCode: UInt8
}

/// Reads the parts of a message in turn.
private struct DNSReader {
    static let internet: UInt16 = 1

    private let bytes: [UInt8]
    private var position = 0

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    var left: Int { bytes.count - position }
    var isAtEnd: Bool { left == 0 }

    mutating func uint8() throws(DNSFormatError) -> UInt8 {
        guard left >= 1 else { throw DNSFormatError("the message ends at byte \(position), within a field") }
        defer { position += 1 }
        return bytes[position]
    }

    mutating func uint16() throws(DNSFormatError) -> UInt16 { try UInt16(uint8()) << 8 | UInt16(uint8()) }

    mutating func uint32() throws(DNSFormatError) -> UInt32 { try UInt32(uint16()) << 16 | UInt32(uint16()) }

    /// A name, which may go on at an earlier place. Each pointer goes further back than the one before, so none leads in a
    /// circle.
    mutating func name() throws(DNSFormatError) -> DomainName {
        var (wire, place, earliest) = ([] as [UInt8], position, position)
        var end: Int?
        while true {
            guard place < bytes.count else { throw DNSFormatError("a name does not end before byte \(place)") }
            let count = Int(bytes[place])
            switch count & 0xC0 {
            case 0x00:
                guard count > 0 else {
                    position = end ?? place + 1
                    return DomainName(wire: wire + [0])
                }
                guard place + 1 + count <= bytes.count else {
                    throw DNSFormatError("a label of \(count) bytes at byte \(place) goes beyond the message's end")
                }
                guard wire.count + count + 2 <= DomainName.longest else {
                    throw DNSFormatError("a name at byte \(position) is longer than \(DomainName.longest) bytes")
                }
                wire += bytes[place...place + count]
                place += 1 + count
            case 0xC0:
                guard place + 1 < bytes.count else { throw DNSFormatError("a pointer at byte \(place) is cut off") }
                let target = (count & 0x3F) << 8 | Int(bytes[place + 1])
                guard target < earliest else {
                    throw DNSFormatError("a pointer at byte \(place) goes to byte \(target), not to an earlier name")
                }
                end = end ?? place + 2
                (place, earliest) = (target, target)
            default:
                throw DNSFormatError("a label at byte \(place) is of an unknown kind")
            }
        }
    }

    /// So many records. Those of other classes than the internet's are passed over.
    mutating func records(
        _ count: Int, _ options: inout DNSOptions?, mayHaveOptions: Bool
    ) throws(DNSFormatError) -> [DNSRecord] {
        var records: [DNSRecord] = []
        for _ in 0..<count {
            let start = position
            let (name, type) = (try name(), DNSRecordType(try uint16()))
            let (category, time, length) = (try uint16(), try uint32(), Int(try uint16()))
            guard length <= left else {
                throw DNSFormatError("a record of \(length) bytes at byte \(start) goes beyond the message's end")
            }
            let end = position + length
            if type == .opt {
                guard mayHaveOptions, options == nil, name == .root else {
                    throw DNSFormatError("an OPT record at byte \(start) is not the only one, of the root, at the end")
                }
                options = DNSOptions(
                    datagramLimit: category, highResponseCode: UInt8(truncatingIfNeeded: time >> 24))
                position = end
                continue
            }
            guard category == Self.internet else {
                position = end
                continue
            }
            let value = try value(type, until: end)
            guard position == end else {
                throw DNSFormatError("a \(type) record at byte \(start) is not \(length) bytes long, as it says")
            }
            // One with the highest bit is none (RFC 2181, section 8).
            records.append(DNSRecord(name, timeToLive: time & 0x8000_0000 == 0 ? time : 0, value))
        }
        return records
    }

    private mutating func value(_ type: DNSRecordType, until end: Int) throws(DNSFormatError) -> DNSRecord.Value {
        switch type {
        case .a, .aaaa:
            let count = type == .a ? 4 : 16
            guard end - position == count else {
                throw DNSFormatError("an \(type) record at byte \(position) has \(end - position) bytes, not \(count)")
            }
            defer { position = end }
            return .address(Array(bytes[position..<end]))
        case .cname:
            return .alias(try name())
        case .srv:
            // Compression is not allowed here (RFC 2782), and servers use it all the same.
            return .server(
                DNSServerRecord(
                    priority: try uint16(), weight: try uint16(), port: try uint16(), target: try name()))
        case .soa:
            _ = try name()
            _ = try name()
            for _ in 0..<4 { _ = try uint32() }
            return .zone(minimum: try uint32())
        default:
            defer { position = end }
            return .other(type, Array(bytes[position..<end]))
        }
    }
}
