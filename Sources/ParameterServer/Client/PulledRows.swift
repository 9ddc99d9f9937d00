package import Coordination
public import Tensor

/// Rows of row tables, and the state of their partitions that they are of.
///
/// Whoever pulls a batch's rows before the step of the batch before has ended gives them to
/// ``ParameterClient/push(_:rows:computedFrom:)`` with the gradients: else the gradients would count as of the pull
/// that came after.
public struct PulledRows: Sendable {
    /// The rows of each table, in the order of their keys: float32 `[keys, width]`.
    public let tables: NamedTensors
    /// What gradients that are computed from them say that they are of.
    package let basis: [PartitionID: PartitionVersion]

    /// Rows of a store without partitions.
    public init(_ tables: NamedTensors) {
        self.init(tables, basis: [:])
    }

    init(_ tables: NamedTensors, basis: [PartitionID: PartitionVersion]) {
        self.tables = tables
        self.basis = basis
    }
}
