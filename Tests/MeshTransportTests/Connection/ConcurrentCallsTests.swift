import MeshTransport
import MeshWire
import MeshworkTesting
import Synchronization
import TestSupport
import Testing

/// More calls than a server takes at a time wait with their client: none is refused, and none is lost.
@Suite(.timeLimit(.minutes(2))) struct ConcurrentCallsTests {
    /// Counts what runs at a time.
    private final class Level: Sendable {
        private let state = Mutex((now: 0, highest: 0, runs: 0))

        func enter() {
            state.withLock {
                $0.now += 1
                $0.runs += 1
                $0.highest = max($0.highest, $0.now)
            }
        }
        func leave() { state.withLock { $0.now -= 1 } }
        var highest: Int { state.withLock { $0.highest } }
        var runs: Int { state.withLock { $0.runs } }
    }

    private func limited(to calls: Int) -> MeshConfiguration {
        var configuration = MeshConfiguration()
        configuration.limits.concurrentCalls = calls
        return configuration
    }

    private var once: MeshConfiguration {
        var configuration = MeshConfiguration()
        configuration.retry.maximumAttempts = 1
        return configuration
    }

    @Test("a client keeps calls back that are too many for the server, of either kind, in one attempt each")
    func keptBack() async throws {
        let level = Level()
        try await Simulated.run { simulation in
            let server = try await simulation.server(limited(to: 4)) { mesh in
                mesh.serve(Echo.once) { note, call in
                    level.enter()
                    defer { level.leave() }
                    try await simulation.runtime.sleep(for: .milliseconds(10))
                    return note
                }
                mesh.serveStreams()
            }
            let client = try simulation.client(once)
            let errors = await withTaskGroup(of: MeshError?.self, returning: [MeshError].self) { group in
                for number in 0..<100 {
                    group.addTask {
                        await meshError {
                            guard number % 5 == 0 else { return _ = try await client.call(Echo.once, Note("x")) }
                            let joined = try await client.call(Echo.joined) { try await $0.send(Note("a")) }
                            #expect(joined == Note("a 0"))
                        }
                    }
                }
                return await group.reduce(into: []) { if let error = $1 { $0.append(error) } }
            }
            #expect(errors.isEmpty, "\(errors)")
            #expect(level.runs == 80)
            #expect(level.highest <= 4)
            client.close()
            await server.stop()
        }
    }

    @Test("a call that waits for room ends at its deadline, was not sent, and leaves its place to others")
    func deadline() async throws {
        try await Simulated.run { simulation in
            let server = try await simulation.server(limited(to: 1)) { mesh in
                mesh.serve(Echo.once) { note, _ in
                    if note.text == "long" { try await simulation.runtime.sleep(for: .seconds(5)) }
                    return note
                }
            }
            let client = try simulation.client(once)
            #expect(try await client.call(Echo.once, Note("x")) == Note("x"))
            async let long = client.call(Echo.once, Note("long"))
            try await simulation.runtime.sleep(for: .milliseconds(100))
            let error = await meshError { _ = try await client.call(Echo.once, Note("x"), timeout: .seconds(1)) }
            #expect(error?.code == .deadlineExceeded)
            #expect(error?.progress == .notSent)
            async let after = client.call(Echo.once, Note("after"), timeout: .seconds(20))
            #expect(try await long == Note("long"))
            #expect(try await after == Note("after"))
            client.close()
            await server.stop()
        }
    }

    @Test("calls that wait for room are sent on the next connection when theirs ends")
    func connectionLost() async throws {
        try await Simulated.run { simulation in
            let started = Gate()
            var brief = limited(to: 1)
            brief.drainTimeout = .zero
            let first = try await simulation.server(brief) { $0.serveLate(Echo.once, started: started) }
            var persistent = MeshConfiguration()
            persistent.retry.maximumAttempts = 50
            let client = try simulation.client(persistent)
            async let lost = meshError { _ = try await client.call(Echo.once, Note("x")) }
            await started.wait()
            async let waiting = client.call(Echo.once, Note("waits"))
            try await simulation.runtime.sleep(for: .milliseconds(10))
            await first.stop()
            #expect(await lost?.progress == .mayHaveRun)
            let second = try await simulation.server { $0.serveEcho() }
            #expect(try await waiting == Note("waits"))
            client.close()
            await second.stop()
        }
    }
}
