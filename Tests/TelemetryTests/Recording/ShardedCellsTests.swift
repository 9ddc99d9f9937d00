import Testing

@testable import Telemetry

@Suite struct ShardedCellsTests {
    @Test("a cell's value is the sum over the sets, and blocks that nobody touched are not seen")
    func sums() {
        let places = ShardPlaces(count: 2)
        let cells = ShardedCells(count: 100, places: places)
        let (one, other) = (MetricsShard(places), MetricsShard(places))
        cells.add(1, at: 99, on: nil)
        cells.add(2, at: 99, on: one)
        cells.add(3, at: 99, on: one)
        cells.add(4, at: 99, on: other)
        cells.add(5, at: 17, on: other)
        var (sums, seen) = ([Int: UInt64](), Set<Int>())
        cells.forEach { index, value in
            sums[index, default: 0] += value
            seen.insert(index / ShardedCells.blockSize)
        }
        #expect(sums[99] == 10)
        #expect(sums[17] == 5)
        #expect(seen == [1, 6])
    }
}
