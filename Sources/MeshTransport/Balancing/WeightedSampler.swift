/// Draws positions in proportion to their weights: a Fenwick tree. Drawing, changing a weight, and adding or taking away
/// the last position are O(log n).
///
/// Source: P. Fenwick, "A new data structure for cumulative frequency tables", Software: Practice and Experience 24 (1994).
struct WeightedSampler {
    /// `sums[i]` is the sum of the weights of the `i & -i` positions up to and including position `i - 1`; `sums[0]` is 0.
    private var sums: [UInt64] = [0]
    private var weights: [UInt32] = []
    /// The sum of all weights.
    private(set) var total: UInt64 = 0

    var count: Int { weights.count }

    subscript(_ position: Int) -> UInt32 { weights[position] }

    mutating func append(_ weight: UInt32) {
        weights.append(weight)
        total += UInt64(weight)
        let node = weights.count
        var sum = UInt64(weight)
        var child = node - 1
        // The nodes whose ranges end where this one's begins to be its own.
        while child > node - (node & -node) {
            sum += sums[child]
            child -= child & -child
        }
        sums.append(sum)
    }

    mutating func removeLast() {
        // No other node's range contains the last position: those that would, would come after it.
        total -= UInt64(weights.removeLast())
        sums.removeLast()
    }

    mutating func set(_ weight: UInt32, at position: Int) {
        let change = Int64(weight) - Int64(weights[position])
        guard change != 0 else { return }
        weights[position] = weight
        total = UInt64(Int64(total) + change)
        var node = position + 1
        while node < sums.count {
            sums[node] = UInt64(Int64(sums[node]) + change)
            node += node & -node
        }
    }

    /// The position in whose share of 0 ..< ``total`` the point lies.
    func position(of point: UInt64) -> Int {
        precondition(point < total, "WeightedSampler: expected a point below \(total), found \(point)")
        var (node, rest) = (0, point)
        var step = 1 << (Int.bitWidth - 1 - weights.count.leadingZeroBitCount)
        while step > 0 {
            let next = node + step
            if next < sums.count, sums[next] <= rest {
                rest -= sums[next]
                node = next
            }
            step >>= 1
        }
        return node
    }

    /// A position, drawn in proportion to its weight.
    func draw(using generator: inout some RandomNumberGenerator) -> Int {
        position(of: UInt64.random(in: 0..<total, using: &generator))
    }
}
