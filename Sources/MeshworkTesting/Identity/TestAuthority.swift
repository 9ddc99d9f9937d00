public import Identity
public import MeshWire

/// A certificate authority for tests, with a fresh key, and identities below its trust domain.
///
/// ```swift
/// let authority = try TestAuthority()
/// let mesh = try Mesh(identity: authority.identity("/worker/0"), policy: …)
/// ```
public struct TestAuthority: Sendable {
    /// The domain that the identities belong to.
    public let trustDomain: TrustDomain
    /// The authority itself.
    public let authority: CertificateAuthority
    private let now: UnixTime

    /// A generator of its own: the system's has no size, and the thread sanitizer takes what it finds in place of its
    /// address for one.
    private static var serialNumbers: SplitMix64 { SplitMix64(seed: .random(in: .min ... .max)) }

    /// An authority for `trustDomain`, valid since thirty days before the time of `runtime`.
    public init(_ trustDomain: String = "test.example", runtime: any Runtime) throws {
        self.trustDomain = try TrustDomain(parsing: trustDomain)
        now = UnixTime(seconds: runtime.timeSince1970.components.seconds)
        var generator = Self.serialNumbers
        authority = try CertificateAuthority(
            trustDomain: self.trustDomain, now: now - .seconds(30 * 86_400), using: &generator)
    }

    /// The SPIFFE ID at `path`.
    public func id(_ path: String) throws -> SPIFFEID { try SPIFFEID(trustDomain, path: path) }

    /// An identity at `path`, good for `localhost` and the loopback addresses.
    ///
    /// - Parameters:
    ///   - lifetime: how long the certificate is valid; default the authority's.
    ///   - issued: how long ago it was issued, at most thirty days, to make one that has ended.
    ///   - key: the kind of its key.
    ///   - jwtKeys: what tokens of the trust domain are signed with. Default none.
    public func identity(
        _ path: String, lifetime: Duration? = nil, issued: Duration = .zero, key: KeyAlgorithm = .p256,
        jwtKeys: [JWTKey] = []
    ) throws -> RotatableIdentity {
        let bundle = try TrustDomainBundle(trustDomain, roots: [authority.rootCertificate], jwtKeys: jwtKeys)
        return RotatableIdentity(
            svid: try svid(path, lifetime: lifetime, issued: issued, key: key),
            bundle: jwtKeys.isEmpty ? try authority.bundle() : try TrustBundle([bundle], generation: 1))
    }

    /// A certificate and key at `path`; see ``identity(_:lifetime:issued:key:)``.
    public func svid(
        _ path: String, lifetime: Duration? = nil, issued: Duration = .zero, key: KeyAlgorithm = .p256
    ) throws -> WorkloadIdentity {
        var generator = Self.serialNumbers
        let authorization = try IssuanceAuthorization(
            spiffeID: try id(path), dnsNames: ["localhost"], ipAddresses: ["127.0.0.1", "::1"],
            lifetime: lifetime)
        return try authority.makeIdentity(for: authorization, key: key, now: now - issued, using: &generator)
    }
}
