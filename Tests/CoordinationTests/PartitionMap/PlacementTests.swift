import Testing

@testable import Coordination

@Suite struct PlacementTests {
    @Test("the largest partitions go first, each to the lightest server")
    func balances() {
        let servers = Placement.servers(forPartitionsOf: [10, 800, 800, 512, 2], loads: [0, 0])
        #expect(servers == [1, 0, 1, 0, 1])
    }

    @Test("servers that hold more get less")
    func respectsLoads() {
        #expect(Placement.servers(forPartitionsOf: [5, 5], loads: [100, 0]) == [1, 1])
    }

    @Test(
        "no server gets much more than the others, and the same sizes are placed the same",
        arguments: 1...12 as ClosedRange<UInt64>)
    func staysBalanced(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        let sizes = (0..<Int.random(in: 1...30, using: &generator)).map { _ in
            UInt64.random(in: 1...99, using: &generator)
        }
        let count = Int.random(in: 1...5, using: &generator)
        let assignment = Placement.servers(forPartitionsOf: sizes, loads: Array(repeating: 0, count: count))
        var loads = Array(repeating: UInt64(0), count: count)
        for (size, server) in zip(sizes, assignment) { loads[server] += size }
        // The optimum is at least the mean, the largest partition, and twice the size that the (count + 1)-th has.
        let sorted = sizes.sorted(by: >)
        let pair = sorted.count > count ? sorted[count] * 2 : 0
        let optimum = max(Double(sizes.reduce(0, +)) / Double(count), Double(sorted[0]), Double(pair))
        // The list rule alone guarantees 2 − 1/m of this lower bound.
        #expect(Double(loads.max() ?? 0) <= optimum * (2 - 1 / Double(count)) + 1e-9, "seed \(seed)")
        #expect(
            assignment == Placement.servers(forPartitionsOf: sizes, loads: Array(repeating: 0, count: count)),
            "seed \(seed)")
    }
}
