import Identity
import MeshConfigurationFile
import MeshTransport
import MeshWire
import MeshworkTesting
import Synchronization
import Telemetry
import TestSupport
import Testing

@testable import MeshControl

/// Versions that are pushed to subscribers, over the mesh, in a simulation.
@Suite(.timeLimit(.minutes(5))) struct ControlStreamTests {
    /// One authority, and meshes on one virtual clock.
    private struct Simulation: Sendable {
        let runtime: SimulatedRuntime
        let authority: TestAuthority

        func mesh(_ path: String, _ configuration: MeshConfiguration = MeshConfiguration()) throws -> Mesh {
            let policy = try AuthorizationPolicy(rules: [
                AuthorizationPolicy.Rule("all", methods: ["*"], identities: ["spiffe://test.example/*"])
            ])
            return try Mesh(
                configuration: configuration, identity: authority.identity(path), policy: policy, runtime: runtime,
                logger: LogCapture().logger)
        }

        /// A control server at `control:1`.
        func control(_ publisher: ConfigurationPublisher) async throws -> Mesh {
            let mesh = try mesh("/control")
            publisher.register(on: mesh)
            try await mesh.listen(host: "control", port: 1)
            return mesh
        }

        func destination() throws -> Destination {
            Destination(host: "control", port: 1, identities: [.exact(try authority.id("/control"))])
        }

        func subscriber(_ mesh: Mesh) throws -> ConfigurationSubscriber {
            try ConfigurationSubscriber(of: destination(), on: mesh)
        }

        func sleep(_ duration: Duration = .seconds(1)) async throws { try await runtime.sleep(for: duration) }
    }

    private static func run(
        _ body: @escaping @Sendable @concurrent (Simulation) async throws -> Void
    ) async throws {
        try await SimulatedRuntime.run(seed: 1) { runtime in
            try await body(Simulation(runtime: runtime, authority: try TestAuthority(runtime: runtime)))
        }
    }

    /// Runs subscribers while `body` runs.
    private static func following(
        _ subscribers: ConfigurationSubscriber..., body: @escaping @Sendable () async throws -> Void
    ) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for subscriber in subscribers { group.addTask { try await subscriber.run() } }
            try await body()
            group.cancelAll()
        }
    }

    private static func document(_ version: String, _ more: String = "") -> [UInt8] {
        Array("version: \(version)\n\(more)".utf8)
    }

    @Test("a version is pushed to all who follow, who go by it and say so, and to who comes later")
    func push() async throws {
        try await Self.run { simulation in
            let publisher = ConfigurationPublisher()
            let control = try await simulation.control(publisher)
            let (a, b) = (try simulation.mesh("/a"), try simulation.mesh("/b"))
            let (first, second) = (try simulation.subscriber(a), try simulation.subscriber(b))
            try await Self.following(first) {
                try await simulation.sleep()
                #expect(publisher.subscribers.map(\.inForce) == [nil])
                let one = try publisher.publish(Self.document("one", "callTimeout: 5s\n"))
                try await simulation.sleep()
                #expect(a.dynamicConfiguration.version == "one" && a.dynamicConfiguration.callTimeout == .seconds(5))
                #expect(publisher.subscribers.map(\.inForce) == [one.digest])
                #expect(publisher.subscribers.map { "\($0.identity!)" } == ["spiffe://test.example/a"])
                try await Self.following(second) {
                    try await simulation.sleep()
                    #expect(b.dynamicConfiguration.version == "one")
                    let two = try publisher.publish(Self.document("two"))
                    try await simulation.sleep()
                    #expect(publisher.subscribers.map(\.inForce) == [two.digest, two.digest])
                    #expect(a.dynamicConfiguration.callTimeout == .seconds(30), "what is not said is the host's")
                }
                try await simulation.sleep()
                #expect(publisher.subscribers.count == 1)
            }
            await control.stop()
        }
    }

    @Test("a version that is refused leaves the last good one, and the server knows who and why")
    func refuse() async throws {
        try await Self.run { simulation in
            let publisher = ConfigurationPublisher()
            let control = try await simulation.control(publisher)
            var configuration = MeshConfiguration()
            configuration.connectBackoff.limit = .seconds(1)
            let (a, b) = (try simulation.mesh("/a", configuration), try simulation.mesh("/b"))
            let (first, second) = (try simulation.subscriber(a), try simulation.subscriber(b))
            try await Self.following(first, second) {
                let one = try publisher.publish(Self.document("one"))
                try await simulation.sleep()
                // Good in itself, but not over what the host of the one has.
                let two = try publisher.publish(Self.document("two", "connectBackoff: {base: 2s}\n"))
                try await simulation.sleep()
                #expect(a.dynamicConfiguration.version == "one" && b.dynamicConfiguration.version == "two")
                let standing = publisher.subscribers.sorted { "\($0.identity!)" < "\($1.identity!)" }
                #expect(standing.map(\.inForce) == [one.digest, two.digest])
                #expect(standing[0].refusal?.digest == two.digest)
                #expect(standing[0].refusal?.reason.contains("connectBackoff.limit must be at least base") == true)
                #expect(standing[1].refusal == nil)
                #expect(first.refusal?.contains("connectBackoff") == true && second.refusal == nil)
                #expect(
                    a.metrics.lines(of: "mesh_configuration_rejections_total") == [
                        #"mesh_configuration_rejections_total{source="control"} 1"#
                    ])
                let three = try publisher.publish(Self.document("three"))
                try await simulation.sleep()
                #expect(publisher.subscribers.map(\.inForce) == [three.digest, three.digest])
                #expect(publisher.subscribers.map(\.refusal) == [nil, nil])
                #expect(first.refusal == nil)
            }
            #expect(throws: ConfigurationFileError.self) { () throws in
                try publisher.publish(Self.document("four", "callTimeout: soon\n"))
            }
            #expect(publisher.published?.name == "three")
            await control.stop()
        }
    }

    @Test("a server that comes back sends nothing that its subscribers go by, or have refused, already")
    func restart() async throws {
        try await Self.run { simulation in
            let publisher = ConfigurationPublisher()
            let control = try await simulation.control(publisher)
            let mesh = try simulation.mesh("/a")
            let subscriber = try simulation.subscriber(mesh)
            try await Self.following(subscriber) {
                let one = try publisher.publish(Self.document("one"))
                try await simulation.sleep()
                simulation.runtime.kill(host: "control", port: 1)
                await control.stop()
                try await simulation.sleep(.seconds(100))
                #expect(mesh.dynamicConfiguration.version == "one")

                let next = MetricsRegistry()
                let other = ConfigurationPublisher(metrics: next)
                try other.publish(Self.document("one"))
                let back = try await simulation.control(other)
                try await simulation.sleep(.seconds(100))
                #expect(other.subscribers.map(\.inForce) == [one.digest])
                #expect(next.lines(of: "mesh_control_pushes_total") == ["mesh_control_pushes_total 0"])
                try other.publish(Self.document("two"))
                try await simulation.sleep()
                #expect(mesh.dynamicConfiguration.version == "two")
                #expect(next.lines(of: "mesh_control_pushes_total") == ["mesh_control_pushes_total 1"])
                await back.stop()
            }
        }
    }

    @Test("a stream ends after its lifetime, and is begun anew without a push")
    func lifetime() async throws {
        try await Self.run { simulation in
            let metrics = MetricsRegistry()
            let publisher = ConfigurationPublisher(metrics: metrics)
            let control = try await simulation.control(publisher)
            let mesh = try simulation.mesh("/a")
            var configuration = SubscriptionConfiguration()
            configuration.lifetime = .seconds(60)
            let subscriber = try ConfigurationSubscriber(
                of: simulation.destination(), on: mesh, configuration: configuration)
            try publisher.publish(Self.document("one"))
            try await Self.following(subscriber) {
                try await simulation.sleep(.seconds(590))
                #expect(publisher.subscribers.count == 1)
                try publisher.publish(Self.document("two"))
                try await simulation.sleep()
                #expect(mesh.dynamicConfiguration.version == "two")
            }
            #expect(metrics.lines(of: "mesh_control_pushes_total") == ["mesh_control_pushes_total 2"])
            await control.stop()
        }
    }

    @Test("a subscriber that takes its time gets the newest version next, and none between")
    func slow() async throws {
        try await Self.run { simulation in
            let publisher = ConfigurationPublisher()
            let control = try await simulation.control(publisher)
            let client = try simulation.mesh("/slow").client(simulation.destination())
            try publisher.publish(Self.document("0"))
            let seen = try await client.call(ControlService.follow, timeout: .seconds(1_000)) { states, pushes in
                var seen: [[UInt8]] = []
                try await states.send(SubscriberState())
                for try await push in pushes {
                    seen.append(push.document)
                    let digest = SHA256Fingerprint(of: push.document)
                    #expect(publisher.subscribers.map(\.pending) == [digest])
                    if seen.count == 2 { break }
                    for version in 1...9 {
                        try publisher.publish(Self.document("\(version)"))
                        try await simulation.sleep(.seconds(10))
                    }
                    var state = SubscriberState()
                    state.inForce = digest.bytes
                    try await states.send(state)
                }
                return seen
            }
            #expect(seen == [Self.document("0"), Self.document("9")])
            client.close()
            await control.stop()
        }
    }

    @Test("who may not follow is refused, and goes on trying")
    func authorized() async throws {
        try await Self.run { simulation in
            let publisher = ConfigurationPublisher()
            let control = try await simulation.control(publisher)
            try publisher.publish(Self.document("one"))
            let all = control.dynamicConfiguration.authorization
            control.setPolicy(.denyAll)
            let mesh = try simulation.mesh("/a")
            let subscriber = try simulation.subscriber(mesh)
            try await Self.following(subscriber) {
                try await simulation.sleep(.seconds(10))
                #expect(publisher.subscribers.isEmpty && mesh.dynamicConfiguration.version == nil)
                control.setPolicy(all)
                try await simulation.sleep(.seconds(100))
                #expect(mesh.dynamicConfiguration.version == "one")
            }
            await control.stop()
        }
    }

    @Test("no more subscribers follow than may")
    func bounded() async throws {
        try await Self.run { simulation in
            let publisher = ConfigurationPublisher(subscribers: 1)
            let control = try await simulation.control(publisher)
            let (first, second) = (try simulation.mesh("/a"), try simulation.mesh("/b"))
            try publisher.publish(Self.document("one"))
            try await Self.following(try simulation.subscriber(first)) {
                try await simulation.sleep()
                try await Self.following(try simulation.subscriber(second)) {
                    try await simulation.sleep(.seconds(10))
                    #expect(publisher.subscribers.count == 1)
                    #expect(first.dynamicConfiguration.version == "one" && second.dynamicConfiguration.version == nil)
                }
            }
            await control.stop()
        }
    }

    @Test("no call is lost and no connection made anew while versions come in under load")
    func load() async throws {
        try await Self.run { simulation in
            let publisher = ConfigurationPublisher()
            let control = try await simulation.control(publisher)
            let resolver = StaticResolver()
            let answered = Mutex(0)
            var servers: [Mesh] = []
            for name in ["x", "y", "z"] {
                let server = try simulation.mesh("/server/\(name)")
                server.serve(Echo.echo) { note, _ in
                    answered.withLock { $0 += 1 }
                    return note
                }
                try await server.listen(host: name, port: 2)
                servers.append(server)
            }
            resolver.set(["x", "y", "z"].map { ServiceEndpoint(.tcp(host: $0, port: 2)) }, of: "echo")
            var configuration = MeshConfiguration()
            configuration.resolver = resolver
            let mesh = try simulation.mesh("/client", configuration)
            let expected: [IdentityPattern] = [.below(try simulation.authority.id("/server"))]
            let client = mesh.client(Destination(service: "echo", identities: expected))
            try await client.warmUp(.max)
            let subscriber = try simulation.subscriber(mesh)
            try await Self.following(subscriber) {
                try await simulation.sleep()
                let before = mesh.connections
                #expect(before.count == 4)
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for _ in 0..<8 {
                        group.addTask {
                            for _ in 0..<100 {
                                _ = try await client.call(Echo.echo, EchoNote(text: "x"))
                                try await simulation.sleep(.milliseconds(2))
                            }
                        }
                    }
                    for round in 0..<12 {
                        try await simulation.sleep(.milliseconds(15))
                        let policy = ["peakEWMA", "leastRequest", "roundRobin", "random"][round % 4]
                        try publisher.publish(
                            Self.document(
                                "\(round)",
                                """
                                callTimeout: \(5 + round)s
                                balancing: {policy: \(policy)}
                                failureAccrual: \(round.isMultiple(of: 2) ? "none" : "{consecutiveFailures: 3}")
                                retry: {budget: \(round.isMultiple(of: 3) ? "none" : "{ratio: 0.1}")}
                                routes:
                                  - name: echo
                                    services: [echo]
                                    backends: [{service: echo, identities: ["spiffe://test.example/server/*"]}]
                                    maximumAttempts: \(1 + round % 3)

                                """))
                    }
                    try await group.waitForAll()
                }
                #expect(answered.withLock { $0 } == 800)
                #expect(mesh.connections == before)
                #expect(mesh.dynamicConfiguration.version == "11")
                #expect(publisher.subscribers.map(\.inForce) == [publisher.published?.digest])
            }
            client.close()
            for server in servers { await server.stop() }
            await control.stop()
        }
    }

    @Test("a configuration of a subscription that cannot be is refused with all that is wrong")
    func problems() async throws {
        var configuration = SubscriptionConfiguration()
        try configuration.validate()
        configuration.lifetime = .zero
        configuration.backoff.base = .zero
        let error = await meshError { [configuration] in try configuration.validate() }
        #expect(error?.code == .invalidConfiguration)
        #expect(error?.message.contains("lifetime") == true && error?.message.contains("backoff.base") == true)
    }
}

struct EchoNote: MeshMessage {
    static let messageName = "test.EchoNote"
    var text = ""
    init(text: String) { self.text = text }
    init(from decoder: inout MessageDecoder) throws(WireError) {
        while let field = try decoder.nextField() { if field == 1 { text = try decoder.string() } }
    }
    func encode(to encoder: inout MessageEncoder) { encoder.string(1, text) }
}

enum Echo: MeshService {
    static let name: ServiceName = "test.Echo"
    static let echo = unary("Echo", EchoNote.self, EchoNote.self, retry: .idempotent)
}
