import Testing

@testable import Coordination

@Suite struct PlacementTests {
    /// The servers of partitions without followers.
    private static func heads(_ sizes: [UInt64], _ loads: [UInt64]) -> [Int] {
        Placement.chains(
            of: sizes.map { Placement.Request(bytes: $0) }, loads: loads.map { Placement.Load(headed: $0, held: $0) }
        ).map { $0[0] }
    }

    @Test("followers are other servers than the head, as many as there are, and bytes and heads are spread")
    func followers() {
        let requests = Array(repeating: Placement.Request(bytes: 100, replicas: 1), count: 6)
        let chains = Placement.chains(of: requests, loads: Array(repeating: Placement.Load(), count: 3))
        for place in 0..<2 {
            for server in 0..<3 { #expect(chains.count { $0[place] == server } == 2, "\(chains)") }
        }
        #expect(chains.allSatisfy { Set($0).count == 2 })
        let few = Placement.chains(
            of: [Placement.Request(bytes: 1, replicas: 5)], loads: [Placement.Load(), Placement.Load()])
        #expect(few == [[0, 1]])
        // Of two servers, each heads half, though both hold all.
        let pairs = Placement.chains(of: requests, loads: [Placement.Load(), Placement.Load()])
        #expect(pairs.count { $0 == [0, 1] } == 3 && pairs.count { $0 == [1, 0] } == 3)
    }

    @Test("the largest partitions go first, each to the lightest server")
    func balances() {
        #expect(Self.heads([10, 800, 800, 512, 2], [0, 0]) == [1, 0, 1, 0, 1])
    }

    @Test("servers that hold more get less")
    func respectsLoads() {
        #expect(Self.heads([5, 5], [100, 0]) == [1, 1])
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
        let assignment = Self.heads(sizes, Array(repeating: 0, count: count))
        var loads = Array(repeating: UInt64(0), count: count)
        for (size, server) in zip(sizes, assignment) { loads[server] += size }
        // The optimum is at least the mean, the largest partition, and twice the size that the (count + 1)-th has.
        let sorted = sizes.sorted(by: >)
        let pair = sorted.count > count ? sorted[count] * 2 : 0
        let optimum = max(Double(sizes.reduce(0, +)) / Double(count), Double(sorted[0]), Double(pair))
        // The list rule alone guarantees 2 − 1/m of this lower bound.
        #expect(Double(loads.max() ?? 0) <= optimum * (2 - 1 / Double(count)) + 1e-9, "seed \(seed)")
        #expect(assignment == Self.heads(sizes, Array(repeating: 0, count: count)), "seed \(seed)")
    }
}
