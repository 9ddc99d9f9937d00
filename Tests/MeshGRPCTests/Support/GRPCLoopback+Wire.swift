import Identity
import MeshGRPC
import MeshTransport
import MeshworkTesting
import TestSupport

/// What a client speaks to a server that speaks both.
enum Wire: String, CaseIterable, Sendable {
    case mesh, grpc
}

extension GRPCLoopback {
    /// A client over `wire`, with the identity at `path`.
    func client(
        over wire: Wire, as path: String = "/client", mesh configuration: MeshConfiguration = .patient,
        sessions: (any SessionSource)? = nil
    ) throws -> MeshClient {
        let mesh = try Mesh(configuration: configuration, identity: authority.identity(path), policy: .denyAll)
        try mesh.enableGRPC()
        let destination = try destination
        return mesh.client(wire == .grpc ? destination.overGRPC : destination, sessions: sessions)
    }

    /// The port of a server that listens on TCP.
    var port: Int {
        guard case .tcp(_, let port) = endpoint else { preconditionFailure("the server listens on no TCP port") }
        return port
    }
}
