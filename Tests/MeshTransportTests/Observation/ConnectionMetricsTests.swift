import Identity
import MeshTransport
import MeshWire
import MeshworkTesting
import NIOCore
import Telemetry
import TestSupport
import Testing

/// What is counted of connections, handshakes, and of calls that wait.
@Suite(.timeLimit(.minutes(5))) struct ConnectionMetricsTests {
    private static func value(_ metrics: MetricsRegistry, _ line: String) -> Double? {
        metrics.lines(of: line).first?.split(separator: " ").last.flatMap { Double($0) }
    }

    @Test("a connection is counted on both sides: opened, its bytes, its handshake, closed, and how long it was open")
    func connection() async throws {
        try await Simulated.run { simulation in
            let server = try await simulation.server { $0.serve(Echo.echo) { note, _ in note } }
            let mesh = try simulation.mesh("/client")
            let client = try simulation.client(of: mesh)
            _ = try await client.call(Echo.echo, Note("x", payload: Array(repeating: 1, count: 10_000)))
            func both(_ name: String) -> [Double?] {
                [
                    Self.value(mesh.metrics, name + #"{direction="outbound",tls="true"}"#),
                    Self.value(server.metrics, name + #"{direction="inbound",tls="true"}"#),
                ]
            }
            #expect(both("tcp_open_total") == [1, 1])
            #expect(both("tcp_open_connections") == [1, 1])
            #expect(both("tcp_close_total") == [0, 0])
            let (sent, received) = (both("tcp_write_bytes_total"), both("tcp_read_bytes_total"))
            #expect(sent[0] == received[1] && sent[1] == received[0])
            #expect((sent[0] ?? 0) > 10_000 && (sent[1] ?? 0) > 10_000)
            for (metrics, direction) in [(mesh.metrics, "outbound"), (server.metrics, "inbound")] {
                #expect(
                    metrics.lines(of: "mesh_handshakes_total")
                        == [#"mesh_handshakes_total{direction="\#(direction)",result="ok"} 1"#])
                let count = "mesh_handshake_duration_seconds_count{direction=\"\(direction)\"}"
                #expect(Self.value(metrics, count) == 1)
            }
            try await simulation.runtime.sleep(for: .seconds(10))
            client.close()
            try await simulation.runtime.sleep(for: .seconds(1))
            #expect(both("tcp_open_connections") == [0, 0])
            #expect(both("tcp_close_total") == [1, 1])
            #expect(both("tcp_connection_duration_seconds_sum").allSatisfy { ($0 ?? 0) >= 10 })
            let linkerd = String(decoding: PrometheusText.render(server.metrics, names: .linkerd), as: UTF8.self)
            for name in [
                "request_total{", "response_total{", "response_latency_ms_bucket{", "tcp_open_total{",
                "tcp_close_total{", "tcp_open_connections{", "tcp_read_bytes_total{", "tcp_write_bytes_total{",
                "tcp_connection_duration_ms_bucket{",
            ] {
                #expect(linkerd.contains("\n" + name), "\(name)")
            }
            await server.stop()
        }
    }

    @Test("a handshake that fails is counted by its reason, on both sides")
    func handshakes() async throws {
        try await Simulated.run { simulation in
            let server = try await simulation.server { $0.serve(Echo.echo) { note, _ in note } }
            let mesh = try simulation.mesh("/client")
            // Somebody else is expected there.
            let client = mesh.client(
                Destination(host: "server", port: 1_000, identities: [.exact(try simulation.authority.id("/other"))]))
            let error = await meshError { _ = try await client.call(Echo.once, Note("x"), timeout: .seconds(1)) }
            #expect(error?.code == .peerNotTrusted)
            client.close()
            #expect(
                mesh.metrics.lines(of: "mesh_handshakes_total").first?.hasPrefix(
                    #"mesh_handshakes_total{direction="outbound",result="untrusted"}"#) == true)
            #expect(mesh.metrics.lines(of: "mesh_handshake_duration_seconds").isEmpty)
            // A caller of another authority, which the server does not trust.
            let foreign = try TestAuthority(runtime: simulation.runtime)
            let stranger = try Mesh(
                identity: foreign.identity("/client"), policy: .denyAll, runtime: simulation.runtime)
            let refused = stranger.client(
                Destination(host: "server", port: 1_000, identities: [.exact(try simulation.authority.id("/server"))]))
            _ = await meshError { _ = try await refused.call(Echo.once, Note("x"), timeout: .seconds(1)) }
            refused.close()
            try await simulation.runtime.sleep(for: .seconds(1))
            let lines = server.metrics.lines(of: "mesh_handshakes_total")
            #expect(lines.contains { $0.contains(#"result="untrusted""#) }, "\(lines)")
            #expect(Self.value(server.metrics, "tcp_open_connections{") == 0)
            await server.stop()
        }
    }

    @Test("a peer that says nothing ends as a handshake that took too long")
    func silent() async throws {
        try await Simulated.run { simulation in
            let server = try await simulation.server { $0.serve(Echo.echo) { note, _ in note } }
            let loop = simulation.runtime.eventLoopGroup.next()
            let channel = try await simulation.runtime.network.connect(
                to: .tcp(host: "server", port: 1_000), on: loop, timeout: .seconds(5)
            ) { $0.eventLoop.makeSucceededVoidFuture() }.get()
            try await simulation.runtime.sleep(for: .seconds(60))
            #expect(
                server.metrics.lines(of: "mesh_handshakes_total")
                    == [#"mesh_handshakes_total{direction="inbound",result="timeout"} 1"#])
            channel.close(promise: nil)
            await server.stop()
        }
    }

    @Test("calls that wait for an endpoint, or for a connection, are counted as long as they do")
    func waiting() async throws {
        try await Fleet.run { fleet in
            let metrics = MetricsRegistry()
            let client = try fleet.client(metrics: metrics)
            let runtime = fleet.simulation.runtime
            let calls = (0..<3).map { _ in
                runtime.spawnValue(on: runtime.taskExecutor) {
                    await meshError { _ = try await client.call(Echo.echo, Note("x"), timeout: .seconds(3)) }
                }
            }
            let mesh = try fleet.simulation.mesh("/client")
            let nowhere = mesh.client(
                Destination(
                    host: "nowhere", port: 1, identities: [.exact(try fleet.simulation.authority.id("/server"))]))
            // Nobody answers there, and nobody refuses.
            runtime.partition(to: .tcp(host: "nowhere", port: 1))
            let lost = runtime.spawnValue(on: runtime.taskExecutor) {
                await meshError { _ = try await nowhere.call(Echo.echo, Note("x"), timeout: .seconds(3)) }
            }
            try await runtime.sleep(for: .milliseconds(1))
            let waiting = "mesh_calls_waiting{service=\"\(client.destination)\"}"
            #expect(Self.value(metrics, waiting) == 3)
            #expect(Self.value(mesh.metrics, "mesh_calls_awaiting_connection") == 1)
            try await fleet.start("a")
            fleet.become("a")
            for call in calls { #expect(await call.value == nil) }
            #expect(Self.value(metrics, waiting) == 0)
            #expect(await lost.value != nil)
            // It counts until the attempt to connect has ended as well.
            try await runtime.sleep(for: MeshConfiguration().connectTimeout)
            #expect(Self.value(mesh.metrics, "mesh_calls_awaiting_connection") == 0)
            client.close()
            nowhere.close()
        }
    }

    @Test("a handler that waits for its executor is in its queue, and not once it runs")
    func queue() async throws {
        try await Simulated.run { simulation in
            let server = try await simulation.server { mesh in
                mesh.serve(Echo.echo) { note, _ in
                    // Those that came with this one have been given to the executor, and wait behind it.
                    let depth = Self.value(mesh.metrics, #"mesh_handler_queue_depth{executor="task"}"#) ?? -1
                    return Note("\(Int(depth))")
                }
            }
            let client = try simulation.client()
            _ = try await client.call(Echo.echo, Note("x"))
            let depths = try await withThrowingTaskGroup(of: Int.self) { group in
                for _ in 0..<5 { group.addTask { Int(try await client.call(Echo.echo, Note("x")).text) ?? -1 } }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(depths.max() ?? 0 > 0 && depths.min() == 0, "\(depths)")
            #expect(Self.value(server.metrics, #"mesh_handler_queue_depth{executor="task"}"#) == 0)
            client.close()
            await server.stop()
        }
    }
}
