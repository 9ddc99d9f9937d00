package import NeuralNetwork
import Synchronization
package import Training

/// Tells the launcher how far a worker is, every few steps. Safe to share: guarded by a mutex.
package final class ProgressReports: Sendable {
    private static let stepsPerReport = 5

    private let control: RoleControl
    private let slot: Int
    private let plan: TrainingPlan
    private let losses = Mutex<[Float]>([])

    init(_ control: RoleControl, _ configuration: RoleConfiguration.Worker) {
        self.control = control
        slot = configuration.slot
        plan = configuration.plan
    }

    /// Has a trainer make the slot's steps, from one on, an epoch after the other.
    ///
    /// - Parameter epoch: the slot's batches of an epoch.
    package func train<M: Model, Batches: Collection>(
        _ trainer: Trainer<M>, from firstStep: Int, _ epoch: (Int) throws -> Batches
    ) async throws where Batches.Element: TrainingBatch<M.Input>, Batches.SubSequence: Sendable {
        var step = firstStep
        while step < plan.stepsPerSlot {
            let (number, place) = step.quotientAndRemainder(dividingBy: plan.stepsPerEpoch)
            let share = try epoch(number).prefix(plan.stepsPerEpoch).dropFirst(place)
            try await trainer.train(on: share, firstStep: step) { try self.note($0) }
            step += share.count
        }
    }

    /// Takes a step; reports it with the ones before it if there are enough, or if it is the last.
    private func note(_ step: TrainingStep) throws {
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
