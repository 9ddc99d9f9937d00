import MeshWire

/// What a look-up of a service came to.
enum DNSFinding: Sendable, Hashable {
    /// Its endpoints, and how long that is believed.
    case found([ServiceEndpoint], for: Duration)
    /// There is no such name: who says so, and how long that is believed.
    case absent(String, for: Duration)
    /// Nobody can tell: why.
    case failed(String)
}

/// The endpoints that addresses make.
enum DNSEndpoints {
    /// What a record of addresses says of the servers there, besides where they are.
    struct Traits {
        var port: Int
        var weight: UInt32 = 1
        var priority: UInt16 = 0
    }

    /// The servers that have these addresses, `first` being those of the preferred family.
    ///
    /// Addresses of one family are of different servers. Which of the other family belongs to which server, DNS does not
    /// say: they are taken in their order, one each. If they belong to one server, that is right; and if not, each server
    /// is still connected to once, whichever family works.
    static func servers(first: [[UInt8]], second: [[UInt8]], _ traits: Traits) -> [ServiceEndpoint] {
        let (first, second) = (endpoints(first, traits.port), endpoints(second, traits.port))
        return (0..<max(first.count, second.count)).map { index in
            let places = [first, second].compactMap { index < $0.count ? $0[index] : nil }
            return ServiceEndpoint(
                places[0], weight: traits.weight, priority: traits.priority, alternatives: Array(places.dropFirst()))
        }
    }

    private static func endpoints(_ addresses: [[UInt8]], _ port: Int) -> [Endpoint] {
        addresses.sorted { $0.lexicographicallyPrecedes($1) }.compactMap(DNSAddress.text)
            .map { .tcp(host: $0, port: port) }
    }

    /// The weights of servers whose records have these: in proportion, and a hundredth of the least for 0, which is to
    /// have "a very small chance of being selected" (RFC 2782) where others have more.
    static func weight(_ weight: UInt16, beside others: [UInt16]) -> UInt32 {
        guard others.contains(0), others.contains(where: { $0 > 0 }) else { return max(1, UInt32(weight)) }
        return weight == 0 ? 1 : UInt32(weight) * 100
    }

    /// Each endpoint once, in an order of its own whatever the records' was, at most so many.
    static func settled(_ endpoints: [ServiceEndpoint], limit: Int) -> [ServiceEndpoint] {
        var seen: Set<Endpoint> = []
        let ordered = endpoints.map { (key: "\($0.endpoint)", endpoint: $0) }
            .sorted { ($0.endpoint.priority, $0.key) < ($1.endpoint.priority, $1.key) }
        return Array(ordered.map(\.endpoint).filter { seen.insert($0.endpoint).inserted }.prefix(limit))
    }
}
