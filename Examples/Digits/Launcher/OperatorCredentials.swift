import Foundation
import Identity
import IdentityServices
import ProcessKit

/// A certificate and key that a person can use, as files that nobody else can read.
struct OperatorCredentials: Sendable {
    private let directory: String

    /// Joins as the operator and writes certificate, key and roots to a directory, made if it is not there and used as
    /// it is if it is.
    ///
    /// - Throws: `LaunchError` that names the directory or the file that cannot be written.
    static func write(
        joining membership: RoleConfiguration.Membership, to directory: String
    ) async throws -> OperatorCredentials {
        let identity = try await JoinClient.join(
            with: try JoinToken(parsing: membership.joinToken), host: membership.join.host,
            port: membership.join.port, expecting: .exact(try SPIFFEID(parsing: membership.coordinatorID)),
            logger: ProcessLog.logger
        ).current
        let files = FileManager.default
        let private700 = [FileAttributeKey.posixPermissions: 0o700]
        do {
            try files.createDirectory(atPath: directory, withIntermediateDirectories: true, attributes: private700)
        } catch {
            throw LaunchError("the directory \(directory) cannot be made: \(error.localizedDescription)")
        }
        let credentials = OperatorCredentials(directory: directory)
        try PrivateFile.create(at: credentials.path("certificate.pem"), holding: identity.svid.chainPEM)
        try identity.svid.withPrivateKeyPEM { try PrivateFile.create(at: credentials.path("key.pem"), holding: $0) }
        try PrivateFile.create(
            at: credentials.path("roots.pem"), holding: identity.bundle.pem(of: identity.svid.spiffeID.trustDomain))
        return credentials
    }

    /// A command that asks the model server what an empty image shows.
    func curlCommand(port: Int) -> String {
        let request =
            #"{\"inputs\":[{\"name\":\"image\",\"shape\":[1,784],\"datatype\":\"FP32\",\"data\":["#
        return "curl --cacert \(quoted("roots.pem")) --cert \(quoted("certificate.pem")) --key \(quoted("key.pem"))"
            + " https://localhost:\(port)/v2/models/digits/infer"
            + " --json \"\(request)$(printf '0,%.0s' $(seq 783))0]}]}\""
    }

    private func path(_ name: String) -> String { (directory as NSString).appendingPathComponent(name) }

    /// A file's path as one word of a shell.
    private func quoted(_ name: String) -> String { "'\(path(name).replacing("'", with: #"'\''"#))'" }
}
