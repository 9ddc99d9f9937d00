package import MeshWire

/// What a wire does for the messages of one of its calls, on either side. Called on the connection's event loop.
package protocol StreamWire: AnyObject {
    /// Sends a message; throws for one over this side's limits. Does nothing when the call has ended.
    func send(_ payload: Payload, on stream: StreamID) throws(WireError)
    /// Says something of the call before its first response, on the server's side.
    func send(_ metadata: Metadata, on stream: StreamID)
    /// Whether the call takes another message now. If not, the call's ``CallStream`` is told when it does.
    func takesMessages(of stream: StreamID) -> Bool
    /// Says that the reader has the oldest of the messages that were delivered: its sender may send more.
    func taken(from stream: StreamID)
    /// Says, on the client's side, that no more messages follow.
    func endRequests(of stream: StreamID)
    /// Gives the call up, on the client's side; its end is delivered nowhere any more.
    func withdraw(_ stream: StreamID)
}
