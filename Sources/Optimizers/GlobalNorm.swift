public import Tensor

/// The Euclidean norm of all gradients of a step together, and what a limit to it makes of them.
///
/// Squares are summed in float64, in pieces of fixed size and in the order of names, so that the bits depend on the
/// gradients alone: not on where the parameters are, nor on how tables are cut into partitions.
package struct GlobalNorm: Sendable {
    private var squares: [(name: String, sum: Double)] = []

    package init() {}

    /// Counts a gradient in: all elements, or coalesced rows. One with a NaN or an infinity is not counted; scaled as
    /// the others it still has that, so that whoever applies it sees it.
    ///
    /// - Throws: `TensorError.Code.valuesUnknown` for an abstract tensor, `TensorError.Code.outOfMemory`.
    package mutating func add(_ values: AnyTensor, named name: String) throws(TensorError) {
        let flat = try values.withoutTrace().reshaped(to: Shape([values.elementCount]))
        var sum = 0.0
        for start in stride(from: 0, to: flat.elementCount, by: Self.pieceElements) {
            let end = min(start + Self.pieceElements, flat.elementCount)
            let piece = try flat.sliced(axis: 0, start..<end).cast(to: .float64)
            sum += try (piece * piece).sum().scalars(as: Double.self)[0]
        }
        if sum.isFinite { squares.append((name, sum)) }
    }

    /// `√Σ g²` over all gradients that were counted in.
    package var value: Double {
        squares.sorted { $0.name < $1.name }.reduce(0) { $0 + $1.sum }.squareRoot()
    }

    /// What gradients are multiplied by so that their norm is `limit` at most; `nil` where it is.
    package func factor(for limit: Double) -> Double? {
        let norm = value
        return norm > limit ? limit / norm : nil
    }

    private static let pieceElements = 1 << 16
}

extension NamedTensors {
    /// The Euclidean norm of all gradients together, dense and row-sparse (of rows that occur several times, that of
    /// the sum): `√Σ g²`. Gradients with a NaN or an infinity are left out.
    ///
    /// - Throws: `TensorError.Code.valuesUnknown` for an abstract tensor, `TensorError.Code.outOfMemory`.
    public func globalNorm() throws(TensorError) -> Double {
        var norm = GlobalNorm()
        try add(to: &norm)
        return norm.value
    }

    /// The gradients of a step, all scaled by one factor where their global norm is more than `limit` (Pascanu, Mikolov
    /// and Bengio, "On the difficulty of training recurrent neural networks", ICML 2013, section 3.2).
    ///
    /// Gradients with a NaN or an infinity do not count, and still have it when they are scaled.
    /// - Throws: as ``globalNorm()``.
    public func clipped(toGlobalNorm limit: Double) throws(TensorError) -> NamedTensors {
        var norm = GlobalNorm()
        try add(to: &norm)
        return try norm.factor(for: limit).map { factor throws(TensorError) in try scaled(by: factor) } ?? self
    }

    /// Counts the gradients in.
    package func add(to norm: inout GlobalNorm) throws(TensorError) {
        for name in names {
            switch try gradient(named: name) {
            case .dense(let tensor): try norm.add(tensor, named: name)
            case .rowSparse(let rows): try norm.add(rows.coalesced().values, named: name)
            }
        }
    }

    /// Every gradient times a factor.
    package func scaled(by factor: Double) throws(TensorError) -> NamedTensors {
        var scaled = self
        for name in names {
            switch try gradient(named: name) {
            case .dense(let tensor): scaled[name] = try tensor.withoutTrace() * factor
            case .rowSparse(let rows): scaled[gradient: name] = .rowSparse(try rows.coalesced().scaled(by: factor))
            }
        }
        return scaled
    }
}
