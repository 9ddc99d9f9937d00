import MeshWire
import MeshworkTesting
import Testing

@testable import ParameterServer

@Suite struct RowStructuresTests {
    @Test("a set of numbers knows its least, as a plain set does", arguments: 1...3 as ClosedRange<UInt64>)
    func leastSet(seed: UInt64) {
        var generator = SplitMix64(seed: seed)
        var set = LeastSet()
        var plain: Set<Int> = []
        for step in 0..<600 {
            let number = Int.random(in: 0..<(step % 2 == 0 ? 100 : 40_000), using: &generator)
            if Bool.random(using: &generator) {
                set.insert(number)
                plain.insert(number)
            } else {
                let gone = step % 5 == 0 ? plain.min() ?? number : number
                set.remove(gone)
                plain.remove(gone)
            }
            #expect(set.least == plain.min(), "seed \(seed), step \(step)")
        }
    }

    @Test(
        "an index finds what was put in and nothing that was taken out, with tags that collide too",
        arguments: 1...3 as ClosedRange<UInt64>)
    func index(seed: UInt64) {
        var generator = SplitMix64(seed: seed)
        var index = RowIndex()
        var plain: [Int: UInt32] = [:]
        var earlier: (RowIndex, [Int: UInt32])?
        // Few homes, at both ends of the table: runs of entries go past its end.
        func tag(_ place: Int) -> UInt32 {
            place % 3 == 0
                ? .max - UInt32(place % 7) : UInt32(truncatingIfNeeded: place &* 0x9E37_79B9) & 0xF000_0FFF
        }
        func check(_ index: RowIndex, _ plain: [Int: UInt32], _ step: Int) {
            #expect(index.count == plain.count)
            for place in 0..<400 {
                let found = index.place(of: tag(place)) { $0 == place }
                #expect(found == (plain[place] == nil ? nil : place), "seed \(seed), step \(step)")
            }
        }
        for step in 0..<2_000 {
            let place = Int.random(in: 0..<400, using: &generator)
            if let tag = plain.removeValue(forKey: place) {
                index.remove(tag, place: place)
            } else {
                plain[place] = tag(place)
                index.insert(tag(place), place: place)
            }
            if step == 700 { earlier = (index, plain) }
            if step % 500 == 499 { check(index, plain, step) }
        }
        // A copy is not changed by what comes after it.
        if let (index, plain) = earlier { check(index, plain, 700) }
        #expect(index.copiedBytes > 0)
    }

    @Test("keys are spread over an index, those of one partition of many too", arguments: [1, 64] as [UInt64])
    func spread(partitions: UInt64) {
        var index = RowIndex()
        var key: UInt64 = 0
        for place in 0..<6_000 {
            while RowHash.mixed(key) % partitions != 0 { key += 1 }
            index.insert(RowHash.tag(key), place: place)
            key += 1
        }
        #expect(index.pages.count == 16)
        let counts = index.pages.segments.map { page in
            unsafe page.withUnsafeBytes { bytes in
                (0..<512).count { unsafe bytes.load(fromByteOffset: 8 * $0, as: UInt64.self) != 0 }
            }
        }
        // 375 on average, and no page is nearly full or nearly empty.
        #expect(counts.allSatisfy { (300...450).contains($0) }, "\(counts)")
    }

    @Test(
        "counts are never too low, hardly ever too high, and halve as they age", arguments: 1...2 as ClosedRange<UInt64>
    )
    func counters(seed: UInt64) {
        var generator = SplitMix64(seed: seed)
        var counters = AdmissionCounters(rows: 8_000)
        #expect(counters.pages.byteCount == 16 << 10)
        var plain: [UInt64: Int] = [:]
        for _ in 0..<20_000 {
            let key = UInt64.random(in: 0..<1_000, using: &generator) &* 0x1_0000_0001
            plain[key, default: 0] += 1
            let count = counters.add(key)
            #expect(count >= min(plain[key] ?? 0, 255), "seed \(seed)")
        }
        let wrong = plain.count { counters.count(of: $0.key) > $0.value }
        #expect(wrong < 50, "seed \(seed): \(wrong) of \(plain.count)")
        // Eight additions a counter.
        let left = 8 * (16 << 10) - 20_000
        let old = counters.count(of: plain.keys.min() ?? 0)
        for number in 0..<left { _ = counters.add(UInt64(number) | 1 << 40) }
        #expect(counters.additions == 8 * (16 << 10))
        let before = counters.count(of: plain.keys.min() ?? 0)
        #expect(before >= old)
        _ = counters.add(1 << 41)
        #expect(counters.additions == 1)
        #expect(counters.count(of: plain.keys.min() ?? 0) == before / 2)
    }

    @Test("a count ends at what a byte holds")
    func saturates() {
        var counters = AdmissionCounters(rows: 1)
        for _ in 0..<300 { _ = counters.add(4) }
        let count = counters.add(4)
        #expect(count == AdmissionCounters.most)
    }

    @Test("pages are copied when they are first written after a copy, and only those")
    func pages() {
        var pages = Pages(of: 64, count: 3)
        _ = unsafe pages.writable(1)
        #expect(pages.copiedBytes == 0)
        let copy = pages
        for _ in 0..<2 { unsafe pages.writable(1).storeBytes(of: 7, as: UInt8.self) }
        #expect(pages.copiedBytes == 64)
        let (then, now) = unsafe (copy.bytes(1).load(as: UInt8.self), pages.bytes(1).load(as: UInt8.self))
        #expect((then, now) == (0, 7))
        let areShared = [0, 2].allSatisfy { unsafe copy.bytes($0) == pages.bytes($0) }
        #expect(areShared)
    }
}
