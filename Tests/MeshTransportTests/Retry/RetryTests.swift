import Identity
import MeshTransport
import MeshWire
import MeshworkTesting
import Synchronization
import Telemetry
import TestSupport
import Testing

/// Which failures of whole calls are repeated, and when.
@Suite(.timeLimit(.minutes(5))) struct RetryTests {
    /// When each attempt came.
    private final class Arrivals: Sendable {
        private let times = Mutex<[RuntimeInstant]>([])
        func note(_ time: RuntimeInstant) -> Int {
            times.withLock { times in
                times.append(time)
                return times.count
            }
        }
        var all: [RuntimeInstant] { times.withLock { $0 } }
    }

    /// Calls a server whose first attempts fail with `failure`.
    private func call(
        _ method: UnaryMethod<Note, Note> = Echo.echo, failing failure: CallFailure, times: Int = 1,
        metrics: MetricsRegistry = MetricsRegistry(),
        _ change: @escaping @Sendable (inout RetryConfiguration) -> Void = { _ in }
    ) async throws -> (error: MeshError?, waits: [Duration]) {
        try await Simulated.run { simulation in
            let arrivals = Arrivals()
            let server = try await simulation.server { mesh in
                mesh.serve(method) { note, call in
                    guard arrivals.note(simulation.runtime.now) > times else { throw failure }
                    return note
                }
            }
            var configuration = MeshConfiguration()
            configuration.retry.jitter = 0
            change(&configuration.retry)
            let mesh = try Mesh(
                configuration: configuration, identity: simulation.authority.identity("/client"), policy: .denyAll,
                runtime: simulation.runtime, metrics: metrics)
            let client = try simulation.client(of: mesh)
            let error = await meshError { _ = try await client.call(method, Note("x")) }
            client.close()
            await server.stop()
            let times = arrivals.all
            return (error, zip(times, times.dropFirst()).map { $0.duration(to: $1) })
        }
    }

    @Test("an answer of a handler that has run is not repeated unless its status is named")
    func statuses() async throws {
        let failure = CallFailure(.unavailable, "broken")
        #expect(try await call(failing: failure).error?.status == .unavailable)
        let named = try await call(failing: failure) { $0.statuses = [.unavailable] }
        #expect(named.error == nil)
        #expect(named.waits.count == 1)
    }

    @Test("named statuses are for idempotent methods alone", arguments: [Echo.once, Echo.count])
    func idempotentOnly(_ method: UnaryMethod<Note, Note>) async throws {
        let ended = try await call(method, failing: CallFailure(.unavailable, "broken")) {
            $0.statuses = [.unavailable]
        }
        #expect(ended.error?.status == .unavailable)
        #expect(ended.waits.isEmpty)
    }

    @Test("a server says when a call may be tried again")
    func after() async throws {
        let failure = CallFailure(.unavailable, "busy", hasNotRun: true, pushback: .after(.seconds(3)))
        let ended = try await call(failing: failure, times: 2)
        #expect(ended.error == nil)
        #expect(ended.waits.count == 2)
        #expect(ended.waits.allSatisfy { (.seconds(3)...(.seconds(3) + .milliseconds(10))).contains($0) })
    }

    @Test("a server says that a call may not be tried again")
    func never() async throws {
        let failure = CallFailure(.unavailable, "busy", hasNotRun: true, pushback: .never)
        let ended = try await call(failing: failure)
        #expect(ended.error?.status == .unavailable)
        #expect(ended.waits.isEmpty)
    }

    @Test("no call is tried again after its deadline, whatever the server says")
    func tooLate() async throws {
        let failure = CallFailure(.unavailable, "busy", hasNotRun: true, pushback: .after(.seconds(31)))
        #expect(try await call(failing: failure).error?.status == .unavailable)
    }

    @Test("calls are not repeated once the budget is spent, which is counted")
    func budget() async throws {
        let metrics = MetricsRegistry()
        let failure = CallFailure(.unavailable, "busy", hasNotRun: true)
        let ended = try await call(failing: failure, metrics: metrics) {
            $0.budget?.floor = 0
            $0.budget?.ratio = 0.5
        }
        #expect(ended.error?.status == .unavailable)
        #expect(
            metrics.lines(of: "mesh_retry_overflow_total") == [
                #"mesh_retry_overflow_total{method="test.Echo/Echo"} 1"#
            ])
        let unlimited = try await call(failing: failure) { $0.budget = nil }
        #expect(unlimited.error == nil)
    }

    @Test("servers that refuse everything get at most a fifth more calls than their clients make")
    func storm() async throws {
        try await Simulated.run { simulation in
            let arrivals = Arrivals()
            let server = try await simulation.server { mesh in
                mesh.serve(Echo.echo) { _, _ in
                    _ = arrivals.note(simulation.runtime.now)
                    throw CallFailure(.unavailable, "overloaded", hasNotRun: true)
                }
            }
            var configuration = MeshConfiguration()
            configuration.retry.budget?.floor = 0
            configuration.retry.maximumAttempts = 5
            let client = try simulation.client(configuration)
            for _ in 0..<2_000 {
                _ = await meshError { _ = try await client.call(Echo.echo, Note("x")) }
            }
            #expect(arrivals.all.count <= 2_400)
            #expect(arrivals.all.count > 2_200)
            client.close()
            await server.stop()
        }
    }

    @Test("a stream is repeated after a named status, before its first response")
    func streams() async throws {
        try await Simulated.run { simulation in
            let arrivals = Arrivals()
            let server = try await simulation.server { mesh in
                mesh.serve(Echo.repeated) { note, responses, _ in
                    if arrivals.note(simulation.runtime.now) == 1 { throw CallFailure(.unavailable, "broken") }
                    try await responses.send(note)
                }
            }
            var configuration = MeshConfiguration()
            configuration.retry.statuses = [.unavailable]
            let client = try simulation.client(configuration)
            let texts = try await client.call(Echo.repeated, Note("x")) { responses in
                var texts: [String] = []
                for try await note in responses { texts.append(note.text) }
                return texts
            }
            #expect(texts == ["x"])
            #expect(arrivals.all.count == 2)
            client.close()
            await server.stop()
        }
    }
}
