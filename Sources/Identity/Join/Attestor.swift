/// Decides what a workload without a certificate may be certified as, from what it shows for itself: a one-time token, a
/// platform's statement about the process or the machine.
///
/// ```swift
/// struct PodAttestor: Attestor {
///     let kind = "kubernetes"
///     func attest(_ evidence: AttestationEvidence) async throws(IdentityError) -> Attestation {
///         let pod = try await review(evidence.payload)                  // asks the platform, not the workload
///         return try Attestation(authorization(for: pod), by: "pod \(pod.uid)")
///     }
/// }
/// ```
/// The names in the certificate are the attestation's. Nothing of the certificate request is but its key, whose possession
/// has been proved before an attestor is asked.
public protocol Attestor: Sendable {
    /// What evidence is meant for it: 1 to 64 bytes of what both sides call it, such as `join-token`.
    var kind: String { get }

    /// What the evidence is worth.
    ///
    /// - Throws: `IdentityError` for evidence that is not good; its message is told to whoever showed it.
    func attest(_ evidence: AttestationEvidence) async throws(IdentityError) -> Attestation
}

/// What a workload shows for itself.
public struct AttestationEvidence: Sendable {
    /// What it sent: a secret, a signed statement.
    public let payload: [UInt8]
    /// The address that its connection comes from, which proves nothing.
    public let remoteAddress: String
    /// The SHA-256 of the key that is to be certified (`SubjectPublicKeyInfo` in DER), for statements that are bound to it.
    public let key: SHA256Fingerprint
    /// Now.
    public let now: UnixTime

    /// Makes evidence.
    public init(payload: [UInt8], remoteAddress: String, key: SHA256Fingerprint, now: UnixTime) {
        self.payload = payload
        self.remoteAddress = remoteAddress
        self.key = key
        self.now = now
    }
}

extension AttestationEvidence: CustomStringConvertible, CustomReflectable {
    /// Where it comes from, and nothing of the payload, which may be a secret.
    public var description: String { "\(payload.count) bytes of evidence from \(remoteAddress)" }
    /// Shows nothing of the payload.
    public var customMirror: Mirror { Mirror(self, children: ["remoteAddress": remoteAddress, "key": key]) }
}

/// What an attestor found.
public struct Attestation: Sendable, Hashable {
    /// What the workload is certified as.
    public let authorization: IssuanceAuthorization
    /// Who or what says so, for the issuance log: 1 to 1,024 bytes.
    public let authorizedBy: String

    /// Makes an attestation.
    ///
    /// - Throws: `IdentityError` with code ``IdentityError/Code/invalidAuthorization`` where `authorizedBy` does not
    ///   fit the log.
    public init(_ authorization: IssuanceAuthorization, by authorizedBy: String) throws(IdentityError) {
        guard (1...IssuanceRecord.maximumAuthorizerBytes).contains(authorizedBy.utf8.count) else {
            throw IdentityError(
                .invalidAuthorization,
                "expected 1 to \(IssuanceRecord.maximumAuthorizerBytes) bytes that say who authorises, found "
                    + "\(authorizedBy.utf8.count)")
        }
        self.authorization = authorization
        self.authorizedBy = authorizedBy
    }
}
