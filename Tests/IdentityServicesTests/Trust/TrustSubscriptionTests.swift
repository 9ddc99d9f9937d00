import Identity
import Logging
import MeshTransport
import MeshWire
import MeshworkTesting
import TestSupport
import Testing

@testable import IdentityServices

@Suite(.timeLimit(.minutes(5))) struct TrustSubscriptionTests {
    /// Runs what keeps a peer current while `body` runs.
    private static func following(
        _ peers: [Issuing.Peer], _ body: @Sendable () async throws -> Void
    ) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for peer in peers { group.addTask { try await peer.run() } }
            try await body()
            group.cancelAll()
        }
        for peer in peers { await peer.mesh.stop() }
    }

    private static func denying(_ path: String, _ version: UInt64, _ issuing: Issuing) throws -> DenyList {
        try DenyList(
            version: version,
            entries: [
                .identity(SPIFFEID(issuing.domain, path: path), issuedBefore: issuing.now + .seconds(3_600))
            ])
    }

    @Test(
        "what is denied is told to all at once: nobody takes the denied workload's calls any more, open connections end"
    )
    func denyList() async throws {
        try await Issuing.run { issuing in
            let (a, b) = (try await issuing.peer("/a"), try await issuing.peer("/b"))
            try await Self.following([a, b]) {
                let client = try a.client(of: b)
                #expect(try await client.call(Words.say, Word("x")) == Word("x"))
                try await issuing.runtime.sleep(for: .seconds(2))
                issuing.authority.set(denyList: try Self.denying("/a", 4, issuing))
                try await issuing.runtime.sleep(for: .seconds(2))
                #expect(b.identity.current.denyList.version == 4)
                #expect(await meshError { _ = try await client.call(Words.say, Word("x")) } != nil)
                #expect(b.mesh.connections.allSatisfy { $0.info.peer?.path != "/a" })
                // An older list is no news, a newer one takes it back.
                issuing.authority.set(denyList: try DenyList(version: 3, entries: []))
                #expect(issuing.authority.denyList.version == 4)
                issuing.authority.set(denyList: try DenyList(version: 5, entries: []))
                try await issuing.runtime.sleep(for: .seconds(20))
                #expect(b.identity.current.denyList.version == 5)
                #expect(try await client.call(Words.say, Word("y")) == Word("y"))
                client.close()
            }
        }
    }

    @Test("who subscribes later gets the newest bundle and list at once, and what is newer in one message")
    func late() async throws {
        try await Issuing.run { issuing in
            let a = try await issuing.peer("/a")
            issuing.authority.set(denyList: try Self.denying("/x", 2, issuing))
            issuing.authority.set(denyList: try Self.denying("/y", 7, issuing))
            let key = try JWTKey(.rsa(modulus: Array(repeating: 0xC5, count: 256), exponent: [1, 0, 1]))
            try issuing.authority.setTokenKeys([key])
            try await Self.following([a]) {
                try await issuing.runtime.sleep(for: .seconds(1))
                #expect(a.identity.current.denyList.version == 7)
                #expect(a.identity.current.bundle[issuing.domain]?.jwtKeys == [key])
            }
            #expect(issuing.log.all("what to trust has changed").count == 1)
        }
    }

    @Test("an authority that is away is one warning, and is followed again when it is back")
    func outage() async throws {
        try await Issuing.run { issuing in
            let a = try await issuing.peer("/a")
            try await Self.following([a]) {
                try await issuing.runtime.sleep(for: .seconds(5))
                issuing.runtime.kill(host: "authority", port: 1)
                await issuing.mesh.stop()
                try await issuing.runtime.sleep(for: .seconds(100))
                issuing.authority.set(denyList: try Self.denying("/x", 2, issuing))
                #expect(a.identity.current.denyList == .empty)
                #expect(issuing.log.all("what to trust is not followed; it stays as it was").count > 3)
                let warnings = issuing.log.all("what to trust is not followed; it stays as it was")
                #expect(warnings.filter { $0.level == .warning }.count == 1)
                let again = try Mesh(
                    identity: issuing.mesh.identity, policy: issuing.policy, runtime: issuing.runtime)
                issuing.issuance.register(on: again)
                try await again.listen(host: "authority", port: 1)
                try await issuing.runtime.sleep(for: .seconds(70))
                #expect(a.identity.current.denyList.version == 2)
                await again.stop()
            }
        }
    }

    @Test(
        "a call ends with its time and another follows, as it does when connections are replaced, without a warning, and nobody is left behind"
    )
    func lifetime() async throws {
        try await Issuing.run { issuing in
            let a = try await issuing.peer("/a")
            try await Self.following([a]) {
                try await issuing.runtime.sleep(for: .seconds(2_000))
                #expect(issuing.authority.feed.followers == 1)
            }
            try await issuing.runtime.sleep(for: .seconds(5))
            #expect(issuing.authority.feed.followers == 0)
            let told = issuing.log.all("what to trust is not followed; it stays as it was")
            #expect(told.allSatisfy { $0.level == .debug }, "\(told)")
        }
    }

    @Test("waits double from a second to a minute, and chance takes up to a fifth off them")
    func waits() throws {
        let configuration = TrustSubscriptionConfiguration()
        let waits = [1, 2, 3, 6, 7, 1_000].map { configuration.wait(after: $0, chance: 0) }
        #expect(waits == [1, 2, 4, 32, 60, 60].map { Duration.seconds($0) })
        #expect(configuration.wait(after: 1, chance: 0.5) == .milliseconds(900))
        var wrong = TrustSubscriptionConfiguration()
        wrong.callLifetime = .zero
        wrong.retryWait = .zero
        wrong.longestWait = .seconds(-1)
        wrong.jitter = 1
        let error = #expect(throws: IdentityError.self) { try wrong.validate() }
        for name in ["callLifetime", "retryWait", "longestWait", "jitter"] {
            #expect(error?.message.contains("\(name): ") == true)
        }
    }

    @Test("messages say what they said, lists of many entries among them")
    func messages() throws {
        let entries = (0..<5_000).map { DenyList.Entry.key(SHA256Fingerprint(of: [UInt8($0 & 255), UInt8($0 >> 8)])) }
        let list = try DenyList(version: 9, entries: entries)
        let update = TrustUpdate(trustDomain: "test.example", document: [1, 2], denyList: list.encoded)
        #expect(try Payload(update).decode(as: TrustUpdate.self) == update)
        let request = TrustRequest(serialNumber: [1], bundleSequence: 2, denyListVersion: 3)
        #expect(try Payload(request).decode(as: TrustRequest.self) == request)
    }

    @Test("a bundle that cannot be read does not hold a deny list back, nor the other way round")
    func halves() throws {
        let authority = try TestAuthority(runtime: SystemRuntime.shared)
        let identity = try authority.identity("/a")
        let domain = authority.trustDomain
        let list = try DenyList(version: 2, entries: [.key(SHA256Fingerprint(of: [1]))])
        var thrown: IdentityError?
        func adopt(_ document: [UInt8], _ denyList: [UInt8]) {
            thrown = nil
            do {
                try TrustSubscription.adopt(
                    TrustUpdate(trustDomain: domain.name, document: document, denyList: denyList), of: domain,
                    in: identity)
            } catch {
                thrown = error
            }
        }
        adopt([1, 2], list.encoded)
        #expect(thrown != nil && identity.current.denyList == list)
        let bundle = try TrustDomainBundle(domain, roots: [authority.authority.rootCertificate], sequence: 9)
        adopt(bundle.document, [1, 2])
        #expect(thrown != nil && identity.current.bundle[domain]?.sequence == 9)
    }
}
