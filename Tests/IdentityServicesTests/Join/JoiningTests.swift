import Identity
import IdentityServices
import MeshTransport
import MeshWire
import MeshworkTesting
import Testing

@Suite struct JoiningTests {
    /// An authority that is listening for those who join.
    private struct Authority {
        let test: TestAuthority
        let issuance: IssuanceServer
        let address: ListenerAddress

        init(_ trustDomain: String = "test.example", configuration: IssuanceConfiguration = IssuanceConfiguration())
            async throws
        {
            test = try TestAuthority(trustDomain, runtime: SystemRuntime.shared)
            issuance = try IssuanceServer(
                authority: test.authority, identity: try test.svid("/coordinator"), configuration: configuration)
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

    @Test("a token is good for one certificate")
    func reused() async throws {
        let authority = try await Authority()
        let token = try authority.token("/worker/0")
        _ = try await authority.join(with: token)
        let error = await status { _ = try await authority.join(with: token) }
        #expect(error?.status == .permissionDenied)
        #expect(error?.message.contains("redeemed before") == true)
        await authority.issuance.stop()
    }

    @Test("a token that nobody issued is refused")
    func unknown() async throws {
        let authority = try await Authority()
        let other = try await Authority()
        let stranger = try other.token("/worker/0")
        let forged = try #require(
            JoinToken(rootFingerprint: authority.test.authority.rootFingerprint, secret: stranger.secret))
        let error = await status { _ = try await authority.join(with: forged) }
        #expect(error?.status == .permissionDenied)
        await authority.issuance.stop()
        await other.issuance.stop()
    }

    @Test("a token that was not used in time is refused")
    func expired() async throws {
        var configuration = IssuanceConfiguration()
        configuration.tokenLifetime = .seconds(-60)
        let authority = try await Authority(configuration: configuration)
        let error = await status { _ = try await authority.join(with: authority.token("/worker/0")) }
        #expect(error?.status == .permissionDenied)
        #expect(error?.message.contains("expired") == true)
        await authority.issuance.stop()
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
