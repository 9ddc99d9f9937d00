import Testing

@testable import Telemetry

@Suite struct ShardedTests {
    @Test("each shard has an element of its own, everybody else shares one, and only those that were used are there")
    func elements() {
        let places = ShardPlaces(count: 3)
        let sharded = Sharded<CellSet>(places)
        let (one, other, idle) = (MetricsShard(places), MetricsShard(places), MetricsShard(places))
        func raise(_ amount: UInt64, at index: Int, on shard: MetricsShard?, isOwned expected: Bool) {
            sharded.withElement(of: shard) {
                CellSet(count: 100)
            } _: { cells, isOwned in
                #expect(isOwned == expected)
                cells.raise(index, by: amount, isOwned: isOwned)
            }
        }
        raise(1, at: 99, on: nil, isOwned: false)
        raise(2, at: 99, on: one, isOwned: true)
        raise(3, at: 99, on: one, isOwned: true)
        raise(4, at: 99, on: other, isOwned: true)
        raise(5, at: 17, on: other, isOwned: true)
        raise(6, at: 99, on: MetricsShard(ShardPlaces(count: 3)), isOwned: false)
        var found: [[Int: UInt64]] = []
        sharded.forEach { cells in
            var values: [Int: UInt64] = [:]
            cells.forEach { index, value in if value > 0 { values[index] = value } }
            found.append(values)
        }
        #expect(found == [[99: 7], [99: 5], [99: 4, 17: 5]])
        #expect(idle.place == 2)
    }
}
