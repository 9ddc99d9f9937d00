/// An einsum expression applied to shapes: every axis of every operand has a number for a name.
struct EinsumAxes {
    /// The names of each operand's axes. One may occur twice: then the operand's diagonal is meant.
    private(set) var operands: [[Int]] = []
    /// The names of the result's axes.
    private(set) var result: [Int] = []
    /// How long the axes of a name are: the same wherever it occurs, but for axes of length 1, which are repeated; −1
    /// for a name that does not occur.
    private(set) var lengths = [Int](repeating: -1, count: ellipsisBase + Shape.maximumRank)

    /// The first name of an axis that an ellipsis stands for; letters have smaller ones.
    private static let ellipsisBase = 128

    /// - Throws: ``TensorError/Code/shapeMismatch`` where the numbers of operands, of axes, or their lengths do not
    ///   fit, and ``TensorError/Code/malformedExpression`` for a result that leaves an ellipsis out.
    init(_ expression: EinsumExpression, _ shapes: [Shape]) throws(TensorError) {
        guard expression.operands.count == shapes.count else {
            throw TensorError(
                .shapeMismatch,
                "einsum: \"\(expression.text)\" has \(expression.operands.count) operands, and \(shapes.count) are given"
            )
        }
        var hidden: [Int] = []
        for (index, (term, shape)) in zip(expression.operands, shapes).enumerated() {
            let count = shape.rank - term.labels.count
            guard count == 0 || (count > 0 && term.hasEllipsis) else {
                throw TensorError(
                    .shapeMismatch,
                    "einsum: operand \(index) of \"\(expression.text)\" has \(term.labels.count) labels and the shape "
                        + "\(shape)")
            }
            hidden.append(count)
        }
        let widest = hidden.max() ?? 0
        for (index, (term, shape)) in zip(expression.operands, shapes).enumerated() {
            // Aligned at the last axis, as in every broadcast.
            let ellipsis = (widest - hidden[index]..<widest).map { Self.ellipsisBase + $0 }
            let names = term.leading.map(\.number) + ellipsis + (term.trailing ?? []).map(\.number)
            try record(names, shape, operand: index, of: expression)
            operands.append(names)
        }
        let allEllipsis = (0..<widest).map { Self.ellipsisBase + $0 }
        if let written = expression.result {
            guard written.hasEllipsis || allEllipsis.isEmpty else {
                throw TensorError(
                    .malformedExpression,
                    "einsum: in \"\(expression.text)\", the result lacks the ellipsis, which stands for \(widest) axes")
            }
            result = written.leading.map(\.number) + allEllipsis + (written.trailing ?? []).map(\.number)
        } else {
            // Without an arrow: what occurs once, in alphabetical order, behind the ellipsis.
            var occurrences = [Int](repeating: 0, count: Self.ellipsisBase)
            for term in expression.operands { for label in term.labels { occurrences[label.number] += 1 } }
            result = allEllipsis + occurrences.indices.filter { occurrences[$0] == 1 }
        }
    }

    private mutating func record(
        _ names: [Int], _ shape: Shape, operand: Int, of expression: EinsumExpression
    ) throws(TensorError) {
        for (axis, name) in names.enumerated() {
            let length = shape[axis]
            if let first = names[..<axis].firstIndex(of: name), shape[first] != length {
                throw mismatch(axis, names.count, shape[first], length, operand, expression)
            }
            let known = lengths[name]
            guard known >= 0, known != length, known != 1 else {
                lengths[name] = length
                continue
            }
            guard length == 1 else { throw mismatch(axis, names.count, known, length, operand, expression) }
        }
    }

    private func mismatch(
        _ axis: Int, _ rank: Int, _ expected: Int, _ found: Int, _ operand: Int, _ expression: EinsumExpression
    ) -> TensorError {
        let term = expression.operands[operand]
        let behind = axis - (rank - (term.trailing?.count ?? 0))
        guard axis < term.leading.count || behind >= 0 else {
            return TensorError(
                .shapeMismatch,
                "einsum: in \"\(expression.text)\", the axes of an ellipsis do not broadcast: operand \(operand) has "
                    + "length \(found), not \(expected)")
        }
        let label = axis < term.leading.count ? term.leading[axis] : term.trailing![behind]
        return TensorError(
            .shapeMismatch,
            "einsum: in \"\(expression.text)\", '\(label.letter)' of operand \(operand), at character \(label.place), "
                + "has length \(found), not \(expected)")
    }
}
