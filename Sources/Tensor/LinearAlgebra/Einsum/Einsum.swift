extension AnyTensor {
    /// Sums of products written with a label for each axis: `"bij,bjk->bik"` is a product of matrices for each b.
    ///
    /// ```swift
    /// let scores = try AnyTensor.einsum("bqhd,bkhd->bhqk", queries, keys)
    /// ```
    ///
    /// An operand has a letter for each of its axes, and commas part the operands. A label that the result lacks is
    /// summed over; one that an operand has twice takes its diagonal. `...` stands for axes without labels, which
    /// broadcast, aligned at the last; so does an axis of length 1. Without an arrow, the result has the labels that
    /// occur once, in alphabetical order, behind the ellipsis. The answers are NumPy's.
    ///
    /// Operands are multiplied two at a time, always the pair whose product is smallest against what it replaces, each
    /// pair as one batch of matrix products. Axes are transposed without a copy; an operand is copied only where axes
    /// that become one do not join in memory. The result may be a transposed view.
    ///
    /// - Throws: ``TensorError/Code/malformedExpression`` with the place in the expression;
    ///   ``TensorError/Code/shapeMismatch`` for operands that do not fit it; ``TensorError/Code/rankTooLarge`` for an
    ///   intermediate result of more than eight axes; ``TensorError/Code/dtypeMismatch``.
    public static func einsum(
        _ expression: String, _ operands: consuming [AnyTensor]
    ) throws(TensorError) -> AnyTensor {
        let axes = try EinsumAxes(EinsumExpression(expression), operands.map(\.shape))
        var terms: [LabelledTensor] = []
        for index in operands.indices {
            try operands[0].type.requireSameType(as: operands[index].type, in: "einsum")
            terms.append(try LabelledTensor(diagonalOf: operands[index], axes.operands[index], axes.lengths))
        }
        return try terms.contracted(to: axes.result)
    }

    /// As ``einsum(_:_:)-(String,[AnyTensor])``, of operands one after the other.
    ///
    /// - Throws: as there.
    public static func einsum(_ expression: String, _ operands: AnyTensor...) throws(TensorError) -> AnyTensor {
        try einsum(expression, operands)
    }
}

extension LabelledTensor {
    /// An operand with one axis for each name: the diagonal of axes that share one, and without axes of length 1 that
    /// stand for longer ones.
    fileprivate init(diagonalOf operand: AnyTensor, _ names: [Int], _ lengths: [Int]) throws(TensorError) {
        tensor = operand
        labels = names
        let kept = names.indices.filter { operand.shape[$0] == lengths[names[$0]] }
        if kept.count < names.count {
            labels = kept.map { names[$0] }
            tensor = try tensor.reshaped(to: Shape(kept.map { operand.shape[$0] }))
        }
        while let second = labels.indices.first(where: { labels[..<$0].contains(labels[$0]) }) {
            let first = labels.firstIndex(of: labels[second])!
            let rest = labels.indices.filter { $0 != first && $0 != second }
            tensor = try tensor.transposed(rest + [first, second]).diagonal()
            labels = rest.map { labels[$0] } + [labels[second]]
        }
    }
}

extension [LabelledTensor] {
    /// Contracts all of them, pair by pair, to the axes of `result` in that order.
    fileprivate consuming func contracted(to result: [Int]) throws(TensorError) -> AnyTensor {
        var terms = self
        while terms.count > 1 {
            let (first, second) = terms.cheapestPair(keeping: result)
            let right = terms.remove(at: second)
            let left = terms.remove(at: first)
            let kept = terms.reduce(result) { $0 + $1.labels }
            terms.append(
                try LabelledTensor.contract(left, right, keeping: kept, last: terms.isEmpty ? result.last : nil))
        }
        return try terms[0].summed(keeping: result).transposed(to: result).tensor
    }

    /// The pair whose product has the fewest elements against those of the two; of several, the one with the fewest
    /// multiplications, and then the first.
    private func cheapestPair(keeping result: [Int]) -> (first: Int, second: Int) {
        if count == 2 { return (0, 1) }
        var best = (first: 0, second: 1)
        var least = (growth: Double.infinity, work: Double.infinity)
        for first in indices {
            for second in indices[(first + 1)...] {
                var kept = Set(result)
                for (index, term) in enumerated() where index != first && index != second {
                    kept.formUnion(term.labels)
                }
                var (size, work) = (1.0, 1.0)
                for label in Set(self[first].labels).union(self[second].labels) {
                    let holder = self[first].labels.contains(label) ? self[first] : self[second]
                    let length = Double(holder.length(of: label))
                    work *= length
                    if kept.contains(label) { size *= length }
                }
                let growth = size - Double(self[first].tensor.elementCount) - Double(self[second].tensor.elementCount)
                if growth < least.growth || (growth == least.growth && work < least.work) {
                    least = (growth, work)
                    best = (first, second)
                }
            }
        }
        return best
    }
}

extension Tensor where Scalar: NumericTensorScalar {
    /// Sums of products written with a label for each axis: `"bij,bjk->bik"` is a product of matrices for each b. Traps
    /// for an expression that is malformed or does not fit; ``AnyTensor/einsum(_:_:)-(String,[AnyTensor])`` says how it
    /// is read.
    public static func einsum(_ expression: String, _ operands: Tensor...) -> Tensor {
        Tensor { () throws(TensorError) in try AnyTensor.einsum(expression, operands.map(\.core)) }
    }
}
