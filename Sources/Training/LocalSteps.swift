public import Optimizers
import Tensor

/// Steps that a worker takes by itself between two pushes: what it pushes is not a gradient but how far it has come,
/// and the tables' rule takes that as the gradient of an outer step (DiLoCo, Douillard et al. 2023, arXiv:2311.08105,
/// algorithm 1).
///
/// ```swift
/// let tables = try declaration.tables(
///     updateRule: .sgd(learningRate: 0.7, momentum: 0.9, nesterov: true), consistency: .synchronous(workers: 4))
/// try await client.declare(tables)
/// let trainer = Trainer(
///     Classifier(), parameters: client, runtime: mesh.runtime, localSteps: LocalSteps(500, updateRule: .adamW()))
/// ```
/// With H steps between pushes a worker sends 1/H of the bytes. In rounds every worker begins its steps at the same
/// parameters; asynchronous tables take what each has done when it comes.
public struct LocalSteps: Sendable, Hashable {
    /// The steps between two pushes; at the end of the batches the last push is of those that are left.
    public let count: Int
    /// How the worker's own steps are taken. What the rule remembers stays with the worker from push to push, and is
    /// lost with it.
    public let updateRule: UpdateRule

    /// So many steps, 1 or more, by a rule of the worker's own.
    public init(_ count: Int, updateRule: UpdateRule) {
        precondition(count >= 1, "\(count) steps between pushes, expected 1 or more")
        self.count = count
        self.updateRule = updateRule
    }
}

/// A worker between two pushes.
struct LocalRound: Sendable {
    private let steps: LocalSteps
    /// What the last pull gave.
    private let start: NamedTensors
    private let own: LocalParameters
    private var taken = 0

    /// Begins at what a pull gave, with what the rule remembers of the round before.
    init(_ steps: LocalSteps, at start: NamedTensors, after last: LocalRound?) throws(TensorError) {
        self.steps = steps
        self.start = start
        if let last {
            own = last.own
            own.goOn(at: start)
        } else {
            own = try LocalParameters(start, updateRule: steps.updateRule)
        }
    }

    /// Where the next gradient is to be computed.
    var parameters: NamedTensors { own.pull() }

    /// Whether as many steps have been taken as are to be.
    var isFull: Bool { taken >= steps.count }

    /// Takes a step here.
    ///
    /// - Throws: as ``LocalParameters/push(_:)``.
    mutating func step(_ gradients: NamedTensors) throws {
        _ = try own.push(gradients)
        taken += 1
    }

    /// What is pushed: where the steps began less where they have led, the gradient of an outer step.
    ///
    /// - Throws: ``/Tensor/TensorError/Code/outOfMemory``.
    func difference() throws(TensorError) -> NamedTensors {
        let end = own.pull()
        return try start.mapValues { name, tensor throws(TensorError) in try tensor - end.tensor(named: name) }
    }
}
