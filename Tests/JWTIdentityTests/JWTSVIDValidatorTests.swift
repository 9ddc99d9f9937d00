import Crypto
import Identity
import Testing

@testable import JWTIdentity

/// A generator with a size: the thread sanitizer takes what it finds in place of the system's for an address.
private struct SerialNumbers: RandomNumberGenerator {
    private var last: UInt64 = 0

    mutating func next() -> UInt64 {
        last += 1
        return last
    }
}

@Suite struct JWTSVIDValidatorTests {
    static let now = TokenFactory.now

    @Test("a good token gives its subject, audiences, end and claims")
    func accepts() async throws {
        let factory = TokenFactory()
        let claims =
            #"{"sub":"spiffe://example.org/worker","aud":["reports","b"],"exp":1800000300,"iat":1800000000,"role":{"a":[1]}}"#
        let svid = try JWTSVIDValidator().validate(
            factory.token(claims: claims), for: ["other", "reports"], against: factory.bundle(), now: Self.now)
        #expect(svid.spiffeID.description == "spiffe://example.org/worker")
        #expect(svid.audiences == ["reports", "b"])
        #expect(svid.expiresAt == Self.now + .seconds(300))
        #expect(svid.issuedAt == Self.now)
        #expect(svid.keyIdentifier == "one")
        #expect(String(decoding: svid.claims, as: UTF8.self) == claims)
    }

    @Test("what another program signed is accepted by every algorithm", arguments: 0..<9)
    func foreign(index: Int) async throws {
        let bundle = try TrustBundle(
            [TrustDomainBundle(document: Array(ForeignTokens.document.utf8), of: TrustDomain(parsing: "example.org"))],
            generation: 1)
        let (algorithm, token) = ForeignTokens.tokens[index]
        let svid = try JWTSVIDValidator().validate(token, for: ["reports"], against: bundle, now: Self.now)
        #expect(svid.spiffeID.path == "/worker", "\(algorithm)")
        let late = await tokenError {
            try JWTSVIDValidator().validate(
                token, for: ["reports"], against: bundle, now: Self.now + .seconds(3_620))
        }
        #expect(late?.code == .expired)
    }

    @Test("a key of another trust domain is no key, though it has the name and the signature is its own")
    func otherDomain() async throws {
        let (own, other) = (TokenFactory(), TokenFactory())
        let bundle = try TrustBundle(
            [own.bundle().domains[0], other.bundle(domain: "other.example").domains[0]], generation: 1)
        let error = await tokenError {
            try JWTSVIDValidator().validate(other.token(), for: ["reports"], against: bundle, now: Self.now)
        }
        #expect(error?.code == .invalidSignature)
        #expect(error?.peer?.description == "spiffe://example.org/worker")
        // And without a key of that name in its own domain.
        let empty = try bundle.replacing(TrustDomainBundle(TrustDomain(parsing: "example.org")), generation: 2)
        let unknown = await tokenError {
            try JWTSVIDValidator().validate(other.token(), for: ["reports"], against: empty, now: Self.now)
        }
        #expect(unknown?.code == .unknownKey)
    }

    @Test("a trust domain that nobody vouches for is refused by name")
    func unknownDomain() async throws {
        let factory = TokenFactory()
        let error = await tokenError {
            try JWTSVIDValidator().validate(
                factory.token(), for: ["reports"], against: factory.bundle(domain: "other.example"), now: Self.now)
        }
        #expect(error?.code == .unknownTrustDomain)
        #expect(error?.message.contains("example.org, expected one of [other.example]") == true)
    }

    @Test("a key that the bundle does not have is refused", arguments: ["two", "One", "", "one "])
    func unknownKey(identifier: String) async throws {
        let factory = TokenFactory()
        let error = await tokenError {
            try JWTSVIDValidator().validate(
                factory.token(header: #"{"alg":"ES256","kid":"\#(identifier)"}"#), for: ["reports"],
                against: factory.bundle(), now: Self.now)
        }
        #expect(error?.code == .unknownKey)
        #expect(error?.message.contains("expected one of the 1 keys of example.org, found \"\(identifier)\"") == true)
    }

    @Test("a key that is for certificates is no key for tokens")
    func rootsOnly() async throws {
        var generator = SerialNumbers()
        let authority = try CertificateAuthority(
            trustDomain: TrustDomain(parsing: "example.org"), now: Self.now, using: &generator)
        let bundle = try authority.bundle()
        let error = await tokenError {
            try JWTSVIDValidator().validate(
                TokenFactory().token(), for: ["reports"], against: bundle, now: Self.now)
        }
        #expect(error?.code == .unknownKey)
    }

    @Test("a key is used for its own algorithm only", arguments: ["ES384", "ES512", "RS256", "PS512"])
    func otherAlgorithm(name: String) async throws {
        let factory = TokenFactory()
        let error = await tokenError {
            try JWTSVIDValidator().validate(
                factory.token(header: #"{"alg":"\#(name)","kid":"one"}"#), for: ["reports"], against: factory.bundle(),
                now: Self.now)
        }
        #expect(error?.code == .keyNotAllowed)
        let limited = await tokenError {
            try JWTSVIDValidator().validate(
                factory.token(), for: ["reports"], against: factory.bundle(algorithm: "ES384"), now: Self.now)
        }
        #expect(limited?.code == .keyNotAllowed)
    }

    @Test("a token that is changed in any place is refused")
    func changed() async throws {
        let seed: UInt64 = 0x70C3
        print("seed \(seed)")
        let factory = TokenFactory()
        let (token, bundle) = (Array(try factory.token().utf8), try factory.bundle())
        let validator = try JWTSVIDValidator()
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.".utf8)
        for index in token.indices {
            var changed = token
            changed[index] = alphabet[(Int(seed) + index * 31) % alphabet.count]
            guard changed != token else { continue }
            let text = String(decoding: changed, as: UTF8.self)
            let error = await tokenError {
                try validator.validate(text, for: ["reports"], against: bundle, now: Self.now)
            }
            #expect(error != nil, "byte \(index)")
        }
    }

    @Test("the signature of another token, or by another key, is refused")
    func otherSignature() async throws {
        let (factory, other) = (TokenFactory(), TokenFactory())
        let bundle = try factory.bundle()
        let parts = try factory.token().split(separator: ".")
        let longer = try factory.token(claims: TokenFactory.claims.replacing("300", with: "900")).split(separator: ".")
        for token in [[parts[0], longer[1], parts[2]].joined(separator: "."), try other.token()] {
            let error = await tokenError {
                try JWTSVIDValidator().validate(token, for: ["reports"], against: bundle, now: Self.now)
            }
            #expect(error?.code == .invalidSignature)
        }
    }

    @Test("a caller without an audience gets nothing")
    func noAudience() async throws {
        let factory = TokenFactory()
        let error = await tokenError {
            try JWTSVIDValidator().validate(factory.token(), for: [], against: factory.bundle(), now: Self.now)
        }
        #expect(error?.code == .invalidConfiguration)
    }

    @Test("of a denied identity a token is welcome that says that it was issued later")
    func denied() async throws {
        let factory = TokenFactory()
        let (bundle, validator) = (try factory.bundle(), try JWTSVIDValidator())
        let id = try SPIFFEID(parsing: "spiffe://example.org/worker")
        let before = try DenyList(version: 4, entries: [.identity(id, issuedBefore: Self.now)])
        let after = try DenyList(version: 5, entries: [.identity(id, issuedBefore: Self.now + .seconds(1))])
        let token = try factory.token()
        _ = try validator.validate(token, for: ["reports"], against: bundle, denying: before, now: Self.now)
        let undated = try factory.token(claims: TokenFactory.claims.replacing(#","iat":1800000000"#, with: ""))
        for (text, list) in [(token, after), (undated, before)] {
            let error = await tokenError {
                try validator.validate(text, for: ["reports"], against: bundle, denying: list, now: Self.now)
            }
            #expect(error?.code == .denied)
            #expect(error?.peer == id)
        }
    }

    @Test("no error shows the token")
    func secrecy() async throws {
        let factory = TokenFactory()
        let token = try factory.token(header: #"{"alg":"ES256","kid":"two"}"#)
        let error = await tokenError {
            try JWTSVIDValidator().validate(token, for: ["reports"], against: factory.bundle(), now: Self.now)
        }
        #expect(token.split(separator: ".").allSatisfy { error?.description.contains($0) == false })
    }
}
