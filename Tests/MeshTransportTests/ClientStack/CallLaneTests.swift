import Testing

@testable import MeshTransport

@Suite struct CallLaneTests {
    @Test("a request of the threshold's size is bulk, one byte less is not")
    func threshold() {
        let rule = LaneRule(threshold: 1_000)
        #expect(rule.isBulk(.automatic, 1_000))
        #expect(!rule.isBulk(.automatic, 999))
        #expect(!rule.isBulk(.automatic, 0))
    }

    @Test("a large message is remembered for eight others, and a further one for as many again")
    func memory() {
        let rule = LaneRule(threshold: 1_000)
        rule.carried(999)
        #expect(!rule.isBulk(.automatic, 0))
        for _ in 0..<2 {
            rule.carried(1_000)
            for _ in 0..<8 {
                #expect(rule.isBulk(.automatic, 0))
                rule.carried(999)
            }
            #expect(!rule.isBulk(.automatic, 0))
        }
        rule.carried(1_000)
        rule.carried(0)
        rule.carried(1_000)
        for _ in 0..<7 { rule.carried(0) }
        #expect(rule.isBulk(.automatic, 0))
        rule.carried(0)
        #expect(!rule.isBulk(.automatic, 0))
    }

    @Test("a caller that names a lane gets it, whatever the sizes")
    func named() {
        let rule = LaneRule(threshold: 1_000)
        #expect(rule.isBulk(.bulk, 0))
        #expect(!rule.isBulk(.small, 1_000_000))
        rule.carried(1_000)
        #expect(!rule.isBulk(.small, 0))
    }

    @Test("without a threshold there is one lane")
    func none() {
        let rule = LaneRule(threshold: nil)
        rule.carried(.max)
        for lane in [CallLane.automatic, .small, .bulk] { #expect(!rule.isBulk(lane, .max)) }
    }
}
