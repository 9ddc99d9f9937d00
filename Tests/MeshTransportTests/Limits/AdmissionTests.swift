import Identity
import MeshWire
import MeshworkTesting
import Synchronization
import Telemetry
import TestSupport
import Testing

@testable import MeshTransport

/// Calls to a service with a limit: their places, their waits, and what becomes of both whatever happens.
@Suite(.timeLimit(.minutes(5))) struct AdmissionTests {
    /// What a test has: a service of one server, whose calls take a second, and a client's mesh with a limit.
    private struct Scene: Sendable {
        let fleet: Fleet
        let mesh: Mesh
        let client: MeshClient
        var runtime: SimulatedRuntime { fleet.simulation.runtime }

        /// The sum of a metric's samples that hold all of `labels`.
        func metric(_ name: String, _ labels: String...) -> Double {
            mesh.metrics.lines(of: name).filter { line in labels.allSatisfy { line.contains($0) } }
                .compactMap { $0.split(separator: " ").last.flatMap { Double($0) } }.reduce(0, +)
        }

        /// Nothing is under way, and nobody waits.
        func isAtRest() -> Bool {
            let families = ["mesh_client_in_flight", "mesh_client_queue_depth"]
            return families.allSatisfy { !mesh.metrics.lines(of: $0).isEmpty && metric($0) == 0 }
        }

        func seconds(_ body: () async throws -> Void) async throws -> Double {
            let start = runtime.now
            try await body()
            return start.duration(to: runtime.now).inSeconds
        }

        func set(_ rules: AdmissionRule...) throws {
            var next = mesh.dynamicConfiguration
            next.admission = AdmissionPolicy(rules: rules)
            try mesh.apply(next)
        }
    }

    private static func rule(_ limit: Int, queue: Int = 100) -> AdmissionRule {
        var rule = AdmissionRule("test", services: [Fleet.service], limit: .fixed(limit))
        rule.queue = queue
        return rule
    }

    private func run(
        _ rule: AdmissionRule? = AdmissionTests.rule(1), servers: [String] = ["a"], takes: Duration = .seconds(1),
        _ change: @escaping @Sendable (inout MeshConfiguration) -> Void = { _ in },
        body: @escaping @Sendable @concurrent (Scene) async throws -> Void
    ) async throws {
        try await Simulated.run { simulation in
            let fleet = Fleet(simulation)
            for name in servers {
                try await fleet.start(name) { note in
                    if note.text != "quick" { try await simulation.runtime.sleep(for: takes) }
                    if note.text == "fails" { throw CallFailure(.internalError, "as it was asked to") }
                }
            }
            fleet.resolver.set(servers.map { fleet.endpoint($0) }, of: Fleet.service)
            var configuration = MeshConfiguration()
            configuration.resolver = fleet.resolver
            configuration.balancing.slowStart = nil
            configuration.admission = AdmissionPolicy(rules: rule.map { [$0] } ?? [])
            change(&configuration)
            let mesh = try simulation.mesh("/client", configuration)
            let client = mesh.client(
                Destination(service: Fleet.service, identities: [.below(try simulation.authority.id("/server"))]))
            try await client.warmUp(.max)
            try await body(Scene(fleet: fleet, mesh: mesh, client: client))
            client.close()
            await fleet.stop()
        }
    }

    /// Makes a call and cancels its caller after `time`; what the caller is told.
    private static func cancelled(_ scene: Scene, after time: Duration) async -> MeshError? {
        await withTaskGroup(of: MeshError?.self) { group in
            group.addTask { await meshError { _ = try await scene.client.call(Echo.once, Note("x")) } }
            try? await scene.runtime.sleep(for: time)
            group.cancelAll()
            return await group.next() ?? nil
        }
    }

    /// The records of calls, in the order in which they ended.
    private final class Ended: Sendable {
        private let state = Mutex<[(name: String, record: CallRecord)]>([])

        var names: [String] { state.withLock { $0.map(\.name) } }
        var records: [CallRecord] { state.withLock { $0.map(\.record) } }

        func add(_ name: String, _ records: [CallRecord]) {
            state.withLock { state in state += records.map { (name: name, record: $0) } }
        }
    }

    @Test("calls take turns on one place, the urgent ones first, and their waits are told and counted")
    func turns() async throws {
        try await run { scene in
            let ended = Ended()
            try await withThrowingTaskGroup(of: Void.self) { group in
                for (name, priority) in [
                    ("first", .normal), ("background", .background), ("normal", .normal), ("urgent", .urgent),
                ] as [(String, CallPriority)] {
                    group.addTask {
                        let (_, calls) = try await CallRecord.recording {
                            try await scene.client.call(Echo.once, Note(name), priority: priority)
                        }
                        ended.add(name, calls)
                    }
                    try await scene.runtime.sleep(for: .milliseconds(10))
                }
                let plan = await scene.client.explain(Echo.once)
                #expect(plan.backends.first?.admission?.running == 1 && plan.backends.first?.admission?.waiting == 3)
                #expect(plan.description.contains(#"1 of 1 under way by the rule "test", 3 wait"#), "\(plan)")
                #expect(scene.metric("mesh_client_queue_depth") == 3 && scene.metric("mesh_client_in_flight") == 1)
                #expect(scene.metric("mesh_client_concurrency_limit") == 1)
                try await group.waitForAll()
            }
            #expect(ended.names == ["first", "urgent", "normal", "background"])
            let records = ended.records
            let waits = records.map { $0.attempts[0].waited?.inSeconds }
            #expect(waits[0] == nil)
            for (wait, expected) in zip(waits.dropFirst(), [1, 2, 3]) {
                #expect(abs(try #require(wait) - Double(expected)) < 0.1)
            }
            // An attempt's own time does not hold its wait.
            for record in records { #expect(record.attempts[0].elapsed < .milliseconds(1_100)) }
            #expect(records[1].description.contains("after waiting for"))
            #expect(scene.metric("mesh_client_queue_wait_seconds_count") == 3)
            #expect(scene.isAtRest())
        }
    }

    @Test("where there is no limit nothing is counted and nobody waits")
    func unlimited() async throws {
        try await run(nil) { scene in
            let time = try await scene.seconds {
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for _ in 0..<20 { group.addTask { _ = try await scene.client.call(Echo.once, Note("x")) } }
                    try await group.waitForAll()
                }
            }
            #expect(time < 1.1)
            #expect(scene.mesh.metrics.lines(of: "mesh_client_").isEmpty)
            #expect(await scene.client.explain(Echo.once).backends.first?.admission == nil)
        }
    }

    @Test("what is shed was not sent, is not tried again, and says nothing of the server")
    func shed() async throws {
        try await run(Self.rule(1, queue: 0)) { scene in
            async let running = scene.client.call(Echo.once, Note("x"))
            try await scene.runtime.sleep(for: .milliseconds(10))
            for method in [Echo.echo, Echo.once, Echo.count] {
                let (error, calls) = await CallRecord.recording {
                    await meshError { _ = try await scene.client.call(method, Note("x")) }
                }
                #expect(error?.code == .loadShed && error?.progress == .notSent && error?.outcome == .resourceExhausted)
                let attempts = try #require(calls.first?.attempts)
                #expect(attempts.map(\.decision) == [.gaveUp(.shed)] && attempts[0].status == .resourceExhausted)
                #expect(attempts[0].error?.contains("as many wait as may") == true)
            }
            #expect(scene.metric("mesh_client_shed_total", #"reason="full""#, #"priority="normal""#) == 3)
            #expect(scene.metric("mesh_client_shed_total") == 3)
            let server = try #require(await scene.client.endpoints().first)
            #expect(server.pending == 1 && server.failureShare == 0 && server.consecutiveFailures == 0)
            _ = try await running
            #expect(scene.fleet.counts() == ["a": 1])
            #expect(scene.isAtRest())
        }
    }

    @Test("a call whose turn would come too late is refused at once; one whose deadline passes ends then")
    func deadlines() async throws {
        try await run { scene in
            // Nothing is known yet: it waits, and ends at its deadline.
            async let first = scene.client.call(Echo.once, Note("x"))
            try await scene.runtime.sleep(for: .milliseconds(10))
            var error: MeshError?
            var time = try await scene.seconds {
                error = await meshError {
                    _ = try await scene.client.call(Echo.once, Note("x"), timeout: .milliseconds(400))
                }
            }
            #expect(error?.code == .deadlineExceeded && error?.progress == .notSent)
            #expect((0.4..<0.41).contains(time))
            #expect(scene.metric("mesh_client_queue_depth") == 0, "it has left")
            _ = try await first
            for _ in 0..<20 { _ = try await scene.client.call(Echo.once, Note("x")) }
            // A call is known to take a second.
            async let second = scene.client.call(Echo.once, Note("x"))
            try await scene.runtime.sleep(for: .milliseconds(10))
            time = try await scene.seconds {
                error = await meshError {
                    _ = try await scene.client.call(Echo.once, Note("x"), timeout: .milliseconds(1_900))
                }
            }
            #expect(error?.code == .loadShed && time == 0)
            #expect(error?.message.contains("its deadline would pass") == true)
            _ = try await scene.client.call(Echo.once, Note("x"), timeout: .milliseconds(2_500))
            _ = try await second
            #expect(scene.metric("mesh_client_shed_total", #"reason="expired""#) == 1)
            #expect(scene.metric("mesh_client_shed_total", #"reason="deadline""#) == 1)
            #expect(scene.isAtRest())
        }
    }

    @Test("a full queue makes room for an urgent call, and says so to the one that had it")
    func evicted() async throws {
        try await run(Self.rule(1, queue: 1)) { scene in
            async let running = scene.client.call(Echo.once, Note("x"))
            try await scene.runtime.sleep(for: .milliseconds(10))
            async let background = meshError {
                _ = try await scene.client.call(Echo.once, Note("x"), priority: .background)
            }
            try await scene.runtime.sleep(for: .milliseconds(10))
            async let urgent = scene.client.call(Echo.once, Note("x"), priority: .urgent)
            let error = await background
            #expect(error?.code == .loadShed && error?.message.contains("higher priority") == true)
            _ = try await (running, urgent)
            #expect(scene.metric("mesh_client_shed_total", #"reason="evicted""#, #"priority="background""#) == 1)
            #expect(scene.isAtRest())
        }
    }

    @Test("a caller that is cancelled leaves the queue at once, and nobody's turn is lost with it")
    func cancelled() async throws {
        try await run { scene in
            async let running = scene.client.call(Echo.once, Note("x"))
            try await scene.runtime.sleep(for: .milliseconds(10))
            async let waiting = Self.cancelled(scene, after: .milliseconds(30))
            try await scene.runtime.sleep(for: .milliseconds(10))
            async let next = scene.client.call(Echo.once, Note("x"))
            try await scene.runtime.sleep(for: .milliseconds(10))
            #expect(scene.metric("mesh_client_queue_depth") == 2)
            try await scene.runtime.sleep(for: .milliseconds(15))
            #expect(scene.metric("mesh_client_queue_depth") == 1)
            let error = await waiting
            #expect(error?.code == .cancelled && error?.progress == .notSent)
            _ = try await (running, next)
            // One that is cancelled while it runs gives its place back.
            #expect(await Self.cancelled(scene, after: .milliseconds(10))?.progress == .mayHaveRun)
            #expect(scene.isAtRest())
            #expect(scene.metric("mesh_client_shed_total") == 0)
        }
    }

    @Test("a stream holds its place until it ends, and streams wait as other calls do")
    func streams() async throws {
        try await run { scene in
            let (opened, done) = (Gate(), Gate())
            async let stream: Void = scene.client.call(Echo.repeated, Note("quick")) { responses in
                for try await _ in responses {}
                opened.open()
                await done.wait()
            }
            await opened.wait()
            // Its last response has come, so it has ended, though its caller goes on with it.
            _ = try await scene.client.call(Echo.once, Note("quick"))
            done.open()
            try await stream

            let unread = Gate()
            async let open = scene.client.call(Echo.joined) { requests in
                try await requests.send(Note("x"))
                await unread.wait()
            }
            try await scene.runtime.sleep(for: .seconds(1))
            #expect(scene.metric("mesh_client_in_flight") == 1)
            async let second = scene.client.call(Echo.repeated, Note("quick")) { responses in
                var count = 0
                for try await _ in responses { count += 1 }
                return count
            }
            try await scene.runtime.sleep(for: .seconds(1))
            #expect(scene.metric("mesh_client_queue_depth") == 1)
            unread.open()
            _ = try await open
            #expect(try await second == 3)
            // One that its caller ends, and one that no server answers.
            await #expect(throws: CancellationError.self) {
                try await scene.client.call(Echo.repeated, Note("quick")) { _ in throw CancellationError() }
            }
            scene.fleet.kill("a")
            _ = await meshError {
                try await scene.client.call(Echo.repeated, Note("quick"), timeout: .seconds(2)) { responses in
                    for try await _ in responses {}
                }
            }
            #expect(scene.isAtRest())
        }
    }

    @Test(
        "an attempt that hedges another takes a place of its own if there is one, and none is hedged where there is not"
    )
    func hedged() async throws {
        func hedges(limit: Int) async throws -> Double {
            let count = Mutex(0.0)
            try await run(Self.rule(limit), servers: ["a", "b"], takes: .milliseconds(200)) {
                var hedging = HedgingConfiguration()
                hedging.initialDelay = .milliseconds(10)
                $0.retry.hedging = hedging
            } body: { scene in
                async let call = scene.client.call(Echo.echo, Note("x"))
                try await scene.runtime.sleep(for: .milliseconds(100))
                #expect(scene.metric("mesh_client_in_flight") == Double(limit))
                _ = try await call
                #expect(scene.isAtRest())
                count.withLock { $0 = scene.metric("mesh_hedges_total") }
            }
            return count.withLock { $0 }
        }
        #expect(try await hedges(limit: 2) == 1)
        #expect(try await hedges(limit: 1) == 0)
    }

    @Test("each attempt asks: between two of them the place is somebody else's")
    func attempts() async throws {
        try await run { scene in
            var next = scene.mesh.dynamicConfiguration
            next.retry.statuses = [.internalError]
            next.retry.jitter = 0
            try scene.mesh.apply(next)
            let ended = Ended()
            async let failing: MeshError? = {
                let (error, calls) = await CallRecord.recording {
                    await meshError { _ = try await scene.client.call(Echo.echo, Note("fails")) }
                }
                ended.add("fails", calls)
                return error
            }()
            try await scene.runtime.sleep(for: .milliseconds(10))
            _ = try await scene.client.call(Echo.once, Note("x"))
            #expect(await failing?.status == .internalError)
            let attempts = try #require(ended.records.first?.attempts)
            #expect(attempts.map { $0.waited == nil } == [true, false, true])
            #expect(scene.isAtRest())
        }
    }

    @Test("two clients of a mesh share a destination's limit")
    func shared() async throws {
        try await run { scene in
            let other = scene.mesh.client(scene.client.destination)
            try await other.warmUp(.max)
            let time = try await scene.seconds {
                async let one = scene.client.call(Echo.once, Note("x"))
                async let two = other.call(Echo.once, Note("x"))
                _ = try await (one, two)
            }
            #expect((2..<2.1).contains(time))
            other.close()
            #expect(scene.isAtRest())
        }
    }

    @Test(
        "the queue of a service without a ready endpoint fails fast, for those in it and for those that come",
        arguments: [([], 3), (["nowhere"], 0)] as [(left: [String], seconds: Double)])
    func failfast(_ left: [String], seconds: Double) async throws {
        try await run(servers: ["a"], takes: .seconds(100)) {
            $0.failfastTimeout = .seconds(3)
            $0.failureAccrual = nil
            $0.retry.maximumAttempts = 1
        } body: { scene in
            // The one place is held by a call to a server that leaves the service.
            async let holder = meshError {
                _ = try await scene.client.call(Echo.once, Note("x"), timeout: .seconds(9))
            }
            try await scene.runtime.sleep(for: .milliseconds(10))
            async let waiting = meshError { _ = try await scene.client.call(Echo.once, Note("x")) }
            try await scene.runtime.sleep(for: .milliseconds(10))
            scene.fleet.resolver.set(left.map { scene.fleet.endpoint($0) }, of: Fleet.service)
            let change = scene.runtime.now
            var error = await waiting
            let time = change.duration(to: scene.runtime.now).inSeconds
            #expect(error?.code == .noEndpoint && error?.progress == .notSent)
            #expect((seconds..<seconds + 0.1).contains(time), "\(time)")
            let late = try await scene.seconds {
                error = await meshError { _ = try await scene.client.call(Echo.once, Note("x")) }
            }
            #expect(error?.code == .noEndpoint && late == 0, "\(late)")
            #expect(scene.metric("mesh_client_shed_total", #"reason="failfast""#) == 2)
            _ = await holder
            #expect(scene.isAtRest())
        }
    }

    @Test("a client that is closed fails its calls that wait, and leaves the places to others")
    func closed() async throws {
        try await run { scene in
            let other = scene.mesh.client(scene.client.destination)
            try await other.warmUp(.max)
            async let holder = scene.client.call(Echo.once, Note("x"))
            try await scene.runtime.sleep(for: .milliseconds(10))
            async let waiting = meshError { _ = try await other.call(Echo.once, Note("x")) }
            try await scene.runtime.sleep(for: .milliseconds(10))
            other.close()
            #expect(await waiting?.code == .draining)
            _ = try await holder
            #expect(scene.isAtRest())
        }
    }

    @Test("a limit that rises, falls, goes and comes while calls run and wait leaves none behind")
    func reconfigured() async throws {
        try await run(takes: .milliseconds(20)) { scene in
            var generator = SeededGenerator(seed: 7)
            let answered = Tally()
            let shed = Tally()
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<400 {
                    group.addTask {
                        let priority = CallPriority.allCases[number % 3]
                        let error = await meshError {
                            if number.isMultiple(of: 5) {
                                try await scene.client.call(Echo.repeated, Note("x"), priority: priority) { responses in
                                    for try await _ in responses {}
                                }
                            } else {
                                _ = try await scene.client.call(
                                    Echo.once, Note("x"), timeout: .milliseconds(50 + number), priority: priority)
                            }
                        }
                        if error == nil { answered.add() } else { shed.add() }
                    }
                    if number.isMultiple(of: 7) {
                        group.addTask {
                            _ = await Self.cancelled(scene, after: .milliseconds(number % 40))
                        }
                    }
                    try await scene.runtime.sleep(for: .milliseconds(3))
                    guard number.isMultiple(of: 20) else { continue }
                    if number == 200 {
                        // Most of the next twenty find neither a place nor room to wait.
                        try scene.set(Self.rule(1, queue: 0))
                        continue
                    }
                    switch Int.random(in: 0...3, using: &generator) {
                    case 0: try scene.set()
                    case 1: try scene.set(AdmissionRule("other", limit: .gradient(GradientConfiguration())))
                    default:
                        try scene.set(
                            Self.rule(
                                Int.random(in: 1...12, using: &generator),
                                queue: Int.random(in: 0...30, using: &generator)))
                    }
                }
                try scene.set(Self.rule(3))
                try await group.waitForAll()
            }
            #expect(answered.count + shed.count == 400 && answered.count > 100 && shed.count > 5)
            #expect(scene.isAtRest())
            #expect(scene.metric("mesh_client_concurrency_limit") == 3)
            #expect(await scene.client.explain(Echo.once).backends.first?.admission?.running == 0)
        }
    }
}
