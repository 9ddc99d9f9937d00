package import MeshWire

/// Decides which of a destination's endpoints a call goes to.
///
/// A state machine without I/O, clock or chance. It knows endpoints by their slots, small numbers that it gives out and
/// uses again. A pick is O(1), or O(log n) by round robin and with weights; so is any change of an endpoint, but that of
/// the table of ``BalancingConfiguration/Policy/consistentHash``, which is built once for all changes before a pick.
package struct Balancer {
    /// An endpoint as discovery tells of it.
    package struct Endpoint {
        /// Names it among all clients: what consistent hashing goes by.
        var name: String
        /// How many calls it gets beside the others, at least 1.
        var weight: UInt32 = 1
        var zone: String?

        package init(name: String, weight: UInt32 = 1, zone: String? = nil) {
            self.name = name
            self.weight = weight
            self.zone = zone
        }
    }

    /// The endpoints that a call's earlier attempts went to: another one is preferred.
    struct Tried {
        private var last: Int?
        private var before: Int?

        mutating func note(_ slot: Int) {
            guard last != slot else { return }
            (before, last) = (last, slot)
        }

        func contains(_ slot: Int) -> Bool { slot == last || slot == before }
        var isEmpty: Bool { last == nil }
    }

    private struct Member {
        var load: EndpointLoad
        var weight: UInt32
        let name: UInt64
        let zone: String?
        var group: Int
        /// Where it is among the ready ones of its group; -1 while it takes no calls.
        var position = -1
        var isMember = true

        /// What its next turn comes after the inverse of.
        func turnWeight(_ constants: EndpointLoad.Constants, _ now: RuntimeInstant) -> Double {
            Double(weight) * load.warmth(constants, now: now)
        }
    }

    /// The endpoints of the preferred zone, or those of all others.
    private struct Group {
        var ready = ReadyEndpoints()
        var turns = WeightedRoundRobin()
        /// The sum of the weights, ready or not.
        var weight: UInt64 = 0
    }

    private var configuration: BalancingConfiguration
    private var kind: BalancingConfiguration.Policy.Kind
    private var constants: EndpointLoad.Constants
    private var members: [Member] = []
    private var free: [Int] = []
    private var groups = [Group(), Group()]
    private var table: MaglevTable?
    /// The latency of answers, averaged over the last hundred or so of all endpoints, in nanoseconds.
    private var typicalLatency: Double
    /// How many endpoints there are, whether they take calls or not.
    private(set) var count = 0

    package init(_ configuration: BalancingConfiguration) {
        self.configuration = configuration
        kind = configuration.policy.kind
        constants = EndpointLoad.Constants(configuration)
        typicalLatency = Double(configuration.defaultLatency.inNanoseconds)
    }

    /// Goes by another configuration: endpoints and what is known of their loads stay. O(endpoints) where the policy or the
    /// zone is another.
    mutating func follow(_ new: BalancingConfiguration, now: RuntimeInstant) {
        let old = configuration
        // What nobody has measured yet is what the configuration says.
        if typicalLatency == Double(old.defaultLatency.inNanoseconds) {
            typicalLatency = Double(new.defaultLatency.inNanoseconds)
        }
        (configuration, kind, constants) = (new, new.policy.kind, EndpointLoad.Constants(new))
        guard new.policy != old.policy || new.zonePreference?.zone != old.zonePreference?.zone else { return }
        groups = [Group(), Group()]
        for slot in members.indices where members[slot].isMember {
            let group = group(of: members[slot].zone)
            members[slot].group = group
            groups[group].weight += UInt64(members[slot].weight)
            if members[slot].position >= 0 { join(slot, now) }
        }
    }

    private func group(of zone: String?) -> Int {
        configuration.zonePreference.map { $0.zone == zone } ?? true ? 0 : 1
    }

    /// How many endpoints take calls.
    var readyCount: Int { groups[0].ready.count + groups[1].ready.count }

    // MARK: Endpoints

    /// Adds an endpoint that takes no calls yet.
    ///
    /// - Returns: its slot.
    package mutating func insert(_ endpoint: Endpoint, now: RuntimeInstant) -> Int {
        let member = Member(
            load: EndpointLoad(now: now), weight: max(1, endpoint.weight),
            name: StableHash.of(endpoint.name), zone: endpoint.zone, group: group(of: endpoint.zone))
        groups[member.group].weight += UInt64(member.weight)
        count += 1
        table = nil
        if let slot = free.popLast() {
            members[slot] = member
            return slot
        }
        members.append(member)
        return members.count - 1
    }

    /// Takes an endpoint out; its slot may be given to another one.
    package mutating func remove(_ slot: Int) {
        setReady(slot, false, now: RuntimeInstant(nanoseconds: 0))
        groups[members[slot].group].weight -= UInt64(members[slot].weight)
        members[slot].isMember = false
        free.append(slot)
        count -= 1
        table = nil
    }

    /// Changes how many calls an endpoint gets beside the others.
    package mutating func setWeight(_ slot: Int, _ weight: UInt32) {
        let (weight, old, group) = (max(1, weight), members[slot].weight, members[slot].group)
        guard weight != old else { return }
        members[slot].weight = weight
        groups[group].weight = groups[group].weight - UInt64(old) + UInt64(weight)
        if members[slot].position >= 0 { groups[group].ready.setWeight(weight, at: members[slot].position) }
        table = nil
    }

    /// Says whether an endpoint takes calls; one that begins to warms up.
    package mutating func setReady(_ slot: Int, _ isReady: Bool, now: RuntimeInstant) {
        let (position, group) = (members[slot].position, members[slot].group)
        guard isReady != (position >= 0) else { return }
        if isReady {
            members[slot].load.rejoined(now: now)
            join(slot, now)
        } else {
            members[slot].position = -1
            if let moved = groups[group].ready.remove(at: position) { members[moved].position = position }
            if kind == .roundRobin { groups[group].turns.remove(slot) }
        }
    }

    /// Puts an endpoint among those of its group that take calls.
    private mutating func join(_ slot: Int, _ now: RuntimeInstant) {
        let group = members[slot].group
        members[slot].position = groups[group].ready.count
        groups[group].ready.append(slot, weight: members[slot].weight)
        if kind == .roundRobin {
            groups[group].turns.insert(slot, weight: members[slot].turnWeight(constants, now))
        }
    }

    /// Whether an endpoint takes calls.
    func isReady(_ slot: Int) -> Bool { members[slot].position >= 0 }

    /// What is known of an endpoint.
    func load(_ slot: Int) -> EndpointLoad { members[slot].load }

    /// The calls that an endpoint has not answered.
    func pending(_ slot: Int) -> Int { Int(members[slot].load.pending) }

    // MARK: Calls

    /// An endpoint was given a call.
    ///
    /// - Parameter isTimed: whether the time until its end says how long its answers take.
    package mutating func began(_ slot: Int, isTimed: Bool = true, now: RuntimeInstant) {
        members[slot].load.began(isTimed: isTimed, now: now)
    }

    /// A call that an endpoint was given has ended after `elapsed`, the time until its answer began; `nil` for one that is
    /// not timed.
    package mutating func ended(_ slot: Int, _ outcome: EndpointOutcome, after elapsed: Duration?, now: RuntimeInstant)
    {
        if outcome == .success, let elapsed { typicalLatency += (Double(elapsed.inNanoseconds) - typicalLatency) / 100 }
        members[slot].load.ended(outcome, after: elapsed, constants, now: now)
    }

    /// The endpoint that a call goes to; `nil` if none takes calls.
    ///
    /// - Parameters:
    ///   - affinity: the hashed key of a call that goes where others of its key do.
    ///   - tried: endpoints that are taken only if there are no others.
    mutating func pick(
        affinity: UInt64? = nil, avoiding tried: Tried = Tried(), now: RuntimeInstant,
        using generator: inout some RandomNumberGenerator
    ) -> Int? {
        guard readyCount > 0 else { return nil }
        if kind == .consistentHash, let affinity, let slot = slot(of: affinity, avoiding: tried) { return slot }
        let group = group(using: &generator)
        let slot = pick(in: group, avoiding: tried, now: now, using: &generator)
        if tried.contains(slot), !groups[1 - group].ready.isEmpty {
            let other = pick(in: 1 - group, avoiding: tried, now: now, using: &generator)
            return tried.contains(other) ? slot : other
        }
        guard group == 0, let elsewhere = spillOver(from: slot, avoiding: tried, now: now, using: &generator) else {
            return slot
        }
        return elsewhere
    }

    /// The same for whoever is in another room: compiled here, where the generator is known.
    package mutating func pick(now: RuntimeInstant, seeded generator: inout SplitMix64) -> Int? {
        pick(now: now, using: &generator)
    }

    private mutating func slot(of affinity: UInt64, avoiding tried: Tried) -> Int? {
        let table = table ?? makeTable()
        self.table = table
        return table.slot(of: affinity) { isReady($0) && !tried.contains($0) }
    }

    private func makeTable() -> MaglevTable {
        MaglevTable(
            members.indices.filter { members[$0].isMember }
                .map { (slot: $0, name: members[$0].name, weight: members[$0].weight) })
    }

    /// The preferred zone while it can take its share of the calls, and then as much of it as it can.
    private func group(using generator: inout some RandomNumberGenerator) -> Int {
        if groups[1].ready.isEmpty { return 0 }
        if groups[0].ready.isEmpty { return 1 }
        let own = groups[0]
        let capacity =
            Double(own.ready.totalWeight) / Double(own.weight)
            * (configuration.zonePreference?.overprovisioning ?? 1)
        guard capacity < 1 else { return 0 }
        return Double.random(in: 0..<1, using: &generator) < capacity ? 0 : 1
    }

    /// An endpoint outside the zone, if the one that was chosen within it is so much more loaded.
    private func spillOver(
        from slot: Int, avoiding tried: Tried, now: RuntimeInstant,
        using generator: inout some RandomNumberGenerator
    ) -> Int? {
        guard let ratio = configuration.zonePreference?.spillOverRatio, !groups[1].ready.isEmpty,
            kind == .peakEWMA || kind == .leastRequest
        else { return nil }
        let candidate = groups[1].ready.draw(using: &generator)
        guard !tried.contains(candidate), cost(slot, now) > ratio * cost(candidate, now) else { return nil }
        return isAccepted(candidate, now, using: &generator) ? candidate : nil
    }

    private mutating func pick(
        in group: Int, avoiding tried: Tried, now: RuntimeInstant, using generator: inout some RandomNumberGenerator
    ) -> Int {
        var slot = pick(in: group, now: now, using: &generator)
        guard !tried.isEmpty, tried.contains(slot) else { return slot }
        // One of a few is found soon; where nearly all have been tried, one of them it is.
        for _ in 0..<4 {
            slot = pick(in: group, now: now, using: &generator)
            guard tried.contains(slot) else { return slot }
        }
        return groups[group].ready.slots.first { !tried.contains($0) } ?? slot
    }

    private mutating func pick(
        in group: Int, now: RuntimeInstant, using generator: inout some RandomNumberGenerator
    ) -> Int {
        switch kind {
        case .peakEWMA, .leastRequest:
            let (best, next) = leastLoaded(in: group, now, using: &generator)
            return isAccepted(best, now, using: &generator) ? best : next
        case .roundRobin:
            let (members, constants) = (members, constants)
            let turn = groups[group].turns.next { members[$0].turnWeight(constants, now) }
            guard let turn else { preconditionFailure("Balancer: a group with ready endpoints has no turns") }
            return turn
        case .random, .consistentHash:
            let slot = groups[group].ready.draw(using: &generator)
            return isAccepted(slot, now, using: &generator) ? slot : groups[group].ready.draw(using: &generator)
        }
    }

    /// The least loaded of an endpoint's candidates, and the one that was before it: of all that are ready where they are
    /// few, of some that are drawn otherwise. Where endpoints have weights, of two.
    ///
    /// Of those that are nearly the same the first that is looked at is taken, which chance decides, as weights have
    /// it: the last digits of a load would make it the one that was called the longest ago.
    private func leastLoaded(
        in group: Int, _ now: RuntimeInstant, using generator: inout some RandomNumberGenerator
    ) -> (best: Int, next: Int) {
        let count = groups[group].ready.count
        let isWeighted = groups[group].ready.isWeighted
        let looksAtAll = !isWeighted && count <= Self.fewEndpoints
        let start = looksAtAll ? Int.random(in: 0..<count, using: &generator) : 0
        var best = looksAtAll ? groups[group].ready.slots[start] : groups[group].ready.draw(using: &generator)
        var next = best
        var lowest = cost(best, now)
        for step in 1..<max(2, looksAtAll ? count : isWeighted ? 2 : Self.choices) {
            let candidate =
                looksAtAll
                ? groups[group].ready.slots[(start + step) % count] : groups[group].ready.draw(using: &generator)
            guard candidate != best else { continue }
            let cost = cost(candidate, now)
            if cost < lowest * 0.9 {
                (next, best, lowest) = (best, candidate, cost)
            } else if next == best {
                next = candidate
            }
        }
        return (best, next)
    }

    /// The number of endpoints of which a call looks at all.
    private static let fewEndpoints = 16
    /// How many it looks at of more.
    private static let choices = 4

    /// Whether an endpoint that was chosen is warm enough for one more call: one that is cold takes as large a share of
    /// the calls that it is chosen for as it is warm.
    private func isAccepted(
        _ slot: Int, _ now: RuntimeInstant, using generator: inout some RandomNumberGenerator
    ) -> Bool {
        let warmth = members[slot].load.warmth(constants, now: now)
        return warmth >= 1 || Double.random(in: 0..<1, using: &generator) < warmth
    }

    private func cost(_ slot: Int, _ now: RuntimeInstant) -> Double {
        kind == .leastRequest
            ? Double(members[slot].load.pending + 1)
            : members[slot].load.latencyCost(constants, typical: typicalLatency, now: now)
    }
}
