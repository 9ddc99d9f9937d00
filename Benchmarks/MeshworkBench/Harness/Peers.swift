import Foundation
import Identity
import NIOPosix

/// The processes of one case and who they are; all of them end with it.
final class Peers {
    let identities: BenchmarkIdentities
    private var processes: [PeerProcess] = []

    private init() throws { identities = try BenchmarkIdentities() }

    /// Ends every process that `body` has started when it returns or throws.
    static func with(_ body: (Peers) async throws -> Void) async throws {
        let peers = try Peers()
        defer { peers.processes.reversed().forEach { $0.stop() } }
        try await body(peers)
    }

    /// Starts a server.
    func server(_ role: String, isCounted: Bool = false, processor: Int? = nil) throws -> PeerProcess {
        keep(
            try PeerProcess(
                role: role, as: identities.server.current, isCounted: isCounted, processor: processor))
    }

    /// Starts a proxy of the server's side, which passes on to `server`, or another server that belongs to it.
    func server(_ role: String, before server: PeerProcess) throws -> PeerProcess {
        keep(try PeerProcess(role: role, as: identities.server.current, serverPort: server.port))
    }

    /// Starts a client of `server` in a process of its own.
    func client(
        _ role: String, of server: PeerProcess, isCounted: Bool = false, processor: Int? = nil
    ) throws -> PeerProcess {
        keep(
            try PeerProcess(
                role: role, as: identities.client.current, serverPort: server.port, isCounted: isCounted,
                processor: processor))
    }

    /// Has a process end with the case.
    func keep(_ process: PeerProcess) -> PeerProcess {
        processes.append(process)
        return process
    }
}

/// The certificates of one run: an authority and an identity for each side.
struct BenchmarkIdentities {
    let client: StaticIdentitySource
    let server: StaticIdentitySource
    private let authority: CertificateAuthority

    init() throws {
        var generator = SystemRandomNumberGenerator()
        let domain = try TrustDomain(parsing: "bench.example")
        authority = try CertificateAuthority(trustDomain: domain, now: Self.now, using: &generator)
        server = try Self.identity("/server", of: authority)
        client = try Self.identity("/client", of: authority)
    }

    /// Another client, with a certificate that nobody has seen.
    func newClient() throws -> StaticIdentitySource { try Self.identity("/client", of: authority) }

    private static func identity(
        _ path: String, of authority: CertificateAuthority
    ) throws -> StaticIdentitySource {
        var generator = SystemRandomNumberGenerator()
        let svid = try authority.makeIdentity(
            for: try IssuanceAuthorization(
                spiffeID: try SPIFFEID(authority.trustDomain, path: path), dnsNames: ["localhost"],
                ipAddresses: ["127.0.0.1"]),
            now: now, using: &generator)
        return StaticIdentitySource(svid: svid, bundle: try authority.bundle())
    }

    private static var now: UnixTime { UnixTime(seconds: Int64(Date().timeIntervalSince1970)) }
}
