import Autodiff
public import MeshWire
public import NeuralNetwork
import ParameterServer
public import Tensor

/// Trains a model on batches: pull the parameters, compute the gradients, push them, again and again.
///
/// ```swift
/// let trainer = Trainer(Classifier(), parameters: client, runtime: mesh.runtime)
/// try await trainer.train(on: batches.shard(index: slot, of: workers).epoch(0)) { step in
///     print(step.number, step.loss)
/// }
/// ```
/// With parameter servers, several trainers work at the same time and none waits for another (asynchronous training): a
/// step's gradients may be of parameters that others have changed since. ``TrainingStep/staleness`` says by how many
/// steps. With ``LocalParameters`` it trains alone, by the same code and with the same bits.
public struct Trainer<M: Model>: Sendable where M.Input == Tensor<Float> {
    private let model: M
    private let parameters: any ParameterStore
    private let runtime: any Runtime
    private let loss: @Sendable (Tensor<Float>, Tensor<Int32>) throws -> Tensor<Float>

    /// A trainer of `model`.
    ///
    /// - Parameters:
    ///   - parameters: where the model's parameters are.
    ///   - runtime: whose compute executor the arithmetic runs on, so that neither event loops nor Swift's pool wait.
    ///   - loss: a scalar of the model's output and the labels; default the mean cross-entropy.
    public init(
        _ model: M, parameters: any ParameterStore, runtime: any Runtime,
        loss: @escaping @Sendable (Tensor<Float>, Tensor<Int32>) throws -> Tensor<Float> = { try crossEntropy($0, $1) }
    ) {
        self.model = model
        self.parameters = parameters
        self.runtime = runtime
        self.loss = loss
    }

    /// Takes a step for each batch.
    ///
    /// - Parameters:
    ///   - firstStep: the first step's number: 0, or more to go on where another trainer stopped.
    ///   - onStep: called after each step; the next waits for it.
    /// - Throws: ``TrainingError``; what the model or `onStep` throws; an error of the parameter store, such as
    ///   ``/ParameterServer/ParameterServerError`` of a session that is lost; `CancellationError`.
    @concurrent
    public func train(
        on batches: some Sequence<Batch> & Sendable, firstStep: Int = 0,
        onStep: @Sendable (TrainingStep) async throws -> Void = { _ in }
    ) async throws {
        try await withTaskExecutorPreference(runtime.computeExecutor) {
            var number = firstStep
            for batch in batches {
                try Task.checkCancellation()
                try await onStep(try await step(number, batch))
                number += 1
            }
        }
    }

    private func step(_ number: Int, _ batch: Batch) async throws -> TrainingStep {
        let start = runtime.now
        let (value, gradients) = try gradients(of: batch, at: try await parameters.pull())
        guard value.isFinite else {
            throw TrainingError(.lossNotFinite, "step \(number): the loss is \(value); nothing was pushed")
        }
        let report = try await parameters.push(gradients)
        if let failure = report.failed.first {
            let total = report.failed.count + report.acknowledged.count
            throw TrainingError(
                .stepIncomplete,
                "step \(number): \(report.failed.count) of \(total) partitions did not apply it", report: report,
                cause: failure.error)
        }
        return TrainingStep(
            number: number, loss: value, examples: batch.labels.elementCount,
            duration: start.duration(to: runtime.now), staleness: report.staleness)
    }

    private func gradients(of batch: Batch, at parameters: NamedTensors) throws -> (Float, NamedTensors) {
        let (value, gradients) = try valueAndGradient(at: parameters) { parameters in
            try loss(try model(batch.inputs, ParameterScope(parameters)), batch.labels)
        }
        return (value.scalar, gradients)
    }
}
