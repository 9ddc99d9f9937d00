import Autodiff
public import MeshWire
public import NeuralNetwork
public import ParameterServer
public import Tensor

/// Trains a model on batches: pull the parameters, compute the gradients, push them, again and again.
///
/// ```swift
/// let trainer = Trainer(Classifier(), parameters: client, runtime: mesh.runtime)
/// try await trainer.train(on: batches.shard(index: slot, of: workers).epoch(0)) { step in
///     print(step.number, step.loss)
/// }
/// ```
/// Of row tables a step pulls the rows that its batch looks up (``TrainingBatch/lookups``), beside the dense parameters
/// and at the same time; the model computes with these alone, and their gradient leaves with the others.
///
/// With parameter servers, several trainers work at the same time and none waits for another (asynchronous training): a
/// step's gradients may be of parameters that others have changed since. ``TrainingStep/staleness`` says by how many
/// steps. Where tables have rounds (``/ParameterServer/Consistency``), each step is one of a round and waits for the
/// others'; one that is too late for its round is not applied, and training goes on with what stands. With
/// ``LocalParameters`` it trains alone, by the same code and with the same bits.
public struct Trainer<M: Model>: Sendable {
    /// Whether the rows of the next batch are pulled while a step computes, so that no step but the first waits for its
    /// rows. They then lack the pushes that are applied in the meantime, this trainer's own last step among them: a row
    /// that two batches have in common, one after the other, is one step older. Never more than the next batch is read
    /// ahead. Dense parameters are not concerned. Default false.
    public var prefetchesRows = false

    private let model: M
    private let parameters: any ParameterStore
    /// The same, where gradients leave while others are still being computed.
    private let overlapping: ParameterClient?
    private let runtime: any Runtime
    private let localSteps: LocalSteps?
    private let loss: @Sendable (Tensor<Float>, Tensor<Int32>) throws -> Tensor<Float>

    /// A trainer of `model`.
    ///
    /// - Parameters:
    ///   - parameters: where the model's parameters are.
    ///   - runtime: whose compute executor the arithmetic runs on, so that neither event loops nor Swift's pool wait.
    ///   - localSteps: the steps that are taken here between two pushes; default none, every step is pushed.
    ///   - loss: a scalar of the model's output and the labels; default the mean cross-entropy.
    public init(
        _ model: M, parameters: any ParameterStore, runtime: any Runtime, localSteps: LocalSteps? = nil,
        loss: @escaping @Sendable (Tensor<Float>, Tensor<Int32>) throws -> Tensor<Float> = { try crossEntropy($0, $1) }
    ) {
        self.init(model, parameters, nil, runtime, localSteps, loss)
    }

    /// A trainer that hides the network behind the arithmetic: gradients leave while those of earlier layers are still
    /// being computed, and new parameters are pulled as soon as their push is answered
    /// (``/ParameterServer/ParameterClient/step(computedFrom:pullsNext:_:)``). It reads one batch ahead.
    ///
    /// Alone it makes the same bits as without. A gradient that is not finite is refused by its partitions while others
    /// apply their share; a loss that is not finite still stops the step before anything leaves. Tables that take
    /// rounds, and a client with a `globalNormLimit`, are refused by the first step.
    public init(
        _ model: M, overlapping client: ParameterClient, runtime: any Runtime,
        loss: @escaping @Sendable (Tensor<Float>, Tensor<Int32>) throws -> Tensor<Float> = { try crossEntropy($0, $1) }
    ) {
        self.init(model, client, client, runtime, nil, loss)
    }

    private init(
        _ model: M, _ parameters: any ParameterStore, _ overlapping: ParameterClient?, _ runtime: any Runtime,
        _ localSteps: LocalSteps?, _ loss: @escaping @Sendable (Tensor<Float>, Tensor<Int32>) throws -> Tensor<Float>
    ) {
        self.model = model
        self.parameters = parameters
        self.overlapping = overlapping
        self.runtime = runtime
        self.localSteps = localSteps
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
            if let localSteps { return try await train(localSteps, on: batches, firstStep: firstStep, onStep) }
            var batches = batches.makeIterator()
            var number = firstStep
            var next = batches.next()
            var known = Known()
            let readsAhead = prefetchesRows || overlapping != nil
            while let batch = next {
                try Task.checkCancellation()
                let following = readsAhead ? batches.next() : nil
                async let ahead = prefetchesRows ? rows(of: following) : nil
                let (step, parameters) = try await step(number, batch, known, pullsNext: following != nil)
                try await onStep(step)
                known = Known(parameters: parameters, rows: try await ahead)
                next = readsAhead ? following : batches.next()
                number += 1
            }
        }
    }

    /// What was pulled before a step began.
    private struct Known: Sendable {
        var parameters: NamedTensors?
        var rows: PulledRows?
    }

    /// Takes steps by itself, and pushes after so many of them.
    private func train<Batches: Sequence & Sendable>(
        _ steps: LocalSteps, on batches: Batches, firstStep: Int,
        _ onStep: @Sendable (TrainingStep) async throws -> Void
    ) async throws where Batches.Element: TrainingBatch<M.Input> {
        var round: LocalRound?
        var number = firstStep
        var rest = batches.makeIterator()
        var next = rest.next()
        while let first = next {
            var own = try LocalRound(steps, at: try await parameters.pull(), after: round)
            var batch = first
            while true {
                try Task.checkCancellation()
                guard batch.lookups.isEmpty else {
                    throw TrainingError(
                        .notSupported,
                        "step \(number) looks rows up, and local steps are of dense parameters: train without them")
                }
                let start = runtime.now
                let (value, gradients) = try gradients(number, of: batch, at: own.parameters)
                try own.step(gradients)
                next = rest.next()
                var report = PushReport()
                if own.isFull || next == nil {
                    report = try await parameters.push(try own.difference(), rows: [:], computedFrom: nil)
                }
                try await onStep(try step(number, value, batch, since: start, report))
                number += 1
                guard let following = next, !own.isFull else { break }
                batch = following
            }
            round = own
        }
    }

    /// The rows that a batch looks up, or `nil` if it looks none up.
    private func rows(of batch: (some TrainingBatch<M.Input>)?) async throws -> PulledRows? {
        guard let lookups = batch?.lookups, !lookups.isEmpty else { return nil }
        return try await parameters.pull(rows: lookups.mapValues(\.keys))
    }

    /// Takes a step; returns the parameters after it where they have been pulled.
    private func step(
        _ number: Int, _ batch: some TrainingBatch<M.Input>, _ known: Known, pullsNext: Bool
    ) async throws -> (TrainingStep, NamedTensors?) {
        let start = runtime.now
        async let own = known.rows == nil ? rows(of: batch) : known.rows
        var current: NamedTensors
        if let parameters = known.parameters { current = parameters } else { current = try await parameters.pull() }
        let pulled = try await own
        for (name, rows) in pulled?.tables ?? NamedTensors() { current[name] = rows }
        let (value, report, next, timeline) =
            if let overlapping {
                try await overlappedStep(number, batch, current, pulled, overlapping, pullsNext: pullsNext)
            } else {
                try await plainStep(number, batch, current, pulled)
            }
        return (try step(number, value, batch, since: start, report, timeline), next)
    }

    /// - Throws: ``TrainingError/Code/stepIncomplete``.
    private func step(
        _ number: Int, _ loss: Float, _ batch: some TrainingBatch<M.Input>, since start: RuntimeInstant,
        _ report: PushReport, _ timeline: StepTimeline? = nil
    ) throws(TrainingError) -> TrainingStep {
        if !report.isLate, let failure = report.failed.first {
            let total = report.failed.count + report.acknowledged.count
            throw TrainingError(
                .stepIncomplete,
                "step \(number): \(report.failed.count) of \(total) partitions did not apply it", report: report,
                cause: failure.error)
        }
        return TrainingStep(
            number: number, loss: loss, examples: batch.labels.elementCount,
            duration: start.duration(to: runtime.now), staleness: report.staleness, timeline: timeline,
            isLate: report.isLate)
    }

    private typealias Taken = (loss: Float, report: PushReport, next: NamedTensors?, timeline: StepTimeline?)

    private func plainStep(
        _ number: Int, _ batch: some TrainingBatch<M.Input>, _ current: NamedTensors, _ pulled: PulledRows?
    ) async throws -> Taken {
        var (value, gradients) = try gradients(number, of: batch, at: current)
        var rows: [String: KeyedRows] = [:]
        for (name, lookup) in batch.lookups {
            (gradients, rows[name]) = try lookup.rows(takenFrom: gradients, named: name)
        }
        return (value, try await parameters.push(gradients, rows: rows, computedFrom: pulled), nil, nil)
    }

    private func overlappedStep(
        _ number: Int, _ batch: some TrainingBatch<M.Input>, _ current: NamedTensors, _ pulled: PulledRows?,
        _ client: ParameterClient, pullsNext: Bool
    ) async throws -> Taken {
        let lookups = batch.lookups
        let step = try await client.step(computedFrom: pulled, pullsNext: pullsNext) { push in
            try gradients(number, of: batch, at: current) { name, gradient in
                if let lookup = lookups[name] {
                    push.add(gradient, of: name, lookedUpBy: lookup)
                } else {
                    push.add(gradient, of: name)
                }
            }.loss
        }
        return (step.result, step.report, pullsNext ? step.parameters : nil, step.timeline)
    }

    private func gradients(
        _ step: Int, of batch: some TrainingBatch<M.Input>, at parameters: NamedTensors,
        onFinal: ((String, Gradient) -> Void)? = nil
    ) throws -> (loss: Float, gradients: NamedTensors) {
        let (value, gradients) = try valueAndGradient(at: parameters, onFinal: onFinal) { parameters in
            let value = try loss(try model(batch.inputs, ParameterScope(parameters)), batch.labels)
            let number = value.withoutTrace().scalar
            guard number.isFinite else {
                throw TrainingError(.lossNotFinite, "step \(step): the loss is \(number); nothing was pushed")
            }
            return value
        }
        return (value.scalar, gradients)
    }
}
