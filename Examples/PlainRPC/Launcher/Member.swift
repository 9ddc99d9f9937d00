import Foundation
import Identity
import IdentityServices
import Logging
import MeshTransport

/// A process of the shop: it joins with what the launcher tells it on its standard input, serves, says where, and stops
/// when that input ends.
struct Member {
    /// What the launcher tells it. The token is worth one certificate, and stands in no argument and no environment.
    struct Invitation: Codable {
        var joinPort: Int
        var token: String
        /// Where the inventory is, for who needs it.
        var inventoryPort: Int?
    }

    let invitation: Invitation
    private let identity: RotatableIdentity

    /// Reads the invitation and redeems its token.
    static func join() async throws -> Member {
        guard let line = readLine(), let invitation = try? JSONDecoder().decode(Invitation.self, from: Data(line.utf8))
        else { throw PlainRPCError("this process is started by plain-rpc, which tells it on its input where to join") }
        let identity = try await JoinClient.join(
            with: try JoinToken(parsing: invitation.token), host: "127.0.0.1", port: invitation.joinPort,
            expecting: try IdentityPattern(parsing: SPIFFEIDs.authority), logger: .errors)
        return Member(invitation: invitation, identity: identity)
    }

    /// A mesh with the identity that the authority gave.
    func mesh(policy rules: [AuthorizationPolicy.Rule]) throws -> Mesh {
        try Mesh(identity: identity, policy: try AuthorizationPolicy(rules: rules), logger: .errors)
    }

    /// Serves until the launcher ends.
    func serve(_ mesh: Mesh) async throws {
        let address = try await mesh.listen(host: "localhost", port: 0)
        FileHandle.standardOutput.write(Data("\(address.port)\n".utf8))
        await withCheckedContinuation { (stopped: CheckedContinuation<Void, Never>) in
            // A thread of its own: reading blocks it.
            Thread.detachNewThread {
                while readLine() != nil {}
                stopped.resume()
            }
        }
        await mesh.stop()
    }
}

extension Logger {
    /// Errors, to standard error: what is refused on purpose is part of the play.
    static var errors: Logger {
        var logger = Logger(label: "plain-rpc") { StreamLogHandler.standardError(label: $0) }
        logger.logLevel = .error
        return logger
    }
}

/// What went wrong, for a person.
struct PlainRPCError: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}
