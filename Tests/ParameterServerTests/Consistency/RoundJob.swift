import Coordination
import MeshTransport
import MeshWire
import MeshworkTesting
import Optimizers
import Synchronization
import Telemetry
import Tensor

@testable import ParameterServer

/// Workers that train in rounds on servers of a ``ReplicatedJob``, each on a host of its own.
extension ReplicatedJob {
    /// What a worker has seen.
    struct Trained: Sendable {
        var errors: [ParameterServerError] = []
        /// Steps that came too late for their round.
        var late = 0
        /// Steps that were applied.
        var applied = 0
    }

    func roundTables(_ consistency: Consistency) throws -> [TableDeclaration] {
        try RoundReference.tables(consistency, replicas: replicas)
    }

    /// A client of a new session, which has declared the tables.
    func roundClient(
        slot: Int, _ consistency: Consistency, faults: (any FaultInjector)? = nil, timeout: Duration = .seconds(60)
    ) async throws -> (ParameterClient, CoordinationClient) {
        let coordination = try cluster.coordination(try cluster.mesh("/worker/\(slot)", faults: faults))
        var configuration = ParameterClientConfiguration()
        configuration.timeout = timeout
        let client = try ParameterClient(
            try await coordination.openSession(slot: slot), coordination, configuration: configuration,
            observer: notes.observer)
        try await client.declare(try roundTables(consistency))
        return (client, coordination)
    }

    /// A worker's life: steps `first ..< end`, a step that is late being gone, and then the end of its session.
    ///
    /// - Parameter pause: how long computing a gradient takes, at most; how long exactly follows from the seed.
    @concurrent
    func train(
        slot: Int, _ steps: Range<Int>, _ consistency: Consistency, pause: Duration = .milliseconds(20),
        faults: (any FaultInjector)? = nil
    ) async throws -> Trained {
        let host = runtime.host("/worker/\(slot)")
        return try await host.run {
            let (client, coordination) = try await roundClient(slot: slot, consistency, faults: faults)
            var generator = SplitMix64(seed: runtime.seed &* 31 &+ UInt64(slot))
            var trained = Trained()
            for step in steps {
                let parameters = try await client.pull()
                try await host.sleep(for: pause * Int.random(in: 0...16, using: &generator) / 16)
                let report = try await client.push(try RoundReference.gradients(parameters, slot: slot, step: step))
                if report.isLate {
                    trained.late += 1
                } else {
                    trained.errors += report.failed.map(\.error)
                    trained.applied += report.failed.isEmpty ? 1 : 0
                }
                runtime.record("worker \(slot), step \(step): \(report.acknowledged.count) applied")
            }
            client.close()
            try await coordination.close(client.session)
            return trained
        }
    }

    /// The parameters as the servers have them, bit by bit.
    func bits() async throws -> [[UInt32]] {
        let reader = try cluster.reader()
        defer { reader.close() }
        return try RoundReference.bits(try await reader.pull())
    }

    /// The last round that each partition has closed.
    func closedRounds() -> [UInt64?] {
        entries.compactMap { entry -> UInt64?? in
            guard let partition = partition(entry.id, at: entry.head), partition.table.takesRounds else { return nil }
            return partition.state.withLock { $0.state.round }
        }
    }

    /// What the servers' metrics say of rounds: those that were timed, those of which each slot was the last, and the
    /// pushes that came too late.
    func roundFigures(slots: Int) -> (timed: UInt64, last: [UInt64], late: UInt64) {
        var figures = (timed: UInt64(0), last: Array(repeating: UInt64(0), count: slots), late: UInt64(0))
        guard let metrics else { return figures }
        let timed = metrics.histogram("parameter_round_seconds", help: "", labels: "table")
        let last = metrics.counter("parameter_round_last_total", help: "", labels: "slot")
        let pushes = metrics.counter("parameter_pushes_total", help: "", labels: "table", "outcome")
        for table in ["weight", "bias"] {
            figures.timed += timed.series(table).snapshot().count
            figures.late += pushes.series(table, "late").value
        }
        for slot in 0..<slots { figures.last[slot] = last.series("\(slot)").value }
        return figures
    }
}

/// The same training in one process, by plain loops over all elements.
enum RoundReference {
    static func tables(_ consistency: Consistency, replicas: Int = 0) throws -> [TableDeclaration] {
        [
            try TableDeclaration(
                name: "weight", shape: [8, 5], initializer: .uniform(low: -1, high: 1), key: RandomKey(seed: 5),
                updateRule: .adam(), schedule: .cosine(steps: 40), partitioning: .count(3), replicas: replicas,
                consistency: consistency),
            try TableDeclaration(
                name: "bias", shape: [5], initializer: .zeros, key: RandomKey(seed: 5),
                updateRule: .sgd(learningRate: 0.5, momentum: 0.9), replicas: replicas, consistency: consistency),
        ]
    }

    static func gradient(_ parameters: [Float], slot: Int, step: Int) -> [Float] {
        parameters.enumerated().map { place, value in
            value * 0.25 + Float((slot * 31 + step * 17 + place * 7) % 23) / 23 - 0.5
        }
    }

    static func gradients(_ parameters: NamedTensors, slot: Int, step: Int) throws -> NamedTensors {
        try parameters.mapValues { _, tensor throws(TensorError) in
            let gradient = gradient(try tensor.scalars(as: Float.self), slot: slot, step: step)
            return try AnyTensor(gradient, shape: tensor.shape)
        }
    }

    /// What rounds make of the first values, each of all slots.
    static func trained(slots: Int, rounds: Int) throws -> [[UInt32]] {
        try tables(.asynchronous).map { table in
            var parameters = try table.initialValues(ofPartition: 0)
            for part in 1..<max(1, table.partitionCount) {
                parameters = try AnyTensor.concatenate([parameters, table.initialValues(ofPartition: part)])
            }
            var optimizer = try table.updateRule.makeState(parameters.shape)
            for step in 0..<rounds {
                let values = try parameters.scalars(as: Float.self)
                var sum = gradient(values, slot: 0, step: step)
                for slot in 1..<max(1, slots) {
                    for (place, value) in gradient(values, slot: slot, step: step).enumerated() { sum[place] += value }
                }
                let rate = table.schedule.learningRate(of: table.updateRule, step: optimizer.stepCount)
                try table.updateRule.apply(
                    to: &parameters, gradient: AnyTensor(sum.map { $0 / Float(slots) }, shape: parameters.shape),
                    state: &optimizer, learningRate: rate)
            }
            return try Example.bits(parameters)
        }
    }

    static func bits(_ parameters: NamedTensors) throws -> [[UInt32]] {
        try parameters.map { try Example.bits($0.tensor) }
    }
}
