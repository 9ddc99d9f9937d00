import TestSupport
import Testing

@testable import MeshTransport

@Suite struct EndpointTiersTests {
    @Test("those of the lowest number get calls, and the next ones while there are none")
    func failover() {
        var tiers = EndpointTiers()
        #expect(tiers.set(0, 1) == true)
        #expect(tiers.set(1, 1) == false)
        #expect(tiers.takesCalls(0) && tiers.takesCalls(1))
        #expect(tiers.set(2, 0) == true)
        #expect(!tiers.takesCalls(0) && !tiers.takesCalls(1) && tiers.takesCalls(2))
        #expect(tiers.set(0, nil) == false)
        #expect(tiers.set(2, nil) == true)
        #expect(!tiers.takesCalls(0) && tiers.takesCalls(1) && !tiers.takesCalls(2))
        #expect(tiers.count == 1)
    }

    @Test("whatever changes, it is as if it were counted anew")
    func model() {
        for seed in 0..<UInt64(rounds(200)) {
            var generator = SeededGenerator(seed: seed)
            var (tiers, model) = (EndpointTiers(), [:] as [Int: UInt16])
            for _ in 0..<50 {
                let slot = Int.random(in: 0..<6, using: &generator)
                let priority = Bool.random(using: &generator) ? UInt16.random(in: 0..<3, using: &generator) : nil
                let before = model.values.min()
                model[slot] = priority
                #expect(tiers.set(slot, priority) == (model.values.min() != before), "seed \(seed)")
                #expect(tiers.count == model.count, "seed \(seed)")
                for slot in 0..<6 {
                    let expected = model[slot] != nil && model[slot] == model.values.min()
                    #expect(tiers.takesCalls(slot) == expected, "seed \(seed)")
                }
            }
        }
    }
}
