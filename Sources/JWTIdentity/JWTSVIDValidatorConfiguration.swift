/// The limits of a ``JWTSVIDValidator``.
public struct JWTSVIDValidatorConfiguration: Sendable, Hashable {
    /// How far the issuer's clock may be from ours: a token is accepted this long after its end and before its
    /// beginning. 20 s, as for certificates; at most 5 minutes, which is a token's whole life by default.
    public var clockSkew: Duration = .seconds(20)
    /// The most bytes of a token, checked before anything of it is parsed. One signed with P-256 has about 400, with
    /// RSA-4096 about 1,000.
    public var maximumTokenBytes: Int = 8_192

    /// Makes the default limits.
    public init() {}

    /// Checks every property.
    ///
    /// - Throws: `JWTIdentityError` with code ``JWTIdentityError/Code/invalidConfiguration`` that lists every problem.
    public func validate() throws(JWTIdentityError) {
        var problems: [String] = []
        if clockSkew < .zero || clockSkew > .seconds(300) {
            problems.append("clockSkew: expected 0 s to 300 s, found \(clockSkew)")
        }
        if !(1...65_536).contains(maximumTokenBytes) {
            problems.append("maximumTokenBytes: expected 1 to 65536, found \(maximumTokenBytes)")
        }
        guard problems.isEmpty else {
            throw JWTIdentityError(.invalidConfiguration, problems.joined(separator: "; "))
        }
    }
}
