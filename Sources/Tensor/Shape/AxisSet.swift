/// A set of axes: what a reduction runs over.
package struct AxisSet: Sendable, Hashable {
    private var bits: UInt8 = 0

    /// No axis.
    package init() {}

    /// Axes counted from the front, or from the back when negative (−1 is the last).
    ///
    /// - Throws: ``TensorError/Code/indexOutOfRange`` for an axis that a tensor of that rank lacks,
    ///   ``TensorError/Code/shapeMismatch`` for one that is named twice.
    package init(_ axes: some Collection<Int>, rank: Int, of operation: StaticString) throws(TensorError) {
        for axis in axes {
            let position = try Self.position(of: axis, rank: rank, of: operation)
            guard !contains(position) else {
                throw TensorError(.shapeMismatch, "\(operation): axis \(axis) is named twice in \(Array(axes))")
            }
            insert(position)
        }
    }

    /// Every axis of a tensor of that rank.
    package static func all(rank: Int) -> AxisSet {
        var set = AxisSet()
        for axis in 0..<rank { set.insert(axis) }
        return set
    }

    /// The set as the C kernels take it: bit 0 is axis 0.
    var mask: UInt32 { UInt32(bits) }

    package func contains(_ axis: Int) -> Bool { bits & (1 << UInt8(axis)) != 0 }

    package mutating func insert(_ axis: Int) { bits |= 1 << UInt8(axis) }

    /// The place of an axis that may be counted from the back.
    ///
    /// - Throws: ``TensorError/Code/indexOutOfRange`` outside `-rank..<rank`.
    package static func position(of axis: Int, rank: Int, of operation: StaticString) throws(TensorError) -> Int {
        let position = axis < 0 ? axis + rank : axis
        guard position >= 0, position < rank else {
            throw TensorError(.indexOutOfRange, "\(operation): axis \(axis) of a tensor with \(rank) axes")
        }
        return position
    }
}
