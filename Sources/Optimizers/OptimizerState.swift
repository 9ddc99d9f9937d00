public import Tensor

/// What an update rule remembers between steps of one parameter, or of one part of it.
///
/// It is a value: a checkpoint or a snapshot keeps a copy, which costs nothing until the next step writes.
public struct OptimizerState: Sendable {
    /// A float32 tensor of shape `[elements]` for each of the rule's ``UpdateRule/slotNames``.
    public var slots: [AnyTensor]
    /// Each decay of the rule to the power of ``stepCount``. Stored rather than computed, so that a restored optimizer
    /// goes on with the same bits: a product of as many rounded factors has others than a power function gives.
    public var powers: [Double]
    /// The steps taken.
    public var stepCount: Int

    /// A state with these contents, as a checkpoint restores it. ``UpdateRule/apply(to:gradient:state:)`` checks whether
    /// it fits the rule.
    public init(slots: [AnyTensor], powers: [Double], stepCount: Int) {
        self.slots = slots
        self.powers = powers
        self.stepCount = stepCount
    }
}

extension UpdateRule {
    /// The state before the first step, for as many parameters.
    ///
    /// - Throws: `TensorError.Code.outOfMemory`.
    public func makeState(elementCount: Int) throws(TensorError) -> OptimizerState {
        let shape = try Shape([elementCount])
        var slots: [AnyTensor] = []
        for _ in slotNames { slots.append(try .zeros(shape)) }
        return OptimizerState(slots: slots, powers: decays.map { _ in 1 }, stepCount: 0)
    }
}
