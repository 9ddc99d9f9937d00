extension ReverseStep {
    /// By how much the measure of each matrix grows with each of its elements.
    ///
    /// Of the Frobenius norm n that is `A / n`. A sum of absolute values grows with the signs of what it adds. What is made
    /// of singular values s grows with `U · diag(s̄) · Vᵀ`, where s̄ says how it grows with each of them.
    func slopeOfMatrixNorm() throws(TensorError) -> AnyTensor {
        let matrices = operands[0]
        if matrices.elementCount == 0 { return matrices }
        switch attributes.factorization.norm {
        case .frobenius: return try matrices / result.asMatrices()
        case .one: return try matrices.slopeOfSums(along: -2, across: -1, largest: true)
        case .infinity: return try matrices.slopeOfSums(along: -1, across: -2, largest: true)
        case .minusOne: return try matrices.slopeOfSums(along: -2, across: -1, largest: false)
        case .minusInfinity: return try matrices.slopeOfSums(along: -1, across: -2, largest: false)
        case .nuclear, .spectral, .minusTwo, .condition, .minusCondition:
            let parts = try matrices.svd()
            let slopes = try attributes.factorization.norm.slopes(of: parts.s)
            return try (parts.u * slopes.expandingDimensions(at: -2)).matmul(parts.vTransposed)
        }
    }
}

extension MatrixMeasure {
    /// How what is made of singular values `[…, k]` grows with each of them, in a shape that broadcasts to theirs.
    fileprivate func slopes(of values: AnyTensor) throws(TensorError) -> AnyTensor {
        let count = values.shape[values.rank - 1]
        let places = try AnyTensor.stride(from: 0, to: count)
        let isFirst = try (places .== .scalar(Int64(0))).cast(to: values.dtype)
        let isLast = try (places .== .scalar(Int64(count - 1))).cast(to: values.dtype)
        let first = try values.sliced(axis: -1, 0..<1)
        let last = try values.sliced(axis: -1, count - 1..<count)
        switch self {
        case .spectral: return isFirst
        case .minusTwo: return isLast
        case .condition: return try isFirst / last - isLast * (first / last.squared())
        case .minusCondition: return try isLast / first - isFirst * (last / first.squared())
        default: return try AnyTensor.ones([count], dtype: values.dtype)
        }
    }
}

extension AnyTensor {
    /// The signs of the elements in the sums of absolute values along one axis that are the extreme across the other,
    /// divided by how many there are.
    fileprivate func slopeOfSums(along: Int, across: Int, largest: Bool) throws(TensorError) -> AnyTensor {
        let sums = try abs().sum(axes: [along], keepsDimensions: true)
        let extreme =
            try largest
            ? sums.max(axes: [across], keepsDimensions: true) : sums.min(axes: [across], keepsDimensions: true)
        let isExtreme = try (sums .== extreme).cast(to: dtype)
        return try sign() * (isExtreme / isExtreme.sum(axes: [across], keepsDimensions: true))
    }
}
