public import MeshWire

/// A server's interceptor that verifies what a caller shows beside its certificate, such as a token, and gives its claims
/// to the policy: of calls, and of requests of plain HTTP, which pass no other interceptor.
///
/// A request over HTTP whose credentials are not good, or that shows none and might be allowed with some, is answered with
/// 401 and ``scheme`` in `WWW-Authenticate`; one whose claims do not suffice with 403.
public protocol ClaimsInterceptor: ServerInterceptor {
    /// The authentication scheme, as HTTP names it (RFC 9110, 11.1): `Bearer`.
    var scheme: String { get }

    /// Verifies what a caller shows. It waits for nothing, and runs on the connection's event loop for calls.
    ///
    /// - Parameter metadata: a call's, or the header fields of an HTTP request, under names in lower case.
    /// - Returns: the claims by name; `nil` if the caller shows nothing.
    /// - Throws: why what it shows is not good, in words for the caller.
    func claims(in metadata: Metadata) throws(CallFailure) -> [String: [String]]?
}

extension ClaimsInterceptor {
    /// Gives the policy the claims of the call's caller; those of interceptors further in replace others of the same name.
    public func willAuthorize(_ call: inout ServerCall) throws -> CallObserver? {
        if let claims = try claims(in: call.metadata) { call.claims.merge(claims) { _, new in new } }
        return nil
    }
}
