/// What kind of record is meant.
package struct DNSRecordType: Sendable, Hashable, CustomStringConvertible {
    package let code: UInt16

    package init(_ code: UInt16) { self.code = code }

    /// An IPv4 address.
    package static let a = DNSRecordType(1)
    /// The name that another one stands for.
    package static let cname = DNSRecordType(5)
    /// The start of a zone, which says how long nothing holds.
    package static let soa = DNSRecordType(6)
    /// An IPv6 address (RFC 3596).
    package static let aaaa = DNSRecordType(28)
    /// A server of a service (RFC 2782).
    package static let srv = DNSRecordType(33)
    /// What a message says of itself (RFC 6891).
    package static let opt = DNSRecordType(41)

    package var description: String {
        switch self {
        case .a: "A"
        case .cname: "CNAME"
        case .soa: "SOA"
        case .aaaa: "AAAA"
        case .srv: "SRV"
        case .opt: "OPT"
        default: "TYPE\(code)"
        }
    }
}

/// What is asked: the records of a kind at a name, in the class of the internet.
package struct DNSQuestion: Sendable, Hashable, CustomStringConvertible {
    package var name: DomainName
    package var type: DNSRecordType

    package init(_ name: DomainName, _ type: DNSRecordType) {
        self.name = name
        self.type = type
    }

    package var description: String { "\(type) of \(name)" }
}

/// One record, in the class of the internet.
package struct DNSRecord: Sendable, Hashable {
    /// What it says.
    package enum Value: Sendable, Hashable {
        /// An A or AAAA record's address: 4 or 16 bytes.
        case address([UInt8])
        case alias(DomainName)
        case server(DNSServerRecord)
        /// The last field of a SOA record: how many seconds it holds that something is not there (RFC 2308).
        case zone(minimum: UInt32)
        case other(DNSRecordType, [UInt8])
    }

    package var name: DomainName
    /// How many seconds it holds.
    package var timeToLive: UInt32
    package var value: Value

    package init(_ name: DomainName, timeToLive: UInt32, _ value: Value) {
        self.name = name
        self.timeToLive = timeToLive
        self.value = value
    }

    package var type: DNSRecordType {
        switch value {
        case .address(let bytes): bytes.count == 4 ? .a : .aaaa
        case .alias: .cname
        case .server: .srv
        case .zone: .soa
        case .other(let type, _): type
        }
    }
}

/// What an SRV record says: a server of a service, and which of them to prefer.
package struct DNSServerRecord: Sendable, Hashable {
    /// Servers of a lower number are asked first.
    package var priority: UInt16
    /// The share of the calls among those of one priority.
    package var weight: UInt16
    package var port: UInt16
    /// The server's name; the root for "there is no such service".
    package var target: DomainName

    package init(priority: UInt16, weight: UInt16, port: UInt16, target: DomainName) {
        self.priority = priority
        self.weight = weight
        self.port = port
        self.target = target
    }
}
