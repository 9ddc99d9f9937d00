/// One entry of an issuance log: what was certified, and who authorised it.
///
/// ```swift
/// let issued = try authority.issue(request, for: authorization, now: now, using: &generator)
/// let record = try IssuanceRecord(issued, for: authorization, authorizedBy: "join token 5f3a…", at: now)
/// ```
public struct IssuanceRecord: Sendable, Hashable {
    /// The leaf's serial number, most significant byte first.
    public let serialNumber: [UInt8]
    /// The leaf's SPIFFE ID.
    public let spiffeID: SPIFFEID
    /// The DNS names in the leaf.
    public let dnsNames: [String]
    /// The addresses in the leaf.
    public let ipAddresses: [IPAddress]
    /// When the leaf becomes valid.
    public let notBefore: UnixTime
    /// The last second of the leaf's validity.
    public let notAfter: UnixTime
    /// When it was issued.
    public let issuedAt: UnixTime
    /// How long the leaf was to be valid, whatever the end of its issuer made of that: its renewal by another issuer is not
    /// cut short as well. `nil` in records of before it was noted.
    public let lifetime: Lifetime?
    /// Who or what authorised it, in the issuing service's own words, such as a join token's hash, the SPIFFE ID that was
    /// renewed, or an attestor's finding. At most 1,024 bytes.
    public let authorizedBy: String
    /// The SHA-256 of the leaf's DER.
    public let fingerprint: SHA256Fingerprint

    /// How long a leaf is to be valid.
    public enum Lifetime: Sendable, Hashable {
        /// For as long as the authority's leaves are.
        case byDefault
        /// For a time of its own, in whole seconds.
        case own(Duration)
    }

    /// The most bytes of an encoded record, checked before it is parsed.
    public static let maximumBytes = 32_768
    static let maximumAuthorizerBytes = 1_024

    /// Makes the record of a leaf that was just issued.
    ///
    /// - Throws: `IdentityError` with code ``IdentityError/Code/malformedRecord`` when `authorizedBy` is empty or too
    ///   long.
    public init(
        _ issued: IssuedCertificate, for authorization: IssuanceAuthorization, authorizedBy: String, at now: UnixTime
    ) throws(IdentityError) {
        try self.init(
            serialNumber: CertificateMarks.normalized(issued.serialNumber), spiffeID: issued.spiffeID,
            dnsNames: authorization.dnsNames, ipAddresses: authorization.ipAddresses, notBefore: issued.notBefore,
            notAfter: issued.notAfter, issuedAt: now,
            lifetime: authorization.lifetime.map { .own(.seconds($0.components.seconds)) } ?? .byDefault,
            authorizedBy: authorizedBy, fingerprint: SHA256Fingerprint(of: issued.chain[0]))
    }

    private init(
        serialNumber: [UInt8], spiffeID: SPIFFEID, dnsNames: [String], ipAddresses: [IPAddress], notBefore: UnixTime,
        notAfter: UnixTime, issuedAt: UnixTime, lifetime: Lifetime?, authorizedBy: String,
        fingerprint: SHA256Fingerprint
    ) throws(IdentityError) {
        guard (1...Self.maximumAuthorizerBytes).contains(authorizedBy.utf8.count) else {
            throw Self.malformed(
                "authorized_by: expected 1 to \(Self.maximumAuthorizerBytes) bytes, found \(authorizedBy.utf8.count)")
        }
        self.serialNumber = serialNumber
        self.spiffeID = spiffeID
        self.dnsNames = dnsNames
        self.ipAddresses = ipAddresses
        self.notBefore = notBefore
        self.notAfter = notAfter
        self.issuedAt = issuedAt
        self.lifetime = lifetime
        self.authorizedBy = authorizedBy
        self.fingerprint = fingerprint
    }

    /// What the leaf was certified as, for its renewal.
    ///
    /// A record of before the lifetime was noted says how long its leaf was valid, which its issuer may have cut short: a
    /// leaf that was valid for as long as the authority's leaves are, or to the end of `issuer`, gets the authority's.
    ///
    /// - Parameter issuer: who renews.
    public func authorization(by issuer: CertificateAuthority) -> IssuanceAuthorization {
        switch lifetime {
        case .byDefault: return IssuanceAuthorization(of: self, lifetime: nil)
        case .own(let lifetime): return IssuanceAuthorization(of: self, lifetime: lifetime)
        case nil:
            let found = notAfter.since(issuedAt)
            let isDefault = notAfter >= issuer.notAfter || found >= issuer.configuration.leafLifetime
            return IssuanceAuthorization(of: self, lifetime: isDefault ? nil : found)
        }
    }

    /// The record as a log holds it: JSON in one order of members, so that a record has one encoding and one hash.
    public var encoded: [UInt8] {
        var members = [
            JSON.Member("serial_number", .string(Hexadecimal.encode(serialNumber))),
            JSON.Member("spiffe_id", .string(spiffeID.description)),
            JSON.Member("dns_names", .array(dnsNames.map(JSON.string))),
            JSON.Member("ip_addresses", .array(ipAddresses.map { .string(Hexadecimal.encode($0.bytes)) })),
            JSON.Member("not_before", .number(notBefore.seconds)), JSON.Member("not_after", .number(notAfter.seconds)),
            JSON.Member("issued_at", .number(issuedAt.seconds)),
        ]
        switch lifetime {
        case .byDefault: members.append(JSON.Member("lifetime", .number(0)))
        case .own(let time): members.append(JSON.Member("lifetime", .number(time.components.seconds)))
        // Has no place in the encoding of before.
        case nil: break
        }
        members.append(JSON.Member("authorized_by", .string(authorizedBy)))
        members.append(JSON.Member("sha256", .string(fingerprint.description)))
        return JSON.object(members).bytes
    }

    /// Reads a record.
    ///
    /// - Throws: `IdentityError` with code ``IdentityError/Code/malformedRecord`` for anything but what ``encoded``
    ///   writes, to the byte.
    public init(encoded: [UInt8]) throws(IdentityError) {
        let json: JSON
        do {
            json = try JSONParser.parse(encoded, limits: JSONParser.Limits(bytes: Self.maximumBytes, values: 128))
        } catch {
            throw Self.malformed("\(error)")
        }
        func value<Value>(_ name: String, _ read: (JSON) -> Value?) throws(IdentityError) -> Value {
            guard let value = json[name].flatMap(read) else {
                throw Self.malformed("\(name): expected another value, found \(json[name]?.kind ?? "none")")
            }
            return value
        }
        func list<Value>(_ name: String, _ read: (String) -> Value?) throws(IdentityError) -> [Value] {
            let elements = try value(name, \.array)
            let values = elements.compactMap { $0.string.flatMap(read) }
            guard values.count == elements.count else { throw Self.malformed("\(name): expected other elements") }
            return values
        }
        func time(_ name: String) throws(IdentityError) -> UnixTime {
            try value(name) { $0.integer(Int64.self).map(UnixTime.init(seconds:)) }
        }
        var lifetime: Lifetime?
        if json["lifetime"] != nil {
            let seconds = try value("lifetime") { $0.integer(Int64.self).flatMap { $0 >= 0 ? $0 : nil } }
            lifetime = seconds == 0 ? .byDefault : .own(.seconds(seconds))
        }
        try self.init(
            serialNumber: value("serial_number") { $0.string.flatMap(Hexadecimal.decode) },
            spiffeID: value("spiffe_id") { $0.string.flatMap { SPIFFEID($0) } },
            dnsNames: list("dns_names") { DNSName.problem(with: $0) == nil ? $0 : nil },
            ipAddresses: list("ip_addresses") { Hexadecimal.decode($0).flatMap(IPAddress.init(bytes:)) },
            notBefore: time("not_before"), notAfter: time("not_after"), issuedAt: time("issued_at"), lifetime: lifetime,
            authorizedBy: value("authorized_by", \.string),
            fingerprint: value("sha256") {
                $0.string.flatMap(Hexadecimal.decode).flatMap(SHA256Fingerprint.init(bytes:))
            })
        guard self.encoded == encoded else {
            throw Self.malformed("expected the one encoding of a record, found another")
        }
    }

    private static func malformed(_ message: String) -> IdentityError {
        IdentityError(.malformedRecord, "an issuance record: \(message)")
    }
}
