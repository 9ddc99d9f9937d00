// What derivatives of products and scans are made of, from primitives that have derivatives themselves. Lines lie along axis
// 1 of `[outer, n, inner]`. Both work by halves, in O(n) multiplications and O(log n) applications, and divide nothing: they
// are right where elements are 0.

extension AnyTensor {
    /// For each element the product of all others of its line.
    func productsOfOthers() throws(TensorError) -> AnyTensor {
        let length = shape[1]
        if length == 0 { return self }
        let ones = try AnyTensor.scalar(1, dtype: dtype).broadcast(to: Shape([shape[0], 1, shape[2]]))
        if length == 1 { return ones }
        guard length % 2 == 0 else {
            return try AnyTensor.concatenate([self, ones], axis: 1).productsOfOthers().sliced(axis: 1, 0..<length)
        }
        let (even, odd) = try everyOther()
        let others = try (even * odd).productsOfOthers()
        return try AnyTensor.interleaving(others * odd, others * even)
    }

    /// The solution of `sᵢ = self ᵢ + factorᵢ · sᵢ₊₁` along each line, where s is 0 behind the end. The last factor is
    /// finite.
    func recurrenceFromBack(_ factors: AnyTensor) throws(TensorError) -> AnyTensor {
        let length = shape[1]
        if length <= 1 { return self }
        guard length % 2 == 0 else {
            let widths = [(before: 0, after: 0), (before: 0, after: 1), (before: 0, after: 0)]
            return try padded(widths).recurrenceFromBack(factors.padded(widths)).sliced(axis: 1, 0..<length)
        }
        let (even, odd) = try everyOther()
        let (evenFactors, oddFactors) = try factors.everyOther()
        let solution = try (even + evenFactors * odd).recurrenceFromBack(evenFactors * oddFactors)
        return try AnyTensor.interleaving(solution, odd + oddFactors * solution.nextAlongLine())
    }

    /// For each element the next one of its line, and 0 for the last.
    func nextAlongLine() throws(TensorError) -> AnyTensor {
        let length = shape[1]
        return try sliced(axis: 1, Swift.min(1, length)..<length)
            .padded([(0, 0), (0, Swift.min(1, length)), (0, 0)])
    }

    /// `[…, n, …]` as lines along an axis.
    func asLines(along axis: Int) throws(TensorError) -> AnyTensor {
        let (outer, inner) = (shape.prefix(axis).reduce(1, *), shape.dropFirst(axis + 1).reduce(1, *))
        return try reshaped(to: Shape([outer, shape[axis], inner]))
    }

    private func everyOther() throws(TensorError) -> (even: AnyTensor, odd: AnyTensor) {
        let length = shape[1]
        return (try sliced(axis: 1, 0..<length, step: 2), try sliced(axis: 1, 1..<length, step: 2))
    }

    private static func interleaving(_ even: AnyTensor, _ odd: AnyTensor) throws(TensorError) -> AnyTensor {
        let shape = try Shape([even.shape[0], 2 * even.shape[1], even.shape[2]])
        return try AnyTensor.stack([even, odd], axis: 2).reshaped(to: shape)
    }
}
