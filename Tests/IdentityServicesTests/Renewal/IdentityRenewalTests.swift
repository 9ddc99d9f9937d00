import Identity
import MeshTransport
import MeshWire
import MeshworkTesting
import Testing

@testable import IdentityServices

@Suite(.timeLimit(.minutes(5))) struct IdentityRenewalTests {
    @Test("an identity whose key is held elsewhere is not renewed: its next key would be in memory")
    func externalKey() throws {
        let authority = try TestAuthority(runtime: SystemRuntime.shared)
        let svid = try WorkloadIdentity(chain: authority.svid("/worker").chain, key: ExternalKey(.p256) { $0 })
        let identity = RotatableIdentity(svid: svid, bundle: try authority.authority.bundle())
        let mesh = try Mesh(identity: identity, policy: .denyAll)
        let error = #expect(throws: IdentityError.self) {
            try IdentityRenewal(
                of: identity, on: mesh, authority: Destination(host: "127.0.0.1", port: 1, identities: []))
        }
        #expect(error?.code == .invalidConfiguration)
    }

    @Test(
        "a renewed certificate has a new key of the same kind and the same names, and a workload that never joined gets none",
        arguments: [KeyAlgorithm.p256, .ed25519])
    func renew(key: KeyAlgorithm) async throws {
        let authority = try TestAuthority(runtime: SystemRuntime.shared)
        let policy = try AuthorizationPolicy(rules: [
            AuthorizationPolicy.Rule(
                "renewal", methods: ["\(IssuanceService.name)/*"], identities: ["spiffe://test.example/*"])
        ])
        let coordinator = try Mesh(identity: try authority.identity("/coordinator"), policy: policy)
        let issuance = try IssuanceServer(authority: authority.authority, identity: try authority.svid("/coordinator"))
        issuance.register(on: coordinator)
        let address = try await coordinator.listen(host: "127.0.0.1", port: 0)
        let join = try await issuance.listen(host: "127.0.0.1", port: 0)
        let token = try issuance.makeToken(
            for: try IssuanceAuthorization(spiffeID: try authority.id("/worker/0"), dnsNames: ["worker.example"]))

        let identity = try await JoinClient.join(with: token, host: join.host, port: join.port, key: key)
        let before = identity.current
        let destination = Destination(
            host: address.host, port: address.port, identities: [.exact(try authority.id("/coordinator"))])
        let worker = try Mesh(identity: identity, policy: .denyAll)
        try await IdentityRenewal(of: identity, on: worker, authority: destination).renew()
        #expect(identity.current.svid.spiffeID == before.svid.spiffeID)
        #expect(identity.current.generation > before.generation)
        #expect(identity.current.svid.chain != before.svid.chain)
        let keys = [before, identity.current].map { $0.svid.withPrivateKeyPEM { $0 } }
        #expect(keys[0] != keys[1])
        #expect([before, identity.current].map(\.svid.keyAlgorithm) == [key, key])

        let stranger = try authority.identity("/stranger")
        let strangersMesh = try Mesh(identity: stranger, policy: .denyAll)
        await #expect(throws: MeshError.self) {
            try await IdentityRenewal(of: stranger, on: strangersMesh, authority: destination).renew()
        }
        await coordinator.stop()
        await issuance.stop()
    }

    @Test("the loop renews on time, again and again, and keeps the old certificate when the authority is away")
    func loop() async throws {
        let generations = try await SimulatedRuntime.run(seed: 11) { runtime in
            let authority = try TestAuthority(runtime: runtime)
            let policy = try AuthorizationPolicy(rules: [
                AuthorizationPolicy.Rule("renewal", methods: ["*"], identities: ["spiffe://test.example/*"])
            ])
            let own = try authority.identity("/coordinator", lifetime: .seconds(86_400))
            let coordinator = try Mesh(identity: own, policy: policy, runtime: runtime)
            let issuance = try IssuanceServer(
                authority: authority.authority, identity: own.current.svid, runtime: runtime)
            issuance.register(on: coordinator)
            let address = try await coordinator.listen(host: "coordinator", port: 1)
            let join = try await issuance.listen(host: "coordinator", port: 2)
            let token = try issuance.makeToken(
                for: try IssuanceAuthorization(spiffeID: try authority.id("/worker/0"), lifetime: .seconds(100)))
            let identity = try await JoinClient.join(
                with: token, host: join.host, port: join.port, runtime: runtime)
            let worker = try Mesh(identity: identity, policy: .denyAll, runtime: runtime)
            let destination = Destination(
                host: address.host, port: address.port, identities: [.exact(try authority.id("/coordinator"))])
            let renewal = try IdentityRenewal(of: identity, on: worker, authority: destination)
            var seen: [UInt64] = []
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await renewal.run() }
                for seconds in [60, 20, 70] {
                    try await runtime.sleep(for: .seconds(seconds))
                    seen.append(identity.current.generation)
                }
                runtime.kill(host: "coordinator", port: 1)
                await coordinator.stop()
                try await runtime.sleep(for: .seconds(90))
                seen.append(identity.current.generation)
                group.cancelAll()
            }
            await issuance.stop()
            return seen
        }
        let first = try #require(generations.first)
        #expect(generations == [first, first + 1, first + 2, first + 2])
    }

    @Test("a certificate that does not lead to the bundle is not put in force")
    func foreignChain() async throws {
        try await SimulatedRuntime.run(seed: 3) { runtime in
            let authority = try TestAuthority(runtime: runtime)
            let other = try TestAuthority(runtime: runtime)
            let policy = try AuthorizationPolicy(rules: [
                AuthorizationPolicy.Rule("renewal", methods: ["*"], identities: ["spiffe://test.example/*"])
            ])
            let coordinator = try Mesh(
                identity: try authority.identity("/coordinator"), policy: policy, runtime: runtime)
            let authorization = try IssuanceAuthorization(spiffeID: authority.id("/worker"))
            let document = try TrustDomainBundle(
                authority.trustDomain, roots: [authority.authority.rootCertificate], sequence: 1
            ).document
            coordinator.serve(IssuanceService.renew) { request, _ in
                var generator = SystemRandomNumberGenerator()
                let issued = try other.authority.issue(
                    VerifiedCertificateRequest(der: request.certificateRequest), for: authorization,
                    now: UnixTime(seconds: runtime.timeSince1970.components.seconds), using: &generator)
                return IssuedIdentity(
                    chain: issued.chain, trustDomain: authority.trustDomain.name, document: document)
            }
            let address = try await coordinator.listen(host: "coordinator", port: 1)
            let identity = try authority.identity("/worker")
            let before = identity.current.svid
            let worker = try Mesh(identity: identity, policy: .denyAll, runtime: runtime)
            let renewal = try IdentityRenewal(
                of: identity, on: worker,
                authority: Destination(
                    host: address.host, port: address.port, identities: [.exact(try authority.id("/coordinator"))]))
            var code: IdentityError.Code?
            do { try await renewal.renew() } catch let error as IdentityError { code = error.code }
            #expect(code == .untrustedIssuer && identity.current.svid == before)
            await worker.stop()
            await coordinator.stop()
        }
    }
}
