/// The number of elements along each axis of a tensor, outermost axis first; `[]` is a scalar.
///
/// ```swift
/// let images: Shape = [128, 28, 28]
/// images.elementCount      // 100_352
/// ```
///
/// A shape is always sound: at most ``maximumRank`` axes, none negative, and so few elements that their bytes can be
/// counted in an `Int`. What comes from outside is checked by ``init(_:)``, which throws; a literal in the program traps.
public struct Shape: Sendable {
    /// The largest number of axes.
    public static let maximumRank = AxisValues.capacity

    /// The largest number of elements: that many of the widest element type still have an address.
    static let maximumElementCount = Int.max / 16

    package private(set) var dimensions: AxisValues
    private var axisCount: UInt8

    /// The shape with these dimensions.
    ///
    /// - Throws: ``TensorError/Code/rankTooLarge`` for more than ``maximumRank`` axes,
    ///   ``TensorError/Code/shapeMismatch`` for a negative dimension, ``TensorError/Code/outOfMemory`` for a number of
    ///   elements that no machine can address.
    public init(_ dimensions: some Collection<Int>) throws(TensorError) {
        guard dimensions.count <= Self.maximumRank else {
            throw TensorError(
                .rankTooLarge, "a tensor has at most \(Self.maximumRank) axes, not \(dimensions.count)")
        }
        var values = AxisValues(repeating: 1)
        var axis = 0
        var count = 1
        for dimension in dimensions {
            guard dimension >= 0 else {
                throw TensorError(.shapeMismatch, "dimension \(axis) of \(Array(dimensions)) is negative")
            }
            // An empty axis does not excuse the others: without it, they must still be countable.
            let (product, overflow) = count.multipliedReportingOverflow(by: Swift.max(dimension, 1))
            guard !overflow, product <= Self.maximumElementCount else {
                throw TensorError(.outOfMemory, "a tensor of shape \(Array(dimensions)) cannot be addressed")
            }
            count = product
            values[axis] = dimension
            axis += 1
        }
        self.dimensions = values
        self.axisCount = UInt8(axis)
    }

    /// The shape of a scalar.
    public static var scalar: Shape { Shape(unchecked: AxisValues(repeating: 1), rank: 0) }

    /// A shape whose dimensions were derived from sound ones; they are not checked again.
    package init(unchecked dimensions: AxisValues, rank: Int) {
        self.dimensions = dimensions
        self.axisCount = UInt8(truncatingIfNeeded: rank)
    }

    /// The number of axes.
    public var rank: Int { Int(axisCount) }

    /// The product of all dimensions; 1 for a scalar.
    public var elementCount: Int {
        var product = 1
        for axis in 0..<rank { product &*= dimensions[axis] }
        return product
    }
}

extension Shape: RandomAccessCollection {
    /// Always 0.
    public var startIndex: Int { 0 }
    /// The rank.
    public var endIndex: Int { rank }

    /// The dimension of an axis.
    public subscript(axis: Int) -> Int {
        precondition(axis >= 0 && axis < rank, "axis \(axis) of a shape with \(rank) axes")
        return dimensions[axis]
    }
}

extension Shape: ExpressibleByArrayLiteral {
    /// The shape with these dimensions; traps where ``init(_:)`` throws.
    public init(arrayLiteral elements: Int...) {
        self = trapping { () throws(TensorError) in try Shape(elements) }
    }
}

extension Shape: Hashable {
    /// Equal ranks and equal dimensions.
    public static func == (left: Shape, right: Shape) -> Bool {
        guard left.axisCount == right.axisCount else { return false }
        for axis in 0..<left.rank where left.dimensions[axis] != right.dimensions[axis] { return false }
        return true
    }

    /// Hashes the rank and the dimensions.
    public func hash(into hasher: inout Hasher) {
        hasher.combine(axisCount)
        for axis in 0..<rank { hasher.combine(dimensions[axis]) }
    }
}

extension Shape: CustomStringConvertible {
    /// The dimensions as an array prints: `[128, 10]`.
    public var description: String {
        "[" + map(String.init).joined(separator: ", ") + "]"
    }
}
