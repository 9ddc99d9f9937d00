/// Who is on the other side, as a verified chain says: the only source of identity in the mesh.
public struct VerifiedPeer: Sendable, Hashable {
    /// The peer's SPIFFE ID.
    public let spiffeID: SPIFFEID
    /// When the whole verified chain, root included, is valid from: the latest `notBefore` in it.
    public let notBefore: UnixTime
    /// When the first certificate of the verified chain ends: the leaf, unless a signer ends before it. No connection
    /// outlives it by more than the clock-skew allowance.
    public let notAfter: UnixTime
    /// The SHA-256 of the leaf's DER, for audit records. It does not identify the certificate for a deny list: the signature on
    /// it has several encodings that are all valid, each with a fingerprint of its own.
    public let leafFingerprint: SHA256Fingerprint

    package init(spiffeID: SPIFFEID, notBefore: UnixTime, notAfter: UnixTime, leafFingerprint: SHA256Fingerprint) {
        self.spiffeID = spiffeID
        self.notBefore = notBefore
        self.notAfter = notAfter
        self.leafFingerprint = leafFingerprint
    }
}
