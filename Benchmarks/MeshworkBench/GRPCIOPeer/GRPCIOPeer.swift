import Foundation
import Identity

/// gRPC's C core, through Python: its client and its server, each in a process of its own.
enum GRPCIOPeer {
    /// The client of a new server, or why there is none.
    static func start(_ peers: Peers) throws -> RemoteClient? {
        guard let python = python() else {
            Progress.say(
                "skipping grpcio: no Python with that module in .build/python or on PATH "
                    + "(Scripts/install-prerequisites.sh test makes one)")
            return nil
        }
        func start(_ role: String, _ identity: IdentitySnapshot, _ arguments: [String]) throws -> PeerProcess {
            peers.keep(try PeerProcess(python, [script, role] + arguments, role: "grpcio \(role)", as: identity))
        }
        let server = try start("server", peers.identities.server.current, [])
        return RemoteClient(
            process: try start("client", peers.identities.client.current, ["--server-port", "\(server.port)"]))
    }

    /// The package's folder.
    private static let package = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    private static let script = package.appendingPathComponent("Peers/grpcio_peer.py").path

    private static func python() -> String? {
        let own = package.deletingLastPathComponent().appendingPathComponent(".build/python/bin/python3").path
        let path = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":").map { "\($0)/python3" }
        return ([own] + path).first { candidate in
            guard FileManager.default.isExecutableFile(atPath: candidate) else { return false }
            let process = Process()
            process.executableURL = URL(fileURLWithPath: candidate)
            process.arguments = ["-c", "import grpc"]
            process.standardError = FileHandle.nullDevice
            guard (try? process.run()) != nil else { return false }
            process.waitUntilExit()
            return process.terminationStatus == 0
        }
    }
}
