public import MeshWire

/// Sees a mesh's outgoing calls, of all kinds and on every wire: adds metadata, shortens deadlines, refuses, and learns
/// how they ended.
///
/// ```swift
/// struct Tenant: ClientInterceptor {
///     let id: String
///     func willCall(_ call: inout ClientCall) throws -> CallObserver? {
///         call.metadata.append(.init(key: "tenant", value: id))
///         return { outcome in log.debug("call ended", metadata: ["status": "\(outcome.status)"]) }
///     }
/// }
/// configuration.clientInterceptors = [Tenant(id: "7"), Tracing()]      // the outermost first
/// ```
/// The message is not an interceptor's to see or to change: each attempt sends the same bytes. Both functions run in the
/// caller's task, in the order of ``MeshConfiguration/clientInterceptors``; the observers that they return are told in
/// the opposite order. What a function throws refuses the call or the attempt, and those further in are not asked: its
/// caller gets ``MeshError/Code/refusedByInterceptor`` with the interceptor's name, the status of a ``CallFailure``, and
/// what was thrown as its cause.
public protocol ClientInterceptor: Sendable {
    /// What errors and logs call it. Default: the type's name.
    var name: String { get }

    /// A call begins. What is added here goes with every attempt.
    ///
    /// - Returns: who is told how the call ended, if anybody.
    func willCall(_ call: inout ClientCall) throws -> CallObserver?

    /// An attempt of a call begins. What is added here goes with this attempt alone.
    ///
    /// An attempt that is refused with `unavailable` or `resourceExhausted` by a ``CallFailure`` that has not run is
    /// followed by another, as one is that a server refuses so.
    /// - Returns: who is told how the attempt ended, if anybody.
    func willAttempt(_ call: inout ClientCall) throws -> CallObserver?
}

extension ClientInterceptor {
    /// The type's name.
    public var name: String { "\(Self.self)" }
    /// Lets the call pass.
    public func willCall(_ call: inout ClientCall) throws -> CallObserver? { nil }
    /// Lets the attempt pass.
    public func willAttempt(_ call: inout ClientCall) throws -> CallObserver? { nil }
}

/// A client's interceptor that has to wait for something before it lets a call pass, such as a token.
public protocol AsyncClientInterceptor: ClientInterceptor {
    /// A call begins; `willCall` follows. Cancelled at the call's deadline, which ends the call.
    func prepare(_ call: inout ClientCall) async throws
}

/// A call that a client is about to make, as its interceptors see it.
public struct ClientCall: Sendable {
    /// `service/method`.
    public let method: String
    /// How many requests and responses it has.
    public let kind: CallKind
    /// Whether it bears repetition.
    public let retry: RetrySafety
    /// Where it goes: `host:port`, or `unix:path`.
    public let destination: String
    /// Which of a connection's large messages leaves first.
    public let priority: CallPriority
    /// Which attempt this is, from 1; 0 for the call as a whole.
    public internal(set) var attempt = 0
    /// What travels with the call.
    public var metadata: Metadata
    /// When the call, or the attempt, ends at the latest.
    public internal(set) var deadline: RuntimeInstant
    let runtime: any Runtime

    init(_ request: CallRequest, deadline: RuntimeInstant, runtime: any Runtime) {
        method = request.method.path
        kind = request.method.kind
        retry = request.method.retry
        destination = request.method.destination
        priority = request.priority
        metadata = request.metadata
        self.deadline = deadline
        self.runtime = runtime
    }

    /// The time that is left; never negative.
    public var timeRemaining: Duration { max(.zero, runtime.now.duration(to: deadline)) }

    /// Ends the call, or the attempt, after `time` if that is before its deadline.
    public mutating func shortenDeadline(to time: Duration) {
        deadline = min(deadline, runtime.now.advanced(by: time))
    }
}
