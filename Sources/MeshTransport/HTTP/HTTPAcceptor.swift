public import MeshWire
public import NIOCore
import Telemetry

/// Takes the `http/1.1` connections of a mesh's listener, after the handshake and before the first byte.
///
/// `MeshHTTP` implements it; a host that speaks no HTTP never compiles it.
public protocol HTTPAcceptor: Sendable {
    /// Sets up `channel`, on its event loop, and answers its requests.
    ///
    /// The connection ends with its certificates, with the trust in its peer and with the mesh, as every other does: NIO's
    /// `ChannelShouldQuiesceEvent` in the channel's pipeline asks to close it after the request that is under way, and
    /// ``MeshConfiguration/drainTimeout`` later the mesh closes it. Whatever works for the connection ends when the channel
    /// closes.
    ///
    /// - Parameters:
    ///   - channel: decrypted bytes in and out.
    ///   - connection: who calls.
    ///   - gate: asks the mesh about each request.
    func accept(_ channel: any Channel, _ connection: ConnectionInfo, gate: HTTPGate) throws
}

/// What an HTTP front end asks the mesh about each request.
public struct HTTPGate: Sendable {
    private let core: ServerCore
    private let info: ConnectionInfo
    private let connection: HTTPConnection?

    /// - Parameter connection: `nil` where a wire ends its connections in its own way, whatever their requests.
    init(core: ServerCore, info: ConnectionInfo, connection: HTTPConnection?) {
        self.core = core
        self.info = info
        self.connection = connection
    }

    /// Whether the policy allows the connection's peer this path; a refusal is logged and counted.
    public func isAllowed(_ path: String) -> Bool {
        let permission = core.permission(path, info)
        permission.series?.increment()
        return permission.isAllowed
    }

    /// Counts a request in the rate limits that name its path, or says when there will be room for it.
    public func wait(for path: String) -> Duration? {
        let now = core.runtime.now
        guard let excess = core.rateBuckets(path, info, now: now)?.take(now: now) else { return nil }
        core.tell(of: excess, path, info)
        return excess.wait
    }

    /// Whether the connection is to end: an answer from now on is its last.
    public var isDraining: Bool { connection?.isDraining == true }

    /// Counts and times an answered request in the mesh's metrics.
    ///
    /// - Parameter route: the route's pattern, not the path that the peer chose: each value is a series of its own.
    public func answered(_ route: String, status: CallStatus, after duration: Duration) {
        let series = core.metrics.series(route, peer: info.peer)
        series.began()
        series.ended(status.classification, after: duration)
    }

    /// Where the connection's tasks run.
    public var runtime: any Runtime { core.runtime }
}
