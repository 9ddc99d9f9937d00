import MeshTransport
import MeshWire
import Testing

/// Where a service's calls go when one of its ten servers goes bad: away from it. Calls are not repeated here, so that what
/// a server is given is what it was chosen for.
@Suite(.timeLimit(.minutes(10))) struct BadEndpointTests {
    private static let (begin, end) = (Duration.seconds(10), Duration.seconds(45))
    private static let bad = 3

    private func run(
        _ behaviour: Behaviour, _ policy: BalancingConfiguration.Policy,
        _ change: (inout MeshConfiguration) -> Void = { _ in }
    ) async throws -> (calls: Int, ofAll: Int, clients: Int) {
        var shape = MeshSimulation.Shape()
        (shape.services, shape.serversEach, shape.clients) = (1, 10, 4)
        (shape.length, shape.pause, shape.kinds) = (Self.end, .milliseconds(150), [(.once, 1)])
        var configuration = MeshConfiguration()
        configuration.callTimeout = .seconds(5)
        configuration.balancing.policy = policy
        change(&configuration)
        let outcome = try await MeshSimulation.run(
            seed: 3, shape, [Disturbance(.behaves(server: Self.bad, behaviour), from: Self.begin, to: Self.end)],
            configuration: configuration)
        let all = (0..<shape.serversEach).reduce(0) { $0 + outcome.runs(at: "server-\($1)", from: Self.begin) }
        return (outcome.runs(at: "server-\(Self.bad)", from: Self.begin), all, shape.clients)
    }

    @Test(
        "an endpoint that fails fast gets no more calls than it takes to leave it out, and one with each probe",
        arguments: [.peakEWMA, .leastRequest, .roundRobin, .random] as [BalancingConfiguration.Policy])
    func failing(_ policy: BalancingConfiguration.Policy) async throws {
        let (calls, all, clients) = try await run(.failing, policy)
        // Seven failures in a row, and one that was on its way. Penalties are 1, 2, 4, 8 and 16 s or longer: in 35 s there
        // are five probes at most.
        #expect(calls <= clients * (8 + 5))
        #expect(all > 600)
    }

    @Test("the same endpoint draws calls where nobody counts its failures, which is what the limits above are for")
    func undefended() async throws {
        let (calls, all, _) = try await run(.failing, .leastRequest) { $0.failureAccrual = nil }
        #expect(Double(calls) > 0.1 * Double(all), "\(calls) of \(all)")
    }

    @Test(
        "an endpoint that is slow, answers nothing, fails every other call, or hangs now and then loses its calls",
        arguments: [
            (.slow(.milliseconds(100)), 0.03), (.silent, 0.03), (.fickle, 0.04), (.erratic, 0.05),
        ] as [(Behaviour, Double)])
    func others(_ behaviour: Behaviour, share: Double) async throws {
        let (calls, all, _) = try await run(behaviour, .peakEWMA)
        #expect(Double(calls) <= share * Double(all), "\(calls) of \(all)")
        #expect(all > 600)
    }
}
