package import MeshWire

/// What a server's connection speaks once it is secured: gives its ``ServerCalls`` the calls that arrive and sends their
/// answers. Called on the connection's event loop.
package protocol ServerWire: StreamWire {
    /// Sends a call's outcome, and the response of a call that has but one; does nothing if the caller has given it up.
    func reply(_ reply: Reply, to stream: StreamID)
    /// A call has been answered, or its handler has ended: a connection that drains may be done.
    func callEnded()
}
