/// A call as a tap shows it, when it has ended: who called what, and what came of it. Never what was said.
public struct TapEvent: Sendable, Hashable {
    /// Which way it went, seen from this process.
    public var direction: RequestMetrics.Direction
    /// Such as `shop.Scoring/Score`.
    public var method: String
    /// The SPIFFE ID of the caller of an inbound call, of the callee of an outbound one; nil: it has proved none.
    public var peer: String?
    /// What it came to, under the name that the mesh gives it, such as `ok` or `deadlineExceeded`.
    public var status: String
    /// From its begin to its end, in nanoseconds.
    public var nanoseconds: Int64
    /// The bytes of the requests' messages.
    public var requestBytes: Int64
    /// The bytes of the responses' messages.
    public var responseBytes: Int64
    /// Its trace, if it is in one.
    public var context: TraceContext?

    /// A call that has ended.
    public init(
        direction: RequestMetrics.Direction, method: String, peer: String?, status: String, nanoseconds: Int64,
        requestBytes: Int64 = 0, responseBytes: Int64 = 0, context: TraceContext? = nil
    ) {
        self.direction = direction
        self.method = method
        self.peer = peer
        self.status = status
        self.nanoseconds = nanoseconds
        self.requestBytes = requestBytes
        self.responseBytes = responseBytes
        self.context = context
    }
}
