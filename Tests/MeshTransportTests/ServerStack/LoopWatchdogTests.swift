import Identity
import Logging
import MeshTransport
import MeshWire
import MeshworkTesting
import TestSupport
import Testing

/// Handlers that hold a loop, on a clock that they move themselves.
@Suite struct LoopWatchdogTests {
    private static let held = "mesh_loop_held_total"
    private static let longest = "mesh_loop_held_longest_seconds"

    /// Calls `method` of a server whose handler holds the loop for each of `times`; the server's metrics and log.
    private func call(
        _ method: UnaryMethod<Note, Note>, _ times: [Duration], limit: Duration? = .milliseconds(5),
        pause: Duration = .zero, _ register: @escaping @Sendable (Mesh, SimulatedRuntime) -> Void
    ) async throws -> (counts: [Substring], longest: [Substring], records: [LogCapture.Record]) {
        let log = LogCapture()
        return try await Simulated.run { simulation in
            var configuration = MeshConfiguration()
            configuration.loopHoldWarning = limit
            let server = try Mesh(
                configuration: configuration, identity: simulation.authority.identity("/server"),
                policy: simulation.policy, runtime: simulation.runtime, logger: log.logger)
            register(server, simulation.runtime)
            try await server.listen(host: "server", port: 1_000)
            let client = try simulation.client()
            for time in times {
                let text = "\(time.components.attoseconds / 1_000_000_000_000_000)"
                #expect(try await client.call(method, Note(text)) == Note(text))
                try await simulation.runtime.sleep(for: pause)
            }
            client.close()
            await server.stop()
            return (
                server.metrics.lines(of: Self.held), server.metrics.lines(of: Self.longest),
                log.all("a handler held an event loop; let it run on the compute pool, or wait")
            )
        }
    }

    private static func milliseconds(_ note: Note) -> Duration { .milliseconds(Int(note.text) ?? 0) }

    /// Serves both ways to run on the loop.
    private static let registerAll: @Sendable (Mesh, SimulatedRuntime) -> Void = { mesh, runtime in
        mesh.serveInline(Echo.echo) { note, _ in
            runtime.hold(for: milliseconds(note))
            return note
        }
        mesh.serve(Echo.once, execution: .onLoop) { note, _ in
            // Waiting holds nothing.
            try await runtime.sleep(for: .milliseconds(50))
            runtime.hold(for: milliseconds(note))
            return note
        }
    }

    @Test(
        "a handler that holds the loop for 6 ms is reported with its name and its caller",
        arguments: [Echo.echo, Echo.once])
    func reported(method: UnaryMethod<Note, Note>) async throws {
        let found = try await call(method, [.milliseconds(6)], Self.registerAll)
        #expect(found.counts == [#"\#(Self.held){method="\#(method.path)"} 1"#])
        #expect(found.longest == [#"\#(Self.longest){method="\#(method.path)"} 0.006"#])
        #expect(found.records.count == 1)
        #expect(found.records.first?.level == .warning)
        #expect(found.records.first?.metadata["method"] == method.path)
        #expect(found.records.first?.metadata["peer"] == "spiffe://test.example/client")
        #expect(found.records.first?.metadata["duration"] == "0.006 seconds")
    }

    @Test("a handler of 4 ms is not, and none where nobody wants to know", arguments: [Echo.echo, Echo.once])
    func notReported(method: UnaryMethod<Note, Note>) async throws {
        let short = try await call(method, [.milliseconds(4), .milliseconds(4)], Self.registerAll)
        #expect(short.counts.isEmpty && short.longest.isEmpty && short.records.isEmpty)
        let off = try await call(method, [.milliseconds(60)], limit: nil, Self.registerAll)
        #expect(off.counts.isEmpty && off.records.isEmpty)
    }

    @Test("many are counted, and one line of the log for a while", arguments: [Echo.echo, Echo.once])
    func many(method: UnaryMethod<Note, Note>) async throws {
        var found = try await call(
            method, [.milliseconds(6), .milliseconds(4), .milliseconds(90), .milliseconds(7)], Self.registerAll)
        #expect(found.counts == [#"\#(Self.held){method="\#(method.path)"} 3"#])
        #expect(found.longest == [#"\#(Self.longest){method="\#(method.path)"} 0.09"#])
        #expect(found.records.map { $0.metadata["duration"] } == ["0.006 seconds"])
        found = try await call(
            method, Array(repeating: .milliseconds(6), count: 4), pause: .seconds(25), Self.registerAll)
        #expect(found.records.map { $0.metadata["unreported"] } == ["0", "2"])
    }

    @Test("a handler that runs elsewhere may take its time, and one that streams on the loop is watched")
    func others() async throws {
        let found = try await call(Echo.count, [.milliseconds(60)]) { mesh, runtime in
            mesh.serve(Echo.count) { note, _ in
                runtime.hold(for: .milliseconds(60))
                return note
            }
        }
        #expect(found.counts.isEmpty && found.records.isEmpty)
        try await Simulated.run { simulation in
            let runtime = simulation.runtime
            let server = try await simulation.server { mesh in
                mesh.serve(Echo.chat, execution: .onLoop) { requests, responses, _ in
                    for try await note in requests {
                        runtime.hold(for: .milliseconds(6))
                        try await responses.send(note)
                    }
                }
            }
            let client = try simulation.client()
            try await client.call(Echo.chat) { requests, responses in
                var iterator = responses.makeAsyncIterator()
                for _ in 0..<3 {
                    try await requests.send(Note("x"))
                    #expect(try await iterator.next() == Note("x"))
                }
            }
            #expect(server.metrics.lines(of: Self.held) == [#"\#(Self.held){method="\#(Echo.chat.path)"} 3"#])
            client.close()
            await server.stop()
        }
    }
}
