import Identity
import MeshTransport
import MeshWire
import MeshworkTesting
import Synchronization
import TestSupport
import Testing

/// What changes while calls run, and what that leaves alone.
@Suite(.timeLimit(.minutes(5))) struct DynamicConfigurationTests {
    /// A client's mesh that knows the fleet's service.
    private static func mesh(
        _ fleet: Fleet, _ change: (inout MeshConfiguration) -> Void = { _ in }
    ) throws -> Mesh {
        var configuration = MeshConfiguration()
        configuration.resolver = fleet.resolver
        configuration.balancing.slowStart = nil
        configuration.balancing.policy = .roundRobin
        change(&configuration)
        return try fleet.simulation.mesh("/client", configuration)
    }

    private static func client(of mesh: Mesh, _ fleet: Fleet) throws -> MeshClient {
        mesh.client(
            Destination(service: Fleet.service, identities: [.below(try fleet.simulation.authority.id("/server"))]))
    }

    @Test("a mesh begins with its configuration and its policy, and takes another one as a whole or not at all")
    func apply() async throws {
        try await Simulated.run { simulation in
            var configuration = MeshConfiguration()
            configuration.callTimeout = .seconds(7)
            let mesh = try simulation.mesh("/client", configuration)
            var next = mesh.dynamicConfiguration
            #expect(next == DynamicConfiguration(configuration, authorization: simulation.policy))
            next.version = "2"
            next.callTimeout = .seconds(8)
            try mesh.apply(next)
            #expect(mesh.dynamicConfiguration == next)
            var wrong = next
            wrong.callTimeout = .seconds(9)
            wrong.balancing.decay = .zero
            let error = await meshError { [wrong] in try mesh.apply(wrong) }
            #expect(error?.message.contains("balancing.decay") == true)
            #expect(mesh.dynamicConfiguration == next)
            try mesh.setRoutes(RoutePolicy(routes: [Route("a")]))
            #expect(mesh.dynamicConfiguration.version == nil, "it is version 2 no more")
            #expect(mesh.dynamicConfiguration.callTimeout == .seconds(8))
            #expect(
                mesh.metrics.lines(of: "mesh_configuration_").filter { !$0.contains("timestamp") } == [
                    #"mesh_configuration_changes_total{source="host"} 2"#,
                    "mesh_configuration_generation 3.0",
                    #"mesh_configuration_rejections_total{source="host"} 1"#,
                ])
            #expect(mesh.metrics.lines(of: "mesh_configuration_last_success_timestamp_seconds").count == 1)
        }
    }

    @Test("timeouts and retries hold for calls that begin after a change, and not for those under way")
    func times() async throws {
        try await Simulated.run { simulation in
            let started = Gate()
            let server = try await simulation.server { $0.serveLate(Echo.once, after: .seconds(20), started: started) }
            let mesh = try simulation.mesh("/client")
            let client = try simulation.client(of: mesh)
            async let old = client.call(Echo.once, Note("x"))
            await started.wait()
            var next = mesh.dynamicConfiguration
            next.callTimeout = .seconds(1)
            try mesh.apply(next)
            let start = simulation.runtime.now
            let error = await meshError { _ = try await client.call(Echo.once, Note("x")) }
            #expect(error?.code == .deadlineExceeded)
            #expect(start.duration(to: simulation.runtime.now) < .seconds(2))
            #expect(try await old == Note("x"))
            client.close()
            await server.stop()
        }
    }

    @Test(
        "no call is lost and no connection made anew while balancing, breakers, retries and budgets change under load")
    func load() async throws {
        try await Fleet.run("a", "b", "c") { fleet in
            let mesh = try Self.mesh(fleet)
            let client = try Self.client(of: mesh, fleet)
            try await client.warmUp(.max)
            let before = mesh.connections
            let policies: [BalancingConfiguration.Policy] = [
                .peakEWMA, .leastRequest, .random, .consistentHash, .roundRobin,
            ]
            try await withThrowingTaskGroup(of: Void.self) { group in
                for worker in 0..<8 {
                    group.addTask {
                        for call in 0..<100 {
                            _ = try await client.call(Echo.echo, Note("x"), affinity: "\(worker) \(call)")
                            try await fleet.simulation.runtime.sleep(for: .milliseconds(1))
                        }
                    }
                }
                for (round, policy) in (policies + policies).enumerated() {
                    try await fleet.simulation.runtime.sleep(for: .milliseconds(7))
                    var next = mesh.dynamicConfiguration
                    next.version = "\(round)"
                    next.balancing.policy = policy
                    next.balancing.zonePreference = round.isMultiple(of: 3) ? .init(zone: "a") : nil
                    next.failureAccrual = round.isMultiple(of: 2) ? nil : FailureAccrualConfiguration()
                    next.retry.budget = round.isMultiple(of: 4) ? nil : RetryBudgetConfiguration()
                    next.retry.budget?.ttl = .seconds(1 + round)
                    next.connectBackoff.base = .milliseconds(50 + round)
                    next.failfastTimeout = .seconds(1 + round)
                    try mesh.apply(next)
                }
                try await group.waitForAll()
            }
            #expect(fleet.counts().values.reduce(0, +) == 800)
            #expect(mesh.connections == before)
            client.close()
        }
    }

    @Test("a balancing policy changes with the next call")
    func balancing() async throws {
        try await Fleet.run("a", "b", "c") { fleet in
            let mesh = try Self.mesh(fleet)
            let client = try Self.client(of: mesh, fleet)
            try await client.warmUp(.max)
            for _ in 0..<9 { _ = try await client.call(Echo.echo, Note(""), affinity: "one") }
            #expect(fleet.counts() == ["a": 3, "b": 3, "c": 3])
            var next = mesh.dynamicConfiguration
            next.balancing.policy = .consistentHash
            try mesh.apply(next)
            for _ in 0..<9 { _ = try await client.call(Echo.echo, Note(""), affinity: "one") }
            #expect(fleet.counts().values.sorted() == [9])
            next.balancing.policy = .roundRobin
            next.balancing.subset = .init(size: 2, seed: 1)
            try mesh.apply(next)
            for _ in 0..<10 { _ = try await client.call(Echo.echo, Note("")) }
            #expect(fleet.counts().values.sorted() == [5, 5])
            next.balancing.subset = nil
            try mesh.apply(next)
            try await fleet.simulation.runtime.sleep(for: .seconds(1))
            for _ in 0..<9 { _ = try await client.call(Echo.echo, Note("")) }
            #expect(fleet.counts() == ["a": 3, "b": 3, "c": 3])
            client.close()
        }
    }

    @Test("an endpoint that is left out stays so while its breaker's policy does, and comes back without a breaker")
    func breakers() async throws {
        try await Simulated.run { simulation in
            let fleet = Fleet(simulation)
            try await fleet.start("bad") { _ in throw CallFailure(.unavailable, "down") }
            try await fleet.start("good")
            fleet.become("bad", "good")
            let mesh = try Self.mesh(fleet) {
                $0.failureAccrual?.consecutiveFailures = 3
                $0.failureAccrual?.minimumPenalty = .seconds(50)
                $0.retry.maximumAttempts = 1
            }
            let client = try Self.client(of: mesh, fleet)
            try await client.warmUp(.max)
            for _ in 0..<6 { _ = try? await client.call(Echo.once, Note("")) }
            _ = fleet.counts()
            var next = mesh.dynamicConfiguration
            next.balancing.decay = .seconds(3)
            next.retry.attemptTimeout = .seconds(5)
            try mesh.apply(next)
            for _ in 0..<10 { _ = try await client.call(Echo.once, Note("")) }
            #expect(fleet.counts() == ["good": 10])
            next.failureAccrual?.jitter = 0.1
            try mesh.apply(next)
            for _ in 0..<10 { _ = try await client.call(Echo.once, Note("")) }
            #expect(fleet.counts() == ["good": 10])
            next.failureAccrual = nil
            try mesh.apply(next)
            try await simulation.runtime.sleep(for: .milliseconds(1))
            for _ in 0..<10 { _ = try? await client.call(Echo.once, Note("")) }
            #expect(fleet.counts() == ["bad": 5, "good": 5])
            client.close()
            await fleet.stop()
        }
    }

    @Test("a shorter penalty ends those that are longer")
    func penalty() async throws {
        try await Simulated.run { simulation in
            let fleet = Fleet(simulation)
            let isDown = Mutex(true)
            try await fleet.start("bad") { _ in
                if isDown.withLock({ $0 }) { throw CallFailure(.unavailable, "down") }
            }
            try await fleet.start("good")
            fleet.become("bad", "good")
            let mesh = try Self.mesh(fleet) {
                $0.failureAccrual?.consecutiveFailures = 3
                $0.failureAccrual?.minimumPenalty = .seconds(5_000)
                $0.failureAccrual?.maximumPenalty = .seconds(5_000)
                $0.retry.maximumAttempts = 1
            }
            let client = try Self.client(of: mesh, fleet)
            try await client.warmUp(.max)
            for _ in 0..<6 { _ = try? await client.call(Echo.once, Note("")) }
            isDown.withLock { $0 = false }
            var next = mesh.dynamicConfiguration
            next.failureAccrual?.minimumPenalty = .seconds(1)
            next.failureAccrual?.maximumPenalty = .seconds(2)
            try mesh.apply(next)
            try await simulation.runtime.sleep(for: .seconds(4))
            _ = fleet.counts()
            for _ in 0..<10 { _ = try await client.call(Echo.once, Note("")) }
            #expect(fleet.counts() == ["bad": 5, "good": 5])
            client.close()
            await fleet.stop()
        }
    }

    @Test("calls that wait for an endpoint fail by the new time, and an endpoint is tried again by the new backoff")
    func waiting() async throws {
        try await Simulated.run { simulation in
            let fleet = Fleet(simulation)
            let mesh = try Self.mesh(fleet) {
                $0.failfastTimeout = .seconds(100)
                $0.connectBackoff.base = .seconds(1_000)
                $0.connectBackoff.limit = .seconds(1_000)
            }
            let client = try Self.client(of: mesh, fleet)
            let start = simulation.runtime.now
            async let waiting = meshError { _ = try await client.call(Echo.once, Note(""), timeout: .seconds(50)) }
            try await simulation.runtime.sleep(for: .seconds(1))
            var next = mesh.dynamicConfiguration
            next.failfastTimeout = .seconds(2)
            next.retry.maximumAttempts = 1
            try mesh.apply(next)
            // It is tried again, which takes no time, until its attempts are spent.
            #expect(await waiting?.code == .noEndpoint)
            #expect(start.duration(to: simulation.runtime.now) < .seconds(10))
            fleet.become("late")
            _ = await meshError { _ = try await client.call(Echo.once, Note("")) }
            try await fleet.start("late")
            next.connectBackoff.base = .seconds(1)
            next.connectBackoff.limit = .seconds(1)
            try mesh.apply(next)
            try await simulation.runtime.sleep(for: .seconds(3))
            #expect(try await client.call(Echo.once, Note("")) == Note("late"))
            client.close()
            await fleet.stop()
        }
    }

    @Test("a limit on calls at a time comes, moves and goes while calls run")
    func concurrency() async throws {
        try await Simulated.run { simulation in
            let (started, release) = (Tally(), Gate())
            let server = try await simulation.server {
                $0.serve(Echo.once) { note, _ in
                    started.add()
                    await release.wait()
                    return note
                }
            }
            let client = try simulation.client()
            func limit(_ limit: ConcurrencyLimit?) throws {
                var next = server.dynamicConfiguration
                next.concurrencyLimit = limit
                try server.apply(next)
            }
            func refusal() async -> CallStatus? {
                await meshError { _ = try await client.call(Echo.once, Note(""), timeout: .milliseconds(10)) }?.status
            }
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { _ = try await client.call(Echo.once, Note("before the limit")) }
                await started.reach(1)
                try limit(.fixed(2))
                for _ in 0..<2 { group.addTask { _ = try await client.call(Echo.once, Note("counted")) } }
                await started.reach(3)
                #expect(await refusal() == .resourceExhausted)
                try limit(.fixed(1))
                #expect(await refusal() == .resourceExhausted)
                release.open()
                try await group.waitForAll()
                // Those that came before the limit have not taken a place with them when they went.
                try limit(.fixed(1))
                _ = try await client.call(Echo.once, Note("one"))
                try limit(.gradient(GradientConfiguration()))
                for _ in 0..<60 { _ = try await client.call(Echo.once, Note("one")) }
                try limit(nil)
                _ = try await client.call(Echo.once, Note("one"))
            }
            client.close()
            await server.stop()
        }
    }
}
