package import Foundation
package import Identity
package import MeshworkTesting

/// A folder that is removed when nobody holds it any more.
package final class TemporaryFolder: Sendable {
    private let url: URL

    package init() throws {
        url = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
        try FileManager.default.createDirectory(
            at: url, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
    }

    deinit { try? FileManager.default.removeItem(at: url) }

    package func file(_ name: String) -> URL { url.appending(path: name) }

    /// Writes text that nobody else on the machine may read.
    package func writeSecret(_ text: String, to name: String) throws {
        let isWritten = FileManager.default.createFile(
            atPath: file(name).path, contents: Data(text.utf8), attributes: [.posixPermissions: 0o600])
        guard isWritten else { throw CocoaError(.fileWriteUnknown) }
    }

    /// Writes an identity's `chain.pem` and `key.pem`.
    package func write(_ identity: WorkloadIdentity) throws {
        try Data(identity.chainPEM.utf8).write(to: file("chain.pem"))
        try identity.withPrivateKeyPEM { try writeSecret($0, to: "key.pem") }
    }

    /// Writes an identity's files, and the authority's root as `roots.pem`; the answer is how the scripts of
    /// `Tests/Interoperability` are told of them.
    package func write(_ path: String, of authority: TestAuthority) throws -> [String] {
        try write(try authority.svid(path))
        try Data(try authority.authority.bundle().pem(of: authority.trustDomain).utf8).write(to: file("roots.pem"))
        return [
            "--certificate", file("chain.pem").path, "--key", file("key.pem").path, "--roots", file("roots.pem").path,
        ]
    }
}
