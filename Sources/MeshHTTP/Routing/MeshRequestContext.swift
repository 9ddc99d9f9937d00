public import Hummingbird
public import Identity
public import Logging
public import MeshTransport

/// What a handler knows of the request beside the request itself; above all, who sent it.
public struct MeshRequestContext: RequestContext {
    /// What the context is made of.
    public typealias Source = MeshRequestSource

    /// What Hummingbird keeps with a request.
    public var coreContext: CoreRequestContextStorage
    /// The connection that the request came on.
    public let connection: ConnectionInfo
    /// What an interceptor has verified of the caller beside its certificate, such as the claims of a bearer token, by
    /// name.
    public let claims: [String: [String]]
    /// The most bytes that a handler's decoding of a body takes: the front end's limit, which the body has passed.
    public let maxUploadSize: Int

    /// The identity that the caller's certificate proved. `nil` on a listener that takes callers without one.
    public var peer: SPIFFEID? { connection.peer }

    /// Makes the context of one request.
    public init(source: MeshRequestSource) {
        coreContext = CoreRequestContextStorage(source: source)
        connection = source.connection
        claims = source.claims
        maxUploadSize = source.requestBodyBytes
    }
}

/// What a ``MeshRequestContext`` is made of.
public struct MeshRequestSource: RequestContextSource {
    /// Logs for the request, with its id and the caller.
    public let logger: Logger
    let connection: ConnectionInfo
    let claims: [String: [String]]
    let requestBodyBytes: Int
}
