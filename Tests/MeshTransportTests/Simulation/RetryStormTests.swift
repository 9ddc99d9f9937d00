import MeshTransport
import MeshWire
import Testing

/// Servers that fail under their load are not given more of it.
@Suite(.timeLimit(.minutes(10))) struct RetryStormTests {
    @Test(
        "while no server answers, what arrives is 1.25 times what is offered at most, and the sum of the floors",
        arguments: [.refusing, .failing, .silent] as [Behaviour], [0, 1] as [Double])
    func storm(_ behaviour: Behaviour, floor: Double) async throws {
        var shape = MeshSimulation.Shape()
        (shape.services, shape.serversEach, shape.clients) = (1, 4, 5)
        (shape.length, shape.pause, shape.kinds) = (.seconds(40), .milliseconds(100), [(.idempotent, 1)])
        var configuration = MeshSimulation.configuration
        configuration.retry.maximumAttempts = 5
        configuration.retry.budget?.floor = floor
        let outcome = try await MeshSimulation.run(
            seed: 5, shape, [Disturbance(.allBehave(service: 0, behaviour), from: .seconds(5), to: .seconds(45))],
            configuration: configuration)
        let offered = outcome.calls.count
        let arrived = outcome.calls.reduce(0) { $0 + $1.runs.count }
        // Within the ten seconds that a call counts, each client may repeat a fifth of its calls, and `floor` a second.
        let floors = floor * 10 * Double(shape.clients)
        let windows = outcome.load(in: .seconds(10), until: .seconds(40))
        for window in windows {
            #expect(Double(window.arrived) <= 1.25 * Double(window.offered) + floors, "\(windows)")
        }
        #expect(Double(outcome.retries) <= 0.2 * Double(offered) + floors * 5)
        #expect(arrived <= offered + outcome.retries)
        // It is the budget that has kept them from more.
        #expect(Double(outcome.retries) >= 0.14 * Double(offered), "\(outcome.retries) of \(offered)")
    }
}
