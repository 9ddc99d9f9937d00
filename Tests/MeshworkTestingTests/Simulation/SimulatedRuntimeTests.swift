import Identity
import MeshTransport
import MeshWire
import MeshworkTesting
import Synchronization
import Testing

@Suite struct SimulatedRuntimeTests {
    @Test("time jumps from event to event, and sleepers wake in the order of their times")
    func sleeping() async throws {
        let (trace, end) = try await SimulatedRuntime.run(seed: 1) { runtime in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for seconds in [30, 1, 600, 2] {
                    group.addTask {
                        try await runtime.sleep(for: .seconds(seconds))
                        runtime.record("slept \(seconds) s")
                    }
                }
                try await group.waitForAll()
            }
            return (runtime.trace.text, runtime.now)
        }
        #expect(
            trace == """
                1000000000 slept 1 s
                2000000000 slept 2 s
                30000000000 slept 30 s
                600000000000 slept 600 s

                """)
        #expect(end.nanoseconds == 600_000_000_000)
    }

    @Test("a sleep that is over already returns, and the clock stands still")
    func pastSleep() async throws {
        let moved = try await SimulatedRuntime.run(seed: 1) { runtime in
            let start = runtime.now
            try await runtime.sleep(for: .seconds(-5))
            try await runtime.sleep(until: start)
            return start.duration(to: runtime.now)
        }
        #expect(moved < .milliseconds(1))
    }

    @Test("what holds the thread moves the clock, makes what was due meanwhile late, and delays nothing else")
    func hold() async throws {
        let trace = try await SimulatedRuntime.run(seed: 1) { runtime in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for milliseconds in [Int64(1), 7, 10] {
                    group.addTask {
                        try await runtime.sleep(until: RuntimeInstant(nanoseconds: milliseconds * 1_000_000))
                        runtime.record("slept until \(milliseconds)")
                        guard milliseconds == 1 else { return }
                        runtime.hold(for: .milliseconds(8))
                        runtime.record("held")
                        try await runtime.sleep(for: .milliseconds(2))
                        runtime.record("slept two more")
                    }
                }
                try await group.waitForAll()
            }
            return runtime.trace.text
        }
        #expect(
            trace == """
                1000000 slept until 1
                9000000 held
                9000000 slept until 7
                10000000 slept until 10
                11000000 slept two more

                """)
    }

    @Test("a cancelled sleep ends at once with a CancellationError")
    func cancelledSleep() async throws {
        let (isCancelled, moved) = try await SimulatedRuntime.run(seed: 1) { runtime in
            let start = runtime.now
            let isCancelled = await withTaskGroup(of: Bool.self) { group in
                group.addTask {
                    do { try await runtime.sleep(for: .seconds(1_000)) } catch { return error is CancellationError }
                    return false
                }
                group.addTask {
                    do {
                        try await runtime.sleep(until: RuntimeInstant(nanoseconds: .max))
                    } catch { return error is CancellationError }
                    return false
                }
                try? await runtime.sleep(for: .seconds(1))
                group.cancelAll()
                return await group.reduce(true) { $0 && $1 }
            }
            return (isCancelled, start.duration(to: runtime.now))
        }
        #expect(isCancelled)
        #expect(moved < .seconds(2))
    }

    @Test("a sleep in a task that is cancelled before it begins does not wait")
    func cancelledBefore() async throws {
        let moved = try await SimulatedRuntime.run(seed: 1) { runtime in
            let start = runtime.now
            await withTaskGroup(of: Void.self) { group in
                group.cancelAll()
                group.addTask { try? await runtime.sleep(for: .seconds(1_000)) }
            }
            return start.duration(to: runtime.now)
        }
        #expect(moved < .seconds(1))
    }

    @Test("what the body throws comes out")
    func throwing() async throws {
        struct Failure: Error {}
        await #expect(throws: Failure.self) { try await SimulatedRuntime.run(seed: 1) { _ in throw Failure() } }
    }

    @Test("a simulation that waits for what never happens is reported with its seed")
    func hung() async throws {
        let error = await #expect(throws: SimulationHung.self) {
            try await SimulatedRuntime.run(seed: 77, limit: .seconds(10)) { runtime in
                try await runtime.sleep(until: RuntimeInstant(nanoseconds: .max))
            }
        }
        #expect(error?.seed == 77)
        #expect("\(try #require(error))".contains("77"))
    }

    @Test("random bits follow from the seed")
    func randomBits() async throws {
        func bits(_ seed: UInt64) async throws -> [UInt64] {
            try await SimulatedRuntime.run(seed: seed) { runtime in (0..<10).map { _ in runtime.randomBits() } }
        }
        let (first, second, other) = (try await bits(3), try await bits(3), try await bits(4))
        #expect(first == second)
        #expect(first != other)
    }

    /// Three clients that count at a server through a bad network, and what each side saw when.
    private func counting(seed: UInt64) async throws -> (trace: String, sum: UInt64, retries: Int) {
        try await SimulatedRuntime.run(seed: seed) { runtime in
            let authority = try TestAuthority(runtime: runtime)
            let policy = try AuthorizationPolicy(rules: [
                AuthorizationPolicy.Rule("all", methods: ["*"], identities: ["spiffe://test.example/*"])
            ])
            let sum = Mutex<UInt64>(0)
            let server = try Mesh(identity: try authority.identity("/server"), policy: policy, runtime: runtime)
            server.serve(Counting.add) { number, call in
                runtime.record("add \(number.value) for \(call.peer!.path)")
                try await runtime.sleep(for: .microseconds(Int64(number.value % 3_000)))
                sum.withLock { $0 += number.value }
                return Number(number.value + 1)
            }
            let address = try await server.listen(host: "server", port: 0)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for worker in 0..<3 {
                    group.addTask {
                        var configuration = MeshConfiguration()
                        configuration.faults = SeededFaults(
                            seed: seed &+ UInt64(worker), replyLoss: 0.1, requestLoss: 0.1, requestDuplication: 0.1)
                        configuration.retry.attemptTimeout = .milliseconds(50)
                        configuration.retry.maximumAttempts = 20
                        let mesh = try Mesh(
                            configuration: configuration, identity: try authority.identity("/worker/\(worker)"),
                            policy: policy, runtime: runtime)
                        let client = mesh.client(
                            Destination(
                                host: "server", port: address.port, identities: [.exact(try authority.id("/server"))]))
                        for step in 0..<40 as Range<UInt64> {
                            let answer = try await client.call(Counting.add, Number(step))
                            runtime.record("worker \(worker) has \(answer.value)")
                        }
                        client.close()
                    }
                }
                try await group.waitForAll()
            }
            await server.stop()
            let retries = runtime.trace.events(containing: "add").count - 120
            return (runtime.trace.text, sum.withLock { $0 }, retries)
        }
    }

    @Test("a seed replays a whole mesh with a bad network, event for event", arguments: [1 as UInt64, 2, 3])
    func replay(seed: UInt64) async throws {
        let (first, second) = (try await counting(seed: seed), try await counting(seed: seed))
        #expect(first.trace == second.trace)
        #expect(first.sum == second.sum)
        // Requests that were doubled, or sent again because the reply was lost.
        #expect(first.retries > 0)
        #expect(first.trace.split(separator: "\n").count >= 240)
    }

    @Test("another seed is another run")
    func otherSeed() async throws {
        let (one, other) = (try await counting(seed: 1), try await counting(seed: 2))
        #expect(one.trace != other.trace)
    }
}
