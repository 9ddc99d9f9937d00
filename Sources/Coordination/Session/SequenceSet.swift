public import MeshWire

/// A set of sequence numbers, from 1 on, kept as runs.
///
/// A session's pushes arrive nearly in order, so that one run from 1 (the contiguous prefix) and a few behind it (the
/// window) hold any number of them.
public struct SequenceSet: Sendable, Hashable {
    /// The numbers in ascending runs that neither overlap nor touch.
    public private(set) var runs: [ClosedRange<UInt64>] = []

    /// The empty set.
    public init() {}

    /// The numbers 1 through `prefix`.
    public init(through prefix: UInt64) {
        if prefix > 0 { runs = [1...prefix] }
    }

    /// True if it holds nothing.
    public var isEmpty: Bool { runs.isEmpty }

    /// How many numbers it holds.
    public var count: UInt64 { runs.reduce(0) { $0 + ($1.upperBound - $1.lowerBound) + 1 } }

    /// The largest `n` such that it holds all of 1 through `n`; 0 if it does not hold 1.
    public var prefix: UInt64 {
        guard let first = runs.first, first.lowerBound == 1 else { return 0 }
        return first.upperBound
    }

    /// The smallest number, if there is one.
    public var first: UInt64? { runs.first?.lowerBound }

    /// Whether it holds `sequence`. Logarithmic in the number of runs.
    public func contains(_ sequence: UInt64) -> Bool {
        let index = firstRun(endingAtOrAfter: sequence)
        return index < runs.count && runs[index].lowerBound <= sequence
    }

    /// Adds a number that is not 0.
    ///
    /// - Returns: whether it was not there before.
    @discardableResult
    public mutating func insert(_ sequence: UInt64) -> Bool {
        precondition(sequence > 0, "sequence numbers begin at 1")
        let next = firstRun(endingAtOrAfter: sequence)
        if next < runs.count, runs[next].lowerBound <= sequence { return false }
        let touchesLeft = next > 0 && sequence - runs[next - 1].upperBound == 1
        let touchesRight = next < runs.count && runs[next].lowerBound - sequence == 1
        switch (touchesLeft, touchesRight) {
        case (true, true):
            runs[next - 1] = runs[next - 1].lowerBound...runs[next].upperBound
            runs.remove(at: next)
        case (true, false): runs[next - 1] = runs[next - 1].lowerBound...sequence
        case (false, true): runs[next] = sequence...runs[next].upperBound
        case (false, false): runs.insert(sequence...sequence, at: next)
        }
        return true
    }

    /// How many numbers above `bound` it holds.
    public func count(above bound: UInt64) -> UInt64 {
        guard bound < .max else { return 0 }
        return runs[firstRun(endingAtOrAfter: bound + 1)...].reduce(0) {
            $0 + ($1.upperBound - max($1.lowerBound, bound + 1) + 1)
        }
    }

    /// Takes out the numbers up to `bound`.
    public mutating func remove(through bound: UInt64) {
        runs.removeFirst(runs.prefix { $0.upperBound <= bound }.count)
        if let first = runs.first, first.lowerBound <= bound { runs[0] = bound + 1...first.upperBound }
    }

    /// The numbers of this set that `other` does not hold. Linear in the number of runs of both.
    public func subtracting(_ other: SequenceSet) -> SequenceSet {
        var result = SequenceSet()
        var index = 0
        for run in runs {
            var lower = run.lowerBound
            while index < other.runs.count, other.runs[index].upperBound < lower { index += 1 }
            var cut = index
            var isDone = false
            while cut < other.runs.count, other.runs[cut].lowerBound <= run.upperBound {
                let hole = other.runs[cut]
                if hole.lowerBound > lower { result.runs.append(lower...hole.lowerBound - 1) }
                guard hole.upperBound < run.upperBound else {
                    isDone = true
                    break
                }
                lower = hole.upperBound + 1
                cut += 1
            }
            if !isDone { result.runs.append(lower...run.upperBound) }
        }
        return result
    }

    private func firstRun(endingAtOrAfter sequence: UInt64) -> Int {
        // Nearly every number lies in the last run or just behind it.
        if let last = runs.last, last.upperBound < sequence { return runs.count }
        var lower = 0
        var upper = runs.count
        while lower < upper {
            let middle = (lower + upper) / 2
            if runs[middle].upperBound < sequence { lower = middle + 1 } else { upper = middle }
        }
        return lower
    }
}

extension SequenceSet: MeshMessage {
    /// `meshwork.coordination.SequenceSet`.
    public static let messageName = "meshwork.coordination.SequenceSet"

    /// Reads the runs; throws if they are empty, touch or are out of order.
    public init(from decoder: inout MessageDecoder) throws(WireError) {
        var bounds: [UInt64] = []
        while let field = try decoder.nextField() {
            if field == 1 { try decoder.packed(into: &bounds) }
        }
        try self.init(bounds: bounds)
    }

    /// The runs between each two bounds.
    ///
    /// - Throws: ``/MeshWire/WireError`` if they are empty, touch or are out of order.
    package init(bounds: [UInt64]) throws(WireError) {
        guard bounds.count.isMultiple(of: 2) else {
            throw WireError(.malformed, "a sequence set has \(bounds.count) bounds, expected pairs")
        }
        for pair in stride(from: 0, to: bounds.count, by: 2) {
            let (lower, upper) = (bounds[pair], bounds[pair + 1])
            guard lower > 0, lower <= upper else {
                throw WireError(.malformed, "\(lower)...\(upper) is not a run of sequence numbers")
            }
            if let last = runs.last, last.upperBound >= lower - 1 {
                throw WireError(.malformed, "the runs of a sequence set end at \(last.upperBound), begin at \(lower)")
            }
            runs.append(lower...upper)
        }
    }

    /// Writes the runs' bounds.
    public func encode(to encoder: inout MessageEncoder) {
        encoder.packed(1, runs.flatMap { [$0.lowerBound, $0.upperBound] })
    }
}

extension SequenceSet: CustomStringConvertible {
    /// The runs, as `1–7, 9`; `none` for the empty set.
    public var description: String {
        guard !isEmpty else { return "none" }
        return runs.map { $0.lowerBound == $0.upperBound ? "\($0.lowerBound)" : "\($0.lowerBound)–\($0.upperBound)" }
            .joined(separator: ", ")
    }
}
