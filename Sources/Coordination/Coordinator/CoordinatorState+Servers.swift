package import Identity
package import MeshWire

extension CoordinatorState {
    /// What a decision about servers did to partitions.
    package struct ChainTally: Sendable, Hashable {
        /// Partitions that another server heads.
        package var failovers = 0
        /// Partitions in a new epoch.
        package var epochsRaised = 0
        /// Partitions that a server is being given.
        package var joining = 0
    }

    /// Takes a server in, or back. A new life of one begins without what the earlier one held: see ``Succession``.
    ///
    /// - Parameters:
    ///   - recovered: the partitions that it has kept, and goes on with in these epochs where nobody else has them.
    ///   - mapVersion: the version of the map that it has looked these up in; 0 where it has kept nothing.
    ///   - gone: servers that were found to be lost and might have gone on with its partitions.
    /// - Throws: ``CoordinationError`` with `notOwner` if the name is another identity's, `limitReached`, `mapChanged`.
    @discardableResult
    package mutating func registerServer(
        _ server: ServerRecord, recovered: [RecoveredPartition] = [], mapVersion: UInt64 = 0, gone: [ServerLife] = []
    ) throws(CoordinationError) -> ChainTally {
        guard server.functions.count <= Self.functionLimit else {
            throw CoordinationError(
                .limitReached,
                "server \(server.name) has \(server.functions.count) functions, the limit is \(Self.functionLimit)",
                peer: server.identity.description)
        }
        guard let known = map.server(named: server.name) else {
            guard map.servers.count < configuration.servers else {
                throw CoordinationError(.limitReached, "\(configuration.servers) servers are registered, the limit")
            }
            return joined(server, partitions: [])
        }
        guard known.identity == server.identity else {
            throw CoordinationError(
                .notOwner, "server \(server.name) is \(known.identity), \(server.identity) cannot take its name",
                peer: server.identity.description)
        }
        guard known != server || !map.isLiving(server.name) else { return ChainTally() }
        guard known.life != server.life else { return joined(server, partitions: []) }
        let epochs = Dictionary(recovered.map { ($0.partition, $0.epoch) }, uniquingKeysWith: max)
        func hasKept(_ entry: PartitionMap.Partition) -> Bool {
            epochs[entry.id].map { entry.isKept($0, by: server.name) } ?? false
        }
        if mapVersion > 0, mapVersion < map.version,
            let unseen = map.tables.lazy.flatMap(\.partitions).first(where: { $0.head == server.name && !hasKept($0) })
        {
            throw CoordinationError(
                .mapChanged,
                "server \(server.name) has looked at map \(mapVersion), and heads partition \(unseen.id) in map \(map.version): look again at what it has kept",
                peer: server.identity.description)
        }
        // Not settled yet: what the server has kept it has kept of the epoch before that.
        markLost(present(gone))
        let partitions = map.tables.flatMap(\.partitions).compactMap { entry in
            Succession.restarted(entry, server: server.name, hasKept: hasKept(entry), isLiving: map.isLiving)
        }
        return joined(server, partitions: partitions)
    }

    /// The most functions of a server: every map has their names.
    package static let functionLimit = 256

    /// The servers that might go on with partitions of these: who is asked whether it lives before that is decided.
    package func heirs(of servers: Set<String>) -> [ServerRecord] {
        var heirs: Set<String> = []
        for entry in map.tables.lazy.flatMap(\.partitions) where servers.contains(entry.head) {
            heirs.formUnion(entry.followers)
        }
        return map.living.filter { heirs.contains($0.name) && !servers.contains($0.name) }
    }

    /// A server's sign of life.
    ///
    /// - Returns: how much later than it should it came.
    /// - Throws: ``CoordinationError`` with `serverUnknown`, `serverLost`, `serverSuperseded` or `notOwner`.
    package mutating func renewServer(
        _ name: String, life: UInt64, owner: SPIFFEID, now: RuntimeInstant
    ) throws(CoordinationError) -> Duration {
        let known = try registered(name, owner)
        guard known.life == life else {
            throw CoordinationError(
                .serverSuperseded, "server \(name) has been started anew elsewhere; this life of it has to end")
        }
        guard map.isLiving(name) else {
            throw CoordinationError(
                .serverLost,
                "server \(name) was not heard of for \(configuration.serverLease) and counts as lost; register again")
        }
        return leases.renew(name, now: now)
    }

    /// Whether a lease is over, or a partition can be given to another server. To be asked once a heartbeat.
    package mutating func serversNeedAttention(now: RuntimeInstant) -> Bool {
        leases.check(now: now) || !unfilled().isEmpty
    }

    /// What has been decided since ``serversNeedAttention(now:)`` took until now.
    package mutating func serversHaveAttention(until now: RuntimeInstant) { leases.checked(at: now) }

    /// The servers whose leases are over.
    package func expiredServers(now: RuntimeInstant) -> [ServerRecord] {
        leases.expired(now: now).compactMap(map.server(named:))
    }

    /// Has servers lost, if these are their present lives, and gives partitions with too few followers another one.
    ///
    /// - Returns: those that were lost, and what became of their partitions.
    package mutating func loseServers(_ lives: [ServerLife]) -> ([String], ChainTally) {
        let before = map
        let lost = present(lives)
        markLost(lost)
        settle()
        return (lost, tally(since: before))
    }

    /// Changes the chain of a partition, if it is in the epoch that the server which asks knows.
    ///
    /// - Returns: the entry then, or as it is, and whether the change was made.
    /// - Throws: ``CoordinationError`` with `partitionUnknown`, `serverUnknown`, or `notOwner` if the server is not
    ///   of the chain.
    package mutating func changeChain(
        of id: PartitionID, ifEpoch epoch: UInt64, _ change: ChainChange, server: String, owner: SPIFFEID
    ) throws(CoordinationError) -> (entry: PartitionMap.Partition, isMade: Bool) {
        guard let entry = map.partition(id) else {
            throw CoordinationError(.partitionUnknown, "no table has a partition \(id)")
        }
        _ = try registered(server, owner)
        guard entry.chain.contains(server) || entry.joining == server else {
            // The caller learns who it is now: it was of the chain when it asked.
            guard entry.epoch == epoch else { return (entry, false) }
            throw CoordinationError(
                .notOwner,
                "server \(server) is not of partition \(id), which \(entry.chain.joined(separator: ", ")) hold",
                peer: owner.description)
        }
        let isPresent = { [map] (name: String, life: UInt64) in
            map.server(named: name)?.life == life && map.isLiving(name)
        }
        guard entry.epoch == epoch, let next = Succession.changed(entry, by: change, isPresent: isPresent) else {
            return (entry, Succession.isResult(entry, of: change, ifEpoch: epoch))
        }
        var step = CoordinatorChange()
        step.partitions = [next]
        performOnMap(step)
        if case .abandon = change { return (next, true) }
        settle()
        return (map.partition(id) ?? next, true)
    }

    /// Begins an epoch of a partition in which nothing that was acknowledged before has to stand: its head is about to
    /// go back to a checkpoint. The chain stays. Asked again it begins another, which does no harm.
    ///
    /// - Returns: the epoch.
    /// - Throws: ``CoordinationError`` with `notOwner` unless this life of `server` heads the partition.
    package mutating func rollBack(
        _ id: PartitionID, headedBy server: String, life: UInt64
    ) throws(CoordinationError) -> UInt64 {
        guard var entry = map.partition(id), entry.head == server, map.server(named: server)?.life == life else {
            throw CoordinationError(.notOwner, "partition \(id) is not headed by this life of server \(server)")
        }
        entry.epoch += 1
        entry.intactSince = entry.epoch
        var step = CoordinatorChange()
        step.partitions = [entry]
        performOnMap(step)
        return entry.epoch
    }

    // MARK: Decisions

    private func registered(_ name: String, _ owner: SPIFFEID) throws(CoordinationError) -> ServerRecord {
        guard let known = map.server(named: name) else {
            throw CoordinationError(.serverUnknown, "no server has registered as \(name); register first")
        }
        guard known.identity == owner else {
            throw CoordinationError(
                .notOwner, "server \(name) is \(known.identity), not \(owner)", peer: owner.description)
        }
        return known
    }

    private mutating func joined(_ server: ServerRecord, partitions: [PartitionMap.Partition]) -> ChainTally {
        let before = map
        var step = CoordinatorChange()
        step.membershipEpoch = membershipEpoch + 1
        step.servers = [server]
        step.partitions = partitions
        performOnMap(step)
        settle()
        return tally(since: before)
    }

    /// Those of these lives that are present and not lost, by name.
    private func present(_ lives: [ServerLife]) -> [String] {
        Set(lives).filter { map.server(named: $0.name)?.life == $0.life && map.isLiving($0.name) }.map(\.name).sorted()
    }

    private mutating func markLost(_ servers: [String]) {
        guard !servers.isEmpty else { return }
        var step = CoordinatorChange()
        step.membershipEpoch = membershipEpoch + 1
        step.lost = servers
        performOnMap(step)
    }

    /// Has lost servers leave the chains in which others live, then gives partitions with too few followers another
    /// one.
    private mutating func settle() {
        var step = CoordinatorChange()
        if !map.lost.isEmpty {
            step.partitions = map.tables.flatMap(\.partitions).compactMap {
                Succession.withoutLost($0, isLiving: map.isLiving)
            }
            if !step.partitions.isEmpty { performOnMap(step) }
        }
        step = CoordinatorChange()
        step.partitions = unfilled()
        if !step.partitions.isEmpty { performOnMap(step) }
    }

    /// The partitions that are to be given to another server, as they are then: those with fewer followers than their
    /// table wants, each to the living server that has the fewest bytes and is not of the chain.
    private func unfilled() -> [PartitionMap.Partition] {
        guard map.tables.contains(where: { $0.replicas > 0 }) else { return [] }
        let living = map.living
        let partitions = map.tables.flatMap { table in
            table.partitions.lazy.filter {
                $0.followers.count < table.replicas && $0.joining.isEmpty && map.isLiving($0.head)
            }
        }
        guard !partitions.isEmpty, living.count > 1 else { return [] }
        var loads = loads(of: living)
        var joining = Dictionary(
            map.tables.lazy.flatMap(\.partitions).map { ($0.joining, 1) }, uniquingKeysWith: +)
        var filled: [PartitionMap.Partition] = []
        for entry in partitions {
            let free = living.indices.lazy.filter {
                joining[living[$0].name, default: 0] < configuration.joiningPerServer
                    && !entry.chain.contains(living[$0].name) && !hasRefused(living[$0], entry.id)
            }
            guard let server = free.min(by: { (loads[$0].held, $0) < (loads[$1].held, $1) }) else { continue }
            var next = entry
            next.joining = living[server].name
            joining[next.joining, default: 0] += 1
            loads[server].add(entry.byteCount, asHead: false)
            filled.append(next)
        }
        return filled
    }

    /// What each of these servers has, or is being given.
    func loads(of servers: [ServerRecord]) -> [Placement.Load] {
        let places = Dictionary(uniqueKeysWithValues: servers.enumerated().map { ($1.name, $0) })
        var loads = Array(repeating: Placement.Load(), count: servers.count)
        for entry in map.tables.lazy.flatMap(\.partitions) {
            for name in entry.chain + [entry.joining] {
                guard let place = places[name] else { continue }
                loads[place].add(entry.byteCount, asHead: name == entry.head)
            }
        }
        return loads
    }

    private mutating func performOnMap(_ step: CoordinatorChange) {
        var step = step
        step.mapVersion = map.version + 1
        perform(step)
    }

    private func tally(since before: PartitionMap) -> ChainTally {
        var tally = ChainTally()
        for entry in map.tables.lazy.flatMap(\.partitions) {
            guard let old = before.partition(entry.id) else { continue }
            if entry.head != old.head { tally.failovers += 1 }
            if entry.epoch != old.epoch { tally.epochsRaised += 1 }
            if !entry.joining.isEmpty, entry.joining != old.joining { tally.joining += 1 }
        }
        return tally
    }
}
