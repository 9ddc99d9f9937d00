import MeshTransport
import MeshWire
import MeshworkTesting
import TestSupport
import Testing

/// Deduplicated methods of a plain service, which remembers nothing itself.
@Suite(.timeLimit(.minutes(5))) struct DeduplicatedCallTests {
    private func configuration(_ faults: any FaultInjector) -> MeshConfiguration {
        var configuration = MeshConfiguration()
        configuration.faults = faults
        configuration.retry.attemptTimeout = .seconds(1)
        configuration.retry.maximumAttempts = 10
        return configuration
    }

    @Test("a call runs once however many of its messages are lost or doubled", arguments: 1...5 as ClosedRange<UInt64>)
    func once(seed: UInt64) async throws {
        try await Simulated.run(seed: seed) { simulation in
            let runs = Tally()
            let server = try await simulation.server { mesh in
                mesh.serve(Echo.count) { note, _ in
                    // Some copies arrive while the first still runs.
                    try await mesh.runtime.sleep(for: .milliseconds(900))
                    return Note("\(note.text) \(runs.add())")
                }
            }
            let faults = ScriptedFaults(
                requests: [.duplicate, .lose, .deliver, .duplicate], replies: [.lose, .lose, .deliver, .lose])
            let client = try simulation.client(configuration(faults))
            for number in 1...6 {
                #expect(try await client.call(Echo.count, Note("n")) == Note("n \(number)"))
            }
            #expect(runs.count == 6)
            client.close()
            await server.stop()
        }
    }

    @Test("a handler runs to its end although its caller's connection is lost, and the caller learns how it ended")
    func connectionLost() async throws {
        try await Simulated.run { simulation in
            let (runs, started) = (Tally(), Gate())
            let server = try await simulation.server { mesh in
                mesh.serve(Echo.count) { note, _ in
                    started.open()
                    try await mesh.runtime.sleep(for: .milliseconds(500))
                    return Note("run \(runs.add())")
                }
            }
            let client = try simulation.client()
            async let reply = client.call(Echo.count, Note("x"))
            await started.wait()
            simulation.runtime.kill(host: "server", port: 1_000)
            try await server.listen(host: "server", port: 1_000)
            #expect(try await reply == Note("run 1"))
            client.close()
            await server.stop()
        }
    }

    @Test("a call that cannot be told from others is refused before it runs")
    func unnumbered() async throws {
        try await Simulated.run { simulation in
            let server = try await simulation.server { mesh in
                mesh.serve(Echo.count) { _, _ in
                    Issue.record("the handler ran")
                    return Note("")
                }
            }
            let client = try simulation.client()
            let session = SessionID(high: 0, low: 1)
            let entry = Deduplication.Entry(scope: 0, sequence: 1, acknowledgedThrough: 0)
            for entries in [
                [], [entry, entry], [.init(scope: 1, sequence: 1, acknowledgedThrough: 0)],
                [.init(scope: 0, sequence: 0, acknowledgedThrough: 0)],
            ] as [[Deduplication.Entry]] {
                let error = await meshError {
                    _ = try await client.call(
                        Echo.count, Note("x"), deduplication: Deduplication(session: session, entries: entries))
                }
                #expect(error?.status == .invalidArgument)
            }
            client.close()
            await server.stop()
        }
    }

    @Test("a session source that has none keeps the call here")
    func noSession() async throws {
        struct NoSession: SessionSource {
            func session() async throws(MeshError) -> SessionID {
                throw MeshError(.connectFailed, "no session yet", progress: .notSent)
            }
        }
        try await Simulated.run { simulation in
            let mesh = try simulation.mesh("/client")
            let client = mesh.client(
                Destination(host: "server", port: 1_000, identities: []), sessions: NoSession())
            let error = await meshError { _ = try await client.call(Echo.count, Note("x")) }
            #expect(error?.message == "no session yet" && error?.progress == .notSent)
            client.close()
        }
    }
}
