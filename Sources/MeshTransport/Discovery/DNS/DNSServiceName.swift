import MeshWire

/// What a service is called where DNS knows it: `_service._protocol.domain` for SRV records, `host:port` for addresses.
struct DNSServiceName: Sendable, Hashable {
    enum Kind: Sendable, Hashable {
        /// The servers that SRV records list.
        case servers
        /// The addresses of one name, at a port.
        case addresses(port: Int)
    }

    /// The name as it is written, without the port.
    let host: String
    let kind: Kind

    /// Reads a service's name; throws what is wrong with it.
    init(_ text: String) throws(DNSFailure) {
        let expected = "expected host:port, or _service._protocol.domain for SRV records"
        if text.hasPrefix("_") {
            guard text.split(separator: ".").count >= 2, DomainName(text) != nil else {
                throw DNSFailure("\(expected), found \(text)")
            }
            (host, kind) = (text, .servers)
            return
        }
        guard let colon = text.lastIndex(of: ":"), let port = Int(text[text.index(after: colon)...]),
            (1...65_535).contains(port), text[text.index(after: colon)...].allSatisfy(\.isNumber)
        else { throw DNSFailure("\(expected), found \(text)") }
        var host = text[..<colon]
        if host.first == "[", host.last == "]" { host = host.dropFirst().dropLast() }
        guard DNSAddress.isAddress(String(host)) || DomainName(host) != nil else {
            throw DNSFailure("\(expected), found \(text)")
        }
        (self.host, kind) = (String(host), .addresses(port: port))
    }

    /// The names that it may mean, in the order in which they are tried: as it is, and below each domain, the former first
    /// where it has so many dots; one that ends with a dot means itself.
    static func candidates(_ text: String, in domains: [DomainName], dots: Int) -> [DomainName] {
        guard let name = DomainName(text) else { return [] }
        guard !text.hasSuffix(".") else { return [name] }
        let completed = domains.compactMap { name.below($0) }
        return text.utf8.count { $0 == UInt8(ascii: ".") } >= dots ? [name] + completed : completed + [name]
    }
}
