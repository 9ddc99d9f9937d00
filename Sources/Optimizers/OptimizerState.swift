public import Tensor

/// What an update rule remembers between steps of one parameter, or of one part of it.
///
/// It is a value: a checkpoint or a snapshot keeps a copy, which costs nothing until the next step writes.
public struct OptimizerState: Sendable {
    /// A float32 tensor for each of the rule's ``UpdateRule/slotNames``: `[elements]`, or `[rows]` where the rule's
    /// ``UpdateRule/scope`` is the row.
    public var slots: [AnyTensor]
    /// Each decay of the rule to the power of ``stepCount``. Stored rather than computed, so that a restored optimizer
    /// goes on with the same bits: a product of as many rounded factors has others than a power function gives.
    public var powers: [Double]
    /// The steps taken.
    public var stepCount: Int

    /// A state with these contents, as a checkpoint restores it. ``UpdateRule/apply(to:gradient:state:learningRate:)``
    /// checks whether it fits the rule.
    public init(slots: [AnyTensor], powers: [Double], stepCount: Int) {
        self.slots = slots
        self.powers = powers
        self.stepCount = stepCount
    }
}

/// What an update rule remembers of a table of rows that are updated when a gradient names them, each with steps of its
/// own.
///
/// It is a value, as ``OptimizerState`` is.
public struct RowOptimizerState: Sendable {
    /// A float32 tensor for each of the rule's ``UpdateRule/slotNames``: of the table's shape, or `[rows]` where the
    /// rule's ``UpdateRule/scope`` is the row.
    public var slots: [AnyTensor]
    /// The steps that each row has taken.
    public var stepCounts: [Int]

    /// A state with these contents, as a checkpoint restores it. ``UpdateRule/apply(to:rows:state:learningRate:)``
    /// checks whether it fits the rule.
    public init(slots: [AnyTensor], stepCounts: [Int]) {
        self.slots = slots
        self.stepCounts = stepCounts
    }
}

extension UpdateRule {
    /// The state before the first step of parameters of this shape; the first axis is that of rows.
    ///
    /// - Throws: `TensorError.Code.outOfMemory`.
    public func makeState(_ shape: Shape) throws(TensorError) -> OptimizerState {
        OptimizerState(
            slots: try makeSlots(try slotShape(shape, wholes: [shape.elementCount])), powers: decays.map { _ in 1 },
            stepCount: 0)
    }

    /// The state before the first step of a table of this shape whose rows are updated one by one.
    ///
    /// - Throws: `TensorError.Code.shapeMismatch` for a shape without axes; `TensorError.Code.outOfMemory`.
    public func makeRowState(_ shape: Shape) throws(TensorError) -> RowOptimizerState {
        guard let rowCount = shape.first else {
            throw TensorError(.shapeMismatch, "\(kind): a table has rows, shape \(shape) has none")
        }
        return RowOptimizerState(
            slots: try makeSlots(try slotShape(shape, wholes: shape)),
            stepCounts: Array(repeating: 0, count: rowCount))
    }

    /// The shape of each slot for parameters of `shape`, which is `wholes` for rules of elements.
    func slotShape(_ shape: Shape, wholes: Shape) throws(TensorError) -> Shape {
        scope == .row ? try Shape([shape.first ?? 1]) : wholes
    }

    /// What each of the rule's slots holds before the first step, in the order of ``slotNames``.
    package var slotInitialValues: [Float] { slots.map(initialValue(of:)) }

    private func makeSlots(_ shape: Shape) throws(TensorError) -> [AnyTensor] {
        var made: [AnyTensor] = []
        for slot in slots {
            let value = initialValue(of: slot)
            made.append(value == 0 ? try .zeros(shape) : try .full(shape, number: Double(value), dtype: .float32))
        }
        return made
    }
}
