public import MeshWire
import Telemetry

/// Whether a request of plain HTTP may be answered.
public enum HTTPAuthorization: Sendable, Hashable {
    /// The policy allows it; with the claims that interceptors have verified.
    case allowed(claims: [String: [String]])
    /// It is to be answered with 401 and these values of `WWW-Authenticate`: it shows what is not good, or nothing where
    /// something might do.
    case unauthenticated(challenges: [String])
    /// It is to be answered with 403, and learns no more.
    case forbidden
    /// An interceptor cannot say, as its failure's status tells: 503, or what else means the same.
    case failed(CallStatus)
}

extension HTTPGate {
    /// Verifies what a request shows, as that of a call is (``ClaimsInterceptor``), and asks the policy. A refusal by the
    /// policy is logged, with the policy's name, and counted.
    ///
    /// - Parameters:
    ///   - path: what rules name, without the query.
    ///   - fields: the header fields, under names in lower case; asked for only where they matter.
    public func authorize(_ path: String, _ fields: @autoclosure () -> Metadata) -> HTTPAuthorization {
        var claims: [String: [String]] = [:]
        var showsNothing = true
        if !core.claimsInterceptors.isEmpty {
            let fields = fields()
            for interceptor in core.claimsInterceptors {
                do throws(CallFailure) {
                    guard let found = try interceptor.claims(in: fields) else { continue }
                    claims.merge(found) { _, new in new }
                    showsNothing = false
                } catch {
                    guard error.status == .unauthenticated else {
                        return error.status == .permissionDenied ? .forbidden : .failed(error.status)
                    }
                    return .unauthenticated(challenges: [Self.challenge(interceptor.scheme, error)])
                }
            }
        }
        let permission = core.permission(path, info, claims: claims)
        permission.series?.increment()
        if permission.isAllowed { return .allowed(claims: claims) }
        let mightDo = showsNothing && !core.claimsInterceptors.isEmpty && core.mightAllow(path, info)
        return mightDo ? .unauthenticated(challenges: core.claimsInterceptors.map(\.scheme)) : .forbidden
    }

    /// Says what is wrong with a credential (RFC 6750, 3).
    private static func challenge(_ scheme: String, _ failure: CallFailure) -> String {
        let text = failure.message.unicodeScalars.filter {
            (0x20...0x7E).contains($0.value) && $0 != "\"" && $0 != "\\"
        }
        return "\(scheme) error=\"invalid_token\", error_description=\"\(String(String.UnicodeScalarView(text)))\""
    }
}
