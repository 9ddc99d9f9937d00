package import MeshWire
package import Telemetry

/// A call as a wire sends it.
package struct OutboundCall {
    package let method: ClientMethod
    package let timeRemaining: Duration
    package let deduplication: Deduplication?
    package let metadata: Metadata
    /// Where the attempt stands in its call's trace, if that is handed on.
    package let trace: TraceContext?
    package let priority: CallPriority
    /// How many attempts of the same call were sent before.
    package let previousAttempts: Int
    /// The only request; without bytes for a call that streams its requests.
    package let payload: Payload
}

/// What a client's connection speaks once it is secured: sends calls and tells its ``ClientWireDelegate`` what comes of
/// them. Called on the connection's event loop.
package protocol ClientWire: StreamWire {
    /// False once the connection goes away, and before it is ready.
    var takesCalls: Bool { get }
    /// Whether the server takes another call now, beside those that are open.
    var hasRoom: Bool { get }
    /// The calls that have not ended.
    var openCalls: Int { get }
    /// Whether the server knows calls of this kind.
    func takes(_ kind: CallKind) -> Bool
    /// How a quiet server is asked whether it is still there; `nil` if it is not.
    var keepAlive: KeepAliveConfiguration? { get }
    /// Sends a call; `nil` if the connection takes no more. Throws for one that the wire cannot carry.
    func open(_ call: OutboundCall) throws(WireError) -> StreamID?
    /// Asks whether the server is there; ``ClientWireDelegate/heard()`` is called when it answers. False if it does not
    /// know the question.
    func ping() -> Bool
}

/// Hears from a ``ClientWire`` what comes of its calls. Called on the connection's event loop.
package protocol ClientWireDelegate: AnyObject {
    /// The connection is ready for calls.
    ///
    /// - Parameter server: which life of which process answers, if the wire says.
    func established(_ server: ServerInstance?)
    /// A call has ended: its outcome, and the response of a call that has but one.
    func answered(_ stream: StreamID, _ head: ReplyHead, _ payload: Payload)
    /// The response of a call that has but one has begun to arrive, and there is more to come.
    func answering(_ stream: StreamID)
    /// The next response of a call that streams them.
    func delivered(_ stream: StreamID, _ payload: Payload)
    /// What the server says of a call before its first response.
    func delivered(_ stream: StreamID, _ metadata: Metadata)
    /// A call failed, with a status that is not its handler's: it may have run.
    func lost(_ stream: StreamID, _ status: CallStatus, _ message: String)
    /// A call was given up because its answer cannot be read.
    func unreadable(_ stream: StreamID, _ error: WireError)
    /// The server has certainly not run these calls, and no other takes their place here.
    func notTaken(_ streams: [StreamID], reason: String)
    /// A call takes requests again.
    func relieved(_ stream: StreamID)
    /// The server has answered a ping.
    func heard()
    /// The connection is of no use any more; open calls fail.
    func failed(_ error: MeshError)
    /// What was read has been worked off.
    func isQuiet()
    /// Who is at the other end, for errors.
    var peerName: String { get }
    /// The name under which the server is addressed.
    var authority: String { get }
    /// Whether the connection is encrypted.
    var isSecure: Bool { get }
}
