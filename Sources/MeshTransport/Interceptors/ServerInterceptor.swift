public import Identity
public import MeshWire

/// Sees the calls that a mesh is asked to answer, of all kinds and on every wire: adds to what the caller is told,
/// shortens deadlines, refuses, and learns how they ended.
///
/// ```swift
/// struct Quota: ServerInterceptor {
///     let quota: QuotaTable
///     func willHandle(_ call: inout ServerCall) throws -> CallObserver? {
///         guard quota.take(for: call.peer) else { throw CallFailure(.resourceExhausted, "come back later") }
///         return { _ in quota.giveBack(for: call.peer) }
///     }
/// }
/// configuration.serverInterceptors = [Audit(), Quota(quota: table)]      // the outermost first
/// ```
/// Both functions run on the connection's event loop, in the order of ``MeshConfiguration/serverInterceptors``, and wait
/// for nothing; the observers that they return are told in the opposite order, when the answer is about to leave. What a
/// function throws refuses the call, and those further in are not asked: a ``CallFailure`` is the answer, with the
/// interceptor's name and the promise that nothing has run; of other errors the caller learns that the interceptor
/// failed, and the log what. Calls of methods that are not served pass no interceptor.
public protocol ServerInterceptor: Sendable {
    /// What errors and logs call it. Default: the type's name.
    var name: String { get }

    /// A call has arrived; the policy is asked next. Calls that the policy refuses are seen here alone.
    ///
    /// - Returns: who is told how the call ended, if anybody.
    func willAuthorize(_ call: inout ServerCall) throws -> CallObserver?

    /// The policy has allowed the call; its handler is started next.
    ///
    /// - Returns: who is told how the call ended, if anybody.
    func willHandle(_ call: inout ServerCall) throws -> CallObserver?
}

extension ServerInterceptor {
    /// The type's name.
    public var name: String { "\(Self.self)" }
    /// Lets the call pass.
    public func willAuthorize(_ call: inout ServerCall) throws -> CallObserver? { nil }
    /// Lets the call pass.
    public func willHandle(_ call: inout ServerCall) throws -> CallObserver? { nil }
}

/// A server's interceptor that has to wait for something, or that sets task-local values for the handler.
///
/// Where a mesh has one, handlers that ``Mesh/serveInline(_:_:)`` would run at once run in a task on the connection's
/// event loop.
public protocol AsyncServerInterceptor: ServerInterceptor {
    /// Runs `handler`, and with it the interceptors further in: in the handler's task, which is cancelled when the
    /// caller gives up and at the deadline. A deduplicated call's copies pass here as well, and end with the outcome of
    /// the one that runs.
    ///
    /// What it throws before it has run `handler` refuses the call; afterwards the answer stands, and the log says what
    /// was thrown. A second run of `handler` gives the first one's outcome.
    func handle(_ call: ServerCall, _ handler: () async -> CallOutcome) async throws
}

/// A call that a server is about to answer, as its interceptors see it.
public struct ServerCall: Sendable {
    /// `service/method`.
    public let method: String
    /// How many requests and responses it has.
    public let kind: CallKind
    /// Who calls: the identity that the peer's certificate proved; `nil` where callers need none.
    public let peer: SPIFFEID?
    /// The address that the connection comes from.
    public let remoteAddress: String
    /// What the caller sent beside its requests.
    public let metadata: Metadata
    /// Which of a connection's large messages leaves first.
    public let priority: CallPriority
    /// The session and sequence numbers of a deduplicated method's call.
    public let deduplication: Deduplication?
    /// When nobody waits for the answer any more.
    public private(set) var deadline: RuntimeInstant
    /// What an interceptor has verified of the caller beside its certificate, such as the claims of a token, by name: set
    /// them in ``ServerInterceptor/willAuthorize(_:)`` for the policy, whose rules may ask for them.
    public var claims: [String: [String]] = [:]
    /// What the caller is told before the first response, ahead of what the handler says.
    public var responseMetadata = Metadata()
    /// What the caller is told at the end, after what the handler says, whether the call succeeds or not.
    public var trailers = Metadata()
    let runtime: any Runtime

    init(
        _ method: ServedMethod, _ caller: CallContext.Caller, _ head: CallHead, now: RuntimeInstant
    ) {
        self.method = method.path
        kind = method.kind
        peer = caller.info.peer
        remoteAddress = caller.info.remoteAddress
        metadata = head.metadata
        priority = head.priority
        deduplication = head.deduplication
        deadline = now.advanced(by: head.timeRemaining)
        runtime = caller.runtime
    }

    /// The time that is left for an answer; never negative.
    public var timeRemaining: Duration { max(.zero, runtime.now.duration(to: deadline)) }

    /// Ends the call after `time` if that is before its deadline.
    public mutating func shortenDeadline(to time: Duration) {
        deadline = min(deadline, runtime.now.advanced(by: time))
    }
}
