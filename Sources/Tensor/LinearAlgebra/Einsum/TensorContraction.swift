/// A tensor whose axes have names, in the order of its axes. No two axes of one tensor have the same name.
struct LabelledTensor {
    var tensor: AnyTensor
    var labels: [Int]

    /// The length of the axis that `label` names.
    func length(of label: Int) -> Int { tensor.shape[labels.firstIndex(of: label)!] }

    /// The distance in memory between neighbours on the axis that `label` names.
    private func stride(of label: Int) -> Int { abs(tensor.layout.strides[labels.firstIndex(of: label)!]) }

    /// These of its labels, those first whose axes lie further apart in memory: neighbours in that order can be merged
    /// without a copy, if any can.
    func ordered(_ chosen: [Int]) -> [Int] {
        if chosen.count < 2 { return chosen }
        return chosen.enumerated().sorted { left, right in
            let (first, second) = (stride(of: left.element), stride(of: right.element))
            return first == second ? left.offset < right.offset : first > second
        }.map(\.element)
    }

    /// Whether the axes that `chosen` names, in this order, are one axis in memory.
    func joins(_ chosen: [Int]) -> Bool {
        var order = AxisValues(repeating: 0)
        for (axis, label) in chosen.enumerated() { order[axis] = labels.firstIndex(of: label)! }
        let dimensions = chosen.map { length(of: $0) }
        var strides = AxisValues(repeating: 0)
        var shape = AxisValues(repeating: 1)
        for axis in chosen.indices {
            strides[axis] = tensor.layout.strides[order[axis]]
            shape[axis] = dimensions[axis]
        }
        let layout = Layout(shape: Shape(unchecked: shape, rank: chosen.count), strides: strides)
        return layout.stride(ofMergedAxes: 0..<chosen.count) != nil
    }

    /// The axes in the order of `target`, which names each of them.
    consuming func transposed(to target: [Int]) throws(TensorError) -> LabelledTensor {
        if labels == target { return self }
        let axes = target.map { label in labels.firstIndex(of: label)! }
        return LabelledTensor(tensor: try tensor.transposed(axes), labels: target)
    }

    /// The sum over every axis that `kept` does not hold.
    consuming func summed(keeping kept: [Int]) throws(TensorError) -> LabelledTensor {
        let axes = labels.indices.filter { !kept.contains(labels[$0]) }
        if axes.isEmpty { return self }
        return LabelledTensor(tensor: try tensor.sum(axes: axes), labels: labels.filter { kept.contains($0) })
    }

    /// The axes in this order, those of each group merged into one: a view where they join in memory, else a copy.
    consuming func merged(_ groups: [[Int]]) throws(TensorError) -> AnyTensor {
        let lengths = groups.map { group in group.reduce(1) { $0 * length(of: $1) } }
        return try self.transposed(to: groups.flatMap { $0 }).tensor.reshaped(to: Shape(lengths))
    }
}

extension LabelledTensor {
    /// The product of two tensors, summed over the axes that both have and `kept` does not hold.
    ///
    /// It is one batch of matrix products: axes of both that are kept are the batch, those of one are rows or columns.
    /// The result's axes come in the order batch, left, right; `last`, where one of them, becomes one of the columns.
    static func contract(
        _ left: consuming LabelledTensor, _ right: consuming LabelledTensor, keeping kept: [Int], last: Int?
    ) throws(TensorError) -> LabelledTensor {
        if let last, left.labels.contains(last), !right.labels.contains(last) { swap(&left, &right) }
        left = try left.summed(keeping: kept + right.labels)
        right = try right.summed(keeping: kept + left.labels)
        let (leftLabels, rightLabels) = (left.labels, right.labels)
        let shared = left.labels.filter { rightLabels.contains($0) }
        let batch = left.ordered(shared.filter { kept.contains($0) })
        let contracted = shared.filter { !kept.contains($0) }
        let rows = left.ordered(left.labels.filter { !rightLabels.contains($0) })
        let columns = right.ordered(right.labels.filter { !leftLabels.contains($0) })
        let labels = batch + rows + columns
        let shape = try Shape(
            (batch + rows).map { label in left.length(of: label) } + columns.map { label in right.length(of: label) })
        if contracted.isEmpty {
            let leftShape = (batch + rows).map { label in left.length(of: label) } + columns.map { _ in 1 }
            let rightShape =
                batch.map { label in right.length(of: label) } + rows.map { _ in 1 }
                + columns.map { label in right.length(of: label) }
            let first = try left.transposed(to: batch + rows).tensor.reshaped(to: Shape(leftShape))
            let second = try right.transposed(to: batch + columns).tensor.reshaped(to: Shape(rightShape))
            return LabelledTensor(tensor: try first * second, labels: labels)
        }
        // The order of the summed axes is that of the side which would otherwise have to be copied, if that helps.
        var inner = left.ordered(contracted)
        if !right.joins(inner), right.joins(right.ordered(contracted)) || !left.joins(inner) {
            let other = right.ordered(contracted)
            let leftGains = left.joins(inner) && left.tensor.elementCount > right.tensor.elementCount
            if !leftGains { inner = other }
        }
        // Eight axes hold a batch of six and a matrix.
        let groups = batch.count > 6 ? [batch] : batch.map { [$0] }
        let first = try left.merged(groups + [rows, inner])
        let second = try right.merged(groups + [inner, columns])
        return LabelledTensor(tensor: try first.matmul(second).reshaped(to: shape), labels: labels)
    }
}

extension AnyTensor {
    /// The sum of products over pairs of axes, one of this tensor and one of the other: what is left of this tensor's
    /// axes, then of the other's, `[a…, b…]`.
    ///
    /// - Parameters:
    ///   - leftAxes: This tensor's axes that are summed over. They may be counted from the back (−1 is the last).
    ///   - rightAxes: The other's, as many and as long.
    /// - Throws: ``TensorError/Code/shapeMismatch``, ``TensorError/Code/indexOutOfRange`` for an axis that a tensor
    ///   lacks, ``TensorError/Code/rankTooLarge``, ``TensorError/Code/dtypeMismatch``.
    public consuming func tensorDot(
        _ other: consuming AnyTensor, axes leftAxes: [Int], _ rightAxes: [Int]
    ) throws(TensorError) -> AnyTensor {
        guard leftAxes.count == rightAxes.count else {
            throw TensorError(.shapeMismatch, "tensorDot: \(leftAxes) and \(rightAxes) do not pair axes")
        }
        _ = try AxisSet(leftAxes, rank: rank, of: "tensorDot")
        _ = try AxisSet(rightAxes, rank: other.rank, of: "tensorDot")
        let leftLabels = Array(0..<rank)
        var rightLabels = (0..<other.rank).map { $0 + rank }
        for (leftAxis, rightAxis) in zip(leftAxes, rightAxes) {
            let left = leftAxis < 0 ? leftAxis + rank : leftAxis
            let right = rightAxis < 0 ? rightAxis + other.rank : rightAxis
            guard shape[left] == other.shape[right] else {
                throw TensorError(
                    .shapeMismatch,
                    "tensorDot: axis \(leftAxis) of \(shape) and axis \(rightAxis) of \(other.shape) differ in length")
            }
            rightLabels[right] = left
        }
        let summed = Set(rightLabels).intersection(leftLabels)
        let kept = leftLabels.filter { !summed.contains($0) } + rightLabels.filter { !summed.contains($0) }
        return try LabelledTensor.contract(
            LabelledTensor(tensor: self, labels: leftLabels), LabelledTensor(tensor: other, labels: rightLabels),
            keeping: kept, last: nil
        ).transposed(to: kept).tensor
    }

    /// As ``tensorDot(_:axes:_:)``, over the last `count` axes of this tensor and the first of the other, in order.
    ///
    /// - Throws: as there.
    public consuming func tensorDot(_ other: consuming AnyTensor, axes count: Int = 2) throws(TensorError) -> AnyTensor
    {
        guard count >= 0, count <= Swift.min(rank, other.rank) else {
            throw TensorError(
                .indexOutOfRange, "tensorDot: \(shape) and \(other.shape) do not both have \(count) axes")
        }
        return try self.tensorDot(other, axes: Array(rank - count..<rank), Array(0..<count))
    }
}

extension Tensor where Scalar: NumericTensorScalar {
    /// The sum of products over pairs of axes, one of this tensor and one of the other: what is left of this tensor's
    /// axes, then of the other's.
    public consuming func tensorDot(_ other: consuming Tensor, axes leftAxes: [Int], _ rightAxes: [Int]) -> Tensor {
        Tensor { () throws(TensorError) in
            try self.core.take().tensorDot(other.core.take(), axes: leftAxes, rightAxes)
        }
    }

    /// The sum of products over the last `count` axes of this tensor and the first of the other, in order.
    public consuming func tensorDot(_ other: consuming Tensor, axes count: Int = 2) -> Tensor {
        Tensor { () throws(TensorError) in try self.core.take().tensorDot(other.core.take(), axes: count) }
    }
}
