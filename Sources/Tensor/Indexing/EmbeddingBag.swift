/// What becomes of the rows of one bag.
public enum BagReduction: Sendable, Hashable {
    case sum
    /// Their mean; 0 of none.
    case mean
    /// The largest of each column; 0 of none. Equal ones share its cotangent.
    case maximum
}

extension AnyTensor {
    /// For each bag of indices what its rows of this table give together: of a table `[rows, …]`, indices `[n]` and
    /// starts `[bags]` of each bag among the indices, `[bags, …]`.
    ///
    /// The rows meet in the order of the indices. `weights`, `[n]`, multiply the rows of a sum.
    ///
    /// - Parameter starts: ascending, the first 0; a bag ends where the next begins.
    /// - Throws: ``TensorError/Code/indexOutOfRange`` for an index that names no row or starts that do not ascend in
    ///   `0...n`; ``TensorError/Code/shapeMismatch``, also for weights of a mean or maximum;
    ///   ``TensorError/Code/dtypeMismatch`` unless of a float type, with int32 or int64 indices.
    public func embeddingBag(
        _ indices: AnyTensor, starts: [Int], reduction: BagReduction = .sum, weights: AnyTensor? = nil
    ) throws(TensorError) -> AnyTensor {
        try type.require(.floats, in: "embeddingBag")
        guard rank >= 1, indices.rank == 1, weights.map({ $0.shape == indices.shape && reduction == .sum }) ?? true
        else {
            throw TensorError(
                .shapeMismatch,
                "embeddingBag: indices \(indices.shape) and weights \(weights.map { "\($0.shape)" } ?? "none") of a "
                    + "\(reduction) for a table \(shape)")
        }
        let count = indices.elementCount
        let ends = starts.dropFirst() + [count]
        guard starts.first ?? 0 == 0, zip(starts, ends).allSatisfy({ $0 <= $1 }), !starts.isEmpty || count == 0 else {
            throw TensorError(.indexOutOfRange, "embeddingBag: starts \(starts) do not ascend from 0 to \(count)")
        }
        let sizes = zip(starts, ends).map { $1 - $0 }
        let bags = try AnyTensor(
            sizes.enumerated().flatMap { Array(repeating: Int64($0.offset), count: $0.element) }, shape: Shape([count]))
        var rows = try gatherRows(indices)
        let result = try shape.replacing(axis: 0, with: sizes.count)
        func perBag<Value: TensorScalar>(_ values: [Value]) throws(TensorError) -> AnyTensor {
            try AnyTensor(values, shape: Shape([sizes.count] + Array(repeating: 1, count: rank - 1)))
        }
        switch reduction {
        case .sum, .mean:
            if let weights {
                rows = try rows * weights.reshaped(to: Shape([count] + Array(repeating: 1, count: rank - 1)))
            }
            let sums = try AnyTensor.zeros(result, dtype: dtype).scattering(slices: rows, at: bags, mode: .add)
            guard reduction == .mean else { return sums }
            return try sums / perBag(sizes.map { Double(Swift.max($0, 1)) }).cast(to: dtype)
        case .maximum:
            let least = try AnyTensor.full(result, number: -.infinity, dtype: dtype)
            let largest = try least.scattering(slices: rows, at: bags, mode: .maximum)
            return try .select(perBag(sizes.map { $0 > 0 }), largest, .scalar(0, dtype: dtype))
        }
    }
}

extension Tensor where Scalar: FloatingTensorScalar {
    /// For each bag of indices what its rows of this table give together: of a table `[rows, …]`, indices `[n]` and
    /// starts `[bags]`, `[bags, …]`. Traps for an index that names no row.
    public func embeddingBag<Index: IndexTensorScalar>(
        _ indices: Tensor<Index>, starts: [Int], reduction: BagReduction = .sum, weights: Tensor? = nil
    ) -> Tensor {
        Tensor { () throws(TensorError) in
            try core.embeddingBag(indices.core, starts: starts, reduction: reduction, weights: weights?.core)
        }
    }
}
