/// The limits of a ``PeerVerifier``.
public struct PeerVerifierConfiguration: Sendable, Hashable {
    /// How far the peer's clock may be from ours: a certificate is accepted this long before and after its validity.
    /// 20 s is what service meshes allow by default; machines with a working NTP differ by milliseconds.
    public var clockSkew: Duration = .seconds(20)
    /// The most certificates that a peer may present, leaf included. Chains have a leaf, at most two or three
    /// intermediates and perhaps the root; the number of paths that chain building may try grows fast beyond.
    public var maximumCertificates: Int = 5
    /// The most bytes of DER in a presented chain, parsed only below it. A P-256 leaf has about 600 bytes, an RSA-4096
    /// one 2,000.
    public var maximumChainBytes: Int = 16_384
    /// The verified chains to remember, about 500 bytes each; 0 remembers none.
    public var cacheCapacity: Int = 1_024

    /// Makes the default limits.
    public init() {}

    /// Checks every property.
    ///
    /// - Throws: `IdentityError` with code ``IdentityError/Code/invalidConfiguration`` that lists every problem.
    public func validate() throws(IdentityError) {
        var problems: [String] = []
        if clockSkew < .zero || clockSkew > .seconds(3_600) {
            problems.append("clockSkew: expected 0 s to 1 h, found \(clockSkew)")
        }
        if !(1...16).contains(maximumCertificates) {
            problems.append("maximumCertificates: expected 1 to 16, found \(maximumCertificates)")
        }
        if !(1...1_048_576).contains(maximumChainBytes) {
            problems.append("maximumChainBytes: expected 1 to 1048576, found \(maximumChainBytes)")
        }
        if !(0...1_048_576).contains(cacheCapacity) {
            problems.append("cacheCapacity: expected 0 to 1048576, found \(cacheCapacity)")
        }
        guard problems.isEmpty else {
            throw IdentityError(.invalidConfiguration, problems.joined(separator: "; "))
        }
    }
}
