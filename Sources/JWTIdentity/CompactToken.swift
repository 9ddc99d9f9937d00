import Identity

/// A token taken apart: what is in its three parts, nothing of it believed yet.
struct CompactToken {
    let algorithm: TokenAlgorithm
    /// The identifier of the key, as the header has it.
    let keyIdentifier: String
    /// The claims: an object.
    let claims: JSON
    /// The claims as they were signed.
    let claimBytes: [UInt8]
    /// What the signature is over: header, dot, claims, as they stand in the token.
    let signed: [UInt8]
    let signature: [UInt8]

    private static let headerValues = 16
    private static let claimValues = 1_024

    /// Takes a token apart: compact JWS alone, with a header that JWT-SVIDs may have.
    init(_ token: String, maximumBytes: Int) throws(JWTIdentityError) {
        let bytes = Array(token.utf8)
        guard bytes.count <= maximumBytes else {
            throw JWTIdentityError(
                .tokenTooLarge, "expected a token of at most \(maximumBytes) bytes, found \(bytes.count)")
        }
        let parts = bytes.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard parts.count == 3 else {
            // One part is a token in JSON, five are an encrypted one.
            throw JWTIdentityError(
                .malformedToken, "expected the three parts of a compact JWS, found \(parts.count)")
        }
        let header = try Self.object(parts[0], "header", maximumBytes, Self.headerValues)
        (algorithm, keyIdentifier) = try Self.read(header.json)
        (claims, claimBytes) = try Self.object(parts[1], "claims", maximumBytes, Self.claimValues)
        guard let signature = Base64URL.decode(parts[2]), !signature.isEmpty else {
            throw JWTIdentityError(.malformedToken, "signature: expected base64url without padding")
        }
        self.signature = signature
        self.signed = Array(bytes.prefix(parts[0].count + 1 + parts[1].count))
    }

    private static func object(
        _ part: ArraySlice<UInt8>, _ name: String, _ maximumBytes: Int, _ values: Int
    ) throws(JWTIdentityError) -> (json: JSON, bytes: [UInt8]) {
        guard let bytes = Base64URL.decode(part) else {
            throw JWTIdentityError(.malformedToken, "\(name): expected base64url without padding")
        }
        let json: JSON
        do {
            json = try JSONParser.parse(bytes, limits: JSONParser.Limits(bytes: maximumBytes, values: values))
        } catch {
            throw JWTIdentityError(.malformedToken, "\(name): \(error)")
        }
        guard case .object = json else {
            throw JWTIdentityError(.malformedToken, "\(name): expected an object, found \(json.kind)")
        }
        return (json, bytes)
    }

    /// JWT-SVID, 2: `alg` of the list, `typ` of two values or none, `kid`, and nothing else. A header cannot bring a key
    /// of its own (`jwk`, `x5c`, `jku`) nor ask for an extension (`crit`).
    private static func read(_ header: JSON) throws(JWTIdentityError) -> (TokenAlgorithm, String) {
        guard let name = header["alg"]?.string, let algorithm = TokenAlgorithm(rawValue: name) else {
            let found = header["alg"].map { $0.string.map(quoted) ?? $0.kind } ?? "none"
            throw JWTIdentityError(
                .algorithmNotAllowed,
                "alg: expected one of \(TokenAlgorithm.allCases.map(\.rawValue)), found \(found)")
        }
        if let type = header["typ"], type.string != "JWT", type.string != "JOSE" {
            throw JWTIdentityError(
                .headerNotAllowed, "typ: expected JWT, JOSE or none, found \(type.string.map(quoted) ?? type.kind)")
        }
        if case .object(let members) = header,
            let other = members.first(where: { !["alg", "typ", "kid"].contains($0.name) })
        {
            throw JWTIdentityError(
                .headerNotAllowed, "expected alg, kid and typ in the header, found \(quoted(other.name))")
        }
        guard let identifier = header["kid"]?.string else {
            throw JWTIdentityError(
                .unknownKey, "kid: expected the identifier of a key, found \(header["kid"]?.kind ?? "none")")
        }
        return (algorithm, identifier)
    }
}
