public import NeuralNetwork
public import Optimizers
public import ParameterServer
import Synchronization
public import Tensor

/// Parameters in this process, for training on one machine.
///
/// The update rules are those that parameter servers apply, so that one trainer alone makes the same bits here and
/// there. Guarded by a mutex.
public final class LocalParameters: ParameterStore {
    private struct State {
        var parameters: NamedTensors
        var optimizers: [String: OptimizerState] = [:]
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
            first.optimizers[name] = try updateRule.makeState(tensor.shape)
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
                let gradient = try gradients.tensor(named: name)
                guard var optimizer = state.optimizers.removeValue(forKey: name) else { continue }
                defer { state.optimizers[name] = optimizer }
                try state.parameters.update(name) { parameters throws(TensorError) in
                    try rule.apply(to: &parameters, gradient: gradient, state: &optimizer)
                }
            }
        }
        return PushReport()
    }
}
