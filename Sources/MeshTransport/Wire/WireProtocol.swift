package import NIOCore

/// A wire besides the mesh's own, which a library above registers with a ``Mesh``: a host that has no use for it never
/// compiles it.
package protocol WireProtocol: Sendable {
    /// Its name in the TLS handshake (ALPN).
    var applicationProtocol: String { get }
    /// Whether a connection that agreed on no protocol begins like it; `nil` while more bytes are needed to tell.
    func begins(_ bytes: ByteBuffer) -> Bool?
    /// Sets up an accepted channel, behind `handler`: its calls go to `calls`.
    func accept(_ channel: any Channel, _ calls: ServerCalls, after handler: any ChannelHandler) throws
        -> any InboundConnection
    /// Sets up a channel to a server that speaks it, before `handler`: what comes of calls goes to `delegate`.
    func connect(
        _ channel: any Channel, _ delegate: any ClientWireDelegate, before handler: any ChannelHandler
    ) throws -> any ClientWire
}
