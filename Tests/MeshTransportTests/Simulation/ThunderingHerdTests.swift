import MeshTransport
import MeshWire
import Testing

/// Sixty clients whose five servers are all gone for two minutes, and come back at one moment.
@Suite(.timeLimit(.minutes(10))) struct ThunderingHerdTests {
    private static let (begin, end, length) = (Duration.seconds(20), Duration.seconds(140), Duration.seconds(240))

    @Test("clients of servers that come back after an outage neither run them over nor stay away")
    func herd() async throws {
        var shape = MeshSimulation.Shape()
        (shape.services, shape.serversEach, shape.clients) = (1, 5, 60)
        (shape.length, shape.pause, shape.kinds) = (Self.length, .seconds(2), [(.idempotent, 1)])
        shape.isSampled = true
        var configuration = MeshConfiguration()
        configuration.retry.budget?.floor = 0
        let outcome = try await MeshSimulation.run(
            seed: 9, shape, [Disturbance(.outage(service: 0), from: Self.begin, to: Self.end)],
            configuration: configuration)
        // Waits of 0.1, 0.2, … 51.2 s and then 60 s, each up to a tenth longer: in 120 s there are eleven attempts.
        #expect((9 * shape.links...11 * shape.links).contains(outcome.connectFailures))
        // The eleventh is 102.3 s to 112.6 s after the first, the twelfth 60 s to 66 s after that.
        let isBack = Self.begin + .seconds(180)
        for (number, call) in outcome.calls.enumerated() where outcome.time(call.begin) > isBack {
            #expect(call.hasSucceeded, "\(outcome.line(number))")
        }
        #expect(outcome.readyEndpoints == shape.links)
        // While there is no server, calls fail at once after the first three seconds: none is left for later.
        for (number, call) in outcome.calls.enumerated() {
            guard let callEnd = call.end else { continue }
            let (from, to) = (outcome.time(call.begin), outcome.time(callEnd))
            guard from > Self.begin + .seconds(4), to < Self.end else { continue }
            #expect((call.failure as? MeshError)?.progress == .notSent, "\(outcome.line(number))")
            #expect(to - from < .milliseconds(250), "\(outcome.line(number))")
        }
        // So there is no wave of calls when they come back, and none of connections.
        for window in outcome.load(in: .seconds(10), until: Self.length) {
            #expect(Double(window.arrived) <= 1.25 * Double(window.offered), "\(window)")
        }
        let connected = zip(outcome.readySamples, outcome.readySamples.dropFirst()).map { $1 - $0 }
        let wave = connected.dropFirst(Int(Self.end / .seconds(1))).max() ?? 0
        #expect(wave <= shape.links / 4, "\(wave) of \(shape.links) connections in one second")
    }
}
