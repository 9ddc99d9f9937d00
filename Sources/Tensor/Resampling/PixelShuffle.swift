extension AnyTensor {
    /// Channels spread over blocks of places: `[batch, channels · blockᵏ, …]` with k spatial axes becomes
    /// `[batch, channels, …]` with each of these axes `block` times as long, or the same with the channels last. The
    /// channels of a block are those that follow each other (Shi et al. 2016; PyTorch's `pixel_shuffle`, ONNX's
    /// `DepthToSpace` in its mode CRD).
    ///
    /// - Throws: ``TensorError/Code/shapeMismatch`` unless there are one to three spatial axes and the channels divide.
    public func pixelShuffled(
        by block: Int, layout: SpatialLayout = .channelsFirst
    ) throws(TensorError) -> AnyTensor {
        let rank = try SpatialArguments(shape, of: "pixelShuffled").rank
        let first = layout == .channelsFirst ? self : try movingAxis(-1, to: 1)
        let shape = first.shape
        guard block > 0, let size = blockSize(block, rank), shape[1] % size == 0 else {
            throw TensorError(
                .shapeMismatch, "pixelShuffled: the \(shape[1]) channels of \(self.shape) for blocks of \(block)")
        }
        let blocks = Array(repeating: block, count: rank)
        let lengths = Array(shape.dropFirst(2))
        let parts = try first.reshaped(to: Shape([shape[0], shape[1] / size] + blocks + lengths))
        let order = [0, 1] + (0..<rank).flatMap { [2 + rank + $0, 2 + $0] }
        // Where there are no channels or images, lengths are bounded by nothing else.
        let longer = lengths.map { length in
            let (product, overflows) = length.multipliedReportingOverflow(by: block)
            return overflows ? .max : product
        }
        let spread = try parts.transposed(order).reshaped(to: Shape([shape[0], shape[1] / size] + longer))
        return layout == .channelsFirst ? spread : try spread.movingAxis(1, to: -1)
    }

    /// Blocks of places gathered into channels: what ``pixelShuffled(by:layout:)`` undoes.
    ///
    /// - Throws: ``TensorError/Code/shapeMismatch`` unless there are one to three spatial axes that blocks divide.
    public func pixelUnshuffled(
        by block: Int, layout: SpatialLayout = .channelsFirst
    ) throws(TensorError) -> AnyTensor {
        let rank = try SpatialArguments(shape, of: "pixelUnshuffled").rank
        let first = layout == .channelsFirst ? self : try movingAxis(-1, to: 1)
        let shape = first.shape
        let lengths = Array(shape.dropFirst(2))
        guard block > 0, let size = blockSize(block, rank), lengths.allSatisfy({ $0 % block == 0 }) else {
            throw TensorError(.shapeMismatch, "pixelUnshuffled: blocks of \(block) do not divide \(self.shape)")
        }
        let parts = try first.reshaped(to: Shape([shape[0], shape[1]] + lengths.flatMap { [$0 / block, block] }))
        let order = [0, 1] + (0..<rank).map { 3 + 2 * $0 } + (0..<rank).map { 2 + 2 * $0 }
        let gathered = try parts.transposed(order)
            .reshaped(to: Shape([shape[0], shape[1] * size] + lengths.map { $0 / block }))
        return layout == .channelsFirst ? gathered : try gathered.movingAxis(1, to: -1)
    }
}

/// The number of places of a block; nil where it does not fit.
private func blockSize(_ block: Int, _ rank: Int) -> Int? {
    var size = 1
    for _ in 0..<rank {
        let (product, overflow) = size.multipliedReportingOverflow(by: block)
        guard !overflow, product < Shape.maximumElementCount else { return nil }
        size = product
    }
    return size
}

extension Tensor {
    /// Channels spread over blocks of places: `[batch, channels · blockᵏ, …]` becomes `[batch, channels, …]` with each of
    /// the k spatial axes `block` times as long.
    public func pixelShuffled(by block: Int, layout: SpatialLayout = .channelsFirst) -> Tensor {
        Tensor { () throws(TensorError) in try core.pixelShuffled(by: block, layout: layout) }
    }

    /// Blocks of places gathered into channels: what ``pixelShuffled(by:layout:)`` undoes.
    public func pixelUnshuffled(by block: Int, layout: SpatialLayout = .channelsFirst) -> Tensor {
        Tensor { () throws(TensorError) in try core.pixelUnshuffled(by: block, layout: layout) }
    }
}
