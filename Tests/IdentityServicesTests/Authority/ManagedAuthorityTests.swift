import Identity
import Logging
import MeshTransport
import MeshWire
import MeshworkTesting
import Synchronization
import TestSupport
import Testing

@testable import IdentityServices

@Suite(.timeLimit(.minutes(5))) struct ManagedAuthorityTests {
    /// Calls that were made, and the errors of those that failed.
    private final class Calls: Sendable {
        private let state = Mutex<(count: Int, errors: [MeshError])>((0, []))

        var seen: (calls: Int, errors: [MeshError]) { state.withLock { ($0.count, $0.errors) } }

        func add(_ error: MeshError?) {
            state.withLock { state in
                state.count += 1
                if let error { state.errors.append(error) }
            }
        }
    }

    /// Keeps nothing while it is full.
    private final class Disk: Sendable {
        struct Full: Error {}
        private let isFull = Mutex(false)

        func set(isFull: Bool) { self.isFull.withLock { $0 = isFull } }
        func write() throws { if isFull.withLock({ $0 }) { throw Full() } }
    }

    /// Runs peers that call each other every few seconds while `body` runs; the calls, and the errors of those that failed.
    private static func calling(
        _ issuing: Issuing, _ peers: [Issuing.Peer], _ body: @Sendable () async throws -> Void
    ) async throws -> (calls: Int, errors: [MeshError]) {
        let calls = Calls()
        let clients = try peers.indices.map { try peers[$0].client(of: peers[($0 + 1) % peers.count]) }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for peer in peers { group.addTask { try await peer.run() } }
            for client in clients {
                group.addTask {
                    while !Task.isCancelled {
                        let error = await meshError { _ = try await client.call(Words.say, Word("x")) }
                        if Task.isCancelled { return }
                        calls.add(error)
                        try await issuing.runtime.sleep(for: .seconds(3))
                    }
                }
            }
            try await body()
            group.cancelAll()
            while let result = await group.nextResult() {
                if case .failure(let error) = result, !(error is CancellationError) { throw error }
            }
        }
        for client in clients { client.close() }
        return calls.seen
    }

    @Test(
        "leaves, issuer and root of several peers are replaced under calls, and no call fails",
        arguments: [1, 2] as [UInt64])
    func rotation(seed: UInt64) async throws {
        try await Issuing.run(seed: seed) { issuing in
            let peers = [
                try await issuing.peer("/a"), try await issuing.peer("/b"), try await issuing.peer("/c"),
                // One that hears of the new root with its next certificate alone.
                try await issuing.peer("/d", follows: false),
            ]
            let before = issuing.authority.rotation
            let leaves = peers.map { $0.identity.current.svid }
            let (calls, errors) = try await Self.calling(issuing, peers) {
                try await issuing.runtime.sleep(for: .seconds(1_500))
                let renewed = issuing.authority.rotation
                #expect(renewed.issuer.issuerCertificate != before.issuer.issuerCertificate)
                #expect(renewed.issuer.rootCertificate == before.issuer.rootCertificate)
                try issuing.authority.addRoot()
                try await issuing.runtime.sleep(for: .seconds(2_000))
            }
            #expect(errors.isEmpty, "\(errors)")
            #expect(calls > 3_000)
            let after = issuing.authority.rotation
            #expect(after.phase == .steady)
            #expect(after.issuer.rootCertificate != before.issuer.rootCertificate)
            for (peer, leaf) in zip(peers, leaves) {
                #expect(peer.identity.current.svid != leaf)
                #expect(peer.identity.current.bundle.roots == [after.issuer.rootCertificate], "\(peer.path)")
                await peer.mesh.stop()
            }
            #expect(issuing.log.records.filter { $0.level >= .error }.isEmpty)
        }
    }

    @Test("the new root issues as soon as all who follow have it, long before their certificates end")
    func acknowledged() async throws {
        try await Issuing.run { issuing in
            let peers = [try await issuing.peer("/a"), try await issuing.peer("/b")]
            let (_, errors) = try await Self.calling(issuing, peers) {
                try await issuing.runtime.sleep(for: .seconds(5))
                try issuing.authority.addRoot()
                #expect(issuing.authority.workloadsWithoutBundle.map(\.path) == ["/a", "/b"])
                try await issuing.runtime.sleep(for: .seconds(25))
                #expect(issuing.authority.workloadsWithoutBundle.isEmpty)
                guard case .issuing = issuing.authority.rotation.phase else {
                    Issue.record("\(issuing.authority.rotation.phase)")
                    return
                }
            }
            #expect(errors.isEmpty)
            for peer in peers { await peer.mesh.stop() }
        }
    }

    @Test("one that has not got the bundle holds the new root back, and no longer than its certificate is good")
    func heldBack() async throws {
        try await Issuing.run { issuing in
            let silent = try await issuing.join("/silent")
            try issuing.authority.addRoot()
            try await issuing.runtime.sleep(for: .seconds(300))
            #expect(issuing.authority.workloadsWithoutBundle.map(\.path) == ["/silent"])
            guard case .distributing = issuing.authority.rotation.phase else {
                Issue.record("\(issuing.authority.rotation.phase)")
                return
            }
            // A token of this time pins the old root, and is used when the new one issues.
            let token = try issuing.issuance.makeToken(
                for: IssuanceAuthorization(spiffeID: SPIFFEID(issuing.domain, path: "/late")))
            try await issuing.runtime.sleep(for: .seconds(250))
            guard case .issuing = issuing.authority.rotation.phase else {
                Issue.record("\(issuing.authority.rotation.phase)")
                return
            }
            #expect(token.rootFingerprint != issuing.authority.rotation.issuer.rootFingerprint)
            let late = try await JoinClient.join(
                with: token, host: "authority", port: 2, runtime: issuing.runtime)
            #expect(late.current.bundle.roots.count == 2)
            // And one that is made now pins the new one.
            let new = try await issuing.join("/new")
            #expect(new.current.bundle.roots.count == 2)
            #expect(silent.current.bundle.roots.count == 1)
        }
    }

    @Test("a state that is not kept is not in force, and its certificate does not leave")
    func notKept() async throws {
        try await SimulatedRuntime.run(seed: 1) { runtime in
            let disk = Disk()
            var generator = SystemRandomNumberGenerator()
            let now = UnixTime(seconds: runtime.timeSince1970.components.seconds)
            let domain = try TrustDomain(parsing: "test.example")
            let root = try RootAuthority(trustDomain: domain, now: now, using: &generator)
            let authority = try ManagedAuthority(
                AuthorityRotation(root: root, now: now, using: &generator), runtime: runtime
            ) { _ in try disk.write() }
            disk.set(isFull: true)
            #expect(throws: Disk.Full.self) { try authority.addRoot() }
            #expect(authority.rotation.phase == .steady && authority.bundle.roots.count == 1)
            let authorization = try IssuanceAuthorization(spiffeID: SPIFFEID(domain, path: "/a"))
            #expect(throws: Disk.Full.self) { _ = try authority.makeIdentity(for: authorization) }
            disk.set(isFull: false)
            try authority.addRoot()
            #expect(authority.bundle.roots.count == 2)
            _ = try authority.makeIdentity(for: authorization)
        }
    }

    @Test("an authority that is away leaves the old certificate in use to its end, and the log gets louder")
    func outage() async throws {
        try await Issuing.run { issuing in
            let (a, b) = (try await issuing.peer("/a"), try await issuing.peer("/b"))
            let watch = try ExpiryWatch(
                of: a.identity, every: .seconds(1), runtime: issuing.runtime, metrics: a.mesh.metrics,
                logger: issuing.log.logger)
            let end = a.identity.current.svid.notAfter
            issuing.runtime.kill(host: "authority", port: 1)
            await issuing.mesh.stop()
            let (_, errors) = try await Self.calling(issuing, [a, b]) {
                try await withThrowingTaskGroup(of: Void.self) { group in
                    group.addTask { try await watch.run() }
                    try await issuing.runtime.sleep(for: .seconds(380))
                    #expect(watch.urgency == .critical)
                    group.cancelAll()
                }
            }
            #expect(errors.isEmpty, "\(errors)")
            #expect(a.identity.current.svid.notAfter == end)
            let late = try #require(issuing.log.all("a certificate should have been replaced").first)
            #expect(late.level == .warning && late.metadata["certificate"] == "leaf")
            let critical = try #require(issuing.log.all("a certificate is about to end").first)
            #expect(critical.level == .error)
            let gauge = a.mesh.metrics.lines(of: "mesh_identity_certificate_expiry_timestamp_seconds")
            #expect(gauge.count == 3)
            let leaf = try #require(gauge.first { $0.contains(#"{certificate="leaf"}"#) })
            #expect(leaf.split(separator: " ").last.flatMap { Double($0) } == Double(end.seconds), "\(gauge)")
            for peer in [a, b] { await peer.mesh.stop() }
        }
    }

    @Test("once another root issues, workloads renew soon, and the old one can be dropped without a failed call")
    func stolenRoot() async throws {
        try await Issuing.run { issuing in
            let peers = [try await issuing.peer("/a"), try await issuing.peer("/b")]
            let old = issuing.authority.rotation.issuer.rootCertificate
            let (_, errors) = try await Self.calling(issuing, peers) {
                try await issuing.runtime.sleep(for: .seconds(5))
                try issuing.authority.addRoot()
                // All follow, so that the new root issues at once.
                try await issuing.runtime.sleep(for: .seconds(10))
                // Long before 63 % of a leaf's life.
                try await issuing.runtime.sleep(for: .seconds(90))
                #expect(!issuing.authority.workloadsBelowOldRoot.map(\.path).contains { ["/a", "/b"].contains($0) })
                try issuing.authority.dropOldRoot()
                try await issuing.runtime.sleep(for: .seconds(60))
            }
            #expect(errors.isEmpty, "\(errors)")
            for peer in peers {
                #expect(!peer.identity.current.bundle.roots.contains(old))
                await peer.mesh.stop()
            }
        }
    }

    @Test("a bundle and a deny list that were never published here count as none, and are told once")
    func foreign() async throws {
        try await Issuing.run { issuing in
            let identity = try await issuing.join("/a")
            let svid = identity.current.svid
            let sequence = try #require(issuing.authority.bundle.sequence)
            try issuing.authority.addRoot()
            for _ in 0..<2 {
                issuing.authority.acknowledged(
                    sequence + 1_000, denyListVersion: 3, by: svid.serialNumber, of: svid.spiffeID)
            }
            #expect(issuing.authority.workloadsWithoutBundle.map(\.path).contains("/a"))
            #expect(issuing.log.records.filter { $0.level == .error }.count == 2)
        }
    }

    @Test("an authority that was sealed waits for the leaves that its last process may have issued")
    func unsealed() async throws {
        try await SimulatedRuntime.run(seed: 1) { runtime in
            var generator = SystemRandomNumberGenerator()
            let now = UnixTime(seconds: runtime.timeSince1970.components.seconds)
            let root = try RootAuthority(
                trustDomain: TrustDomain(parsing: "test.example"), configuration: Issuing.configuration(), now: now,
                using: &generator)
            let rotation = try AuthorityRotation(root: root, now: now, using: &generator)
            #expect(try ManagedAuthority(rotation, runtime: runtime).workloadsUnknownUntil == nil)
            let sealed = try rotation.sealed(with: [1], using: &generator)
            let authority = try ManagedAuthority(
                AuthorityRotation(unsealing: sealed, passphrase: [1], configuration: Issuing.configuration()),
                runtime: runtime)
            #expect(authority.workloadsUnknownUntil == now + Issuing.leafLifetime)
            try authority.addRoot()
            try await runtime.sleep(for: .seconds(100))
            authority.advance()
            guard case .distributing = authority.rotation.phase else {
                Issue.record("\(authority.rotation.phase)")
                return
            }
        }
    }
}
