import Crypto
public import Identity
import JWTKit

/// How long an authority's tokens live.
public struct JWTAuthorityConfiguration: Sendable, Hashable {
    /// How long a token is valid where the caller does not say. 5 minutes, as SPIRE's: nobody can take a token back, and
    /// asking for another costs one signature.
    public var lifetime: Duration = .seconds(300)
    /// The longest that a caller may ask for.
    public var maximumLifetime: Duration = .seconds(3_600)

    /// Makes the default lifetimes.
    public init() {}

    /// Checks every property.
    ///
    /// - Throws: `JWTIdentityError` with code ``JWTIdentityError/Code/invalidConfiguration`` that lists every problem.
    public func validate() throws(JWTIdentityError) {
        var problems: [String] = []
        if maximumLifetime < .seconds(1) || maximumLifetime > .seconds(86_400) {
            problems.append("maximumLifetime: expected 1 s to 1 day, found \(maximumLifetime)")
        }
        if lifetime < .seconds(1) || lifetime > maximumLifetime {
            problems.append("lifetime: expected 1 s to maximumLifetime, found \(lifetime)")
        }
        guard problems.isEmpty else {
            throw JWTIdentityError(.invalidConfiguration, problems.joined(separator: "; "))
        }
    }
}

/// Signs the JWT-SVIDs of a trust domain, with a P-256 key (ES256).
///
/// Its public key goes into the domain's bundle, and a new authority's goes there some time before the old one stops
/// signing, so that every validator knows it by then.
/// ```swift
/// let tokens = try JWTAuthority(trustDomain: domain)
/// let own = try TrustDomainBundle(domain, roots: [authority.rootCertificate], jwtKeys: [tokens.publicKey])
/// let svid = try await tokens.issue(to: worker, for: ["reports"], now: now)
/// ```
/// An immutable value; the key leaves it only inside ``withPrivateKeyPEM(_:)``.
public struct JWTAuthority: Sendable {
    /// The domain that this authority signs for.
    public let trustDomain: TrustDomain
    /// What others verify its tokens with; its identifier is the key's thumbprint.
    public let publicKey: JWTKey
    /// The lifetimes, as given.
    public let configuration: JWTAuthorityConfiguration
    private let key: P256.Signing.PrivateKey

    /// The most audiences of a token. One is best: each of several can use the token at the others.
    static let maximumAudiences = 16
    /// The most bytes of an audience, the length of the longest SPIFFE ID.
    static let maximumAudienceBytes = 2_048

    /// Makes a key of the system's random generator.
    ///
    /// - Throws: `JWTIdentityError` with code ``JWTIdentityError/Code/invalidConfiguration``.
    public init(
        trustDomain: TrustDomain, configuration: JWTAuthorityConfiguration = JWTAuthorityConfiguration()
    ) throws(JWTIdentityError) {
        try self.init(trustDomain: trustDomain, key: P256.Signing.PrivateKey(), configuration: configuration)
    }

    /// Takes a key that was made before: P-256 in PEM (SEC 1 or PKCS#8).
    ///
    /// - Throws: `JWTIdentityError` with code ``JWTIdentityError/Code/malformedKey`` or
    ///   ``JWTIdentityError/Code/invalidConfiguration``.
    public init(
        trustDomain: TrustDomain, privateKeyPEM: String,
        configuration: JWTAuthorityConfiguration = JWTAuthorityConfiguration()
    ) throws(JWTIdentityError) {
        guard let key = try? P256.Signing.PrivateKey(pemRepresentation: privateKeyPEM) else {
            // No cause: it might show some of the key.
            throw JWTIdentityError(.malformedKey, "expected a P-256 private key in PEM, found something else")
        }
        try self.init(trustDomain: trustDomain, key: key, configuration: configuration)
    }

    private init(
        trustDomain: TrustDomain, key: P256.Signing.PrivateKey, configuration: JWTAuthorityConfiguration
    ) throws(JWTIdentityError) {
        try configuration.validate()
        let point = Array(key.publicKey.rawRepresentation)
        do {
            publicKey = try JWTKey(
                .elliptic(.p256, x: Array(point.prefix(32)), y: Array(point.suffix(32))),
                algorithm: TokenAlgorithm.es256.rawValue)
        } catch {
            throw JWTIdentityError(.malformedKey, "the key of \(trustDomain) cannot be published", cause: error)
        }
        self.trustDomain = trustDomain
        self.key = key
        self.configuration = configuration
    }

    /// Lends the private key as PKCS#8 in PEM. Whoever copies it out of `body` answers for it.
    public func withPrivateKeyPEM<Result, Failure: Error>(
        _ body: (String) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try body(key.pemRepresentation)
    }

    /// Issues a token.
    ///
    /// - Parameters:
    ///   - id: the workload, of this authority's trust domain.
    ///   - audiences: who may take it: 1 to 16, best one.
    ///   - lifetime: up to the configured maximum; nil for the configured lifetime.
    ///   - now: the time of issue.
    /// - Throws: `JWTIdentityError` with code ``JWTIdentityError/Code/invalidRequest`` that lists every problem, or
    ///   ``JWTIdentityError/Code/signingFailed``.
    public func issue(
        to id: SPIFFEID, for audiences: [String], lifetime: Duration? = nil, now: UnixTime
    ) async throws(JWTIdentityError) -> IssuedToken {
        let lifetime = lifetime ?? configuration.lifetime
        let problems = problems(id, audiences, lifetime)
        guard problems.isEmpty else {
            throw JWTIdentityError(.invalidRequest, problems.joined(separator: "; "), peer: id)
        }
        let expiresAt = now + lifetime
        let header = JSON.object([
            JSON.Member("alg", .string(TokenAlgorithm.es256.rawValue)),
            JSON.Member("kid", .string(publicKey.identifier)), JSON.Member("typ", .string("JWT")),
        ])
        let claims = JSON.object([
            JSON.Member("sub", .string(id.description)), JSON.Member("aud", .array(audiences.map(JSON.string))),
            JSON.Member("exp", .number(expiresAt.seconds)), JSON.Member("iat", .number(now.seconds)),
        ])
        let signed = Base64URL.encode(header.bytes) + "." + Base64URL.encode(claims.bytes)
        do {
            let signature = try await TokenSignature.make(Array(signed.utf8), with: ES256PrivateKey(backing: key))
            return IssuedToken(
                text: signed + "." + Base64URL.encode(signature), spiffeID: id, expiresAt: expiresAt)
        } catch {
            throw JWTIdentityError(.signingFailed, "the token of \(id) could not be signed", peer: id, cause: error)
        }
    }

    private func problems(_ id: SPIFFEID, _ audiences: [String], _ lifetime: Duration) -> [String] {
        var problems: [String] = []
        if id.trustDomain != trustDomain {
            problems.append("the authority of \(trustDomain) was asked for a token of \(id)")
        }
        if id.isTrustDomain { problems.append("expected a workload's SPIFFE ID to have a path, found \(id)") }
        if !(1...Self.maximumAudiences).contains(audiences.count) {
            problems.append("expected 1 to \(Self.maximumAudiences) audiences, found \(audiences.count)")
        }
        problems += audiences.filter { !(1...Self.maximumAudienceBytes).contains($0.utf8.count) }.map {
            "expected an audience of 1 to \(Self.maximumAudienceBytes) bytes, found \($0.utf8.count)"
        }
        if lifetime < .seconds(1) || lifetime > configuration.maximumLifetime {
            problems.append("expected a lifetime of 1 s to \(configuration.maximumLifetime), found \(lifetime)")
        }
        return problems
    }
}

extension JWTAuthority: CustomStringConvertible, CustomReflectable {
    /// Says whose authority it is and which key it has, and nothing of the private one.
    public var description: String { "token authority of \(trustDomain), key \(publicKey.identifier)" }
    /// Shows the trust domain and the public key.
    public var customMirror: Mirror {
        Mirror(self, children: ["trustDomain": trustDomain, "publicKey": publicKey])
    }
}
