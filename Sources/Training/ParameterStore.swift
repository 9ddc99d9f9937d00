public import ParameterServer
public import Tensor

/// Where a trainer's parameters are: pulled before a step, changed by its gradients after it.
public protocol ParameterStore: Sendable {
    /// The parameters as they are now.
    func pull() async throws -> NamedTensors

    /// Changes the parameters by a step's gradients and says what became of them.
    func push(_ gradients: NamedTensors) async throws -> PushReport
}

/// Parameter servers, which several trainers share.
extension ParameterClient: ParameterStore {}
