import Tensor

/// The rows that have a scale of their own, in a range of a tensor's elements: whole ones, but for the first and the
/// last, which the range may cut.
struct RowGroups: Sendable, Hashable {
    let elementCount: Int
    /// The elements of a whole row.
    let width: Int
    /// The elements of the first row.
    let first: Int

    /// - Parameter offset: the place of the first element in the tensor.
    init(elementCount: Int, width: Int, offset: Int = 0) {
        self.elementCount = elementCount
        self.width = max(1, width)
        first = min(elementCount, self.width - offset % self.width)
    }

    /// How many there are.
    var count: Int { elementCount == 0 ? 0 : 1 + (elementCount - first + width - 1) / width }

    /// Runs of rows of one width: what the first row has, the whole ones, what the last has.
    var runs: [(elements: Range<Int>, rows: Int)] {
        let whole = first == width ? 0 : first
        let end = whole + (elementCount - whole) / width * width
        let runs = [(0..<whole, 1), (whole..<end, (end - whole) / width), (end..<elementCount, 1)]
        return runs.filter { !$0.0.isEmpty }
    }

    /// The elements of each run as `[rows, width]`.
    func matrices(of values: AnyTensor) throws(TensorError) -> [AnyTensor] {
        try runs.map { run throws(TensorError) in
            try values.slice(elements: run.elements).reshaped(to: [run.rows, run.elements.count / run.rows])
        }
    }

    /// The elements of each run in rows of their factors: `values[row, …] × factors[row]`, with one axis.
    func scaled(_ values: AnyTensor, by factors: AnyTensor) throws(TensorError) -> AnyTensor {
        var parts: [AnyTensor] = []
        var row = 0
        for (matrix, run) in zip(try matrices(of: values), runs) {
            let own = try factors.slice(elements: row..<row + run.rows).reshaped(to: [run.rows, 1])
            parts.append(try (matrix * own).reshaped(to: [run.elements.count]))
            row += run.rows
        }
        return parts.count == 1 ? parts[0] : try .concatenate(parts)
    }
}

extension TableDeclaration {
    /// The rows with a scale of their own in a partition's gradient: of a row table its rows; of a dense one as many
    /// axes from the last on as have 64 elements together.
    ///
    /// - Parameter keys: the keys of a row table's gradient.
    func groups(ofPartition index: Int, keys: AnyTensor?) -> RowGroups {
        if let keys, rows != nil {
            return RowGroups(elementCount: keys.elementCount * shape.elementCount, width: shape.elementCount)
        }
        var width = 1
        for length in shape.reversed() where width < 64 { width *= length }
        let elements = elements(ofPartition: index)
        return RowGroups(elementCount: elements.count, width: width, offset: elements.lowerBound)
    }
}
