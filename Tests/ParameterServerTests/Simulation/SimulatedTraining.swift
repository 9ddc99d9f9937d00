import Coordination
import MeshTransport
import MeshWire
import MeshworkTesting
import Optimizers
import Telemetry
import Tensor

@testable import ParameterServer

/// Two workers train on two servers over a network that loses and doubles messages; half-way one of them is replaced
/// while it still runs. Everything that happens is in the trace and follows from the seed.
struct SimulatedTraining: Sendable {
    private let runtime: SimulatedRuntime
    private let cluster: TestCluster
    private let notes = PushNotebook()

    /// Runs it and returns the trace with the audit.
    static func run(seed: UInt64) async throws -> (trace: EventTrace, audit: PushAudit) {
        try await SimulatedRuntime.run(seed: seed) { runtime in
            let cluster = try await TestCluster.start(runtime)
            let training = SimulatedTraining(runtime: runtime, cluster: cluster)
            let audit = try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await cluster.coordinator.run() }
                let audit = try await training.train()
                group.cancelAll()
                return audit
            }
            return (runtime.trace, audit)
        }
    }

    private init(runtime: SimulatedRuntime, cluster: TestCluster) {
        self.runtime = runtime
        self.cluster = cluster
    }

    private func train() async throws -> PushAudit {
        try await withThrowingTaskGroup { group in
            group.addTask { try await work("a", slot: 0, steps: 200) }
            group.addTask { try await work("b", slot: 1, steps: 80) }
            group.addTask {
                try await runtime.sleep(for: .milliseconds(600))
                try await work("a, replaced", slot: 0, steps: 40)
            }
            try await group.waitForAll()
        }
        let reader = try cluster.reader()
        let accounts = try await reader.accounts()
        for account in accounts { runtime.record("\(account.name) \(account.version) counter \(account.counter)") }
        for (name, tensor) in try await reader.pull() {
            runtime.record("\(name) \(try Example.bits(tensor.reshaped(to: [tensor.elementCount])))")
        }
        let notes = notes.all
        return PushAudit(accounts: accounts, sent: notes.sent, acknowledged: notes.acknowledged)
    }

    /// A worker's life: until it has made its steps, or has been fenced.
    private func work(_ name: String, slot: Int, steps: Int) async throws {
        let mesh = try cluster.mesh("/worker/\(slot)", faults: TracedFaults(name, runtime))
        let client = try await cluster.client(mesh, slot: slot, observer: observer(name))
        let retries = mesh.metrics.counter("mesh_retries_total", help: "", labels: "method")
            .series(ParameterService.push.path)
        var retriesSeen: UInt64 = 0
        let session = client.session
        runtime.record("\(name): session \(session.id)")
        if let predecessor = session.predecessor {
            runtime.record("\(name): fenced \(predecessor.session), applied \(predecessor.applied.map(\.sequences))")
        }
        try await client.declare([
            try Example.table(
                "weight", shape: [8, 5], initializer: .uniform(low: -1, high: 1), rule: .adam(), partitions: 3),
            try Example.table("bias", shape: [5], rule: .adam()),
        ])
        var key = RandomKey(seed: runtime.seed).foldIn(name)
        for step in 0..<steps {
            key = key.foldIn(UInt64(step))
            let noise = key
            let gradients = try await client.pull().mapValues { tensor, parameter throws(TensorError) in
                try parameter + noise.foldIn(tensor).uniform(parameter.shape)
            }
            let report = try await client.push(gradients)
            if retries.value > retriesSeen { runtime.record("\(name): retry \(retries.value)") }
            retriesSeen = retries.value
            for acknowledgement in report.acknowledged {
                let how = acknowledgement.isReplay ? "again" : "first"
                runtime.record(
                    "\(name): \(acknowledgement.push.name) \(acknowledgement.push.sequence) is \(acknowledgement.version), answered \(how)"
                )
            }
            for failure in report.failed {
                runtime.record("\(name): \(failure.push.name) \(failure.push.sequence) refused: \(failure.error.code)")
            }
            guard report.failed.isEmpty else { break }
        }
        client.close()
    }

    private func observer(_ name: String) -> PushObserver {
        PushObserver(
            beforeFirstAttempt: { pushes in
                notes.sent(pushes)
                for push in pushes { runtime.record("\(name): \(push.name) \(push.sequence) leaves") }
            },
            afterAcknowledgement: { notes.acknowledged($0) })
    }
}

/// Loses and doubles pushes, and writes what it does to the trace.
private final class TracedFaults: FaultInjector {
    private let name: String
    private let runtime: SimulatedRuntime
    private let faults: SeededFaults

    init(_ name: String, _ runtime: SimulatedRuntime) {
        self.name = name
        self.runtime = runtime
        faults = SeededFaults(
            seed: runtime.randomBits(), replyLoss: 0.06, requestLoss: 0.04, requestDuplication: 0.06,
            isAffected: { $0 == ParameterService.push.path })
    }

    func fate(ofRequest path: String) -> MessageFate {
        let fate = faults.fate(ofRequest: path)
        runtime.record("\(name): request \(path) \(fate)")
        return fate
    }

    func fate(ofReply path: String) -> MessageFate {
        let fate = faults.fate(ofReply: path)
        runtime.record("\(name): reply \(path) \(fate)")
        return fate
    }
}
