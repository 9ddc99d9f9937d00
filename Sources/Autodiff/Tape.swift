import Synchronization
import Tensor

/// A record of the primitives that were applied to some values, to be walked backwards once.
///
/// Nodes are numbered in the order in which they appear: first the leaves (what is differentiated by), then the result
/// of each recorded application. An operand's number is less than its result's, so walking the numbers downwards visits
/// each application after everything that used its result, with a loop and not by recursion.
///
/// Tapes nest. The values that a tape records carry its mark; beneath the mark they may carry that of a tape around it,
/// which the tape keeps for each node. Kernels and reverse rules run on values without this tape's mark, so what they
/// do is seen by the tapes around it: that is how a gradient is differentiated again.
///
/// `@unchecked Sendable` because values refer to their tape and are sendable: every use checks first that it is on the
/// thread that made the tape, and nothing but constants is read before that check.
final class Tape: Trace, @unchecked Sendable {
    let level: UInt64
    private let thread = ThreadIdentity.current
    private var nodes: [Node] = []
    private var leafCount = 0
    private var hasEnded = false

    /// Counts the tapes of this process, so that a tape which begins within another has the greater level. Level 0 is
    /// the abstract trace's.
    private static let lastLevel = Atomic<UInt64>(0)

    init() {
        level = Self.lastLevel.add(1, ordering: .relaxed).newValue
    }

    /// One tracked value.
    private struct Node {
        /// The trace around this tape that carries the value as well, if any, and its number there.
        let outerTrace: (any Trace)?
        let outerNode: Int
        /// How the value was made; nil for a leaf, and once the gradient has passed.
        var application: Application?
    }

    /// An application of a primitive with at least one tracked operand.
    private struct Application {
        let primitive: Primitive
        let step: ReverseStep
        /// The number of each operand that a cotangent goes to, or nil.
        let operandNodes: [Int?]
    }

    /// Begins to track a value that nothing recorded has made.
    func leaf(_ value: AnyTensor) -> AnyTensor {
        checkThread()
        precondition(leafCount == nodes.count, "a leaf after the first application")
        leafCount += 1
        return track(value, nil)
    }

    /// The value without this tape's mark.
    func untracked(_ value: consuming AnyTensor) -> AnyTensor {
        checkThread()
        guard value.trace === self else { return value }
        let node = nodes[value.node]
        value.trace = node.outerTrace
        value.node = node.outerNode
        return value
    }

    /// Drops what was recorded; a value that still carries the tape's mark can be read, but not computed with.
    func end() {
        hasEnded = true
        nodes = []
    }

    private func track(_ value: consuming AnyTensor, _ application: Application?) -> AnyTensor {
        nodes.append(Node(outerTrace: value.trace, outerNode: value.node, application: application))
        value.trace = self
        value.node = nodes.count - 1
        return value
    }

    private func checkThread() {
        // Not `precondition`, whose text a release build leaves out.
        guard thread.isCurrent else {
            fatalError(
                "a value that a tape tracks was used by another task; "
                    + "a tape belongs to the task that called valueAndGradient")
        }
    }
}

extension Tape {
    func process(
        _ primitive: Primitive, _ operands: consuming [AnyTensor], _ attributes: Attributes
    ) throws(TensorError) -> AnyTensor {
        checkThread()
        guard !hasEnded else {
            throw TensorError(
                .traceEnded,
                "\(primitive.name): an operand outlived its gradient; take withoutTrace() of it inside the closure")
        }
        if case .derivativePending = primitive.derivative {
            throw TensorError(.derivativePending, "\(primitive.name) has no derivative yet, and an operand is tracked")
        }

        var operandNodes: [Int?] = []
        var saved: SavedValues = []
        for index in operands.indices {
            let isTracked = operands[index].trace === self
            let rule = isTracked ? primitive.derivative.rule(forOperand: index) : nil
            operandNodes.append(rule?.rule == nil ? nil : operands[index].node)
            saved.formUnion(rule?.saved ?? [])
            operands[index] = untracked(operands[index].take())
        }
        guard operandNodes.contains(where: { $0 != nil }) else {
            return try primitive.apply(to: operands, attributes)
        }

        // Kept before the application, which may overwrite every operand that nothing keeps.
        var kept: [AnyTensor] = []
        for index in operands.indices {
            kept.append(
                saved.contains(operand: index) ? operands[index] : AnyTensor(abstract: operands[index].type))
        }
        let result = try primitive.apply(to: operands, attributes)
        let step = ReverseStep(
            attributes: attributes, operands: kept,
            result: saved.contains(.result) ? result : AnyTensor(abstract: result.type))
        return track(result, Application(primitive: primitive, step: step, operandNodes: operandNodes))
    }
}

extension Tape {
    /// Walks the record backwards from `output`, freeing it on the way.
    ///
    /// - Parameters:
    ///   - output: The value to differentiate; one element.
    ///   - onFinal: Called with a leaf's number and its gradient as soon as the last application that contributes to it
    ///     has been passed, and at once for a leaf that does not reach the output (nil). Row-sparse and coalesced for a
    ///     leaf whose rows are looked up and that nothing else reads, unless another trace carries it.
    func differentiate(
        _ output: AnyTensor, onFinal: (_ leaf: Int, _ gradient: Gradient?) throws(TensorError) -> Void
    ) throws(TensorError) {
        checkThread()
        var contributions = contributionsToLeaves(of: output)
        for leaf in 0..<leafCount where contributions[leaf] == 0 { try onFinal(leaf, nil) }
        guard output.trace === self else { return }

        var cotangents = [AnyTensor?](repeating: nil, count: output.node + 1)
        cotangents[output.node] = try AnyTensor.full(output.shape, Float(1))
        if output.node < leafCount { return try onFinal(output.node, cotangents[output.node].map { .dense($0) }) }
        // Of each leaf, the rows that look-ups contribute, the last look-up first.
        var rows = [[RowSparse]](repeating: [], count: leafCount)

        for number in (leafCount...output.node).reversed() {
            guard let application = nodes[number].application else { continue }
            nodes[number].application = nil
            guard var cotangent = cotangents[number].take() else { continue }
            var step = application.step
            let last = application.operandNodes.lastIndex { $0 != nil }
            for (index, operandNode) in application.operandNodes.enumerated() {
                let derivative = application.primitive.derivative.rule(forOperand: index)
                guard let operandNode, let rule = derivative?.rule else { continue }
                step.index = index
                if operandNode < leafCount, nodes[operandNode].outerTrace == nil,
                    let contribution = try derivative?.rowSparseRule?(cotangent, step)
                {
                    rows[operandNode].append(contribution)
                } else {
                    // The last rule owns the cotangent and may overwrite it.
                    let contribution = try rule(index == last ? cotangent.take() : cotangent, step)
                    if cotangents[operandNode] == nil {
                        cotangents[operandNode] = contribution
                    } else {
                        try cotangents[operandNode]!.accumulate(contribution)
                    }
                }
                guard operandNode < leafCount else { continue }
                contributions[operandNode] -= 1
                guard contributions[operandNode] == 0 else { continue }
                let lookups = rows[operandNode].reversed() as [RowSparse]
                rows[operandNode] = []
                try onFinal(operandNode, try gradient(cotangents[operandNode].take(), lookups))
            }
        }
    }

    /// A leaf's gradient of what reached all its elements and of what reached rows, in the order of the look-ups, so that
    /// the bits of a row do not depend on which other rows were looked up with it.
    private func gradient(
        _ dense: consuming AnyTensor?, _ lookups: [RowSparse]
    ) throws(TensorError) -> Gradient? {
        guard var sum = dense else {
            return try lookups.first.map { first throws(TensorError) in
                .rowSparse(try first.adding(Array(lookups.dropFirst())))
            }
        }
        for rows in lookups { try rows.add(to: &sum) }
        return .dense(sum)
    }

    /// How many applications on the way to `output` contribute to each leaf.
    private func contributionsToLeaves(of output: AnyTensor) -> [Int] {
        var counts = [Int](repeating: 0, count: leafCount)
        guard output.trace === self else { return counts }
        var reaches = [Bool](repeating: false, count: output.node + 1)
        reaches[output.node] = true
        if output.node < leafCount { counts[output.node] = 1 }
        for number in (0...output.node).reversed() where reaches[number] {
            for case let operand? in nodes[number].application?.operandNodes ?? [] {
                reaches[operand] = true
                if operand < leafCount { counts[operand] += 1 }
            }
        }
        return counts
    }
}
