public import Identity

/// Turns a JWT-SVID into the SPIFFE ID of its sender, or says why it may not.
///
/// A bearer token is for where a certificate does not reach: behind a proxy that ends TLS, or in a request that is passed
/// on. It proves that its subject once asked for it, and not that the subject sends it now; an authority makes it short,
/// and each service takes only what is for itself.
/// ```swift
/// let validator = try JWTSVIDValidator()
/// let bearer = try BearerToken(authorization: header)
/// let svid = try validator.validate(bearer.text, for: ["reports"], against: bundle, now: now)
/// ```
/// A value without a clock, a cache or a store. A token costs about 100 µs, nearly all of it the signature.
public struct JWTSVIDValidator: Sendable {
    /// The limits, as given.
    public let configuration: JWTSVIDValidatorConfiguration

    /// Makes a validator.
    ///
    /// - Throws: `JWTIdentityError` with code ``JWTIdentityError/Code/invalidConfiguration``.
    public init(
        configuration: JWTSVIDValidatorConfiguration = JWTSVIDValidatorConfiguration()
    ) throws(JWTIdentityError) {
        try configuration.validate()
        self.configuration = configuration
    }

    /// Validates a token by every rule of JWT-SVID, in this order: size, form, header, subject, key, signature, audience,
    /// time, deny list.
    ///
    /// - Parameters:
    ///   - token: a compact JWS.
    ///   - audiences: the names of the caller, of which the token must have one; at least one.
    ///   - bundle: the bundles in force. A token is judged by the keys of its subject's trust domain and by no others.
    ///   - denyList: what is not trusted any more. Of a denied identity a token must say that it was issued later.
    ///   - now: the time that validity is judged by, give or take
    ///     ``JWTSVIDValidatorConfiguration/clockSkew``.
    /// - Throws: `JWTIdentityError` with the code of the first rule that is broken.
    public func validate(
        _ token: String, for audiences: [String], against bundle: TrustBundle, denying denyList: DenyList = .empty,
        now: UnixTime
    ) throws(JWTIdentityError) -> JWTSVID {
        guard !audiences.isEmpty else {
            throw JWTIdentityError(.invalidConfiguration, "expected at least one audience of the caller, found none")
        }
        let token = try CompactToken(token, maximumBytes: configuration.maximumTokenBytes)
        let claims = TokenClaims(token.claims)
        let id = try claims.subject()
        do throws(JWTIdentityError) {
            try Self.verifySignature(of: token, claimedBy: id, against: bundle)
            let svid = try claims.svid(of: id, token: token)
            guard svid.audiences.contains(where: { given in audiences.contains { Self.isSame(given, $0) } }) else {
                throw JWTIdentityError(
                    .wrongAudience, "aud: expected one of \(audiences), found \(svid.audiences.map(quoted))")
            }
            try claims.checkTimes(now: now, clockSkew: configuration.clockSkew)
            if let entry = denyList.entry(denying: id, issuedAt: svid.issuedAt) {
                throw JWTIdentityError(.denied, "\(entry) is on version \(denyList.version) of the deny list")
            }
            return svid
        } catch {
            var error = error
            error.peer = id
            throw error
        }
    }

    private static func verifySignature(
        of token: CompactToken, claimedBy id: SPIFFEID, against bundle: TrustBundle
    ) throws(JWTIdentityError) {
        guard let domain = bundle[id.trustDomain] else {
            throw JWTIdentityError(
                .unknownTrustDomain,
                "no key is trusted for \(id.trustDomain), expected one of \(bundle.trustDomains)")
        }
        guard let key = domain.jwtKey(token.keyIdentifier) else {
            throw JWTIdentityError(
                .unknownKey,
                "kid: expected one of the \(domain.jwtKeys.count) keys of \(id.trustDomain), found "
                    + quoted(token.keyIdentifier))
        }
        guard token.algorithm.fits(key) else {
            throw JWTIdentityError(
                .keyNotAllowed, "the key \(quoted(key.identifier)) is not for \(token.algorithm.rawValue)")
        }
        let isValid: Bool
        do {
            isValid = try TokenSignature.isValid(
                token.signature, of: token.signed, by: token.algorithm, with: key)
        } catch {
            throw JWTIdentityError(
                .keyNotAllowed, "the key \(quoted(key.identifier)) cannot be used", cause: error)
        }
        guard isValid else {
            throw JWTIdentityError(
                .invalidSignature, "the token is not signed with the key \(quoted(key.identifier))")
        }
    }

    /// By bytes: equality of strings takes some different ones for equal.
    private static func isSame(_ left: String, _ right: String) -> Bool { left.utf8.elementsEqual(right.utf8) }
}
