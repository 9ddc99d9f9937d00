public import Identity
public import JWTIdentity
public import MeshTransport
public import MeshWire
import Synchronization

/// Validates the bearer tokens that callers send, and gives their claims to the policy.
///
/// ```swift
/// configuration.serverInterceptors = [try BearerTokenInterceptor(for: ["reports"], trusting: identity)]
/// let policy = try AuthorizationPolicy(rules: [
///     .init("auditors", methods: ["shop.Reports/*"], identities: ["spiffe://shop.example/*"],
///           claims: ["sub": ["spiffe://shop.example/auditor"], "groups": ["audit"]]),
/// ])
/// ```
/// The token is the one of the call's metadata `authorization`, or of the header field of that name in a request over HTTP
/// (`MeshHTTP`), which is held to the same policy. A call without it passes, with no claims: whether it needs
/// any, the policy's rules say. A call with anything else than one JWT-SVID that is good for this service is refused as
/// `unauthenticated`, before the policy is asked.
///
/// A token proves that its subject once asked for it, not who sends it now: rules that ask for claims should also name
/// the identities that may pass tokens on. It is validated on the connection's event loop, which takes about 100 µs;
/// tokens that were good are remembered, by their hash, so that a caller's next call costs a look-up. What may change
/// meanwhile, the bundle, the deny list and the time, is looked at in each call.
///
/// Safe to use from any task: what is remembered is guarded by a mutex.
public final class BearerTokenInterceptor: ClaimsInterceptor {
    /// The metadata that holds the token.
    public static let metadataKey = "authorization"

    private let audiences: [String]
    private let identity: any IdentitySource
    private let validator: JWTSVIDValidator
    private let runtime: any Runtime
    private let known: Mutex<KnownTokens>

    /// - Parameters:
    ///   - audiences: this service's names, of which a token must have one.
    ///   - identity: whose bundle has the keys that tokens are signed with, and whose deny list is asked.
    ///   - remembered: how many good tokens are remembered, each with its claims: about its own size twice, so 1 KiB as
    ///     a rule and 16 KiB at the most. Default 1,024.
    /// - Throws: `JWTIdentityError` with code `invalidConfiguration`.
    public init(
        for audiences: [String], trusting identity: any IdentitySource,
        configuration: JWTSVIDValidatorConfiguration = JWTSVIDValidatorConfiguration(), remembered: Int = 1_024,
        runtime: any Runtime = SystemRuntime.shared
    ) throws(JWTIdentityError) {
        guard !audiences.isEmpty, remembered > 0 else {
            throw JWTIdentityError(
                .invalidConfiguration,
                "expected an audience and at least one token to remember, found \(audiences) and \(remembered)")
        }
        self.audiences = audiences
        self.identity = identity
        self.runtime = runtime
        validator = try JWTSVIDValidator(configuration: configuration)
        known = Mutex(KnownTokens(capacity: remembered))
    }

    /// `Bearer` (RFC 6750).
    public var scheme: String { "Bearer" }

    /// The claims of the token, if there is one.
    public func claims(in metadata: Metadata) throws(CallFailure) -> [String: [String]]? {
        let values = metadata.filter { $0.key == Self.metadataKey }
        guard let value = values.first else { return nil }
        do throws(JWTIdentityError) {
            guard values.count == 1 else {
                throw JWTIdentityError(
                    .malformedAuthorization, "expected one \(Self.metadataKey), found \(values.count)")
            }
            return try claims(of: try BearerToken(authorization: value.value).text)
        } catch {
            throw CallFailure(.unauthenticated, Self.told(error), hasNotRun: true)
        }
    }

    /// What the caller is told: nothing of the service's other names, nor of whom it trusts.
    private static func told(_ error: JWTIdentityError) -> String {
        switch error.code {
        case .wrongAudience: "aud: the token is for another service"
        case .unknownTrustDomain: "the trust domain of the token's subject is not trusted here"
        default: error.message
        }
    }

    private func claims(of token: String) throws(JWTIdentityError) -> [String: [String]] {
        let snapshot = identity.current
        let now = UnixTime(seconds: runtime.timeSince1970.components.seconds)
        let hash = SHA256Fingerprint(of: Array(token.utf8))
        if let known = known.withLock({ $0[hash] }), known.bundle == snapshot.bundle,
            now - validator.configuration.clockSkew < known.svid.expiresAt,
            snapshot.denyList.entry(denying: known.svid.spiffeID, issuedAt: known.svid.issuedAt) == nil
        {
            return known.claims
        }
        // Whatever has changed, this says what.
        let svid = try validator.validate(
            token, for: audiences, against: snapshot.bundle, denying: snapshot.denyList, now: now)
        let claims = svid.claimValues
        known.withLock { $0.insert(KnownTokens.Known(svid: svid, claims: claims, bundle: snapshot.bundle), for: hash) }
        return claims
    }
}
