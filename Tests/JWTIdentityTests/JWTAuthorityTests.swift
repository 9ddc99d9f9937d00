import Crypto
import Identity
import Testing

@testable import JWTIdentity

@Suite struct JWTAuthorityTests {
    static let now = TokenFactory.now

    static func domain() throws -> TrustDomain { try TrustDomain(parsing: "example.org") }
    static func worker() throws -> SPIFFEID { try SPIFFEID(parsing: "spiffe://example.org/worker") }

    static func bundle(_ authorities: JWTAuthority...) throws -> TrustBundle {
        try TrustBundle([TrustDomainBundle(domain(), jwtKeys: authorities.map(\.publicKey))], generation: 1)
    }

    @Test("a token is validated against the bundle of its authority, also when that was written and read again")
    func issues() async throws {
        let authority = try JWTAuthority(trustDomain: Self.domain())
        let token = try await authority.issue(to: Self.worker(), for: ["reports", "b"], now: Self.now)
        #expect(token.expiresAt == Self.now + .seconds(300))
        let own = try TrustDomainBundle(Self.domain(), jwtKeys: [authority.publicKey])
        let read = try TrustBundle([TrustDomainBundle(document: own.document, of: Self.domain())], generation: 1)
        let svid = try JWTSVIDValidator().validate(token.text, for: ["b"], against: read, now: Self.now)
        #expect(try svid.spiffeID == Self.worker())
        #expect(svid.audiences == ["reports", "b"])
        #expect(svid.issuedAt == Self.now)
        #expect(svid.expiresAt == token.expiresAt)
        #expect(svid.keyIdentifier == authority.publicKey.thumbprint)
        #expect(authority.publicKey.algorithm == "ES256")
    }

    @Test("while two keys are published, tokens of both are valid; afterwards those of the new one")
    func rotation() async throws {
        let (old, new) = (try JWTAuthority(trustDomain: Self.domain()), try JWTAuthority(trustDomain: Self.domain()))
        let validator = try JWTSVIDValidator()
        let tokens = [
            try await old.issue(to: Self.worker(), for: ["reports"], now: Self.now),
            try await new.issue(to: Self.worker(), for: ["reports"], now: Self.now),
        ]
        for token in tokens {
            _ = try validator.validate(
                token.text, for: ["reports"], against: Self.bundle(old, new), now: Self.now)
        }
        let error = await tokenError {
            try validator.validate(tokens[0].text, for: ["reports"], against: Self.bundle(new), now: Self.now)
        }
        #expect(error?.code == .unknownKey)
    }

    @Test("a key that was made before signs again")
    func ownKey() async throws {
        let first = try JWTAuthority(trustDomain: Self.domain())
        let pem = first.withPrivateKeyPEM { $0 }
        let second = try JWTAuthority(trustDomain: Self.domain(), privateKeyPEM: pem)
        #expect(second.publicKey == first.publicKey)
        let token = try await second.issue(to: Self.worker(), for: ["reports"], now: Self.now)
        _ = try JWTSVIDValidator().validate(
            token.text, for: ["reports"], against: Self.bundle(first), now: Self.now)
        for bad in ["", "secret", P384.Signing.PrivateKey().pemRepresentation] {
            let error = await tokenError { try JWTAuthority(trustDomain: Self.domain(), privateKeyPEM: bad) }
            #expect(error?.code == .malformedKey)
            #expect(error?.description.contains("secret") == false)
        }
    }

    @Test("a lifetime is the caller's up to the maximum")
    func lifetime() async throws {
        let authority = try JWTAuthority(trustDomain: Self.domain())
        let token = try await authority.issue(
            to: Self.worker(), for: ["reports"], lifetime: .seconds(3_600), now: Self.now)
        #expect(token.expiresAt == Self.now + .seconds(3_600))
        for lifetime in [.zero, .seconds(-1), .milliseconds(999), .seconds(3_601)] as [Duration] {
            let error = await tokenError {
                try await authority.issue(to: Self.worker(), for: ["reports"], lifetime: lifetime, now: Self.now)
            }
            #expect(error?.code == .invalidRequest)
        }
    }

    @Test("everything that is wrong with a request is reported at once")
    func refusals() async throws {
        let authority = try JWTAuthority(trustDomain: Self.domain())
        let error = await tokenError {
            try await authority.issue(
                to: SPIFFEID(parsing: "spiffe://other.example"), for: [""] + Array(repeating: "a", count: 16),
                lifetime: .zero, now: Self.now)
        }
        #expect(error?.code == .invalidRequest)
        for part in [
            "was asked for a token of", "to have a path", "1 to 16 audiences, found 17", "found 0", "lifetime",
        ] {
            #expect(error?.message.contains(part) == true, "\(part)")
        }
        let none = await tokenError { try await authority.issue(to: Self.worker(), for: [], now: Self.now) }
        #expect(none?.message.contains("audiences, found 0") == true)
        let long = String(repeating: "a", count: 2_049)
        let tooLong = await tokenError { try await authority.issue(to: Self.worker(), for: [long], now: Self.now) }
        #expect(tooLong?.message.contains("1 to 2048 bytes, found 2049") == true)
    }

    @Test("every problem of a configuration is reported at once")
    func configuration() async throws {
        var configuration = JWTAuthorityConfiguration()
        configuration.maximumLifetime = .seconds(86_401)
        configuration.lifetime = .zero
        let error = await tokenError { try JWTAuthority(trustDomain: Self.domain(), configuration: configuration) }
        #expect(error?.code == .invalidConfiguration)
        #expect(error?.message.contains("maximumLifetime") == true && error?.message.contains("; lifetime") == true)
    }

    @Test("neither description nor reflection shows a key or a token")
    func secrecy() async throws {
        let authority = try JWTAuthority(trustDomain: Self.domain())
        let token = try await authority.issue(to: Self.worker(), for: ["reports"], now: Self.now)
        var output = "\(authority) \(token)"
        dump(authority, to: &output)
        dump(token, to: &output)
        #expect(!output.contains(token.text.split(separator: ".")[2]))
        let secret = authority.withPrivateKeyPEM { $0.split(separator: "\n")[1] }
        #expect(!output.contains(secret) && !output.contains("rawRepresentation"))
    }
}
