public import NeuralNetwork
public import Optimizers
public import ParameterServer
import Synchronization
public import Tensor

/// Parameters in this process, for training on one machine.
///
/// The update rules are those that parameter servers apply, so that one trainer alone makes the same bits here and
/// there. A row-sparse gradient steps the rows that it names and leaves the others as they are, moments included; from
/// the first one on, a table's rows count their steps one by one. Guarded by a mutex.
public final class LocalParameters: ParameterStore {
    private struct State {
        var parameters: NamedTensors
        var optimizers: [String: Optimizer] = [:]
    }

    private let rule: UpdateRule
    private let state: Mutex<State>

    /// The first values of a model's parameters.
    ///
    /// - Throws: ``/Tensor/TensorError/Code/outOfMemory``.
    public init(_ model: ModelDeclaration, updateRule: UpdateRule) throws(TensorError) {
        rule = updateRule
        var first = State(parameters: try model.initialValues())
        for (name, tensor) in first.parameters {
            first.optimizers[name] = try Optimizer(updateRule, of: tensor.shape)
        }
        state = Mutex(first)
    }

    /// The parameters as they are now.
    public func pull() -> NamedTensors { state.withLock { $0.parameters } }

    /// Takes one step.
    ///
    /// - Returns: an empty report: there are no partitions that could fail by themselves.
    /// - Throws: ``/Tensor/TensorError`` for a gradient that is missing, or of another shape or type. Those before it
    ///   in the parameters' order have been applied.
    public func push(_ gradients: NamedTensors) throws -> PushReport {
        try state.withLock { state in
            for name in state.parameters.names {
                let gradient = try gradients.gradient(named: name)
                guard var optimizer = state.optimizers.removeValue(forKey: name) else { continue }
                defer { state.optimizers[name] = optimizer }
                try state.parameters.update(name) { parameters throws(TensorError) in
                    try optimizer.apply(rule, to: &parameters, gradient)
                }
            }
        }
        return PushReport()
    }
}

/// What an update rule remembers of one parameter: of the whole of it until a gradient names rows, then of each row.
private struct Optimizer {
    private var whole: OptimizerState?
    private var rows: RowOptimizerState?

    init(_ rule: UpdateRule, of shape: Shape) throws(TensorError) {
        whole = try rule.makeState(shape)
    }

    /// Takes one step. Nothing that a later step sees has changed when it throws.
    mutating func apply(
        _ rule: UpdateRule, to parameters: inout AnyTensor, _ gradient: Gradient
    ) throws(TensorError) {
        if case .dense(let gradient) = gradient, rows == nil {
            return try rule.apply(to: &parameters, gradient: gradient, state: &whole!)
        }
        guard gradient.shape == parameters.shape else {
            throw TensorError(.shapeMismatch, "a gradient \(gradient) for parameters \(parameters.shape)")
        }
        if let state = whole {
            rows = try RowOptimizerState(state, of: parameters.shape, rule)
            whole = nil
        }
        try rule.apply(to: &parameters, rows: try gradient.rows(), state: &rows!)
    }
}

extension RowOptimizerState {
    /// The state of rows that have all taken the steps of the whole.
    fileprivate init(_ whole: OptimizerState, of shape: Shape, _ rule: UpdateRule) throws(TensorError) {
        let slotShape = rule.scope == .row ? try Shape([shape[0]]) : shape
        let slots = try whole.slots.map { slot throws(TensorError) in try slot.reshaped(to: slotShape) }
        self.init(slots: slots, stepCounts: Array(repeating: whole.stepCount, count: shape[0]))
    }
}

extension Gradient {
    /// As rows: all of them where it is dense.
    fileprivate func rows() throws(TensorError) -> RowSparse {
        switch self {
        case .rowSparse(let rows): return rows
        case .dense(let tensor):
            let count = tensor.shape[0]
            return try RowSparse(
                indices: AnyTensor((0..<count).map(Int64.init), shape: [count]), values: tensor, rowCount: count)
        }
    }
}
