import Foundation
import Identity
import IdentityServices
import MeshTransport

/// The shop's certificate authority, in the launcher's memory, with the listener at which processes join.
struct ShopAuthority {
    let joinPort: Int
    private let authority: CertificateAuthority
    private let issuance: IssuanceServer
    private let now: UnixTime

    static func start() async throws -> ShopAuthority {
        let now = UnixTime(seconds: SystemRuntime.shared.timeSince1970.components.seconds)
        var generator = SystemRandomNumberGenerator()
        let authority = try CertificateAuthority(
            trustDomain: try TrustDomain(parsing: SPIFFEIDs.trustDomain), now: now, using: &generator)
        let own = try authority.makeIdentity(
            for: try authorization(SPIFFEIDs.authority), now: now, using: &generator)
        let issuance = try IssuanceServer(authority: authority, identity: own, logger: .errors)
        let address = try await issuance.listen(host: "127.0.0.1", port: 0)
        return ShopAuthority(joinPort: address.port, authority: authority, issuance: issuance, now: now)
    }

    /// A token that is worth one certificate of `spiffeID`.
    func token(for spiffeID: String) throws -> String {
        try issuance.makeToken(for: try Self.authorization(spiffeID)).text
    }

    /// An identity for this process itself.
    func identity(_ spiffeID: String) throws -> StaticIdentitySource {
        var generator = SystemRandomNumberGenerator()
        return StaticIdentitySource(
            svid: try authority.makeIdentity(
                for: try Self.authorization(spiffeID), now: now, using: &generator),
            bundle: try authority.bundle())
    }

    /// Writes an identity as PEM files, for programs that read such, to a folder that nobody else can look into.
    func writeCredentials(of spiffeID: String, to folder: URL) throws {
        let identity = try identity(spiffeID).current
        try FileManager.default.createDirectory(
            at: folder, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o700])
        try Data(identity.svid.chainPEM.utf8).write(to: folder.appending(path: "certificate.pem"))
        try identity.svid.withPrivateKeyPEM { try Data($0.utf8).write(to: folder.appending(path: "key.pem")) }
        try Data(identity.bundle.pem(of: identity.svid.spiffeID.trustDomain).utf8)
            .write(to: folder.appending(path: "roots.pem"))
    }

    func stop() async { await issuance.stop() }

    /// Everything is on the loopback interface.
    private static func authorization(_ spiffeID: String) throws -> IssuanceAuthorization {
        try IssuanceAuthorization(
            spiffeID: try SPIFFEID(parsing: spiffeID), dnsNames: ["localhost"], ipAddresses: ["127.0.0.1", "::1"])
    }
}
