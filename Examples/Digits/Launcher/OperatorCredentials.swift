import Foundation
import Identity
import IdentityServices

/// A certificate and key that a person can use, as files that nobody else can read.
struct OperatorCredentials: Sendable {
    private let directory: String

    /// Joins as the operator and writes certificate, key and roots to a directory, made if it is not there.
    ///
    /// - Throws: `DigitsError` when the directory cannot be written.
    static func write(
        joining membership: RoleConfiguration.Membership, to directory: String
    ) async throws -> OperatorCredentials {
        let identity = try await JoinClient.join(
            with: try JoinToken(parsing: membership.joinToken), host: membership.join.host,
            port: membership.join.port, logger: ProcessLog.logger
        ).current
        let files = FileManager.default
        let private700 = [FileAttributeKey.posixPermissions: 0o700]
        do {
            try files.createDirectory(atPath: directory, withIntermediateDirectories: true, attributes: private700)
        } catch {
            throw DigitsError("the directory \(directory) cannot be made: \(error.localizedDescription)")
        }
        let credentials = OperatorCredentials(directory: directory)
        try credentials.write(identity.svid.chainPEM, to: "certificate.pem")
        try identity.svid.withPrivateKeyPEM { try credentials.write($0, to: "key.pem") }
        try credentials.write(identity.bundle.pem(of: identity.svid.spiffeID.trustDomain), to: "roots.pem")
        return credentials
    }

    /// A command that asks the model server what an empty image shows.
    func curlCommand(port: Int) -> String {
        let request =
            #"{\"inputs\":[{\"name\":\"image\",\"shape\":[1,784],\"datatype\":\"FP32\",\"data\":["#
        return "curl --cacert '\(path("roots.pem"))' --cert '\(path("certificate.pem"))' --key '\(path("key.pem"))'"
            + " https://localhost:\(port)/v2/models/digits/infer"
            + " --json \"\(request)$(printf '0,%.0s' $(seq 783))0]}]}\""
    }

    private func path(_ name: String) -> String { (directory as NSString).appendingPathComponent(name) }

    /// Readable by the owner alone from the moment it exists.
    private func write(_ text: String, to name: String) throws {
        let attributes = [FileAttributeKey.posixPermissions: 0o600]
        // An older file may have been readable by others.
        try? FileManager.default.removeItem(atPath: path(name))
        guard FileManager.default.createFile(atPath: path(name), contents: Data(text.utf8), attributes: attributes)
        else {
            throw DigitsError("the file \(path(name)) cannot be written")
        }
    }
}
