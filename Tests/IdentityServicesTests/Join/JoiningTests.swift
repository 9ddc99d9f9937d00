import Foundation
import Identity
import IdentityServices
import Logging
import MeshTransport
import MeshWire
import MeshworkTesting
import Testing

@Suite(.timeLimit(.minutes(5))) struct JoiningTests {
    /// An authority that is listening for those who join.
    private struct Authority {
        let test: TestAuthority
        let issuance: IssuanceServer
        let address: ListenerAddress
        let log = LogCapture()

        init(_ trustDomain: String = "test.example", configuration: IssuanceConfiguration = IssuanceConfiguration())
            async throws
        {
            test = try TestAuthority(trustDomain, runtime: SystemRuntime.shared)
            issuance = try IssuanceServer(
                authority: test.authority, identity: try test.svid("/coordinator"), configuration: configuration,
                logger: log.logger)
            address = try await issuance.listen(host: "127.0.0.1", port: 0)
        }

        func token(_ path: String) throws -> JoinToken {
            try issuance.makeToken(
                for: try IssuanceAuthorization(spiffeID: try test.id(path), ipAddresses: ["127.0.0.1"]))
        }

        func join(with token: JoinToken) async throws -> RotatableIdentity {
            try await JoinClient.join(with: token, host: address.host, port: address.port)
        }
    }

    private func status(_ body: () async throws -> Void) async -> MeshError? {
        do {
            try await body()
            return nil
        } catch {
            return error as? MeshError
        }
    }

    @Test("a token becomes an identity with the names that the token stands for")
    func join() async throws {
        let authority = try await Authority()
        let identity = try await authority.join(with: authority.token("/worker/0"))
        #expect(identity.current.svid.spiffeID.description == "spiffe://test.example/worker/0")
        #expect(identity.current.bundle.roots == [authority.test.authority.rootCertificate])
        await authority.issuance.stop()
    }

    @Test("a workload can join over a Unix domain socket")
    func unixSocket() async throws {
        let authority = try await Authority()
        let path = FileManager.default.temporaryDirectory.appendingPathComponent("join-\(UUID()).sock").path
        let endpoint = try await authority.issuance.listen(on: .unix(path: path))
        let identity = try await JoinClient.join(with: try authority.token("/worker/0"), at: endpoint)
        #expect(identity.current.svid.spiffeID.description == "spiffe://test.example/worker/0")
        await authority.issuance.stop()
    }

    enum BadJoin: CaseIterable, Sendable {
        case unknownToken, usedToken, expiredToken, foreignRoot

        /// What the client's error says.
        var message: String {
            switch self {
            case .unknownToken: "not one that this authority issued"
            case .usedToken: "redeemed before"
            case .expiredToken: "expired"
            case .foreignRoot: "expected the root"
            }
        }

        /// What the server's log says.
        var record: String { self == .foreignRoot ? "handshake failed" : "join refused" }
    }

    @Test(
        "a refused join: the error says why and names the other end, the log has one warning with the address",
        arguments: BadJoin.allCases)
    func refused(_ kind: BadJoin) async throws {
        var configuration = IssuanceConfiguration()
        if kind == .expiredToken { configuration.tokenLifetime = .seconds(1) }
        let authority = try await Authority(configuration: configuration)
        let other = try await Authority()
        var token = try authority.token("/worker/0")
        switch kind {
        case .unknownToken:
            token = try #require(
                JoinToken(rootFingerprint: token.rootFingerprint, secret: try other.token("/worker/0").secret))
        case .usedToken: _ = try await authority.join(with: token)
        case .expiredToken: try await SystemRuntime.shared.sleep(for: .seconds(2))
        case .foreignRoot: token = try other.token("/worker/0")
        }

        let error = try #require(await status { _ = try await authority.join(with: token) })
        #expect(error.message.contains(kind.message), "\(error)")
        if kind == .foreignRoot {
            #expect(error.code == .peerNotTrusted)
            #expect(error.peer == "127.0.0.1:\(authority.address.port)")
        } else {
            // The server has proved who it is: it holds the token's root.
            #expect(error.status == .permissionDenied)
            #expect(error.peer == "spiffe://test.example/coordinator")
        }
        let record = await authority.log.first(kind.record)
        #expect(record.level == .warning)
        #expect(record.metadata["address"]?.contains("127.0.0.1") == true, "\(record)")
        await authority.issuance.stop()
        await other.issuance.stop()
        let warnings = authority.log.records.filter { $0.level >= .warning }
        #expect(warnings.count == 1, "\(warnings)")
    }

    @Test("a server whose root is not the token's learns nothing of the token")
    func foreignRoot() async throws {
        let authority = try await Authority()
        let impostor = try await Authority()
        let token = try authority.token("/worker/0")
        let error = await status {
            _ = try await JoinClient.join(with: token, host: impostor.address.host, port: impostor.address.port)
        }
        #expect(error?.code == .peerNotTrusted)
        // The token was not sent: it still works where it belongs.
        _ = try await authority.join(with: token)
        await authority.issuance.stop()
        await impostor.issuance.stop()
    }

    @Test("a workload of the mesh that poses as the authority learns nothing of the token where the authority is named")
    func impostorOfTheMesh() async throws {
        let authority = try await Authority()
        // A certificate of the same authority, shown with its root by another process.
        let impostor = try IssuanceServer(
            authority: authority.test.authority, identity: try authority.test.svid("/worker/9"))
        let address = try await impostor.listen(host: "127.0.0.1", port: 0)
        let token = try authority.token("/worker/0")
        let coordinator = IdentityPattern.exact(try authority.test.id("/coordinator"))
        let error = await status {
            _ = try await JoinClient.join(
                with: token, host: address.host, port: address.port, expecting: coordinator)
        }
        #expect(error?.code == .peerNotTrusted)
        #expect(error?.message.contains("spiffe://test.example/worker/9") == true, "\(String(describing: error))")
        _ = try await JoinClient.join(
            with: token, host: authority.address.host, port: authority.address.port, expecting: coordinator)
        await authority.issuance.stop()
        await impostor.stop()
    }

    @Test("joins beyond the rate are refused before they use their token up")
    func rate() async throws {
        var configuration = IssuanceConfiguration()
        configuration.joinsPerSecond = 0.000_1
        configuration.joinBurst = 1
        let authority = try await Authority(configuration: configuration)
        _ = try await authority.join(with: authority.token("/worker/0"))
        let error = await status { _ = try await authority.join(with: authority.token("/worker/1")) }
        #expect(error?.status == .resourceExhausted)
        await authority.issuance.stop()
    }

    @Test("the join listener serves joining and nothing else, and the mesh's listener does not serve joining")
    func apart() async throws {
        let authority = try await Authority()
        let policy = try AuthorizationPolicy(rules: [
            AuthorizationPolicy.Rule("all", methods: ["*"], identities: ["spiffe://test.example/*"])
        ])
        let mesh = try Mesh(identity: try authority.test.identity("/coordinator"), policy: policy)
        authority.issuance.register(on: mesh)
        let address = try await mesh.listen(host: "127.0.0.1", port: 0)
        let error = await status {
            _ = try await JoinClient.join(
                with: authority.token("/worker/0"), host: address.host, port: address.port)
        }
        #expect(error != nil)
        #expect(error?.progress == .notSent)
        await mesh.stop()
        await authority.issuance.stop()
    }
}
