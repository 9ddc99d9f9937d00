import Coordination
import MeshTransport
import MeshWire
import MeshworkTesting
import NeuralNetwork
import Optimizers
import ParameterServer
import Synchronization
import Telemetry
import Tensor
import Training

extension WorkerRole {
    /// Makes the slot's steps, from the first that its predecessors have not made, and reports what becomes of them.
    static func train(
        _ configuration: RoleConfiguration.Worker, _ session: WorkerSession, _ coordination: CoordinationClient,
        _ faults: SeededFaults, _ control: RoleControl
    ) async throws {
        let plan = configuration.plan
        let mesh = coordination.mesh
        let digits = try DigitFiles(
            imagesPath: configuration.imagesPath, labelsPath: configuration.labelsPath, 0..<plan.examples)
        let key = RandomKey(seed: plan.seed)
        let batches = try ShufflingBatches(
            inputs: digits.images, labels: digits.labels, batchSize: plan.batchSize, key: key.foldIn("order")
        ).shard(index: configuration.slot, of: plan.slots)
        let client = try ParameterClient(session, coordination, observer: observer(session.id, control))
        try await client.declare(
            try initialize(Perceptron(), key: key.foldIn("parameters"), example: [1, 784])
                .tables(updateRule: .adam(learningRate: plan.learningRate)))

        let trainer = Trainer(Perceptron(), parameters: client, runtime: mesh.runtime)
        let progress = ProgressReports(control, slot: configuration.slot, plan)
        var step = configuration.firstStep
        while step < plan.stepsPerSlot {
            let (epoch, place) = step.quotientAndRemainder(dividingBy: plan.stepsPerEpoch)
            let share = batches.epoch(epoch).prefix(plan.stepsPerEpoch).dropFirst(place)
            try await trainer.train(on: share, firstStep: step) { try progress.note($0) }
            step += share.count
        }
        let retries = mesh.metrics.counter(
            "mesh_retries_total", help: "Attempts beyond a call's first.", labels: "method")
        try control.report(
            .finished(
                .init(
                    retries: Int(retries.series("\(ParameterService.name)/Push").value),
                    repliesLost: faults.counts.repliesLost)))
        // The launcher may still ask for the connections; it says when to stop.
        while !Task.isCancelled { try await mesh.runtime.sleep(for: .seconds(3600)) }
    }

    /// Notes at the launcher what is about to leave, and what came back: it outlives this process.
    private static func observer(_ session: SessionID, _ control: RoleControl) -> PushObserver {
        @Sendable func noted(_ pushes: [PushIdentity]) -> RoleReport.NotedPushes {
            .init(session: session, pushes.map { ($0.partition, $0.sequence) })
        }
        return PushObserver(
            beforeFirstAttempt: { try control.report(.sending(noted($0))) },
            afterAcknowledgement: { try? control.report(.acknowledged(noted($0))) })
    }
}

/// Tells the launcher how far a worker is, every few steps. Safe to share: guarded by a mutex.
private final class ProgressReports: Sendable {
    private static let stepsPerReport = 5

    private let control: RoleControl
    private let slot: Int
    private let plan: TrainingPlan
    private let losses = Mutex<[Float]>([])

    init(_ control: RoleControl, slot: Int, _ plan: TrainingPlan) {
        self.control = control
        self.slot = slot
        self.plan = plan
    }

    /// Takes a step; reports it with the ones before it if there are enough, or if it is the last.
    func note(_ step: TrainingStep) throws {
        let made = step.number + 1
        let mean: Float? = losses.withLock { losses in
            losses.append(step.loss)
            guard losses.count >= Self.stepsPerReport || made == plan.stepsPerSlot else { return nil }
            defer { losses = [] }
            return losses.reduce(0, +) / Float(losses.count)
        }
        guard let mean else { return }
        try control.report(
            .progress(
                .init(
                    slot: slot, epoch: step.number / plan.stepsPerEpoch, step: made, steps: plan.stepsPerSlot,
                    loss: mean)))
    }
}
