import Tensor

extension TableDeclaration {
    /// The rows of `keys`, which were checked, one after the other with one axis.
    ///
    /// - Parameter clock: the pushes that the partition had applied.
    func values(of keys: AnyTensor, in rows: RowTable, clock: UInt64) throws(TensorError) -> AnyTensor {
        var values = try AnyTensor.zeros([keys.elementCount * shape.elementCount])
        values.withMutableBytes { target in
            keys.withKeys { keys in
                // Safe: the tensor has as many floats as the rows together.
                unsafe rows.read(
                    keys, clock: clock, to: target.baseAddress!.assumingMemoryBound(to: Float.self))
            }
        }
        return values
    }
}
