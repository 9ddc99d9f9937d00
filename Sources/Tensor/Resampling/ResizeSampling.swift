/// How an element of a resized tensor is made of those around its place in the original.
public enum ResizeInterpolation: Sendable, Hashable {
    /// The nearest one.
    case nearest(NearestPlace)
    /// The two around it, weighted by their distances.
    case linear
    /// The four around it, weighted by Keys's kernel with a = -0.75 (Keys 1981).
    case cubic
}

/// Which place is the nearest to one that lies between two.
public enum NearestPlace: Sendable, Hashable {
    case floor
    case ceiling
    /// The closer one, and the first of two as close.
    case closestOrFirst
    /// The closer one, and the second of two as close.
    case closestOrSecond
}

/// Which place x of the original the place i of a resized axis stands for; s is the scale, the resized length by the
/// original one unless another is given.
public enum ResizeCoordinates: Sendable, Hashable {
    /// Places are as wide as they are apart: `x = (i + ½) / s - ½`.
    case halfPixel
    /// The first and the last places fall together: `x = i (length - 1) / (s · length - 1)`.
    case alignedCorners
    /// The first places fall together: `x = i / s`.
    case asymmetric
}

extension ResizeCoordinates {
    /// The place of the original for each of `count` places; without a scale, exactly that of the two lengths.
    func places(length: Int, count: Int, scale given: Double?) -> [Double] {
        let scale = given ?? Double(count) / Double(length)
        let resized = given.map { $0 * Double(length) } ?? Double(count)
        return (0..<count).map { place in
            let place = Double(place)
            return switch self {
            case .halfPixel: (place + 0.5) / scale - 0.5
            case .alignedCorners: resized <= 1 ? 0 : place * Double(length - 1) / (resized - 1)
            case .asymmetric: place / scale
            }
        }
    }
}

extension ResizeInterpolation {
    /// What is added up for a place: elements at whole places, with their weights. As many for every place.
    func taps(at place: Double) -> [(place: Double, weight: Double)] {
        let start = place.rounded(.down)
        let rest = place - start
        switch self {
        case .nearest(.floor): return [(start, 1)]
        case .nearest(.ceiling): return [(place.rounded(.up), 1)]
        case .nearest(.closestOrFirst): return [((place - 0.5).rounded(.up), 1)]
        case .nearest(.closestOrSecond): return [((place + 0.5).rounded(.down), 1)]
        case .linear: return [(start, 1 - rest), (start + 1, rest)]
        case .cubic:
            let a = -0.75
            func near(_ x: Double) -> Double { ((a + 2) * x - (a + 3)) * x * x + 1 }
            func far(_ x: Double) -> Double { ((a * x - 5 * a) * x + 8 * a) * x - 4 * a }
            return [
                (start - 1, far(1 + rest)), (start, near(rest)), (start + 1, near(1 - rest)),
                (start + 2, far(2 - rest)),
            ]
        }
    }
}
