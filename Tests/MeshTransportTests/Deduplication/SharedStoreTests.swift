import Identity
import MeshTransport
import MeshWire
import MeshworkTesting
import NIOCore
import Synchronization
import TestSupport
import Testing

/// Deduplicated calls of a service whose servers share what they remember, and of one whose servers do not.
@Suite(.timeLimit(.minutes(5))) struct SharedStoreTests {
    /// Servers that count a call and lose the connection before they answer the first one.
    private func run(
        stores: [(any DeduplicationStore)?], deduplicated: DeduplicatedBy = .mesh, seed: UInt64 = 1,
        ran: @escaping @Sendable (Int) -> Void = { _ in },
        _ body: @escaping @Sendable @concurrent (MeshClient, Tally) async throws -> Void
    ) async throws {
        try await Simulated.run(seed: seed) { simulation in
            let runs = Tally()
            let resolver = StaticResolver()
            var servers: [Mesh] = []
            for (number, store) in stores.enumerated() {
                let mesh = try Mesh(
                    configuration: MeshConfiguration(), identity: simulation.authority.identity("/server/\(number)"),
                    policy: simulation.policy, deduplicationStore: store,
                    runtime: simulation.runtime)
                mesh.serve(Echo.count, deduplicated: deduplicated) { note, _ in
                    let run = runs.add()
                    ran(number)
                    if run == 1 {
                        // Nobody serves there afterwards.
                        simulation.runtime.kill(host: "s\(number)", port: 1_000)
                        try await mesh.runtime.sleep(for: .milliseconds(100))
                    }
                    return Note("run \(run)")
                }
                try await mesh.listen(host: "s\(number)", port: 1_000)
                servers.append(mesh)
            }
            resolver.set(
                stores.indices.map { ServiceEndpoint(.tcp(host: "s\($0)", port: 1_000)) }, of: "counted.test")
            var configuration = MeshConfiguration()
            configuration.resolver = resolver
            configuration.balancing.slowStart = nil
            let mesh = try Mesh(
                configuration: configuration, identity: simulation.authority.identity("/client"), policy: .denyAll,
                runtime: simulation.runtime)
            let client = mesh.client(
                Destination(
                    service: "counted.test", identities: [.below(try simulation.authority.id("/server"))]))
            try await body(client, runs)
            client.close()
            for server in servers { await server.stop() }
        }
    }

    @Test("a call that was lost at one server is answered by another that shares its store, and has run once")
    func shared() async throws {
        let store = StoreOfBytes(id: DeduplicationStoreID(high: 1, low: 2))
        try await run(stores: [store, store]) { client, runs in
            let reply = try await client.call(Echo.count, Note("x"))
            #expect(reply == Note("run 1") && runs.count == 1)
        }
    }

    @Test("of three servers the one that shares the store is found", arguments: 1...4 as ClosedRange<UInt64>)
    func oneOfThree(seed: UInt64) async throws {
        let store = StoreOfBytes(id: DeduplicationStoreID(high: 1, low: 2))
        let first = FirstServer()
        try await run(stores: [store, store, nil], seed: seed, ran: { number in first.note(number) }) { client, runs in
            let reply = try? await client.call(Echo.count, Note("x"))
            // The one that shares nothing may have had the call first.
            let isShared = first.number != 2
            #expect(runs.count == 1 && reply == (isShared ? Note("run 1") : nil))
        }
    }

    @Test("a server that shares no store is not asked, and the caller is told that the call may have run")
    func unshared() async throws {
        try await run(stores: [nil, nil]) { client, runs in
            let error = await meshError { _ = try await client.call(Echo.count, Note("x")) }
            #expect(error?.progress == .mayHaveRun)
            #expect(runs.count == 1)
        }
    }

    @Test("a handler with a ledger of its own runs nothing that another server may have run, whatever the mesh's store")
    func ownLedger() async throws {
        let store = StoreOfBytes(id: DeduplicationStoreID(high: 1, low: 2))
        try await run(stores: [store, store], deduplicated: .handler) { client, runs in
            let error = await meshError { _ = try await client.call(Echo.count, Note("x")) }
            #expect(error?.status == .failedPrecondition && error?.progress == .mayHaveRun)
            #expect(runs.count == 1)
        }
    }

    @Test("an outcome survives as bytes")
    func bytes() throws(WireError) {
        var reply = Reply(
            status: .aborted, message: "no", hasNotRun: true,
            payload: Payload(
                head: ByteBuffer(string: "head"),
                segments: [
                    SegmentField(number: 3, segment: Segment(copying: [1, 2, 3])),
                    SegmentField(number: 4, segment: Segment(copying: [])),
                ]))
        reply.metadata = ["a": "b"]
        reply.trailers = ["c": "d"]
        reply.details = [7]
        reply.pushback = .never
        let copy = try RememberedOutcome(encoded: RememberedOutcome(reply).encoded()).reply
        #expect(copy.status == .aborted && copy.message == "no" && copy.hasNotRun)
        #expect(copy.metadata == reply.metadata && copy.trailers == reply.trailers && copy.details == [7])
        #expect(copy.pushback == .never && copy.payload.head == reply.payload.head)
        #expect(copy.payload.layout == reply.payload.layout)
        #expect((try? RememberedOutcome(encoded: ByteBuffer(bytes: [0x1A, 1]))) == nil)
    }
}

/// The server that had a call first.
private final class FirstServer: Sendable {
    private let first = Mutex<Int?>(nil)
    var number: Int? { first.withLock { $0 } }
    func note(_ number: Int) { first.withLock { $0 = $0 ?? number } }
}

/// A store outside the process, as far as its outcomes go: it keeps bytes.
private final class StoreOfBytes: DeduplicationStore {
    private enum Entry {
        case running([CheckedContinuation<DeduplicationVerdict, Never>])
        case ended(ByteBuffer?)
    }

    let id: DeduplicationStoreID?
    private let entries = Mutex<[UInt64: Entry]>([:])

    init(id: DeduplicationStoreID) { self.id = id }

    func begin(_ call: DeduplicatedCall) async -> DeduplicationVerdict {
        await withCheckedContinuation { continuation in
            let verdict: DeduplicationVerdict? = entries.withLock { entries in
                switch entries[call.sequence] {
                case nil:
                    entries[call.sequence] = .running([])
                    return .run
                case .running(let waiting):
                    entries[call.sequence] = .running(waiting + [continuation])
                    return nil
                case .ended(let bytes):
                    return Self.verdict(bytes)
                }
            }
            if let verdict { continuation.resume(returning: verdict) }
        }
    }

    func end(_ call: DeduplicatedCall, _ outcome: RememberedOutcome?) async {
        let bytes = outcome?.encoded()
        let waiting: [CheckedContinuation<DeduplicationVerdict, Never>] = entries.withLock { entries in
            defer { entries[call.sequence] = .ended(bytes) }
            guard case .running(let waiting)? = entries[call.sequence] else { return [] }
            return waiting
        }
        for copy in waiting { copy.resume(returning: Self.verdict(bytes)) }
    }

    private static func verdict(_ bytes: ByteBuffer?) -> DeduplicationVerdict {
        guard let bytes, let outcome = try? RememberedOutcome(encoded: bytes) else {
            return .refuse(CallFailure(.unavailable, "has not run", hasNotRun: true))
        }
        return .replay(outcome)
    }
}
