import Identity
import MeshTransport
import MeshWire
import MeshworkTesting
import TestSupport
import Testing

/// Where routes take calls: splits, copies, faults, times, and all that while calls run.
@Suite(.timeLimit(.minutes(5))) struct RoutingTests {
    /// Servers `old` and `new`, each a service of its own beside ``Fleet/service``, which is `old`.
    private func run(
        _ routes: [Route], _ change: @escaping @Sendable (inout MeshConfiguration) -> Void = { _ in },
        body: @escaping @Sendable @concurrent (Fleet, Mesh, MeshClient) async throws -> Void
    ) async throws {
        try await Fleet.run("old", "new") { fleet in
            fleet.become("old")
            fleet.resolver.set([fleet.endpoint("new")], of: "new")
            var configuration = MeshConfiguration()
            configuration.resolver = fleet.resolver
            configuration.routes = RoutePolicy(routes: routes)
            change(&configuration)
            let mesh = try fleet.simulation.mesh("/client", configuration)
            let client = mesh.client(Self.old)
            try await body(fleet, mesh, client)
            client.close()
        }
    }

    private static let servers = (try? IdentityPattern(parsing: "spiffe://test.example/server/*")).map { [$0] } ?? []
    private static let new = Destination(service: "new", identities: servers)
    private static let old = Destination(service: Fleet.service, identities: servers)

    @Test("calls are split by weight, each with all its attempts at one backend, and the split changes while calls run")
    func split() async throws {
        let canary = Route(
            "canary", services: [Fleet.service],
            backends: [RouteBackend(Self.old, weight: 3), RouteBackend(Self.new, weight: 1)])
        let all = Route("canary", services: [Fleet.service], backends: [RouteBackend(Self.new)])
        try await run([canary]) { fleet, mesh, client in
            for _ in 0..<400 { _ = try await client.call(Echo.echo, Note("x")) }
            let counts = fleet.counts()
            #expect(counts.values.reduce(0, +) == 400)
            #expect((60...140).contains(counts["new"] ?? 0), "\(counts)")
            #expect(
                mesh.metrics.lines(of: "mesh_route_calls_total") == [
                    #"mesh_route_calls_total{route="canary",backend="\#(Fleet.service)"} \#(counts["old"] ?? 0)"#,
                    #"mesh_route_calls_total{route="canary",backend="new"} \#(counts["new"] ?? 0)"#,
                ])
            async let slow = withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<50 { group.addTask { _ = try await client.call(Echo.echo, Note("x")) } }
                try await group.waitForAll()
            }
            try mesh.setRoutes(RoutePolicy(routes: [all]))
            try await slow
            _ = fleet.counts()
            for _ in 0..<10 { _ = try await client.call(Echo.echo, Note("x")) }
            #expect(fleet.counts() == ["new": 10])
            try mesh.setRoutes(RoutePolicy())
            for _ in 0..<10 { _ = try await client.call(Echo.echo, Note("x")) }
            #expect(fleet.counts() == ["old": 10])
            #expect(throws: MeshError.self) { () throws in
                try mesh.setRoutes(RoutePolicy(routes: [Route("", methods: [])]))
            }
        }
    }

    @Test("metadata decides, streams follow routes as well, and a route may call another method")
    func metadata() async throws {
        var tester = Route("tester", backends: [RouteBackend(Self.new)])
        tester.metadata = [MetadataMatch("x-tester", .exact("yes"))]
        var redirect = Route("redirect", methods: [Echo.once.path])
        redirect.redirect = Echo.echo.path
        try await run([tester, redirect]) { fleet, mesh, client in
            let reply = try await client.call(Echo.echo, Note("x"), metadata: ["x-tester": "yes"])
            #expect(reply == Note("new"))
            let other = try await client.call(Echo.echo, Note("x"), metadata: ["x-tester": "no"])
            #expect(other == Note("old"))
            try await client.call(Echo.repeated, Note("x"), metadata: ["x-tester": "yes"]) { responses in
                for try await note in responses { #expect(note == Note("new")) }
            }
            // A method that may not be repeated was called as one that has that path, and no other.
            _ = try await client.call(Echo.once, Note("x"))
            #expect(mesh.metrics.lines(of: #"mesh_route_calls_total{route="redirect""#).first?.hasSuffix(" 1") == true)
        }
    }

    @Test("copies go to the mirror, and nothing that happens there is seen by the call")
    func mirror() async throws {
        try await Fleet.run("old") { fleet in
            var route = Route("shadow", methods: [Echo.echo.path, Echo.count.path])
            route.mirror = RouteMirror(Self.new, concurrent: 2)
            let (copies, release) = (Tally(), Gate())
            try await fleet.start("new") { _ in
                copies.add()
                await release.wait()
                throw CallFailure(.internalError, "nobody hears this")
            }
            fleet.resolver.set([fleet.endpoint("new")], of: "new")
            var configuration = MeshConfiguration()
            configuration.resolver = fleet.resolver
            configuration.routes = RoutePolicy(routes: [route])
            let mesh = try fleet.simulation.mesh("/client", configuration)
            let client = mesh.client(Self.old)
            for _ in 0..<5 {
                let reply = try await client.call(Echo.echo, Note("x"))
                #expect(reply == Note("old"))
            }
            await copies.reach(2)
            #expect(
                mesh.metrics.lines(of: "mesh_route_mirrored_total") == [#"mesh_route_mirrored_total{route="shadow"} 2"#]
            )
            #expect(
                mesh.metrics.lines(of: "mesh_route_mirror_drops_total") == [
                    #"mesh_route_mirror_drops_total{route="shadow"} 3"#
                ])
            release.open()
            // A copy of a call that must run once carries no number, and is not made again.
            _ = try await client.call(Echo.count, Note("x"))
            client.close()
        }
    }

    private static func faulty(delayed share: Double) -> Route {
        var route = Route("faulty")
        var faults = RouteFaults()
        (faults.delay, faults.delayShare, faults.abort, faults.abortShare) = (.seconds(2), share, .aborted, 0.25)
        route.faults = faults
        return route
    }

    @Test("faults come as often as they are to, before anything is sent, and within the deadline")
    func faults() async throws {
        let route = Self.faulty(delayed: 0.5)
        try await run([route]) { fleet, mesh, client in
            var (late, failed) = (0, 0)
            for _ in 0..<400 {
                let start = fleet.simulation.runtime.now
                let error = await meshError { _ = try await client.call(Echo.echo, Note("x")) }
                if let error {
                    #expect(error.status == .aborted && error.progress == .notSent)
                    failed += 1
                }
                if start.duration(to: fleet.simulation.runtime.now) >= .seconds(2) { late += 1 }
            }
            #expect((150...250).contains(late) && (60...140).contains(failed), "\(late) late, \(failed) failed")
            #expect(fleet.counts() == ["old": 400 - failed])
            let start = fleet.simulation.runtime.now
            try mesh.setRoutes(RoutePolicy(routes: [Self.faulty(delayed: 1)]))
            let error = await meshError { _ = try await client.call(Echo.echo, Note("x"), timeout: .seconds(1)) }
            #expect(error?.code == .deadlineExceeded, "\(error as Any)")
            #expect(start.duration(to: fleet.simulation.runtime.now) < .seconds(2))
        }
    }

    @Test("a route's times and retries take the place of the configuration's")
    func times() async throws {
        try await Fleet.run { fleet in
            let attempts = Tally()
            try await fleet.start("slow") { _ in
                if attempts.add() < 3 { try await fleet.simulation.runtime.sleep(for: .seconds(20)) }
            }
            fleet.become("slow")
            var route = Route("r", methods: [Echo.echo.path])
            (route.attemptTimeout, route.maximumAttempts, route.timeout) = (.seconds(1), 5, .seconds(8))
            let client = try fleet.client { $0.routes = RoutePolicy(routes: [route]) }
            let start = fleet.simulation.runtime.now
            _ = try await client.call(Echo.echo, Note("x"))
            #expect(start.duration(to: fleet.simulation.runtime.now) < .seconds(5) && attempts.count == 3)
            client.close()
            try await fleet.start("silent") { _ in try await fleet.simulation.runtime.sleep(for: .seconds(1_000)) }
            fleet.become("silent")
            let other = try fleet.client { $0.routes = RoutePolicy(routes: [route]) }
            let before = fleet.simulation.runtime.now
            let error = await meshError { _ = try await other.call(Echo.echo, Note("x"), timeout: .seconds(60)) }
            #expect(error?.code == .deadlineExceeded)
            #expect(before.duration(to: fleet.simulation.runtime.now) <= .seconds(9))
            other.close()
        }
    }

    @Test("a stream without messages for as long as its route allows ends, and one that has some goes on")
    func idle() async throws {
        try await Simulated.run { simulation in
            let server = try await simulation.server { mesh in
                mesh.serve(Echo.repeated) { note, responses, _ in
                    for _ in 0..<5 {
                        try await responses.send(note)
                        try await mesh.runtime.sleep(for: .seconds(2))
                    }
                    try await mesh.runtime.sleep(for: .seconds(1_000))
                }
            }
            var configuration = MeshConfiguration()
            configuration.callTimeout = .seconds(600)
            var route = Route("r")
            route.idleTimeout = .seconds(4)
            configuration.routes = RoutePolicy(routes: [route])
            let client = try simulation.client(configuration)
            let start = simulation.runtime.now
            var count = 0
            let error = await meshError {
                try await client.call(Echo.repeated, Note("x")) { responses in
                    for try await _ in responses { count += 1 }
                }
            }
            #expect(count == 5 && error?.code == .deadlineExceeded)
            #expect(error?.message.contains("no message for 4.0 seconds") == true)
            let elapsed = start.duration(to: simulation.runtime.now)
            #expect(elapsed >= .seconds(12) && elapsed <= .seconds(14), "\(elapsed)")
            client.close()
            await server.stop()
        }
    }
}
