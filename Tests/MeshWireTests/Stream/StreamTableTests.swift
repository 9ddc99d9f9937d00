import TestSupport
import Testing

@testable import MeshWire

@Suite struct StreamTableTests {
    @Test("what is kept is found by its stream, until it is removed")
    func basics() {
        var table = StreamTable<String>()
        #expect(table.isEmpty && table[.first] == nil && table.removeValue(forKey: .first) == nil)
        table[.first] = "one"
        table[StreamID(rawValue: 3)] = "three"
        table[.first]? += "!"
        table[StreamID(rawValue: 5)]? += "?"
        #expect(table.count == 2 && table[.first] == "one!" && table[StreamID(rawValue: 5)] == nil)
        table[.first] = nil
        #expect(table[.first] == nil && table.removeValue(forKey: StreamID(rawValue: 3)) == "three" && table.isEmpty)
    }

    @Test("the connection is no stream")
    func connection() {
        var table = StreamTable<Int>()
        table[.first] = 1
        #expect(table[.connection] == nil && table.removeValue(forKey: .connection) == nil)
    }

    @Test("a table agrees with a dictionary, whatever the numbers", arguments: 1...20 as ClosedRange<UInt64>)
    func model(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        var table = StreamTable<Int>()
        var model: [StreamID: Int] = [:]
        // Numbers in a row, even ones too, and numbers that all have one home.
        let stride = [1, 2, 1 << 10, 1 << 20].randomElement(using: &generator) ?? 1
        for step in 0..<2_000 {
            // Grows for a while, shrinks for a while.
            let isGrowing = step / 200 % 2 == 0
            let stream = StreamID(rawValue: UInt32(Int.random(in: 1...300, using: &generator) * stride))
            switch Int.random(in: 0..<4, using: &generator) {
            case 0 where !isGrowing, 1 where !isGrowing, 2 where !isGrowing, 3 where isGrowing:
                #expect(table.removeValue(forKey: stream) == model.removeValue(forKey: stream), "seed \(seed)")
            case 3:
                table[stream]? += step
                model[stream]? += step
            default:
                table[stream] = step
                model[stream] = step
            }
            #expect(table.count == model.count && table[stream] == model[stream], "seed \(seed)")
        }
        #expect(table.inOrder.map(\.value) == model.sorted { $0.key < $1.key }.map(\.value), "seed \(seed)")
        for (stream, value) in model { #expect(table[stream] == value, "seed \(seed)") }
        for stream in model.keys { table[stream] = nil }
        #expect(table.isEmpty && table.inOrder.isEmpty, "seed \(seed)")
    }
}
