/// How a primitive carries a gradient from its result back to its operands.
package enum Derivative: Sendable {
    /// The result does not vary smoothly with any operand (a comparison, an argmax): to a tape it is a constant.
    case notDifferentiable
    /// The rule is not written yet: a tracked value that reaches the primitive is an error, never a gradient that is
    /// silently missing.
    case derivativePending
    /// One rule for each operand, in order. A primitive with more operands than rules uses the last for the rest.
    case reverse([OperandDerivative])

    /// The rule of an operand, when there is one.
    package func rule(forOperand index: Int) -> OperandDerivative? {
        guard case .reverse(let rules) = self else { return nil }
        return rules[Swift.min(index, rules.count - 1)]
    }
}

/// The reverse rule of one operand: from the cotangent of the result to the cotangent of the operand.
package struct OperandDerivative: Sendable {
    package typealias Rule = @Sendable (consuming AnyTensor, ReverseStep) throws(TensorError) -> AnyTensor

    package typealias RowSparseRule = @Sendable (AnyTensor, ReverseStep) throws(TensorError) -> RowSparse?

    /// What of the application the rules read; a tape keeps nothing else alive.
    package let saved: SavedValues
    /// Nil for an operand that nothing is differentiated by (labels, row indices, a condition).
    package let rule: Rule?
    /// The same cotangent as the rows of a table that are not 0, where the operand is one of which few rows are read. Nil
    /// instead of rows where a trace is to see what becomes of the result's cotangent.
    package let rowSparseRule: RowSparseRule?

    /// A rule that reads `saved` beside the cotangent and the operands' types.
    package init(
        saving saved: SavedValues = [], rowSparse rowSparseRule: RowSparseRule? = nil, _ rule: @escaping Rule
    ) {
        self.saved = saved
        self.rule = rule
        self.rowSparseRule = rowSparseRule
    }

    private init() {
        saved = []
        rule = nil
        rowSparseRule = nil
    }

    /// For an operand whose changes do not reach the result smoothly.
    package static let constant = OperandDerivative()
}

/// Which values of an application a reverse rule reads.
package struct SavedValues: OptionSet, Sendable {
    package let rawValue: UInt8

    package init(rawValue: UInt8) { self.rawValue = rawValue }

    package static let first = SavedValues(rawValue: 1)
    package static let second = SavedValues(rawValue: 2)
    package static let third = SavedValues(rawValue: 4)
    package static let result = SavedValues(rawValue: 8)
    package static let fourth = SavedValues(rawValue: 16)

    /// Whether the operand at `index` is among them. Only the first four can be.
    package func contains(operand index: Int) -> Bool {
        index < 3 ? contains(SavedValues(rawValue: 1 << UInt8(index))) : index == 3 && contains(.fourth)
    }
}

/// One application of a primitive, as its reverse rule sees it.
package struct ReverseStep: Sendable {
    package let attributes: Attributes
    /// The operands that were saved; the others are abstract, with their type.
    package let operands: [AnyTensor]
    /// The result if it was saved; else abstract, with its type.
    package let result: AnyTensor
    /// Which operand the cotangent is asked for.
    package var index: Int

    package init(attributes: Attributes, operands: [AnyTensor], result: AnyTensor, index: Int = 0) {
        self.attributes = attributes
        self.operands = operands
        self.result = result
        self.index = index
    }

    /// The operand that the cotangent is asked for; only its type is sure to be known.
    package var operand: AnyTensor { operands[index] }
}

extension AnyTensor {
    /// Sums a cotangent of a broadcast result over the axes along which the operand was repeated.
    func summed(toOperandOf step: ReverseStep) throws(TensorError) -> AnyTensor {
        let target = step.operand.shape
        if shape == target { return self }
        let axes = target.repeatedAxes(in: shape)
        return try Primitive.sum.applied(to: self, .reduction(axes, keepsDimensions: false)).reshaped(to: target)
    }
}
