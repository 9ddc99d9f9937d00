import MeshWire
import TestSupport
import Testing

@testable import MeshTransport

@Suite struct MaglevTableTests {
    private func endpoints(_ count: Int, weight: (Int) -> UInt32 = { _ in 1 }) -> [(
        slot: Int, name: UInt64, weight: UInt32
    )] {
        (0..<count).map { (slot: $0, name: StableHash.of("10.0.\($0 / 256).\($0 % 256):8080"), weight: weight($0)) }
    }

    private func keys(_ count: Int) -> [UInt64] { (0..<count).map { StableHash.of("key \($0)") } }

    private func place(_ key: UInt64, in table: MaglevTable, where suits: (Int) -> Bool = { _ in true }) -> Int? {
        table.slot(of: key, where: suits)
    }

    @Test("endpoints share the keys evenly")
    func even() {
        let table = MaglevTable(endpoints(100))
        var counts = [Int](repeating: 0, count: 100)
        for key in keys(200_000) { counts[place(key, in: table)!] += 1 }
        #expect(counts.allSatisfy { (1_750...2_250).contains($0) }, "\(counts)")
    }

    @Test("endpoints share the keys as their weights say")
    func weighted() {
        let table = MaglevTable(endpoints(10) { $0 < 5 ? 3 : 1 })
        var counts = [Int](repeating: 0, count: 10)
        for key in keys(100_000) { counts[place(key, in: table)!] += 1 }
        #expect(counts[..<5].allSatisfy { (14_000...16_000).contains($0) }, "\(counts)")
        #expect(counts[5...].allSatisfy { (4_500...5_500).contains($0) }, "\(counts)")
    }

    @Test("when an endpoint goes, hardly any key of the others moves")
    func stable() {
        let all = endpoints(100)
        let (before, after) = (MaglevTable(all), MaglevTable(all.filter { $0.slot != 42 }))
        var (moved, kept) = (0, 0)
        for key in keys(100_000) {
            let (old, new) = (place(key, in: before)!, place(key, in: after)!)
            #expect(new != 42)
            guard old != 42 else { continue }
            if old == new { kept += 1 } else { moved += 1 }
        }
        #expect(Double(moved) / Double(moved + kept) < 0.04, "\(moved) moved, \(kept) kept")
    }

    @Test("the keys of an endpoint that takes no calls are spread over the others, and no other key moves")
    func away() {
        let table = MaglevTable(endpoints(20))
        var counts = [Int](repeating: 0, count: 20)
        for key in keys(100_000) {
            let home = place(key, in: table)!
            let other = place(key, in: table) { $0 != 7 }!
            guard home == 7 else {
                #expect(other == home)
                continue
            }
            counts[other] += 1
        }
        #expect(counts[7] == 0)
        #expect(counts.enumerated().allSatisfy { $0.offset == 7 || (180...350).contains($0.element) }, "\(counts)")
    }

    @Test("one endpoint that outweighs thousands has nearly all keys")
    func outweighed() {
        // A round for each of its places would take minutes.
        let table = MaglevTable(endpoints(10_000) { $0 == 0 ? 1_000_000 : 1 })
        let home = keys(1_000).count { place($0, in: table) == 0 }
        #expect(home > 970)
    }

    @Test("one that suits is found among many that do not")
    func last() {
        let table = MaglevTable(endpoints(1_000))
        for key in keys(20) { #expect(place(key, in: table) { $0 == 999 } == 999) }
        #expect(place(1, in: table) { _ in false } == nil)
    }

    @Test("without endpoints there is none")
    func empty() {
        #expect(place(1, in: MaglevTable([])) == nil)
    }

    @Test("the order in which endpoints are told makes no difference")
    func order() {
        let all = endpoints(50)
        let (one, other) = (MaglevTable(all), MaglevTable(all.reversed()))
        for key in keys(1_000) { #expect(place(key, in: one) == place(key, in: other)) }
    }
}
