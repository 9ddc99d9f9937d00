import Foundation
import TestSupport

/// The `openssl` program, as a peer that is not ours.
enum OpenSSL {
    /// Where it is, if it is installed.
    static let path = Peer.find("openssl")

    /// Starts a command of `openssl`.
    private static func start(_ arguments: [String], _ complaints: Peer.Complaints) throws -> Peer {
        try Peer(path ?? "/usr/bin/openssl", arguments, complaints: complaints)
    }

    /// Runs `openssl s_client`, sends `bytes` and returns what it printed until the server closed the connection.
    ///
    /// - Parameter isInteractive: whether the bytes are commands, whose end is the connection's.
    static func client(_ arguments: [String], sending bytes: [UInt8], isInteractive: Bool = false) async throws -> Data
    {
        // The end of the input is not the end of the connection: the server ends it.
        let client = try start(["s_client"] + arguments + (isInteractive ? [] : ["-ign_eof"]), .printed)
        try client.endInput(with: bytes)
        return Data(try await client.finish().printed)
    }

    /// Runs a command of `openssl` to its end.
    static func run(_ arguments: [String]) async throws {
        guard try await start(arguments, .printed).finish().status == 0 else { throw CocoaError(.executableLoad) }
    }

    /// `openssl s_server` on a free port of loopback; it ends with the object.
    struct Server {
        /// Where it listens.
        let port: Int
        private let peer: Peer

        /// Starts it with the certificate and key of `folder`, and asks every client for a certificate.
        init(_ arguments: [String], in folder: TemporaryFolder) async throws {
            peer = try start(
                [
                    "s_server", "-accept", "127.0.0.1:0", "-cert", folder.file("chain.pem").path, "-key",
                    folder.file("key.pem").path, "-alpn", "meshwork/1,h2", "-verify", "4",
                ] + arguments, .printed)
            while let line = try await peer.nextLine() {
                guard let match = line.wholeMatch(of: /ACCEPT 127\.0\.0\.1:(\d+)/), let port = Int(match.1) else {
                    continue
                }
                self.port = port
                return
            }
            throw CocoaError(.executableLoad)
        }

        /// All that it has printed, when it has ended: one with `-naccept 1` does with its first connection.
        func finish() async throws -> Data { Data(try await peer.finish().printed) }
    }
}

extension Data {
    func contains(_ bytes: [UInt8]) -> Bool { range(of: Data(bytes)) != nil }
}
