public import MeshTransport
public import MeshWire

/// How a mesh speaks gRPC. What holds on every wire, message and metadata sizes, calls at a time, stands in
/// ``/MeshTransport/MeshConfiguration/limits``.
public struct GRPCConfiguration: Sendable, Hashable {
    /// How messages are compressed where the peer can read that; one that would not become smaller is not. Default not
    /// at all: what is compressed is read in any case.
    public var compression: MessageEncoding?
    /// When a server asks whether a quiet client with open calls is still there; `nil` for never. Default after 20 s.
    public var serverKeepAlive: KeepAliveConfiguration? = KeepAliveConfiguration()
    /// When a client asks whether a quiet server is still there; `nil` for never, which is the default: a server that
    /// follows gRPC's defaults ends the connection of a client that asks more often than every five minutes.
    public var clientKeepAlive: KeepAliveConfiguration?
    /// How long a server keeps its connections. Default as long as they last.
    public var connectionAge = ConnectionAgeConfiguration()
    /// How often a server lets its clients ping.
    public var pingEnforcement = PingEnforcementConfiguration()

    /// Makes the defaults.
    public init() {}

    /// Throws ``/MeshTransport/MeshError/Code/invalidConfiguration`` that names every property that is out of range.
    public func validate() throws(MeshError) {
        var problems: [String] = []
        problems += serverKeepAlive.map(\.problems)?.map { "serverKeepAlive.\($0)" } ?? []
        problems += clientKeepAlive.map(\.problems)?.map { "clientKeepAlive.\($0)" } ?? []
        for (name, duration) in [("idle", connectionAge.idle), ("age", connectionAge.age)] {
            if let duration, duration <= .zero {
                problems.append("connectionAge.\(name) must be above zero, is \(duration)")
            }
        }
        if let grace = connectionAge.grace, grace < .zero {
            problems.append("connectionAge.grace must not be negative, is \(grace)")
        }
        if pingEnforcement.shortestInterval < .zero {
            problems.append(
                "pingEnforcement.shortestInterval must not be negative, is \(pingEnforcement.shortestInterval)")
        }
        if pingEnforcement.strikes < 0 {
            problems.append("pingEnforcement.strikes must not be negative, is \(pingEnforcement.strikes)")
        }
        guard problems.isEmpty else {
            throw MeshError(.invalidConfiguration, problems.joined(separator: "; "))
        }
    }
}
