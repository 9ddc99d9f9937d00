/// A certificate that an authority has just signed.
public struct IssuedCertificate: Sendable, Hashable {
    /// Certificates in DER, leaf first, without the root: what a TLS peer presents.
    public let chain: [[UInt8]]
    /// The leaf's SPIFFE ID.
    public let spiffeID: SPIFFEID
    /// When the leaf becomes valid; before the time of issue by the authority's clock-skew allowance.
    public let notBefore: UnixTime
    /// The last second of the leaf's validity.
    public let notAfter: UnixTime
    /// The leaf's serial number, most significant byte first.
    public let serialNumber: [UInt8]
}
