/// What a workload may be certified as: the only source of the names in an issued certificate, whatever the request
/// says.
///
/// A join token stands for one of these; an attestor derives one from what it has proved about a workload.
public struct IssuanceAuthorization: Sendable, Hashable {
    /// The one SPIFFE ID of the leaf; it has a path.
    public let spiffeID: SPIFFEID
    /// The DNS names that the leaf also carries, for clients that verify by host name; lower case, no wildcards.
    public let dnsNames: [String]
    /// The addresses that the leaf also carries.
    public let ipAddresses: [IPAddress]
    /// How long the leaf is valid; nil for the authority's default.
    public let lifetime: Duration?

    /// The most DNS names, and the most addresses, of one leaf.
    static let maximumNames = 32

    /// Makes an authorization.
    ///
    /// - Parameters:
    ///   - spiffeID: the leaf's SPIFFE ID, with a path.
    ///   - dnsNames: host names in lower case, at most 32.
    ///   - ipAddresses: IPv4 or IPv6 addresses as text, at most 32.
    ///   - lifetime: 1 s or more; nil for the authority's default.
    /// - Throws: `IdentityError` with code ``IdentityError/Code/invalidAuthorization`` that lists every problem.
    public init(
        spiffeID: SPIFFEID, dnsNames: [String] = [], ipAddresses: [String] = [], lifetime: Duration? = nil
    ) throws(IdentityError) {
        var problems: [String] = []
        if spiffeID.isTrustDomain {
            problems.append("expected a workload's SPIFFE ID to have a path, found \(spiffeID)")
        }
        for (kind, count) in [("DNS names", dnsNames.count), ("addresses", ipAddresses.count)]
        where count > Self.maximumNames {
            problems.append("expected at most \(Self.maximumNames) \(kind), found \(count)")
        }
        problems += dnsNames.compactMap(DNSName.problem(with:))
        var addresses: [IPAddress] = []
        for text in ipAddresses {
            if let address = IPAddress(text) {
                addresses.append(address)
            } else {
                problems.append("expected an IPv4 or IPv6 address, found \(quoted(text))")
            }
        }
        if let lifetime, lifetime < .seconds(1) {
            problems.append("expected a lifetime of 1 s or more, found \(lifetime)")
        }
        guard problems.isEmpty else {
            throw IdentityError(.invalidAuthorization, problems.joined(separator: "; "))
        }
        self.spiffeID = spiffeID
        self.dnsNames = dnsNames
        self.ipAddresses = addresses
        self.lifetime = lifetime
    }

    /// What a leaf was certified as before, by an authority that had checked it.
    init(of record: IssuanceRecord, lifetime: Duration?) {
        spiffeID = record.spiffeID
        dnsNames = record.dnsNames
        ipAddresses = record.ipAddresses
        self.lifetime = lifetime
    }
}
