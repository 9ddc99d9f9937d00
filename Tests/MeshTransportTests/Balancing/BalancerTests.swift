import MeshWire
import TestSupport
import Testing

@testable import MeshTransport

@Suite struct BalancerTests {
    /// A balancer whose endpoints all take calls, without a slow start.
    private func balancer(
        _ policy: BalancingConfiguration.Policy, weights: [UInt32], zones: [String?] = [],
        preference: BalancingConfiguration.ZonePreference? = nil
    ) -> (Balancer, [Int]) {
        var configuration = BalancingConfiguration()
        configuration.policy = policy
        configuration.slowStart = nil
        configuration.zonePreference = preference
        var balancer = Balancer(configuration)
        let slots = weights.enumerated().map { index, weight in
            let zone = zones.indices.contains(index) ? zones[index] : nil
            return balancer.insert(
                Balancer.Endpoint(name: "10.0.0.\(index):80", weight: weight, zone: zone), now: .at(.zero))
        }
        for slot in slots { balancer.setReady(slot, true, now: .at(.zero)) }
        return (balancer, slots)
    }

    /// How often each slot is picked, when every call is answered at once in 1 ms.
    private func shares(
        _ balancer: inout Balancer, _ count: Int = 20_000, from start: Duration = .zero
    ) -> [Int: Double] {
        var generator = SplitMix64(seed: 1)
        var counts: [Int: Int] = [:]
        for step in 0..<count {
            let now = RuntimeInstant.at(start + .milliseconds(step))
            guard let slot = balancer.pick(now: now, using: &generator) else { continue }
            counts[slot, default: 0] += 1
            balancer.began(slot, now: now)
            balancer.ended(slot, .success, after: .milliseconds(1), now: now.advanced(by: .milliseconds(1)))
        }
        return counts.mapValues { Double($0) / Double(count) }
    }

    static let policies: [BalancingConfiguration.Policy] = [
        .peakEWMA, .leastRequest, .roundRobin, .random, .consistentHash,
    ]

    @Test("equal endpoints get equal shares", arguments: policies)
    func equal(_ policy: BalancingConfiguration.Policy) {
        var (balancer, slots) = balancer(policy, weights: [1, 1, 1, 1, 1])
        let shares = shares(&balancer)
        for slot in slots { #expect((0.18...0.22).contains(shares[slot] ?? 0), "\(shares)") }
    }

    @Test("endpoints get shares as their weights say", arguments: policies)
    func weighted(_ policy: BalancingConfiguration.Policy) {
        var (balancer, slots) = balancer(policy, weights: [1, 2, 7])
        let shares = shares(&balancer)
        for (slot, expected) in zip(slots, [0.1, 0.2, 0.7]) {
            #expect(abs((shares[slot] ?? 0) - expected) < 0.025, "\(shares)")
        }
    }

    @Test("a weight may change", arguments: policies)
    func reweighted(_ policy: BalancingConfiguration.Policy) {
        var (balancer, slots) = balancer(policy, weights: [1, 1])
        balancer.setWeight(slots[0], 4)
        #expect(abs((shares(&balancer)[slots[0]] ?? 0) - 0.8) < 0.025)
        balancer.setWeight(slots[0], 1)
        #expect(abs((shares(&balancer, from: .seconds(20))[slots[0]] ?? 0) - 0.5) < 0.025)
    }

    @Test("an endpoint that takes no calls gets none", arguments: policies)
    func notReady(_ policy: BalancingConfiguration.Policy) {
        var (balancer, slots) = balancer(policy, weights: [1, 2, 3])
        balancer.setReady(slots[1], false, now: .at(.zero))
        #expect(balancer.readyCount == 2)
        #expect(shares(&balancer)[slots[1]] == nil)
        balancer.setReady(slots[1], true, now: .at(.seconds(20)))
        #expect((shares(&balancer, from: .seconds(20))[slots[1]] ?? 0) > 0.2)
    }

    @Test("without an endpoint that takes calls there is none to pick", arguments: policies)
    func none(_ policy: BalancingConfiguration.Policy) {
        var (balancer, slots) = balancer(policy, weights: [1])
        balancer.setReady(slots[0], false, now: .at(.zero))
        var generator = SplitMix64(seed: 1)
        #expect(balancer.pick(now: .at(.zero), using: &generator) == nil)
        #expect(balancer.pick(affinity: 1, now: .at(.zero), using: &generator) == nil)
        balancer.remove(slots[0])
        #expect(balancer.count == 0)
        #expect(balancer.pick(affinity: 1, now: .at(.zero), using: &generator) == nil)
    }

    @Test("an endpoint that a call has tried is picked only if there is no other", arguments: policies)
    func tried(_ policy: BalancingConfiguration.Policy) {
        var (balancer, slots) = balancer(policy, weights: [50, 1, 1])
        var generator = SplitMix64(seed: 1)
        var tried = Balancer.Tried()
        tried.note(slots[0])
        for _ in 0..<200 {
            let slot = balancer.pick(avoiding: tried, now: .at(.zero), using: &generator)
            #expect(slot != slots[0])
        }
        tried.note(slots[1])
        for _ in 0..<200 {
            #expect(balancer.pick(avoiding: tried, now: .at(.zero), using: &generator) == slots[2])
        }
        balancer.setReady(slots[2], false, now: .at(.zero))
        #expect(balancer.pick(avoiding: tried, now: .at(.zero), using: &generator) != nil)
    }

    @Test("round robin takes equal endpoints one after the other")
    func turns() {
        var (balancer, _) = balancer(.roundRobin, weights: [1, 1, 1])
        var generator = SplitMix64(seed: 1)
        let picks = (0..<9).map { _ in balancer.pick(now: .at(.zero), using: &generator)! }
        #expect(picks == [0, 1, 2, 0, 1, 2, 0, 1, 2])
    }

    @Test("round robin spreads the turns of a heavy endpoint")
    func spread() {
        var (balancer, _) = balancer(.roundRobin, weights: [2, 1])
        var generator = SplitMix64(seed: 1)
        let picks = (0..<300).map { _ in balancer.pick(now: .at(.zero), using: &generator)! }
        #expect(!picks.indices.dropFirst(2).contains { picks[($0 - 2)...$0].allSatisfy { $0 == 0 } })
    }

    @Test("peak EWMA leaves a slow endpoint alone, and tries it again")
    func slow() {
        var (balancer, slots) = balancer(.peakEWMA, weights: [1, 1, 1, 1])
        var generator = SplitMix64(seed: 3)
        var counts: [Int: Int] = [:]
        for step in 0..<60_000 {
            let now = RuntimeInstant.at(.milliseconds(step))
            let slot = balancer.pick(now: now, using: &generator)!
            counts[slot, default: 0] += 1
            balancer.began(slot, now: now)
            let latency: Duration = slot == slots[0] ? .milliseconds(40) : .milliseconds(2)
            balancer.ended(slot, .success, after: latency, now: now.advanced(by: latency))
        }
        #expect((1..<60).contains(counts[slots[0]] ?? 0), "\(counts)")
    }

    @Test("an endpoint that fails fast loses its calls")
    func failsFast() {
        var (balancer, slots) = balancer(.peakEWMA, weights: [1, 1, 1, 1])
        var generator = SplitMix64(seed: 3)
        var counts: [Int: Int] = [:]
        for step in 0..<20_000 {
            let now = RuntimeInstant.at(.milliseconds(step))
            let slot = balancer.pick(now: now, using: &generator)!
            counts[slot, default: 0] += 1
            balancer.began(slot, now: now)
            let fails = slot == slots[0]
            let end = now.advanced(by: fails ? .microseconds(50) : .milliseconds(2))
            balancer.ended(slot, fails ? .failure : .success, after: now.duration(to: end), now: end)
        }
        #expect((counts[slots[0]] ?? 0) < 200, "\(counts)")
    }

    @Test("one key goes to one endpoint, and calls without a key to all")
    func affinity() {
        var (balancer, _) = balancer(.consistentHash, weights: [1, 1, 1, 1])
        var generator = SplitMix64(seed: 1)
        for key in 0..<UInt64(100) {
            let picks = (0..<5).map { _ in
                balancer.pick(affinity: StableHash.mixed(key), now: .at(.zero), using: &generator)
            }
            #expect(Set(picks).count == 1)
        }
        let others = (0..<100).map { _ in balancer.pick(now: .at(.zero), using: &generator) }
        #expect(Set(others).count == 4)
    }

    @Test("a call stays in its zone while that takes calls enough, and then leaves as far as it must")
    func zones() {
        let zones = Array(repeating: "here", count: 10) + Array(repeating: "there", count: 10)
        var (balancer, slots) = balancer(
            .leastRequest, weights: Array(repeating: 1, count: 20), zones: zones, preference: .init(zone: "here"))
        func local() -> Double { shares(&balancer).filter { $0.key < 10 }.values.reduce(0, +) }
        #expect(local() > 0.9999)
        for slot in slots[..<2] { balancer.setReady(slot, false, now: .at(.zero)) }
        #expect(local() > 0.9999)
        for slot in slots[2..<5] { balancer.setReady(slot, false, now: .at(.zero)) }
        // Half are left, and each takes 1.4 times its share.
        #expect(abs(local() - 0.7) < 0.02)
        for slot in slots[5..<10] { balancer.setReady(slot, false, now: .at(.zero)) }
        #expect(local() == 0)
        for slot in slots[10...] { balancer.setReady(slot, false, now: .at(.zero)) }
        balancer.setReady(slots[0], true, now: .at(.zero))
        #expect(local() > 0.9999)
    }

    @Test("a call that has tried all of its zone leaves it")
    func triedZone() {
        var (balancer, slots) = balancer(
            .peakEWMA, weights: [1, 1, 1], zones: ["here", "there", "there"], preference: .init(zone: "here"))
        var generator = SplitMix64(seed: 1)
        var tried = Balancer.Tried()
        tried.note(slots[0])
        for _ in 0..<20 {
            #expect(balancer.pick(avoiding: tried, now: .at(.zero), using: &generator) != slots[0])
        }
    }

    @Test("a heavy endpoint does not lose its turns, nor a light one, however long they take turns")
    func longTurns() {
        var turns = WeightedRoundRobin()
        turns.insert(0, weight: 1)
        for _ in 0..<100_000 { _ = turns.next { _ in 1 } }
        turns.insert(1, weight: 4e9)
        var light = 0
        for _ in 0..<10_000 where turns.next(weight: { $0 == 0 ? 1 : 4e9 }) == 0 { light += 1 }
        #expect(light <= 2)
    }

    @Test("a zone whose endpoints are much more loaded than another's gives calls away")
    func spillOver() {
        var (balancer, slots) = balancer(
            .leastRequest, weights: [1, 1, 1, 1], zones: ["here", "here", "there", "there"],
            preference: .init(zone: "here"))
        var generator = SplitMix64(seed: 1)
        for _ in 0..<12 {
            let slot = balancer.pick(now: .at(.zero), using: &generator)!
            balancer.began(slot, now: .at(.zero))
        }
        let pending = slots.map { balancer.pending($0) }
        #expect(pending[0] + pending[1] > pending[2] + pending[3], "\(pending)")
        #expect(pending[2] + pending[3] > 0, "\(pending)")
    }

    @Test(
        "an endpoint that has just come warms up",
        arguments: [.peakEWMA, .leastRequest, .roundRobin, .random] as [BalancingConfiguration.Policy])
    func slowStart(_ policy: BalancingConfiguration.Policy) {
        var configuration = BalancingConfiguration()
        configuration.policy = policy
        configuration.slowStart?.window = .seconds(100)
        var balancer = Balancer(configuration)
        for index in 0..<4 {
            let slot = balancer.insert(Balancer.Endpoint(name: "\(index)"), now: .at(.seconds(-1_000)))
            balancer.setReady(slot, true, now: .at(.seconds(-1_000)))
        }
        let new = balancer.insert(Balancer.Endpoint(name: "new"), now: .at(.zero))
        balancer.setReady(new, true, now: .at(.zero))
        // From a tenth to a half of its share of a fifth.
        #expect((0.03...0.09).contains(shares(&balancer, 50_000)[new] ?? 0))
        #expect((0.15...0.25).contains(shares(&balancer, from: .seconds(100))[new] ?? 0))
    }

    @Test("after any changes a pick is an endpoint that takes calls, if there is one")
    func anyChanges() {
        for seed in 0..<UInt64(rounds(15)) {
            var generator = SeededGenerator(seed: seed)
            var configuration = BalancingConfiguration()
            configuration.policy = Self.policies.randomElement(using: &generator)!
            if Bool.random(using: &generator) { configuration.zonePreference = .init(zone: "a") }
            var balancer = Balancer(configuration)
            var known: [Int: Bool] = [:]
            var pending: [Int: Int] = [:]
            for step in 0..<300 {
                let now = RuntimeInstant.at(.milliseconds(step * 10))
                let slots = known.keys.sorted()
                switch UInt32.random(in: 0..<7, using: &generator) {
                case 0:
                    let slot = balancer.insert(
                        .init(
                            name: "\(step)", weight: UInt32.random(in: 1...3, using: &generator),
                            zone: ["a", "b", nil].randomElement(using: &generator)!), now: now)
                    #expect(known.updateValue(false, forKey: slot) == nil, "seed \(seed): slot \(slot) was in use")
                    pending[slot] = 0
                case 1:
                    guard let slot = slots.randomElement(using: &generator), slots.count > 3 else { continue }
                    balancer.remove(slot)
                    known[slot] = nil
                case 2, 3:
                    guard let slot = slots.randomElement(using: &generator) else { continue }
                    known[slot] = Bool.random(using: &generator)
                    balancer.setReady(slot, known[slot]!, now: now)
                case 4:
                    guard let slot = slots.randomElement(using: &generator) else { continue }
                    balancer.setWeight(slot, UInt32.random(in: 1...5, using: &generator))
                default:
                    let affinity: UInt64? = Bool.random(using: &generator) ? generator.next() : nil
                    let slot = balancer.pick(affinity: affinity, now: now, using: &generator)
                    guard let slot else {
                        #expect(!known.values.contains(true), "seed \(seed)")
                        continue
                    }
                    #expect(known[slot] == true, "seed \(seed), \(configuration.policy)")
                    balancer.began(slot, now: now)
                    pending[slot, default: 0] += 1
                    #expect(balancer.pending(slot) == pending[slot], "seed \(seed)")
                }
                #expect(balancer.readyCount == known.values.count { $0 }, "seed \(seed)")
                #expect(balancer.count == known.count, "seed \(seed)")
            }
        }
    }
}
