import MeshWire
import MeshworkTesting
import Testing

@testable import ParameterServer

@Suite struct StepFragmentsTests {
    @Test("small gradients are fused, the first layers' leave urgently and by themselves")
    func order() {
        var fragments = StepFragments(tableBytes: [60, 50, 30, 200, 30, 40, 50], fragmentBytes: 100)
        var left: [StepFragments.Fragment] = []
        for (table, bytes) in [(6, 50), (5, 40), (4, 30), (3, 200), (2, 30), (1, 50), (0, 60)] {
            fragments.add(table, byteCount: bytes)
            while let fragment = fragments.next() { left.append(fragment) }
        }
        fragments.complete()
        while let fragment = fragments.next() { left.append(fragment) }
        #expect(
            left == [
                .init(tables: [6, 5, 4], byteCount: 120), .init(tables: [3], byteCount: 200),
                .init(tables: [1, 0], byteCount: 110, priority: .urgent), .init(tables: [2], byteCount: 30),
            ])
    }

    @Test("a model of one fragment leaves as one, and nothing of it is urgent")
    func small() {
        var fragments = StepFragments(tableBytes: [8, 8, 0], fragmentBytes: 16)
        for table in [2, 1, 0] { fragments.add(table, byteCount: 8) }
        let all = fragments.next()
        #expect(all == .init(tables: [2, 1, 0], byteCount: 24))
        fragments.complete()
        let rest = fragments.next()
        #expect(rest == nil)
    }

    @Test("whatever the sizes and the order, each gradient leaves once, and what is left at the end with it")
    func property() {
        for seed in UInt64(0)..<300 {
            var random = SplitMix64(seed: seed)
            let count = Int.random(in: 1...20, using: &random)
            let bytes = (0..<count).map { _ in Int.random(in: 0...300, using: &random) }
            let limit = Int.random(in: 1...400, using: &random)
            var fragments = StepFragments(tableBytes: bytes, fragmentBytes: limit)
            var left: [StepFragments.Fragment] = []
            for table in (0..<count).shuffled(using: &random) {
                fragments.add(table, byteCount: bytes[table])
                while Bool.random(using: &random), let fragment = fragments.next() {
                    #expect(fragment.byteCount >= limit, "seed \(seed)")
                    left.append(fragment)
                }
            }
            fragments.complete()
            while let fragment = fragments.next() { left.append(fragment) }
            #expect(left.flatMap(\.tables).sorted() == Array(0..<count), "seed \(seed)")
            #expect(left.allSatisfy { !$0.tables.isEmpty }, "seed \(seed)")
            let urgent = left.filter { $0.priority == .urgent }.flatMap(\.tables)
            let others = left.filter { $0.priority == .normal }.flatMap(\.tables)
            #expect(urgent.max() ?? -1 < others.min() ?? count, "seed \(seed): \(urgent) before \(others)")
        }
    }
}
