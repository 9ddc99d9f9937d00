/// Who is on the other side, as a verified chain says: the only source of identity in the mesh.
public struct VerifiedPeer: Sendable, Hashable {
    /// The peer's SPIFFE ID.
    public let spiffeID: SPIFFEID
    /// When the whole verified chain, root included, is valid from: the latest `notBefore` in it.
    public let notBefore: UnixTime
    /// When the first certificate of the verified chain ends: the leaf, unless a signer ends before it. No connection
    /// outlives it by more than the clock-skew allowance.
    public let notAfter: UnixTime
    /// The SHA-256 of the leaf's DER, for audit records. It does not identify the certificate for a deny list:
    /// see ``CertificateMarks``.
    public let leafFingerprint: SHA256Fingerprint
    /// When the leaf became valid, which is when it was issued, less the authority's allowance for clocks.
    public let issuedAt: UnixTime
    /// What a ``DenyList`` knows each certificate of the verified chain by, leaf first, root last.
    public let certificates: [CertificateMarks]

    package init(
        spiffeID: SPIFFEID, notBefore: UnixTime, notAfter: UnixTime, leafFingerprint: SHA256Fingerprint,
        issuedAt: UnixTime? = nil, certificates: [CertificateMarks] = []
    ) {
        self.spiffeID = spiffeID
        self.notBefore = notBefore
        self.notAfter = notAfter
        self.leafFingerprint = leafFingerprint
        self.issuedAt = issuedAt ?? notBefore
        self.certificates = certificates
    }
}
