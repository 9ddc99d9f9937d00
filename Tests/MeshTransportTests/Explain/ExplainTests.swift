import Identity
import MeshWire
import MeshworkTesting
import Synchronization
import TestSupport
import Testing

@testable import MeshTransport

/// Which route, policy, retry decision, breaker and endpoint decided a call, made or asked about.
@Suite(.timeLimit(.minutes(5))) struct ExplainTests {
    private static let servers = (try? IdentityPattern(parsing: "spiffe://test.example/server/*")).map { [$0] } ?? []

    @Test("a call that was made tells of its route, its endpoints, and why it was tried again or not")
    func record() async throws {
        try await Fleet.run("a") { fleet in
            let failures = Mutex([CallFailure(.unavailable, "busy", hasNotRun: true)])
            try await fleet.start("b") { _ in
                if let failure = failures.withLock({ $0.popLast() }) { throw failure }
            }
            fleet.become("b")
            let client = try fleet.client {
                $0.routes = RoutePolicy(routes: [Route("everything")])
                $0.retry.jitter = 0
            }
            let (answer, calls) = try await CallRecord.recording { try await client.call(Echo.echo, Note("x")) }
            #expect(answer == Note("b"))
            let call = try #require(calls.first)
            #expect(calls.count == 1 && call.route == "everything" && call.status == .ok)
            #expect(call.attempts.map(\.number) == [1, 2])
            #expect(call.attempts.map(\.endpoint) == ["b:1000", "b:1000"])
            #expect(call.attempts.map(\.decision) == [.again(after: .milliseconds(25)), .done])
            #expect(call.attempts[0].choice == CallRecord.Choice(ready: 1, ejected: 0))
            #expect(call.description.contains("unavailable, \"busy\"; again after 0.025 seconds"), "\(call)")

            failures.withLock { $0 = [CallFailure(.unavailable, "broken")] }
            let (_, failed) = await CallRecord.recording {
                await meshError { _ = try await client.call(Echo.once, Note("x")) }
            }
            #expect(failed.first?.attempts.last?.decision == .gaveUp(.final))
            failures.withLock { $0 = Array(repeating: CallFailure(.unavailable, "busy", hasNotRun: true), count: 3) }
            let (_, tired) = await CallRecord.recording {
                await meshError { _ = try await client.call(Echo.echo, Note("x")) }
            }
            #expect(tired.first?.attempts.map(\.decision).last == .gaveUp(.attempts))
            #expect(tired.first?.status == .unavailable)
            failures.withLock {
                $0 = [CallFailure(.unavailable, "no", hasNotRun: true, pushback: .never)]
            }
            let (_, refused) = await CallRecord.recording {
                await meshError { _ = try await client.call(Echo.echo, Note("x")) }
            }
            #expect(refused.first?.attempts.map(\.decision) == [.gaveUp(.pushback)])
            let (_, none) = try await CallRecord.recording {
                try await fleet.simulation.runtime.sleep(for: .seconds(1))
            }
            #expect(none.isEmpty)
            client.close()
        }
    }

    @Test("a spent budget is the reason of whom it stops, and a plan says how much of it is left")
    func budget() async throws {
        try await Fleet.run("a") { fleet in
            try await fleet.start("b") { _ in throw CallFailure(.unavailable, "busy", hasNotRun: true) }
            fleet.become("b")
            let client = try fleet.client {
                $0.retry.budget?.ratio = 0
                $0.retry.budget?.floor = 0.1
                $0.failureAccrual = nil
            }
            #expect(await client.explain(Echo.echo).backends.first?.retriesLeft == 1)
            let (_, calls) = await CallRecord.recording {
                for _ in 0..<2 { _ = await meshError { _ = try await client.call(Echo.echo, Note("x")) } }
            }
            #expect(calls.map { $0.attempts.count } == [2, 1])
            #expect(calls.compactMap { $0.attempts.last?.decision } == [.gaveUp(.budget), .gaveUp(.budget)])
            #expect(await client.explain(Echo.echo).backends.first?.retriesLeft == 0)
            client.close()
        }
    }

    @Test("a call that is asked about has a plan, which changes nothing")
    func plan() async throws {
        try await Fleet.run("a", "b") { fleet in
            var tester = Route(
                "tester", backends: [RouteBackend(Destination(service: "beta", identities: Self.servers))])
            tester.metadata = [MetadataMatch("x-tester", .exact("yes"))]
            let main = Destination(service: Fleet.service, identities: Self.servers)
            var split = Route(
                "split",
                backends: [
                    RouteBackend(main, weight: 3),
                    RouteBackend(Destination(service: "beta", identities: Self.servers)),
                ])
            split.timeout = .seconds(2)
            let routes = RoutePolicy(routes: [tester, split])
            let client = try fleet.client { $0.routes = routes }
            fleet.resolver.set([fleet.endpoint("b")], of: "beta")
            let before = await client.explain(Echo.echo)
            #expect(before.route == "split" && before.passedRoutes == ["tester"])
            #expect(before.backends.map(\.share) == [0.75, 0.25])
            #expect(before.timeout == .seconds(2))
            #expect(before.backends.allSatisfy { $0.endpoints.isEmpty && $0.next == nil })
            for _ in 0..<40 { _ = try await client.call(Echo.echo, Note("x")) }
            let tested = await client.explain(Echo.echo, metadata: ["x-tester": "yes"])
            #expect(tested.route == "tester" && tested.backends.map(\.share) == [1])
            #expect(tested.backends.first?.next == .tcp(host: "b", port: 1_000))
            let after = await client.explain(Echo.echo)
            #expect(after.backends.first?.endpoints.map(\.state) == [.ready, .ready])
            #expect(await client.explain(Echo.echo) == after)
            #expect(after.description.contains("75 % to echo.test"), "\(after)")
            client.close()
        }
    }

    @Test("a report names the endpoint that is left out, for how long, and why")
    func outliers() async throws {
        try await Fleet.run("a", "b") { fleet in
            try await fleet.start("c") { _ in throw CallFailure(.internalError, "broken") }
            fleet.become("a", "b", "c")
            let client = try fleet.client { $0.balancing.policy = .roundRobin }
            for _ in 0..<60 { _ = await meshError { _ = try await client.call(Echo.echo, Note("x")) } }
            let report = await client.endpoints()
            let broken = try #require(report.first { $0.endpoint == .tcp(host: "c", port: 1_000) })
            guard case .ejected(let time) = broken.state else { return #expect(Bool(false), "\(broken)") }
            #expect(time > .zero && broken.ejections == 1 && broken.consecutiveFailures >= 7)
            #expect(report.filter { $0.state == .ready }.count == 2)
            #expect("\(broken)".contains("c:1000: left out for"), "\(broken)")
            fleet.kill("b")
            try await fleet.simulation.runtime.sleep(for: .milliseconds(100))
            client.close()
        }
    }

    @Test("a server says which rule lets a call in, or which were near, and what else limits it")
    func admission() async throws {
        try await Simulated.run { simulation in
            var configuration = MeshConfiguration()
            configuration.rateLimits = RateLimitPolicy(rules: [
                RateLimitRule("web", methods: ["test.Echo/*"], perIdentity: Rate(perSecond: 1, burst: 1))
            ])
            configuration.concurrencyLimit = .fixed(10)
            let policy = try AuthorizationPolicy(rules: [
                AuthorizationPolicy.Rule(
                    "clients echo", methods: ["test.Echo/Echo"], identities: ["spiffe://test.example/client"]),
                AuthorizationPolicy.Rule(
                    "staff", methods: ["*"], identities: ["spiffe://test.example/staff/*"],
                    claims: ["role": ["admin"]]),
            ])
            let mesh = try Mesh(
                configuration: configuration, identity: simulation.authority.identity("/server"), policy: policy,
                runtime: simulation.runtime)
            mesh.serve(Echo.echo) { note, _ in note }
            let client = try simulation.authority.id("/client")
            let allowed = mesh.explain(inbound: Echo.echo.path, from: client)
            #expect(allowed.decision == .allow(rule: "clients echo") && allowed.isServed)
            #expect(allowed.rateLimits == ["web": .zero])
            #expect(allowed.concurrency == AdmissionPlan.Concurrency(running: 0, limit: 10))
            #expect(allowed.nearMisses.isEmpty)
            let denied = mesh.explain(inbound: Echo.once.path, from: client)
            #expect(denied.decision == .deny && !denied.isServed)
            #expect(denied.nearMisses.map(\.rule) == ["clients echo", "staff"])
            #expect(denied.nearMisses.map(\.missing) == [[.method], [.identity, .claims]])
            let staff = mesh.explain(inbound: Echo.once.path, from: try simulation.authority.id("/staff/eve"))
            #expect(staff.nearMisses.map(\.missing) == [[.claims]])
            #expect(
                staff.description.contains("not by the rule \"staff\", which is for another set of claims"), "\(staff)")
        }
    }
}
