/// How long an authority's certificates live.
public struct CertificateAuthorityConfiguration: Sendable, Hashable {
    /// How long the root is valid. A year: a root in memory ends with its process, which this only has to outlast; one
    /// that is kept (``RootAuthority``) is followed by another while both are in the bundle.
    public var rootLifetime: Duration = .seconds(365 * 86_400)
    /// How long an issuer below a ``RootAuthority`` is valid. 90 days, a quarter of the root's: the root is opened
    /// four times a year, and what an issuer's lost key is good for ends within a season.
    public var issuerLifetime: Duration = .seconds(90 * 86_400)
    /// How long a leaf is valid where its authorization does not say. A day, as Linkerd's: short enough that nobody
    /// needs to revoke, long enough to live through an authority's outage. No leaf outlives its authority.
    public var leafLifetime: Duration = .seconds(86_400)
    /// How far `notBefore` lies before the time of issue, for peers whose clocks are behind. 20 s, as
    /// ``PeerVerifierConfiguration``.
    public var clockSkew: Duration = .seconds(20)

    /// Makes the default lifetimes.
    public init() {}

    /// Checks every property.
    ///
    /// - Throws: `IdentityError` with code ``IdentityError/Code/invalidConfiguration`` that lists every problem.
    public func validate() throws(IdentityError) {
        var problems: [String] = []
        for (name, lifetime) in [
            ("rootLifetime", rootLifetime), ("issuerLifetime", issuerLifetime), ("leafLifetime", leafLifetime),
        ]
        where lifetime < .seconds(1) {
            problems.append("\(name): expected 1 s or more, found \(lifetime)")
        }
        if clockSkew < .zero || clockSkew > .seconds(3_600) {
            problems.append("clockSkew: expected 0 s to 1 h, found \(clockSkew)")
        }
        guard problems.isEmpty else {
            throw IdentityError(.invalidConfiguration, problems.joined(separator: "; "))
        }
    }
}
