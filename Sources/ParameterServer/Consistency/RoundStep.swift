package import Tensor

/// What a record says of a round that a partition closes.
package struct RoundStep: Sendable {
    /// The round. The partition may have closed none just before it: one that begins or has gone back takes up the
    /// leader's.
    package var number: UInt64
    /// The pushes that it is the mean of, in the order of slots.
    package var pushes: [PartitionRecord.Push]
    /// Those that came for it and are not in it.
    package var late: [PartitionRecord.Push]
    /// The mean of the gradients; `nil` where there is none.
    package var gradient: AnyTensor?
    /// The rate that the head's schedule gave.
    package var learningRate: Float
}
