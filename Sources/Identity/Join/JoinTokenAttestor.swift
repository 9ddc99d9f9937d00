import Synchronization

/// The attestor of one-time tokens: hands them out, and knows what each is worth.
///
/// Guarded by one mutex.
public final class JoinTokenAttestor: Attestor {
    /// What evidence of this attestor is called: `join-token`.
    public static let tokenKind = "join-token"
    /// ``tokenKind``.
    public var kind: String { Self.tokenKind }
    private let registry: Mutex<JoinTokenRegistry>

    /// Makes one that has handed out nothing.
    ///
    /// - Parameter capacity: the most tokens that are remembered; see ``JoinTokenRegistry``.
    public init(rootFingerprint: SHA256Fingerprint, capacity: Int = 4_096) {
        registry = Mutex(JoinTokenRegistry(rootFingerprint: rootFingerprint, capacity: capacity))
    }

    /// A token that is good for one certificate with the names of `authorization`.
    ///
    /// - Parameter root: the root that it pins, which the join listener shows.
    /// - Throws: `IdentityError` with code ``IdentityError/Code/registryFull``.
    public func makeToken(
        for authorization: IssuanceAuthorization, pinning root: SHA256Fingerprint, lifetime: Duration, now: UnixTime,
        using generator: inout some RandomNumberGenerator
    ) throws(IdentityError) -> JoinToken {
        try registry.withLock { registry throws(IdentityError) in
            registry.rootFingerprint = root
            return try registry.issue(authorization, lifetime: lifetime, now: now, using: &generator)
        }
    }

    /// Redeems a token's secret, which is spent then.
    public func attest(_ evidence: AttestationEvidence) async throws(IdentityError) -> Attestation {
        let authorization = try registry.withLock { registry throws(IdentityError) in
            try registry.redeem(secret: evidence.payload, now: evidence.now).get()
        }
        // Whoever reads the log learns which token it was, and not the token.
        return try Attestation(authorization, by: "join token \(SHA256Fingerprint(of: evidence.payload))")
    }

    /// Makes a secret good again that was redeemed for a certificate which never left the authority.
    public func takeBack(_ secret: [UInt8]) { registry.withLock { $0.takeBack(secret: secret) } }
}
