extension DNSMessage {
    /// The message's bytes, without compression of names: questions have but one, and answers are made in tests.
    package var encoded: [UInt8] {
        var bytes = DNSWriter()
        bytes.append(id)
        var flags = UInt16(operation & 0xF) << 11 | responseCode.code & 0xF
        for (isSet, bit) in [
            (isResponse, 0x8000), (isAuthoritative, 0x0400), (isTruncated, 0x0200), (wantsRecursion, 0x0100),
            (offersRecursion, 0x0080),
        ] as [(Bool, UInt16)] where isSet { flags |= bit }
        bytes.append(flags)
        for count in [questions.count, answers.count, authorities.count] { bytes.append(UInt16(count)) }
        bytes.append(UInt16(additionals.count + (datagramLimit == nil ? 0 : 1)))
        for question in questions {
            bytes.append(question.name)
            bytes.append(question.type.code)
            bytes.append(1 as UInt16)
        }
        for record in answers + authorities + additionals { bytes.append(record) }
        if let datagramLimit {
            bytes.append(.root)
            bytes.append(DNSRecordType.opt.code)
            bytes.append(datagramLimit)
            bytes.append(UInt32(responseCode.code >> 4) << 24)
            bytes.append(0 as UInt16)
        }
        return bytes.bytes
    }
}

private struct DNSWriter {
    private(set) var bytes: [UInt8] = []

    mutating func append(_ value: UInt16) { bytes += [UInt8(value >> 8), UInt8(truncatingIfNeeded: value)] }

    mutating func append(_ value: UInt32) {
        append(UInt16(value >> 16))
        append(UInt16(truncatingIfNeeded: value))
    }

    mutating func append(_ name: DomainName) { bytes += name.wire }

    mutating func append(_ record: DNSRecord) {
        append(record.name)
        append(record.type.code)
        append(1 as UInt16)
        append(record.timeToLive)
        var value = DNSWriter()
        switch record.value {
        case .address(let address): value.bytes += address
        case .alias(let name): value.append(name)
        case .server(let server):
            for number in [server.priority, server.weight, server.port] { value.append(number) }
            value.append(server.target)
        case .zone(let minimum):
            value.append(.root)
            value.append(.root)
            for _ in 0..<4 { value.append(0 as UInt32) }
            value.append(minimum)
        case .other(_, let content): value.bytes += content
        }
        append(UInt16(value.bytes.count))
        bytes += value.bytes
    }
}
