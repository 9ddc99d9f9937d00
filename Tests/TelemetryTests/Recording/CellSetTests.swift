import Testing

@testable import Telemetry

@Suite struct CellSetTests {
    @Test("cells are raised and wrap around, and only blocks that were used are seen", arguments: [true, false])
    func cells(isOwned: Bool) {
        let cells = CellSet(count: 50)
        cells.raise(0, by: 3, isOwned: isOwned)
        cells.raise(0, by: .max, isOwned: isOwned)
        cells.raise(49, by: 1, isOwned: isOwned)
        var seen: [Int: UInt64] = [:]
        cells.forEach { seen[$0] = $1 }
        #expect(seen.count == 32)
        #expect(seen.filter { $0.value > 0 } == [0: 2, 49: 1])
    }
}
