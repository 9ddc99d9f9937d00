import Crypto
import SwiftASN1
import X509

/// A bundle as trust domains publish it: a JSON Web Key Set with SPIFFE's additions (SPIFFE Trust Domain and Bundle, 4).
extension TrustDomainBundle {
    /// The most bytes of a document, checked before it is parsed: 256 roots and keys have about half of it.
    public static let maximumDocumentBytes = 1_048_576

    /// Reads a document.
    ///
    /// Keys of an unknown kind or use, or without a use, are passed over, as the standard asks; so are a root's key
    /// without a certificate and all certificates but the first. A key that is meant for SVIDs and is wrong fails the
    /// whole document: a bundle that lacks a root looks like a revocation.
    ///
    /// - Parameters:
    ///   - document: JSON.
    ///   - trustDomain: whose it is; a document does not say, so it is whose document was asked for.
    /// - Throws: `IdentityError` with code ``IdentityError/Code/malformedBundleDocument`` that says what was expected
    ///   and where, such as `keys[2].x5c`; or ``IdentityError/Code/invalidTrustBundle``.
    public init(document: [UInt8], of trustDomain: TrustDomain) throws(IdentityError) {
        let reader = DocumentReader(trustDomain: trustDomain)
        let json: JSON
        do {
            json = try JSONParser.parse(document, limits: Self.limits)
        } catch {
            throw reader.malformed("\(error)")
        }
        guard case .object = json else { throw reader.malformed("expected an object, found \(json.kind)") }
        let sequence = try json["spiffe_sequence"].map { value throws(IdentityError) in
            try reader.integer(value, UInt64.self, "spiffe_sequence", "a whole number of 64 bits")
        }
        let hint = try json["spiffe_refresh_hint"].map { value throws(IdentityError) in
            try reader.integer(value, Int64.self, "spiffe_refresh_hint", "a whole number of seconds")
        }
        guard hint.map({ ($0 == 0 || Self.refreshHints.contains($0)) }) ?? true else {
            throw reader.malformed(
                "spiffe_refresh_hint: expected 0 or \(Self.refreshHints) seconds, found \(hint ?? 0)")
        }
        guard let keys = json["keys"]?.array else {
            throw reader.malformed("keys: expected an array, found \(json["keys"]?.kind ?? "none")")
        }
        var (roots, places, jwtKeys) = ([[UInt8]](), [String](), [JWTKey]())
        for (index, key) in keys.enumerated() {
            switch try reader.entry(key, "keys[\(index)]") {
            case .root(let der):
                roots.append(der)
                places.append("keys[\(index)].x5c[0] of \(trustDomain)")
            case .token(let key): jwtKeys.append(key)
            case nil: continue
            }
        }
        try self.init(
            trustDomain, roots: roots, jwtKeys: jwtKeys, sequence: sequence,
            // An unset number is 0 in the documents of some servers.
            refreshHint: hint.flatMap { $0 == 0 ? nil : .seconds($0) } ?? Self.defaultRefreshHint,
            place: { places[$0] })
    }

    private static let limits = JSONParser.Limits(bytes: maximumDocumentBytes, values: 16_384)

    /// The document that publishes this bundle; reading it gives the same bundle.
    public var document: [UInt8] {
        var keys = zip(certificates, roots).map { certificate, der in
            JSON.object(
                Self.members(of: certificate.publicKey) + [
                    JSON.Member("use", .string("x509-svid")), JSON.Member("x5c", .array([.string(Base64.encode(der))])),
                ])
        }
        keys += jwtKeys.map { key in
            JSON.object(
                JWTKey.jsonMembers(of: key.parameters) + [
                    JSON.Member("use", .string("jwt-svid")), JSON.Member("kid", .string(key.identifier)),
                ] + (key.algorithm.map { [JSON.Member("alg", .string($0))] } ?? []))
        }
        var members = [JSON.Member("keys", .array(keys))]
        if let sequence { members.append(JSON.Member("spiffe_sequence", .number(sequence))) }
        members.append(JSON.Member("spiffe_refresh_hint", .number(refreshHint.components.seconds)))
        return JSON.object(members).bytes
    }

    /// What a key set says of a root's key beside the certificate; others' readers refuse a key without it.
    private static func members(of key: Certificate.PublicKey) -> [JSON.Member] {
        let bytes = Array(key.subjectPublicKeyInfoBytes)
        func elliptic(_ curve: JWTKey.Curve) -> [JSON.Member] {
            let point = bytes.dropFirst()
            let (x, y) = (point.prefix(curve.coordinateLength), point.suffix(curve.coordinateLength))
            return JWTKey.jsonMembers(of: .elliptic(curve, x: Array(x), y: Array(y)))
        }
        if P256.Signing.PublicKey(key) != nil { return elliptic(.p256) }
        if P384.Signing.PublicKey(key) != nil { return elliptic(.p384) }
        if P521.Signing.PublicKey(key) != nil { return elliptic(.p521) }
        if Curve25519.Signing.PublicKey(key) != nil {
            return [
                JSON.Member("kty", .string("OKP")), JSON.Member("crv", .string("Ed25519")),
                JSON.Member("x", .string(Base64URL.encode(bytes))),
            ]
        }
        let numbers = try? DER.sequence(DER.parse(bytes), identifier: .sequence) { nodes in
            (try ArraySlice<UInt8>(derEncoded: &nodes), try ArraySlice<UInt8>(derEncoded: &nodes))
        }
        let (modulus, exponent) = numbers ?? ([], [])
        return JWTKey.jsonMembers(
            of: .rsa(modulus: Array(modulus.drop { $0 == 0 }), exponent: Array(exponent.drop { $0 == 0 })))
    }
}

/// Reads the keys of a bundle's document and says where it is when one is wrong.
private struct DocumentReader {
    enum Entry {
        case root([UInt8])
        case token(JWTKey)
    }

    let trustDomain: TrustDomain

    /// The key at `place`; nil where it is of a kind or use that is passed over.
    func entry(_ key: JSON, _ place: String) throws(IdentityError) -> Entry? {
        guard case .object = key else { throw malformed("\(place): expected an object, found \(key.kind)") }
        guard let kind = key["kty"]?.string else {
            throw malformed("\(place).kty: expected a string, found \(key["kty"]?.kind ?? "none")")
        }
        switch (key["use"]?.string, kind) {
        case ("x509-svid", "EC"), ("x509-svid", "RSA"), ("x509-svid", "OKP"):
            return try certificate(key["x5c"], "\(place).x5c").map(Entry.root)
        case ("jwt-svid", "EC"), ("jwt-svid", "RSA"):
            return .token(try token(key, kind, place))
        default: return nil
        }
    }

    /// The first certificate; all others are passed over, and so is a key without any (X509-SVID, 6.2).
    private func certificate(_ value: JSON?, _ place: String) throws(IdentityError) -> [UInt8]? {
        guard let value else { return nil }
        guard let chain = value.array else { throw malformed("\(place): expected an array, found \(value.kind)") }
        guard let first = chain.first else { return nil }
        guard let der = first.string.flatMap(Base64.decode) else {
            throw malformed("\(place)[0]: expected base64 of a certificate, found \(first.kind) that is not")
        }
        return der
    }

    private func token(_ key: JSON, _ kind: String, _ place: String) throws(IdentityError) -> JWTKey {
        guard let identifier = key["kid"]?.string else {
            throw malformed("\(place).kid: expected a string, found \(key["kid"]?.kind ?? "none")")
        }
        if let algorithm = key["alg"], algorithm.string == nil {
            throw malformed("\(place).alg: expected a string, found \(algorithm.kind)")
        }
        let parameters: JWTKey.Parameters
        if kind == "EC" {
            guard let name = key["crv"]?.string, let curve = JWTKey.Curve(rawValue: name) else {
                throw malformed(
                    "\(place).crv: expected one of P-256, P-384 and P-521, found "
                        + (key["crv"]?.string.map(quoted) ?? "none"))
            }
            parameters = .elliptic(curve, x: try bytes(key["x"], "\(place).x"), y: try bytes(key["y"], "\(place).y"))
        } else {
            parameters = .rsa(
                modulus: try bytes(key["n"], "\(place).n"), exponent: try bytes(key["e"], "\(place).e"))
        }
        do {
            return try JWTKey(parameters, identifier: identifier, algorithm: key["alg"]?.string)
        } catch {
            throw malformed("\(place): \(error.message)")
        }
    }

    private func bytes(_ value: JSON?, _ place: String) throws(IdentityError) -> [UInt8] {
        guard let bytes = value?.string.flatMap({ Base64URL.decode($0.utf8) }) else {
            throw malformed("\(place): expected base64url, found \(value.map { "\($0.kind) that is not" } ?? "none")")
        }
        return bytes
    }

    func integer<Integer: FixedWidthInteger>(
        _ value: JSON, _: Integer.Type, _ place: String, _ expected: String
    ) throws(IdentityError) -> Integer {
        guard let number = value.integer(Integer.self) else {
            throw malformed("\(place): expected \(expected), found \(value.kind) that is not")
        }
        return number
    }

    func malformed(_ message: String) -> IdentityError {
        IdentityError(.malformedBundleDocument, "the bundle document of \(trustDomain): \(message)")
    }
}
