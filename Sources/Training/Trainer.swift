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
/// Of row tables a step pulls the rows that its batch looks up (``TrainingBatch/lookups``), beside the dense parameters and
/// at the same time; the model computes with these alone, and their gradient leaves with the others.
///
/// With parameter servers, several trainers work at the same time and none waits for another (asynchronous training): a
/// step's gradients may be of parameters that others have changed since. ``TrainingStep/staleness`` says by how many
/// steps. With ``LocalParameters`` it trains alone, by the same code and with the same bits.
public struct Trainer<M: Model>: Sendable {
    /// Whether the rows of the next batch are pulled while a step computes, so that no step but the first waits for its
    /// rows. They then lack the pushes that are applied in the meantime, this trainer's own last step among them: a row
    /// that two batches have in common, one after the other, is one step older. Never more than the next batch is read
    /// ahead. Dense parameters are not concerned. Default false.
    public var prefetchesRows = false

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
    public func train<Batches: Sequence & Sendable>(
        on batches: Batches, firstStep: Int = 0,
        onStep: @Sendable (TrainingStep) async throws -> Void = { _ in }
    ) async throws where Batches.Element: TrainingBatch<M.Input> {
        try await withTaskExecutorPreference(runtime.computeExecutor) {
            var batches = batches.makeIterator()
            var number = firstStep
            var next = batches.next()
            var prefetched: PulledRows?
            while let batch = next {
                try Task.checkCancellation()
                let following = prefetchesRows ? batches.next() : nil
                async let ahead = rows(of: following)
                try await onStep(try await step(number, batch, prefetched))
                prefetched = try await ahead
                next = prefetchesRows ? following : batches.next()
                number += 1
            }
        }
    }

    /// The rows that a batch looks up, or `nil` if it looks none up.
    private func rows(of batch: (some TrainingBatch<M.Input>)?) async throws -> PulledRows? {
        guard let lookups = batch?.lookups, !lookups.isEmpty else { return nil }
        return try await parameters.pull(rows: lookups.mapValues(\.keys))
    }

    private func step(
        _ number: Int, _ batch: some TrainingBatch<M.Input>, _ prefetched: PulledRows?
    ) async throws -> TrainingStep {
        let start = runtime.now
        async let own = prefetched == nil ? rows(of: batch) : prefetched
        var current = try await parameters.pull()
        let pulled = try await own
        for (name, rows) in pulled?.tables ?? NamedTensors() { current[name] = rows }
        var (value, gradients) = try gradients(of: batch, at: current)
        guard value.isFinite else {
            throw TrainingError(.lossNotFinite, "step \(number): the loss is \(value); nothing was pushed")
        }
        var rows: [String: KeyedRows] = [:]
        for (name, lookup) in batch.lookups {
            (gradients, rows[name]) = try lookup.rows(takenFrom: gradients, named: name)
        }
        let report = try await parameters.push(gradients, rows: rows, computedFrom: pulled)
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

    private func gradients(
        of batch: some TrainingBatch<M.Input>, at parameters: NamedTensors
    ) throws -> (Float, NamedTensors) {
        let (value, gradients) = try valueAndGradient(at: parameters) { parameters in
            try loss(try model(batch.inputs, ParameterScope(parameters)), batch.labels)
        }
        return (value.scalar, gradients)
    }
}
