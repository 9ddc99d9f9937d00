/// What a subscript says about one axis: a place, a range, a new axis, or all axes that are not spoken of.
///
/// ```swift
/// let indices: [TensorIndex] = [0, .all, .range(1..<3)]
/// let part = try tensor.indexed(by: indices)
/// ```
///
/// Places and bounds below 0 are counted from the back: −1 is the last place.
public struct TensorIndex: Sendable, Hashable {
    let kind: Kind

    enum Kind: Sendable, Hashable {
        case place(Int)
        /// Bounds that may be missing, counted from the back where negative.
        case range(from: Int?, to: Int?)
        case strided(from: Int?, to: Int?, step: Int)
        /// Places `first`, `first + step`, …
        case places(first: Int, count: Int, step: Int)
        case newAxis
        case ellipsis
    }

    init(_ kind: Kind) {
        self.kind = kind
    }

    /// One place of an axis, which the result lacks.
    public static func at(_ place: Int) -> TensorIndex { TensorIndex(.place(place)) }

    /// Every place of an axis.
    public static var all: TensorIndex { TensorIndex(.range(from: nil, to: nil)) }

    /// A range of places.
    public static func range(_ range: Range<Int>) -> TensorIndex { range.tensorIndex }

    /// Every `step`-th place from `start` up to, not including, `end`: by default from one end of the axis through the
    /// other, from its back with a negative step. The step must not be 0.
    public static func stride(from start: Int? = nil, to end: Int? = nil, by step: Int) -> TensorIndex {
        TensorIndex(.strided(from: start, to: end, step: step))
    }

    /// A new axis of length 1.
    public static var newAxis: TensorIndex { TensorIndex(.newAxis) }

    /// Every place of as many axes as the other indices leave.
    public static var ellipsis: TensorIndex { TensorIndex(.ellipsis) }
}

extension TensorIndex: ExpressibleByIntegerLiteral {
    /// One place of an axis, which the result lacks.
    public init(integerLiteral value: Int) {
        self = .at(value)
    }
}

/// What may stand in a tensor's subscript: an `Int`, a range of `Int`s, `stride(from:to:by:)`, or a ``TensorIndex`` such
/// as `.all`, `.newAxis` and `.ellipsis`.
public protocol TensorIndexConvertible {
    /// What it says about an axis.
    var tensorIndex: TensorIndex { get }
}

extension TensorIndex: TensorIndexConvertible {
    /// Itself.
    public var tensorIndex: TensorIndex { self }
}

extension TensorIndexConvertible where Self == TensorIndex {
    /// Every place of an axis.
    public static var all: TensorIndex { TensorIndex(.range(from: nil, to: nil)) }
    /// A new axis of length 1.
    public static var newAxis: TensorIndex { TensorIndex(.newAxis) }
    /// Every place of as many axes as the other indices leave.
    public static var ellipsis: TensorIndex { TensorIndex(.ellipsis) }

    /// Every `step`-th place from `start` up to, not including, `end`: by default from one end of the axis through the
    /// other, from its back with a negative step.
    public static func stride(from start: Int? = nil, to end: Int? = nil, by step: Int) -> TensorIndex {
        TensorIndex(.strided(from: start, to: end, step: step))
    }
}

extension Int: TensorIndexConvertible {
    /// One place of an axis, which the result lacks.
    public var tensorIndex: TensorIndex { .at(self) }
}

extension Range: TensorIndexConvertible where Bound == Int {
    /// These places. Bounds below 0 are counted from the back.
    public var tensorIndex: TensorIndex { TensorIndex(.range(from: lowerBound, to: upperBound)) }
}

extension ClosedRange: TensorIndexConvertible where Bound == Int {
    /// These places.
    public var tensorIndex: TensorIndex { TensorIndex(.range(from: lowerBound, to: upperBound.placeAfter)) }
}

extension PartialRangeFrom: TensorIndexConvertible where Bound == Int {
    /// The places from here on.
    public var tensorIndex: TensorIndex { TensorIndex(.range(from: lowerBound, to: nil)) }
}

extension PartialRangeUpTo: TensorIndexConvertible where Bound == Int {
    /// The places before this one.
    public var tensorIndex: TensorIndex { TensorIndex(.range(from: nil, to: upperBound)) }
}

extension PartialRangeThrough: TensorIndexConvertible where Bound == Int {
    /// The places through this one.
    public var tensorIndex: TensorIndex { TensorIndex(.range(from: nil, to: upperBound.placeAfter)) }
}

extension StrideTo: TensorIndexConvertible where Element == Int {
    /// The places that it runs through, none of them counted from the back.
    public var tensorIndex: TensorIndex { TensorIndex(places: self) }
}

extension StrideThrough: TensorIndexConvertible where Element == Int {
    /// The places that it runs through, none of them counted from the back.
    public var tensorIndex: TensorIndex { TensorIndex(places: self) }
}

extension Int {
    /// The bound of a range that ends with this place: behind the last one (−1) there is only the end.
    fileprivate var placeAfter: Int? { self == -1 ? nil : self == .max ? .max : self + 1 }
}

extension TensorIndex {
    /// The places of a stride, which says its start and step only by running.
    fileprivate init(places: some Sequence<Int>) {
        var first: Int?
        var step = 1
        var count = 0
        for place in places {
            if count == 1 { step = place - first! }
            if first == nil { first = place }
            count += 1
        }
        kind = .places(first: first ?? 0, count: count, step: step)
    }
}

extension TensorIndex: CustomStringConvertible {
    /// As a subscript spells it.
    public var description: String {
        func text(_ bound: Int?) -> String { bound.map(String.init) ?? "" }
        return switch kind {
        case .place(let place): "\(place)"
        case .range(nil, nil): ".all"
        case .range(let from, nil): "\(text(from))..."
        case .range(let from, let to): "\(text(from))..<\(text(to))"
        case .strided(let from, let to, let step): ".stride(from: \(text(from)), to: \(text(to)), by: \(step))"
        case .places(let first, let count, let step): "\(count) places from \(first) by \(step)"
        case .newAxis: ".newAxis"
        case .ellipsis: ".ellipsis"
        }
    }
}
