import MeshTransport
import MeshWire
import MeshworkTesting
import TestSupport
import Testing

/// Endpoints of several priorities, and of several addresses.
@Suite struct EndpointPriorityTests {
    private func endpoint(_ fleet: Fleet, _ name: String, priority: UInt16) -> ServiceEndpoint {
        var endpoint = fleet.endpoint(name)
        endpoint.priority = priority
        return endpoint
    }

    @Test("endpoints of a higher number get calls while none of a lower one takes any")
    func failover() async throws {
        try await Fleet.run("a", "b", "c") { fleet in
            fleet.resolver.set(
                [
                    endpoint(fleet, "a", priority: 0), endpoint(fleet, "b", priority: 1),
                    endpoint(fleet, "c", priority: 1),
                ], of: Fleet.service)
            let client = try fleet.client { $0.balancing.policy = .roundRobin }
            #expect(try await client.warmUp(.max) == 3)
            for _ in 0..<10 { _ = try await client.call(Echo.echo, Note("")) }
            #expect(fleet.counts() == ["a": 10])
            fleet.kill("a")
            for _ in 0..<10 { _ = try await client.call(Echo.echo, Note("")) }
            #expect(fleet.counts() == ["b": 5, "c": 5])
            try await fleet.start("a")
            try await fleet.simulation.runtime.sleep(for: .seconds(120))
            for _ in 0..<10 { _ = try await client.call(Echo.echo, Note("")) }
            #expect(fleet.counts() == ["a": 10])
            client.close()
        }
    }

    @Test("a priority may change, without a new connection")
    func change() async throws {
        try await Fleet.run("a", "b") { fleet in
            fleet.resolver.set(
                [endpoint(fleet, "a", priority: 0), endpoint(fleet, "b", priority: 1)], of: Fleet.service)
            let client = try fleet.client { $0.balancing.policy = .roundRobin }
            try await client.warmUp(.max)
            let before = fleet.simulation.runtime.trace.count
            fleet.resolver.set(
                [endpoint(fleet, "a", priority: 1), endpoint(fleet, "b", priority: 0)], of: Fleet.service)
            try await fleet.simulation.runtime.sleep(for: .milliseconds(1))
            for _ in 0..<10 { _ = try await client.call(Echo.echo, Note("")) }
            #expect(fleet.counts() == ["b": 10])
            #expect(fleet.simulation.runtime.trace.count == before)
            client.close()
        }
    }

    @Test("the last endpoint of a tier that leaves the service hands its calls to the next")
    func leaving() async throws {
        try await Fleet.run("a", "b") { fleet in
            fleet.resolver.set(
                [endpoint(fleet, "a", priority: 0), endpoint(fleet, "b", priority: 1)], of: Fleet.service)
            let client = try fleet.client()
            try await client.warmUp(.max)
            fleet.resolver.set([endpoint(fleet, "b", priority: 1)], of: Fleet.service)
            try await fleet.simulation.runtime.sleep(for: .milliseconds(1))
            for _ in 0..<5 { _ = try await client.call(Echo.echo, Note("")) }
            #expect(fleet.counts() == ["b": 5])
            client.close()
        }
    }

    @Test("a server is connected to over its other address where the first does not answer")
    func alternatives() async throws {
        try await Fleet.run("a") { fleet in
            let runtime = fleet.simulation.runtime
            let broken = Endpoint.tcp(host: "fd00::1", port: 1_000)
            runtime.partition(to: broken)
            var endpoint = fleet.endpoint("a")
            (endpoint.endpoint, endpoint.alternatives) = (broken, [endpoint.endpoint])
            fleet.resolver.set([endpoint], of: Fleet.service)
            let (client, start) = (try fleet.client(), runtime.now)
            #expect(try await client.call(Echo.echo, Note("")) == Note("a"))
            let time = start.duration(to: runtime.now)
            #expect(time > .milliseconds(250) && time < .milliseconds(300), "\(time)")
            client.close()
        }
    }

    @Test("an address that becomes known later is used for the next connection, and keeps the one that is there")
    func laterAlternative() async throws {
        try await Fleet.run("a") { fleet in
            let runtime = fleet.simulation.runtime
            let client = try fleet.client()
            try await fleet.warm(client)
            try await fleet.start("b")
            var endpoint = fleet.endpoint("a")
            endpoint.alternatives = [fleet.endpoint("b").endpoint]
            fleet.resolver.set([endpoint], of: Fleet.service)
            try await runtime.sleep(for: .seconds(1))
            #expect(try await client.call(Echo.echo, Note("")) == Note("a"))
            fleet.kill("a")
            try await runtime.sleep(for: .seconds(5))
            #expect(try await client.call(Echo.echo, Note("")) == Note("b"))
            client.close()
        }
    }
}
