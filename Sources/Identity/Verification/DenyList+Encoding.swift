/// A deny list as bytes: JSON whose members and entries have one order, so that equal lists have equal bytes, which can
/// be signed and compared.
extension DenyList {
    /// The most bytes of an encoded list, checked before it is parsed.
    public static let maximumEncodedBytes = 16 * 1_048_576

    private static let members = ["version", "serial_numbers", "certificates", "keys", "identities"]

    /// The list as bytes:
    /// ```json
    /// {"version":8,"serial_numbers":[{"trust_domain":"…","serial_number":"6f01…"}],"certificates":["9c…"],"keys":[],
    ///  "identities":[{"spiffe_id":"spiffe://…","issued_before":1800000000}]}
    /// ```
    public var encoded: [UInt8] {
        var lists: [[JSON]] = [[], [], [], []]
        for entry in entries {
            switch entry {
            case .serialNumber(let number, let domain):
                lists[0].append(
                    .object([
                        JSON.Member("trust_domain", .string(domain.name)),
                        JSON.Member("serial_number", .string(Hexadecimal.encode(number))),
                    ]))
            case .certificate(let fingerprint): lists[1].append(.string(fingerprint.description))
            case .key(let fingerprint): lists[2].append(.string(fingerprint.description))
            case .identity(let id, let time):
                lists[3].append(
                    .object([
                        JSON.Member("spiffe_id", .string(id.description)),
                        JSON.Member("issued_before", .number(time.seconds)),
                    ]))
            }
        }
        let members = zip(Self.members, [.number(version)] + lists.map(JSON.array)).map(JSON.Member.init)
        return JSON.object(members).bytes
    }

    /// Reads a list.
    ///
    /// A member that is not known is refused: whoever passes over a kind of entry trusts what somebody has denied.
    ///
    /// - Throws: `IdentityError` with code ``IdentityError/Code/invalidDenyList`` that says what was expected and where.
    public init(encoded: [UInt8]) throws(IdentityError) {
        let json: JSON
        do {
            let limits = JSONParser.Limits(bytes: Self.maximumEncodedBytes, values: 3 * Self.maximumEntries + 16)
            json = try JSONParser.parse(encoded, limits: limits)
        } catch {
            throw Self.malformed("\(error)")
        }
        guard case .object(let members) = json else { throw Self.malformed("expected an object, found \(json.kind)") }
        if let unknown = members.first(where: { !Self.members.contains($0.name) }) {
            throw Self.malformed("expected \(Self.members), found \(quoted(unknown.name))")
        }
        guard let version = json["version"]?.integer(UInt64.self) else {
            throw Self.malformed("version: expected a whole number of 64 bits")
        }
        var entries: [Entry] = []
        try Self.each(json, "serial_numbers") { value, place throws(IdentityError) in
            guard let domain = value["trust_domain"]?.string.flatMap({ TrustDomain($0) }),
                let number = value["serial_number"]?.string.flatMap(Hexadecimal.decode)
            else { throw Self.malformed("\(place): expected a trust domain and a serial number in hexadecimal") }
            entries.append(.serialNumber(number, of: domain))
        }
        try Self.each(json, "certificates") { value, place throws(IdentityError) in
            entries.append(.certificate(try Self.fingerprint(value, place)))
        }
        try Self.each(json, "keys") { value, place throws(IdentityError) in
            entries.append(.key(try Self.fingerprint(value, place)))
        }
        try Self.each(json, "identities") { value, place throws(IdentityError) in
            guard let id = value["spiffe_id"]?.string.flatMap({ SPIFFEID($0) }),
                let time = value["issued_before"]?.integer(Int64.self)
            else { throw Self.malformed("\(place): expected a SPIFFE ID and a time in seconds") }
            entries.append(.identity(id, issuedBefore: UnixTime(seconds: time)))
        }
        try self.init(version: version, entries: entries)
    }

    private static func each(
        _ json: JSON, _ name: String, _ body: (JSON, String) throws(IdentityError) -> Void
    ) throws(IdentityError) {
        guard let list = json[name] else { throw malformed("\(name): expected an array, found none") }
        guard let elements = list.array else { throw malformed("\(name): expected an array, found \(list.kind)") }
        for (index, element) in elements.enumerated() { try body(element, "\(name)[\(index)]") }
    }

    private static func fingerprint(_ value: JSON, _ place: String) throws(IdentityError) -> SHA256Fingerprint {
        guard let bytes = value.string.flatMap(Hexadecimal.decode), let fingerprint = SHA256Fingerprint(bytes: bytes)
        else { throw malformed("\(place): expected a SHA-256 in hexadecimal") }
        return fingerprint
    }

    private static func malformed(_ message: String) -> IdentityError {
        IdentityError(.invalidDenyList, "the deny list: \(message)")
    }
}
