import MeshTransport
import MeshWire
import MeshworkTesting
import TestSupport
import Testing

@Suite struct WarmUpTests {
    @Test("a client that was warmed up makes its first call without connecting")
    func firstCall() async throws {
        try await Fleet.run("a", "b", "c") { fleet in
            let (client, runtime) = (try fleet.client(), fleet.simulation.runtime)
            #expect(try await client.warmUp(.max) == 3)
            let start = runtime.now
            _ = try await client.call(Echo.echo, Note(""))
            // A message in each direction takes up to 2 ms.
            #expect(start.duration(to: runtime.now) < .milliseconds(5))
            client.close()
        }
    }

    @Test("it waits for as many servers as it is told to, or as the service has", arguments: [(1, 1), (2, 2), (9, 2)])
    func count(wanted: Int, expected: Int) async throws {
        try await Fleet.run("a", "b") { fleet in
            let client = try fleet.client()
            #expect(try await client.warmUp(wanted) >= expected)
            client.close()
        }
    }

    @Test("it waits for servers that come later")
    func later() async throws {
        try await Fleet.run { fleet in
            let (client, runtime) = (try fleet.client(), fleet.simulation.runtime)
            async let connected = client.warmUp(2, timeout: .seconds(300))
            try await runtime.sleep(for: .seconds(10))
            try await fleet.start("a")
            fleet.become("a", "b")
            try await runtime.sleep(for: .seconds(10))
            try await fleet.start("b")
            #expect(try await connected == 2)
            client.close()
        }
    }

    @Test("it fails when its time is over, says why, and the client goes on connecting")
    func timeout() async throws {
        try await Fleet.run("a") { fleet in
            fleet.become("a", "b")
            let (client, runtime) = (try fleet.client(), fleet.simulation.runtime)
            let start = runtime.now
            let error = await meshError { try await client.warmUp(2, timeout: .seconds(20)) }
            #expect(error?.code == .noEndpoint && error?.progress == .notSent)
            #expect(start.duration(to: runtime.now) < .seconds(21))
            try await fleet.start("b")
            #expect(try await client.warmUp(2, timeout: .seconds(100)) == 2)
            client.close()
        }
    }

    @Test("the reason for which there is no endpoint is told")
    func unresolved() async throws {
        try await Fleet.run { fleet in
            let client = try fleet.client("nowhere.test")
            let error = await meshError { try await client.warmUp(timeout: .seconds(2)) }
            #expect(error?.message.contains("no service is called nowhere.test") == true)
            client.close()
        }
    }

    @Test("cancelling ends the wait")
    func cancelled() async throws {
        try await Fleet.run { fleet in
            let (client, runtime) = (try fleet.client(), fleet.simulation.runtime)
            let code = await withTaskGroup(of: MeshError.Code?.self) { group in
                group.addTask { await meshError { try await client.warmUp(timeout: .seconds(3_000)) }?.code }
                try? await runtime.sleep(for: .seconds(1))
                group.cancelAll()
                return await group.next() ?? nil
            }
            #expect(code == .cancelled)
            client.close()
        }
    }

    @Test("closing the client ends the wait, and one that begins after that fails at once")
    func closed() async throws {
        try await Fleet.run { fleet in
            let (client, runtime) = (try fleet.client(), fleet.simulation.runtime)
            async let code = meshError { try await client.warmUp(timeout: .seconds(3_000)) }?.code
            try await runtime.sleep(for: .seconds(1))
            client.close()
            #expect(await code == .draining)
            #expect(await meshError { try await client.warmUp(timeout: .seconds(3_000)) }?.code == .draining)
        }
    }

    @Test("a destination of one server is connected to, again after it could not be")
    func oneServer() async throws {
        try await Simulated.run { simulation in
            let client = try simulation.client()
            async let connected = client.warmUp(timeout: .seconds(60))
            try await simulation.runtime.sleep(for: .seconds(5))
            let server = try await simulation.server { $0.serve(Echo.echo) { note, _ in note } }
            #expect(try await connected == 1)
            client.close()
            await server.stop()
        }
    }
}
