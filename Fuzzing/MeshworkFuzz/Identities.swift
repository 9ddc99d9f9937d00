import Dispatch
import MeshWire

@testable import Identity
@testable import JWTIdentity

/// What names, keys and tokens are read from.
enum Identities {
    private static let now = UnixTime(seconds: 1_800_000_000)
    private static let domain = TrustDomain("example.org")
    private static let authority = domain.flatMap { try? JWTAuthority(trustDomain: $0) }
    private static let issuer: CertificateAuthority? = domain.flatMap { domain in
        var generator = SplitMix64(seed: 1)
        return try? CertificateAuthority(trustDomain: domain, now: now, using: &generator)
    }
    private static let bundle: TrustDomainBundle? = {
        guard let domain, let authority, let issuer else { return nil }
        return try? TrustDomainBundle(
            domain, roots: [issuer.rootCertificate], jwtKeys: [authority.publicKey], sequence: 7)
    }()

    // MARK: spiffe-id

    /// An ID that is read says itself, is within its limits, and is read again as the same.
    static func spiffeID(_ bytes: [UInt8]) {
        let text = String(decoding: bytes, as: UTF8.self)
        guard let id = SPIFFEID(text) else { return }
        precondition(id.description.utf8.count == bytes.count && bytes.count <= 2_048)
        precondition(SPIFFEID(id.description) == id)
        precondition(id.path.isEmpty || id.path.hasPrefix("/") && !id.path.hasSuffix("/") && !id.path.contains("//"))
        precondition((try? SPIFFEID(id.trustDomain, path: id.path)) == id)
    }

    static func spiffeIDSeeds() -> [[UInt8]] {
        let texts = [
            "spiffe://example.org/ns/default/sa/worker-0", "SPIFFE://Example.ORG/A.b_c/..c", "spiffe://example.org",
            "spiffe://1_2-3.x/" + String(repeating: "a", count: 100),
        ]
        precondition(texts.allSatisfy { SPIFFEID($0) != nil })
        return texts.map { Array($0.utf8) }
    }

    // MARK: bundle-document

    /// A document that is read is written as one that is read as the same.
    static func bundleDocument(_ bytes: [UInt8]) {
        guard let domain, let read = try? TrustDomainBundle(document: bytes, of: domain) else { return }
        precondition((try? TrustDomainBundle(document: read.document, of: domain)) == read)
    }

    static func bundleDocumentSeeds() -> [[UInt8]] {
        guard let domain, let bundle else { return [] }
        let seeds = [
            bundle.document,
            Array(#"{"keys":[{"kty":"EC","use":"sig"},{"kty":"x","use":"jwt-svid"}],"spiffe_refresh_hint":0}"#.utf8),
            Array(
                #"{"spiffe_sequence":18446744073709551615,"keys":[],"more":{"a":[1.5e3,"\u00e9\ud83d\ude00"]}}"#.utf8),
        ]
        precondition(seeds.allSatisfy { (try? TrustDomainBundle(document: $0, of: domain)) != nil })
        return seeds
    }

    // MARK: jwt-svid

    /// The first byte says what the others are: odd, an `authorization` with a token, validated whole; even, header and
    /// claims with a zero byte between them, read as if the signature were good.
    static func token(_ bytes: [UInt8]) {
        guard let first = bytes.first else { return }
        if first % 2 == 1 {
            guard let token = try? BearerToken(authorization: String(decoding: bytes.dropFirst(), as: UTF8.self)) else {
                return
            }
            _ = validate(token.text)
        } else {
            let parts = bytes.dropFirst().split(separator: 0, maxSplits: 1, omittingEmptySubsequences: false)
            let texts = [Array(parts[0]), parts.count > 1 ? Array(parts[1]) : [], [1]].map(Base64URL.encode)
            _ = claims(texts.joined(separator: "."))
        }
    }

    /// Whether a token's header and claims are such as a signed token may have.
    private static func claims(_ text: String) -> Bool {
        do {
            let token = try CompactToken(text, maximumBytes: 8_192)
            let claims = TokenClaims(token.claims)
            let svid = try claims.svid(of: claims.subject(), token: token)
            try claims.checkTimes(now: now, clockSkew: .seconds(20))
            precondition(!svid.spiffeID.isTrustDomain && !svid.audiences.isEmpty)
            precondition(now - .seconds(20) < svid.expiresAt)
            return true
        } catch {
            return false
        }
    }

    private static func validate(_ text: String) -> Bool {
        guard let bundle, let validator = try? JWTSVIDValidator() else { fatalError("there is nothing to verify with") }
        guard let all = try? TrustBundle([bundle], generation: 1) else { return false }
        return (try? validator.validate(text, for: ["reports"], against: all, now: now)) != nil
    }

    static func tokenSeeds() -> [[UInt8]] {
        let signed = waiting {
            guard let authority, let worker = SPIFFEID("spiffe://example.org/worker") else { return "" }
            return (try? await authority.issue(to: worker, for: ["reports"], now: now).text) ?? ""
        }
        let header = #"{"alg":"PS384","kid":"a","typ":"JOSE"}"#
        let claims = #"{"sub":"spiffe://example.org/a","aud":["b","c"],"exp":1.8e9,"nbf":1800000000.5,"iat":1,"x":{}}"#
        precondition(validate(signed))
        precondition(
            Self.claims([header, claims, "\u{1}"].map { Base64URL.encode(Array($0.utf8)) }.joined(separator: ".")))
        return [[1] + Array("Bearer \(signed)".utf8), [0] + Array(header.utf8) + [0] + Array(claims.utf8)]
    }

    /// What an asynchronous `body` returns.
    private static func waiting<Value: Sendable>(_ body: @escaping @Sendable () async -> Value) -> Value {
        let (done, result) = (DispatchSemaphore(value: 0), Outcome<Value>())
        Task {
            result.value = await body()
            done.signal()
        }
        done.wait()
        guard let value = result.value else { fatalError("the task has ended") }
        return value
    }

    /// Written by the task before its signal, read after the wait: never at once.
    private final class Outcome<Value: Sendable>: @unchecked Sendable {
        var value: Value?
    }

    // MARK: identity-documents

    /// The first byte says what the others are: a deny list, a record of an issuance log, a signed checkpoint, the key of
    /// one, or a sealed authority's head. What is read is written as it was.
    static func document(_ bytes: [UInt8]) {
        guard let first = bytes.first else { return }
        let rest = Array(bytes.dropFirst())
        let text = String(decoding: rest, as: UTF8.self)
        switch first % 5 {
        case 0:
            guard let list = try? DenyList(encoded: rest) else { return }
            precondition((try? DenyList(encoded: list.encoded)) == list)
        case 1:
            guard let record = try? IssuanceRecord(encoded: rest) else { return }
            precondition(record.encoded == rest)
        case 2:
            _ = try? SignedNote(parsing: text)
            guard let log else { return }
            _ = try? LogCheckpoint(note: text, verifiedBy: log.publicKey)
        case 3:
            guard let key = try? NoteKey(parsing: text) else { return }
            precondition(key.text == text)
        default:
            // The passphrase is tried where everything before it is right, which costs what it says.
            guard rest.count < 18 || rest[17] <= SealingCost.low.logarithm else { return }
            _ = try? CertificateAuthority(unsealing: rest, passphrase: [1])
        }
    }

    private static let log = (try? NoteSigner(name: "example.org/issuance")).flatMap {
        try? IssuanceLog(signer: $0, storage: InMemoryIssuanceLogStorage())
    }

    static func documentSeeds() -> [[UInt8]] {
        guard let domain, let issuer, let log, let worker = SPIFFEID("spiffe://example.org/worker"),
            let note = try? log.signedCheckpoint(),
            let list = try? DenyList(
                version: 3,
                entries: [
                    .serialNumber([1, 2], of: domain), .key(SHA256Fingerprint(of: [])),
                    .identity(worker, issuedBefore: now),
                ]),
            let authorization = try? IssuanceAuthorization(spiffeID: worker, dnsNames: ["a"], ipAddresses: ["::1"]),
            let request = try? VerifiedCertificateRequest(der: CertificateRequest().der)
        else { return [] }
        var generator = SplitMix64(seed: 1)
        guard let issued = try? issuer.issue(request, for: authorization, now: now, using: &generator),
            let record = try? IssuanceRecord(issued, for: authorization, authorizedBy: "a token", at: now),
            let sealed = try? issuer.sealed(with: [1], cost: .low, using: &generator)
        else { return [] }
        precondition((try? LogCheckpoint(note: note, verifiedBy: log.publicKey)) == log.checkpoint)
        precondition((try? CertificateAuthority(unsealing: sealed, passphrase: [1])) != nil)
        return [
            [0] + list.encoded, [1] + record.encoded, [2] + Array(note.utf8), [3] + Array(log.publicKey.text.utf8),
            [4] + sealed,
        ]
    }
}
