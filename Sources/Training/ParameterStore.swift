public import ParameterServer
public import Tensor

/// Where a trainer's parameters are: pulled before a step, changed by its gradients after it.
public protocol ParameterStore: Sendable {
    /// The dense parameters as they are now.
    func pull() async throws -> NamedTensors

    /// Rows of row tables as they are now, in the order of their keys, by table.
    func pull(rows keys: [String: [UInt64]]) async throws -> PulledRows

    /// Changes the parameters by a step's gradients, and those of rows, and says what became of them.
    ///
    /// - Parameter pulled: the rows that the gradients were computed from; `nil` where there are none.
    func push(
        _ gradients: NamedTensors, rows: [String: KeyedRows], computedFrom pulled: PulledRows?
    ) async throws -> PushReport
}

/// Parameter servers, which several trainers share.
extension ParameterClient: ParameterStore {}
