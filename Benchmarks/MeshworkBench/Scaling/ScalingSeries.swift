/// How something grows with something else, beside the law that it should follow.
struct ScalingSeries {
    /// The law.
    enum Law {
        /// The same, whatever there is.
        case constant
        /// A fixed part, and as much again for each more.
        case linear
    }

    /// What is measured.
    let name: String
    let unit: String
    /// What there is more and more of.
    let of: String
    let law: Law
    /// How many of the first points give the law its figures; those after them are held to it.
    var fitted = 2
    /// The most that a point may be of what the law says.
    var tolerance = 1.5
    private(set) var points: [(count: Double, measured: Double)] = []

    init(_ name: String, unit: String, of: String, _ law: Law, fitted: Int = 2, tolerance: Double = 1.5) {
        (self.name, self.unit, self.of, self.law) = (name, unit, of, law)
        (self.fitted, self.tolerance) = (fitted, tolerance)
    }

    mutating func add(_ measured: Double, at count: Int) { points.append((Double(count), measured)) }

    /// What the law says: by the median of the first points, or by the line through the first of them and the last.
    func expected(at count: Double) -> Double {
        let known = points.prefix(fitted)
        guard let first = known.first, let last = known.last else { return .nan }
        switch law {
        case .constant: return Statistics.median(known.map(\.measured))
        case .linear:
            guard last.count > first.count else { return first.measured }
            // Noise must not make the law one of less and less.
            let slope = max(0, (last.measured - first.measured) / (last.count - first.count))
            return first.measured + slope * (count - first.count)
        }
    }

    /// A figure for each point.
    func report(to report: inout Report) {
        for (index, point) in points.enumerated() {
            report.add(
                Figure(
                    benchmark: Scaling.name, name: "\(name), \(Self.count(point.count)) \(of)", unit: unit,
                    ours: point.measured, peer: expected(at: point.count),
                    peerName: law == .constant ? "constant" : "linear", better: .lower,
                    target: index < fitted ? nil : tolerance, threads: 1))
        }
    }

    private static func count(_ value: Double) -> String { String(Int(value)) }
}
