import Identity
import MeshTransport
import MeshWire
import MeshworkTesting
import TestSupport
import Testing

@testable import IdentityServices

@Suite(.timeLimit(.minutes(5))) struct IssuanceLogServiceTests {
    private static let name = "test.example/issuance"

    private static func ledger() throws -> IssuanceLedger {
        try IssuanceLedger(
            IssuanceLog(signer: NoteSigner(name: name), storage: InMemoryIssuanceLogStorage()))
    }

    private static func code(_ body: () async throws -> Void) async -> IdentityError.Code? {
        do { try await body() } catch { return (error as? IdentityError)?.code }
        return nil
    }

    @Test("every certificate is in the log, with who authorised it, and a watcher verifies that over the mesh")
    func watched() async throws {
        let ledger = try Self.ledger()
        try await Issuing.run(ledger: ledger) { issuing in
            // The authority's own.
            #expect(ledger.size == 1)
            let peer = try await issuing.peer("/a")
            let first = peer.identity.current.svid.chain[0]
            try await peer.renewal.renew()
            #expect(ledger.size == 3)
            let auditor = try await issuing.peer("/auditor")
            var watcher = IssuanceLogWatcher(
                of: ledger.publicKey, through: auditor.mesh.client(try issuing.destination))
            let early = watcher
            #expect(await Self.code { _ = try await early.record(of: first) } == .notInLog)
            let size = try await watcher.update().size
            #expect(size == 4)
            let joined = try await watcher.record(of: first)
            #expect(joined.spiffeID.path == "/a" && joined.authorizedBy.hasPrefix("join token "))
            let renewed = try await watcher.record(of: peer.identity.current.svid.chain[0])
            #expect(renewed.authorizedBy == "renewal")
            // It only grows, and is asked again with what is known.
            try await peer.renewal.renew()
            let latest = try await watcher.update()
            #expect(latest.size == 5 && watcher.latest == latest)
            // A certificate that somebody with the key has made beside the log.
            var generator = SystemRandomNumberGenerator()
            let secret = try issuing.authority.rotation.issuer.makeIdentity(
                for: IssuanceAuthorization(spiffeID: SPIFFEID(issuing.domain, path: "/a")), now: issuing.now,
                using: &generator)
            let late = watcher
            #expect(await Self.code { _ = try await late.record(of: secret.chain[0]) } == .notInLog)
            for peer in [peer, auditor] { await peer.mesh.stop() }
        }
    }

    @Test("a log that has another past than the one that was seen is found out, and so is one of another key")
    func rewritten() async throws {
        let signer = try NoteSigner(name: Self.name)
        let ledger = try IssuanceLedger(IssuanceLog(signer: signer, storage: InMemoryIssuanceLogStorage()))
        try await Issuing.run(ledger: ledger) { issuing in
            let peer = try await issuing.peer("/a")
            let client = peer.mesh.client(try issuing.destination)
            var watcher = IssuanceLogWatcher(of: ledger.publicKey, through: client)
            try await watcher.update()
            // What somebody was shown before is of a log of the same key with other entries.
            let other = try IssuanceLedger(IssuanceLog(signer: signer, storage: InMemoryIssuanceLogStorage()))
            try other.append(try await watcher.record(of: peer.identity.current.svid.chain[0]))
            let seen = try LogCheckpoint(note: other.checkpoint(from: 0).note, verifiedBy: ledger.publicKey)
            var deceived = IssuanceLogWatcher(of: ledger.publicKey, through: client, latest: seen)
            var found: IdentityError.Code?
            do { try await deceived.update() } catch let error as IdentityError { found = error.code }
            #expect(found == .logInconsistent && deceived.latest == seen)
            var stranger = IssuanceLogWatcher(of: try NoteSigner(name: Self.name).publicKey, through: client)
            do { try await stranger.update() } catch let error as IdentityError { found = error.code }
            #expect(found == .noteNotSigned)
            client.close()
            await peer.mesh.stop()
        }
    }

    /// Takes two entries.
    private struct SmallStorage: IssuanceLogStorage {
        struct Full: Error {}
        var inner = InMemoryIssuanceLogStorage()
        var count: UInt64 { inner.count }
        mutating func append(_ entry: [UInt8]) throws {
            guard count < 2 else { throw Full() }
            inner.append(entry)
        }
        func entry(at index: UInt64) throws -> [UInt8] { inner.entry(at: index) }
    }

    @Test("a certificate that the log cannot keep does not leave the authority")
    func full() async throws {
        let ledger = try IssuanceLedger(IssuanceLog(signer: NoteSigner(name: Self.name), storage: SmallStorage()))
        try await Issuing.run(ledger: ledger) { issuing in
            _ = try await issuing.join("/a")
            let token = try issuing.issuance.makeToken(
                for: try IssuanceAuthorization(spiffeID: SPIFFEID(issuing.domain, path: "/b")))
            // The token is not spent by what goes wrong at the authority.
            for _ in 0..<2 {
                let error = await meshError {
                    _ = try await JoinClient.join(with: token, host: "authority", port: 2, runtime: issuing.runtime)
                }
                #expect(error?.status == .unavailable, "\(String(describing: error))")
            }
            #expect(ledger.size == 2)
            #expect(try ledger.current(at: issuing.now).map(\.spiffeID.path) == ["/a", "/authority"])
        }
    }

    @Test("who joined before a restart may renew after it, as what the log says of it")
    func restart() async throws {
        try await Issuing.run(ledger: try Self.ledger()) { issuing in
            let peer = try await issuing.peer("/a")
            let mesh = try await Self.restarted(issuing, denying: .empty)
            let renewal = try Self.renewal(of: peer, issuing)
            let before = peer.identity.current.svid
            try await renewal.renew()
            let after = peer.identity.current.svid
            #expect(after != before && after.spiffeID == before.spiffeID)
            await mesh.stop()
            await peer.mesh.stop()
        }
    }

    /// Another process of the authority, with its state and its log, at `again:1`.
    private static func restarted(_ issuing: Issuing, denying denyList: DenyList) async throws -> Mesh {
        let authority = try ManagedAuthority(
            issuing.authority.rotation, denyList: denyList, ledger: issuing.authority.ledger, runtime: issuing.runtime)
        let server = try IssuanceServer(
            authority: authority, identity: issuing.mesh.identity, runtime: issuing.runtime)
        let mesh = try Mesh(identity: issuing.mesh.identity, policy: issuing.policy, runtime: issuing.runtime)
        server.register(on: mesh)
        try await mesh.listen(host: "again", port: 1)
        return mesh
    }

    private static func renewal(of peer: Issuing.Peer, _ issuing: Issuing) throws -> IdentityRenewal {
        let identities: [IdentityPattern] = [.exact(try SPIFFEID(issuing.domain, path: "/authority"))]
        return try IdentityRenewal(
            of: peer.identity, on: peer.mesh, authority: Destination(host: "again", port: 1, identities: identities))
    }

    @Test("who is denied cannot renew after a restart: a leaf of a later time would be good again")
    func denied() async throws {
        try await Issuing.run(ledger: try Self.ledger()) { issuing in
            let (denied, other) = (try await issuing.peer("/a"), try await issuing.peer("/b"))
            let id = try SPIFFEID(issuing.domain, path: "/a")
            let list = try DenyList(version: 7, entries: [.identity(id, issuedBefore: issuing.now)])
            try await issuing.runtime.sleep(for: .seconds(60))
            // The mesh's own identity has no list: the authority's decides.
            let mesh = try await Self.restarted(issuing, denying: list)
            let before = denied.identity.current.svid
            let error = await meshError { try await Self.renewal(of: denied, issuing).renew() }
            #expect(error?.status == .permissionDenied, "\(String(describing: error))")
            #expect(denied.identity.current.svid == before)
            try await Self.renewal(of: other, issuing).renew()
            for mesh in [mesh, denied.mesh, other.mesh] { await mesh.stop() }
        }
    }

    @Test("a log that shrank is found out")
    func shrunken() async throws {
        let signer = try NoteSigner(name: Self.name)
        let ledger = try IssuanceLedger(IssuanceLog(signer: signer, storage: InMemoryIssuanceLogStorage()))
        try await Issuing.run(ledger: ledger) { issuing in
            let peer = try await issuing.peer("/a")
            let client = peer.mesh.client(try issuing.destination)
            var watcher = IssuanceLogWatcher(of: ledger.publicKey, through: client)
            try await watcher.update()
            let larger = try IssuanceLedger(IssuanceLog(signer: signer, storage: InMemoryIssuanceLogStorage()))
            let record = try await watcher.record(of: peer.identity.current.svid.chain[0])
            for _ in 0...ledger.size { try larger.append(record) }
            let seen = try LogCheckpoint(note: larger.checkpoint(from: 0).note, verifiedBy: ledger.publicKey)
            var deceived = IssuanceLogWatcher(of: ledger.publicKey, through: client, latest: seen)
            var found: IdentityError.Code?
            do { try await deceived.update() } catch let error as IdentityError { found = error.code }
            #expect(found == .logInconsistent)
            client.close()
            await peer.mesh.stop()
        }
    }

    @Test("a workload with the longest of names renews as others do")
    func longName() async throws {
        try await Issuing.run(ledger: try Self.ledger()) { issuing in
            let identity = try await issuing.join("/" + String(repeating: "a", count: 1_200))
            let mesh = try Mesh(identity: identity, policy: .denyAll, runtime: issuing.runtime)
            try await IdentityRenewal(of: identity, on: mesh, authority: try issuing.destination).renew()
            #expect(identity.current.generation == 2)
            await mesh.stop()
        }
    }
}
