import Foundation
import Identity

/// gRPC's C core, through Python: its client and its server, each in a process of its own.
enum GRPCIOPeer {
    /// The client of a new server, or why there is none.
    static func start(_ peers: Peers) throws -> RemoteClient? {
        guard python() != nil else {
            Progress.say("skipping grpcio: \(missing)")
            return nil
        }
        return RemoteClient(process: try client(peers, of: try server(peers)))
    }

    /// A new server.
    static func server(_ peers: Peers, isPlain: Bool = false) throws -> PeerProcess {
        try start("server", peers, peers.identities.server.current, isPlain, [])
    }

    /// A client of what listens at the port of `server`.
    static func client(_ peers: Peers, of server: PeerProcess, isPlain: Bool = false) throws -> PeerProcess {
        try start("client", peers, peers.identities.client.current, isPlain, ["--server-port", "\(server.port)"])
    }

    /// What is to be said where ``python()`` finds none.
    static let missing =
        "no Python with that module in .build/python or on PATH (Scripts/install-prerequisites.sh bench makes one)"

    static func python() -> String? { Programs.python(importing: "grpc") }

    private static func start(
        _ role: String, _ peers: Peers, _ identity: IdentitySnapshot, _ isPlain: Bool, _ arguments: [String]
    ) throws -> PeerProcess {
        guard let python = python() else { throw BenchmarkFailure("grpcio is not installed: \(missing)") }
        let script = Programs.package.appendingPathComponent("Peers/grpcio_peer.py").path
        return peers.keep(
            try PeerProcess(
                python, [script, role] + (isPlain ? ["--plain"] : []) + arguments, role: "grpcio \(role)", as: identity)
        )
    }
}
