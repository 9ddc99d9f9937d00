import MeshWire
import TestSupport
import Testing

@testable import Coordination

@Suite struct SuccessionTests {
    private typealias Entry = PartitionMap.Partition

    private static func entry(_ head: String, _ followers: [String] = [], joining: String = "") -> Entry {
        Entry(
            id: PartitionID(rawValue: 1), head: head, epoch: 5, intactSince: 2, byteCount: 10, followers: followers,
            joining: joining)
    }

    @Test("the first follower that lives heads a partition whose head is lost, in one new epoch, with nothing lost")
    func headLost() {
        let next = Succession.withoutLost(Self.entry("a", ["b", "c", "d"], joining: "e")) { !["a", "b"].contains($0) }
        #expect(next?.head == "c")
        // Its log may end with the epoch in which it followed.
        #expect(next?.headSince == 5)
        #expect(next?.followers == ["d"])
        #expect(next?.epoch == 6)
        #expect(next?.intactSince == 2)
        #expect(next?.joining == "e")
    }

    @Test("a lost follower leaves in a new epoch; a lost one that is joining leaves without")
    func followersLost() {
        let follower = Succession.withoutLost(Self.entry("a", ["b"], joining: "c")) { $0 != "b" }
        #expect(follower?.chain == ["a"])
        #expect(follower?.epoch == 6)
        let joining = Succession.withoutLost(Self.entry("a", ["b"], joining: "c")) { $0 != "c" }
        #expect(joining == Self.entry("a", ["b"]))
        #expect(follower?.headSince == 1)
        #expect(Succession.withoutLost(Self.entry("a", ["b"], joining: "c")) { _ in true } == nil)
    }

    @Test("a chain of which nobody lives stays, and who of it returns first goes on")
    func allLost() {
        #expect(Succession.withoutLost(Self.entry("a", ["b"])) { _ in false } == nil)
        #expect(Succession.withoutLost(Self.entry("a")) { _ in false } == nil)
        let next = Succession.withoutLost(Self.entry("a", ["b", "c"])) { $0 == "c" }
        #expect(next?.chain == ["c"])
        #expect(next?.epoch == 6)
    }

    @Test(
        "a server that was started anew leaves to others that live, whatever it has kept, in an epoch of theirs alone")
    func restartedAmongOthers() {
        let living: (String) -> Bool = { $0 != "c" }
        let next = Succession.restarted(Self.entry("a", ["c", "b"]), server: "a", hasKept: false, isLiving: living)
        #expect(next?.chain == ["b", "c"])
        #expect(next?.epoch == 6)
        #expect(next?.intactSince == 2)
        // It has begun epoch 6 in its log: nobody else heads that one.
        let kept = Succession.restarted(Self.entry("a", ["b"]), server: "a", hasKept: true, isLiving: living)
        #expect(kept?.chain == ["b"])
        #expect(kept?.epoch == 7)
        // A life of b that ends before it has begun its epoch leaves a log of epoch 5, with all that was acknowledged.
        #expect(kept?.headSince == 5 && kept?.isKept(8, by: "b") == true)
    }

    @Test(
        "a server that was started anew and is alone, or has kept what nobody who lives has, heads in the epoch after")
    func restartedAlone() {
        let nobody: (String) -> Bool = { _ in false }
        let kept = Succession.restarted(Self.entry("a", ["b"]), server: "a", hasKept: true, isLiving: nobody)
        #expect(kept?.chain == ["a"])
        #expect(kept?.epoch == 6)
        #expect(kept?.intactSince == 2)
        let lost = Succession.restarted(Self.entry("a"), server: "a", hasKept: false, isLiving: nobody)
        #expect(lost?.epoch == 6)
        #expect(lost?.intactSince == 6)
        #expect(lost?.headSince == 6)
        #expect(kept?.headSince == 1)
        // The other may have everything when it comes back.
        let waits = Succession.restarted(Self.entry("a", ["b"]), server: "a", hasKept: false, isLiving: nobody)
        #expect(waits?.chain == ["b"])
        #expect(waits?.intactSince == 2)
    }

    @Test("a life of the joining server that is not the present one does not become a follower")
    func joinsOfEarlierLives() {
        let entry = Self.entry("a", joining: "b")
        let present: (String, UInt64) -> Bool = { $0 == "b" && $1 == 8 }
        #expect(Succession.changed(entry, by: .join("b", life: 7), isPresent: present) == nil)
        #expect(Succession.changed(entry, by: .join("c", life: 8), isPresent: present) == nil)
        #expect(Succession.changed(entry, by: .join("b", life: 8), isPresent: present)?.chain == ["a", "b"])
    }

    // MARK: Random jobs

    /// A server that was started anew.
    private struct NewLife {
        var server: String
        /// The partitions of which its disk has all that was acknowledged.
        var kept: Set<PartitionID>
        /// Those that it has claimed by a map that was the newest.
        var claimed: Set<PartitionID>
    }

    /// What is true of each partition whatever happened, kept beside the coordinator's state.
    private struct Model {
        /// The chain of each epoch that was seen.
        var chains: [PartitionID: [UInt64: [String]]] = [:]
        /// Who has all that was acknowledged.
        var holders: [PartitionID: Set<String>] = [:]
        var entries: [PartitionID: Entry] = [:]
        /// How often heads have acknowledged something, and how often they had when each disk was last written.
        var acknowledged: [PartitionID: UInt64] = [:]
        var disks: [String: [PartitionID: UInt64]] = [:]

        /// A head acknowledges something, which its disk has before.
        mutating func acknowledges(_ entry: Entry) {
            acknowledged[entry.id, default: 0] += 1
            disks[entry.head, default: [:]][entry.id] = acknowledged[entry.id]
        }

        /// Of which partitions a server's disk has everything.
        func kept(by server: String) -> Set<PartitionID> {
            Set(entries.keys.filter { acknowledged[$0, default: 0] == disks[server]?[$0] ?? 0 })
        }

        mutating func check(_ state: CoordinatorState, _ newLife: NewLife?, _ seed: UInt64) {
            for entry in state.map.tables.flatMap(\.partitions) {
                let id = entry.id
                #expect(Set(entry.chain).count == entry.chain.count, "seed \(seed): \(entry)")
                #expect(!entry.chain.contains(entry.joining), "seed \(seed): \(entry)")
                #expect(entry.intactSince <= entry.epoch, "seed \(seed): \(entry)")
                let lost = entry.chain.filter { !state.map.isLiving($0) }
                #expect(lost.isEmpty || lost == entry.chain, "seed \(seed): \(entry) without \(lost)")
                #expect(entry.joining.isEmpty || state.map.isLiving(entry.joining), "seed \(seed): \(entry)")
                // Never two heads, nor two chains, of one epoch.
                let known = chains[id, default: [:]].updateValue(entry.chain, forKey: entry.epoch)
                #expect(known == nil || known == entry.chain, "seed \(seed): \(entry) was \(known ?? [])")
                guard let before = entries.updateValue(entry, forKey: id) else {
                    holders[id] = Set(entry.chain)
                    continue
                }
                #expect(entry.epoch >= before.epoch, "seed \(seed): \(entry)")
                var holding = holders[id, default: []]
                if let newLife, !newLife.kept.contains(id) { holding.remove(newLife.server) }
                // Who has joined has what the others have.
                if entry.chain.contains(before.joining), !holding.isEmpty { holding.insert(before.joining) }
                if entry.intactSince == before.intactSince {
                    #expect(entry.chain.allSatisfy(holding.contains), "seed \(seed): \(entry), held by \(holding)")
                } else {
                    // Only of who was alone, and did not claim it by the newest map.
                    #expect(before.chain == [entry.head] && newLife?.server == entry.head, "seed \(seed): \(entry)")
                    #expect(newLife?.claimed.contains(id) == false, "seed \(seed): \(entry) was claimed")
                    #expect(entry.intactSince == entry.epoch, "seed \(seed): \(entry)")
                    acknowledged[id, default: 0] += 1
                    holding = Set(entry.chain)
                }
                holders[id] = holding.intersection(entry.chain)
            }
        }
    }

    /// Runs a job of one seed; returns the map that it ends with and how many partitions changed heads, joined and were
    /// lost.
    private static func run(seed: UInt64) throws -> (
        PartitionMap, failovers: Int, joins: Int, losses: Int, refused: Int
    ) {
        var generator = SeededGenerator(seed: seed)
        var configuration = CoordinatorConfiguration()
        configuration.joiningPerServer = Int.random(in: 1...3, using: &generator)
        var (state, copy) = (
            CoordinatorState(configuration, firstOrdinal: 1), CoordinatorState(configuration, firstOrdinal: 1)
        )
        var snapshot = CoordinatorSnapshot()
        var model = Model()
        var lives: [String: UInt64] = [:]
        /// The last epoch of each partition that each server, as its head, has in its log.
        var logs: [String: [PartitionID: UInt64]] = [:]
        let names = ["a", "b", "c", "d", "e"].prefix(Int.random(in: 2...5, using: &generator))
        var (failovers, joins, losses, refused) = (0, 0, 0, 0)
        /// What servers last saw of the map: they act on that.
        var stale = state.map
        for step in 0..<120 {
            let now = Example.second(Int64(step))
            let name = names.randomElement(using: &generator) ?? "a"
            var newLife: NewLife?
            switch Int.random(in: 0..<10, using: &generator) {
            case 0:
                // A new life, whose disk may be gone. It goes by a map that may have changed since.
                lives[name, default: 0] += 1
                if Int.random(in: 0..<4, using: &generator) == 0 {
                    logs[name] = nil
                    model.disks[name] = nil
                }
                let known = Bool.random(using: &generator) ? state.map : stale
                let claims = known.tables.flatMap(\.partitions).filter { entry in
                    entry.head == name && logs[name]?[entry.id].map { $0 >= entry.headSince } ?? false
                }
                newLife = NewLife(
                    server: name, kept: model.kept(by: name),
                    claimed: Set(claims.lazy.filter { $0 == state.map.partition($0.id) }.map(\.id)))
                // Others that may be dead are asked before.
                let heirs = state.heirs(of: [name]).filter { _ in Bool.random(using: &generator) }
                try state.registerServer(
                    Example.server(name, life: lives[name] ?? 1),
                    recovered: claims.map { RecoveredPartition(partition: $0.id, epoch: $0.epoch + 1) },
                    gone: heirs.map { ServerLife(name: $0.name, life: $0.life) })
                for entry in claims { logs[name]?[entry.id] = entry.epoch + 1 }
            case 1:
                // The same life again, lost or not.
                guard let server = state.map.server(named: name) else { continue }
                try state.registerServer(server)
            case 2, 3:
                guard let server = state.map.server(named: name) else { continue }
                let others = state.heirs(of: [name]).filter { _ in Int.random(in: 0..<4, using: &generator) == 0 }
                let lives = ([server] + others).map { ServerLife(name: $0.name, life: $0.life) }
                failovers += state.loseServers(lives).1.failovers
            case 4:
                let sizes = (0...Int.random(in: 0...3, using: &generator)).map { _ in
                    UInt64.random(in: 1...900, using: &generator)
                }
                let request = TableRequest(
                    name: "t\(step)", declaration: [1], partitionByteCounts: sizes,
                    replicas: Int.random(in: 0...3, using: &generator))
                do { try state.declare([request]) } catch { #expect(error.code == .tooFewServers, "seed \(seed)") }
            case 5:
                _ = state.loseServers([])
            default:
                // Two servers want to change one chain, as they last saw it.
                guard let seen = stale.tables.flatMap(\.partitions).randomElement(using: &generator) else { continue }
                for claimant in [seen.chain.randomElement(using: &generator) ?? "", seen.head] {
                    guard let record = state.map.server(named: claimant) else { continue }
                    let change: ChainChange =
                        switch Int.random(in: 0..<4, using: &generator) {
                        case 0: .drop(seen.followers.randomElement(using: &generator) ?? claimant)
                        case 1: .abandon(seen.joining)
                        default: .join(seen.joining, life: state.map.server(named: seen.joining)?.life ?? 0)
                        }
                    let before = state.map
                    do throws(CoordinationError) {
                        let (entry, isMade) = try state.changeChain(
                            of: seen.id, ifEpoch: seen.epoch, change, server: claimant, owner: record.identity)
                        #expect(entry == state.map.partition(seen.id), "seed \(seed)")
                        if !isMade {
                            refused += 1
                            #expect(state.map == before, "seed \(seed): \(change) was refused")
                        } else if case .join(let server, _) = change, state.map != before {
                            joins += 1
                            // A lost head that has it join makes way for it at once.
                            #expect(entry.chain.last == server && entry.epoch > seen.epoch, "seed \(seed): \(entry)")
                        }
                    } catch {
                        #expect(error.code == .notOwner, "seed \(seed): \(error)")
                        #expect(state.map == before, "seed \(seed)")
                    }
                    model.check(state, nil, seed)
                }
            }
            let intact = model.entries.mapValues(\.intactSince)
            model.check(state, newLife, seed)
            losses += model.entries.count { (intact[$0.key] ?? $0.value.intactSince) != $0.value.intactSince }
            if Int.random(in: 0..<3, using: &generator) == 0 { stale = state.map }
            // Heads write the epoch that they have heard of, before they acknowledge anything in it.
            for entry in state.map.tables.flatMap(\.partitions) where Bool.random(using: &generator) {
                logs[entry.head, default: [:]][entry.id] = entry.epoch
                model.acknowledges(entry)
            }
            if let change = state.takeChange() {
                let travelled = try throughTheWire(change)
                copy.apply(travelled, now: now)
                snapshot.apply(travelled)
            }
            #expect(copy.map == state.map && snapshot.map == state.map, "seed \(seed), step \(step)")
        }
        checkFilled(&state, configuration, seed)
        return (state.map, failovers, joins, losses, refused)
    }

    /// After a round nobody can be given a partition that it should have.
    private static func checkFilled(
        _ state: inout CoordinatorState, _ configuration: CoordinatorConfiguration, _ seed: UInt64
    ) {
        _ = state.loseServers([])
        let map = state.map
        let joining = map.tables.flatMap(\.partitions).map(\.joining)
        for table in map.tables {
            for entry in table.partitions
            where entry.followers.count < table.replicas && entry.joining.isEmpty && map.isLiving(entry.head) {
                for server in map.living where !entry.chain.contains(server.name) {
                    let busy = joining.count { $0 == server.name }
                    #expect(
                        busy >= configuration.joiningPerServer, "seed \(seed): \(entry) is not given to \(server.name)")
                }
            }
        }
        for server in map.servers {
            #expect(joining.count { $0 == server.name } <= configuration.joiningPerServer, "seed \(seed)")
        }
    }

    @Test(
        "whatever happens to servers, an epoch has one chain, nobody heads who lacks what was acknowledged, and chains fill"
    )
    func randomJobs() throws {
        var (failovers, joins, losses, refused) = (0, 0, 0, 0)
        for seed in 1...UInt64(rounds(400)) {
            let job = try Self.run(seed: seed)
            failovers += job.failovers
            joins += job.joins
            losses += job.losses
            refused += job.refused
            if seed <= 20 { #expect(try Self.run(seed: seed).0 == job.0, "seed \(seed) gives two maps") }
        }
        #expect(
            failovers > 100 && joins > 100 && losses > 100 && refused > 100,
            "\(failovers), \(joins), \(losses), \(refused)")
    }
}
