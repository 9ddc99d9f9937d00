import Coordination
import MeshWire
import Testing

@Suite struct SequenceSetTests {
    @Test(
        "a sequence set agrees with a naive set under random inserts and subtractions",
        arguments: 1...12 as ClosedRange<UInt64>)
    func agreesWithNaiveSet(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        var (set, naive) = (SequenceSet(), Set<UInt64>())
        var (other, naiveOther) = (SequenceSet(), Set<UInt64>())
        for _ in 0..<300 {
            let number = UInt64.random(in: 1...120, using: &generator)
            if Bool.random(using: &generator) {
                let (isNew, isExpected) = (set.insert(number), naive.insert(number).inserted)
                #expect(isNew == isExpected, "seed \(seed)")
            } else {
                other.insert(number)
                naiveOther.insert(number)
            }
            let difference = set.subtracting(other)
            #expect(numbers(difference) == naive.subtracting(naiveOther).sorted(), "seed \(seed)")
            #expect(numbers(set) == naive.sorted(), "seed \(seed)")
            #expect(set.count == UInt64(naive.count), "seed \(seed)")
            let probe = UInt64.random(in: 1...121, using: &generator)
            #expect(set.contains(probe) == naive.contains(probe), "seed \(seed)")
            #expect(set.count(above: probe - 1) == UInt64(naive.count { $0 >= probe }), "seed \(seed)")
            var cut = set
            cut.remove(through: probe)
            #expect(numbers(cut) == naive.filter { $0 > probe }.sorted(), "seed \(seed)")
            var prefix: UInt64 = 0
            while naive.contains(prefix + 1) { prefix += 1 }
            #expect(set.prefix == prefix, "seed \(seed)")
        }
        #expect(try throughTheWire(set) == set, "seed \(seed)")
    }

    @Test("the largest number fits, and its neighbour joins it")
    func holdsLargestNumber() {
        var set = SequenceSet(through: 3)
        let inserted = [set.insert(.max), set.insert(.max - 1), set.insert(.max)]
        #expect(inserted == [true, true, false])
        #expect(set.runs == [1...3, (.max - 1)...(.max)])
        #expect([set.count(above: .max - 1), set.count(above: .max), set.count(above: 2)] == [1, 0, 3])
        var cut = set
        cut.remove(through: .max)
        #expect(cut.isEmpty)
        #expect(set.subtracting(SequenceSet(through: .max)).isEmpty)
    }

    @Test(
        "runs that are empty, touch, overlap or begin at 0 are refused",
        arguments: [[0, 3], [4, 3], [1, 3, 4, 5], [5, 6, 1, 2], [1, 5, 3, 8], [1]] as [[UInt64]])
    func refusesBadRuns(bounds: [UInt64]) {
        var encoder = MessageEncoder()
        encoder.packed(1, bounds)
        #expect(throws: WireError.self) {
            try Payload(head: encoder.finish()).decode(as: SequenceSet.self)
        }
    }

    private func numbers(_ set: SequenceSet) -> [UInt64] { set.runs.flatMap { Array($0) } }
}
