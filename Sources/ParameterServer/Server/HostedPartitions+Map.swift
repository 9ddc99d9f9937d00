import Coordination
import Logging
import MeshTransport
import MeshWire
import Synchronization
import Telemetry
import Tensor

/// How a server comes to have what the map gives it, and gives up what it does not.
extension HostedPartitions {
    /// Asks the coordinator for the map and takes it. The caller has the turn to ask.
    func refresh() async throws(ParameterServerError) {
        let map = try await fetch { () throws(CoordinationError) in try await coordination.fetchMap() }
        try await take(map)
    }

    /// The same for a chain that needs it: when the turn to ask is free, and again later if it fails.
    func refreshInTurn() async {
        await questions.takeWithoutLimit()
        defer { questions.pass() }
        try? await refresh()
    }

    /// Takes a map that the coordinator has told, when the turn to ask is free.
    func told(_ map: PartitionMap) async {
        await questions.takeWithoutLimit()
        defer { questions.pass() }
        do throws(ParameterServerError) {
            try await take(map)
        } catch {
            logger.warning("map not taken", metadata: ["server": "\(server)", "error": "\(error)"])
        }
    }

    /// Takes the places that a map gives this server, unless a newer one is known.
    private func take(_ map: PartitionMap) async throws(ParameterServerError) {
        guard map.version >= state.withLock({ $0.map?.version ?? 0 }) else { return }
        // A later life of this server has what this one had, and this one has nothing.
        guard map.server(named: server)?.life == life else {
            for partition in all { discard(partition) }
            throw notRegistered("has been started anew elsewhere")
        }
        state.withLock { $0.map = map }
        for table in map.tables {
            var new: [Int] = []
            for (index, entry) in table.partitions.enumerated() where isNew(entry) { new.append(index) }
            guard !new.isEmpty else { continue }
            do throws(ParameterServerError) {
                try await host(new, of: table)
            } catch {
                // One table that cannot be hosted is no reason not to host the others.
                cannotHost(new.map { table.partitions[$0].id }, of: table, error)
            }
        }
        state.withLock { state in
            // Another server has what the log had of them, and more.
            state.recovered = state.recovered.filter { map.partition($0.key)?.head ?? server == server }
        }
        replication.placesChanged()
        rounds.take(map)
    }

    /// Has those heads take pushes that were followers before, as soon as the coordinator has told which sessions may
    /// not push: the head before may have known of one that this server has not heard of.
    func openHeads() async {
        var wait = Duration.milliseconds(20)
        while !Task.isCancelled {
            let closed = all.filter { $0.chain.withLock { $0.isHead && !$0.isOpen } }
            guard !closed.isEmpty else { return }
            do throws(CoordinationError) {
                _ = await install(try await coordination.fetchFence(), reportOn: nil)
                for partition in closed {
                    partition.open()
                    logger.info(
                        "partition taken over", metadata: ["server": "\(server)", "partition": "\(partition.name)"])
                }
            } catch {
                guard (try? await coordination.mesh.runtime.sleep(for: wait)) != nil else { return }
                wait = min(wait * 2, .milliseconds(250))
            }
        }
    }

    /// Takes the place of a partition that is here; returns whether it is not, and is to be.
    private func isNew(_ entry: PartitionMap.Partition) -> Bool {
        let place = ChainPlace(of: server, in: entry)
        if let partition = known(entry.id) {
            let former = partition.chain.withLock { $0.place }
            // Whoever joins again had left: what it holds may not be what the chain has since.
            guard let place, place.role != .joining || former?.role == .joining else {
                discard(partition)
                return false
            }
            if place != former { partition.take(place, intactSince: entry.intactSince) }
            return false
        }
        guard let place, place.role != .joining else { return false }
        return true
    }

    /// Lets go of a partition that another server heads, and that this one does not follow.
    func discard(_ partition: Partition) {
        state.withLock { $0.partitions[partition.id] = nil }
        partition.leave()
        logger.info("partition given up", metadata: ["server": "\(server)", "partition": "\(partition.name)"])
    }

    /// A partition of this server.
    func partition(_ first: PartitionState, in place: ChainPlace?, log: ServerLog?) -> Partition {
        Partition(
            first, in: place, configuration: configuration, meter: meter, log: log, driver: replication)
    }

    /// Makes the partitions at `places` of a table, or goes on with those that the log had.
    private func host(_ places: [Int], of table: PartitionMap.Table) async throws(ParameterServerError) {
        let declaration = try TableDeclaration(of: table)
        let log = state.withLock { $0.log }
        var new: [(Partition, PartitionMap.Partition)] = []
        var origins: [(PartitionOrigin, PartitionSnapshot?)] = []
        for index in places {
            let entry = table.partitions[index]
            if entry.head == server, let known = state.withLock({ $0.recovered[entry.id] }) {
                host(known)
                await begin(known, as: entry)
                continue
            }
            let first: PartitionState
            do throws(TensorError) {
                // In the first epoch of what it holds and without a fence, as every member of its chain begins.
                first = try PartitionState(
                    id: entry.id, name: PartitionName(table: table.name, index: index), of: declaration,
                    epoch: entry.intactSince, intactSince: entry.intactSince,
                    parameters: try declaration.initialValues(ofPartition: index), fence: SessionFence(),
                    limits: configuration.ledger, functions: functions)
            } catch {
                throw ParameterServerError(
                    .invalidDeclaration, "table \(table.name) cannot be hosted: \(error)", cause: error)
            }
            try log?.check(gradientBytes: first.parameters.byteCount, of: first.name)
            new.append((partition(first, in: nil, log: log), entry))
            if log != nil { origins.append((first.origin, nil)) }
        }
        let hosting = { for (partition, _) in new { self.host(partition) } }
        if let log { try await log.begin(origins, host: hosting) } else { hosting() }
        for (partition, entry) in new { await begin(partition, as: entry) }
    }

    /// Has a partition found by its number.
    private func host(_ partition: Partition) {
        state.withLock { state in
            state.partitions[partition.id] = partition
            state.recovered[partition.id] = nil
            state.unhosted[partition.id] = nil
        }
    }

    /// Takes a new partition's first place; a head, which nobody headed before it, takes pushes at once.
    private func begin(_ partition: Partition, as entry: PartitionMap.Partition) async {
        guard let place = ChainPlace(of: server, in: entry) else { return }
        partition.take(place, intactSince: entry.intactSince)
        guard place.role == .head else { return }
        // A fence that came since the partition was made reaches it here, a later one through `install`.
        _ = await partition.install(state.withLock { $0.fence }, reportOn: nil)
        partition.open()
    }

    // MARK: Joining

    /// Gives up joining a chain whose partition cannot be held here; the coordinator chooses another server, or this
    /// one later.
    func abandon(_ id: PartitionID, epoch: UInt64, _ error: ParameterServerError) async {
        logger.warning(
            "partition cannot be followed",
            metadata: ["server": "\(server)", "partition": "\(id)", "error": "\(error)"])
        _ = try? await coordination.changeChain(of: id, ifEpoch: epoch, .abandon(server), server: server)
    }

    /// Whether this server's log takes the records of a partition that it is to follow `predecessor` in. Where it does
    /// not, that is said once.
    ///
    /// - Parameter recordBytes: the most bytes of a record of the predecessor's log; 0 where that is not known.
    func canFollow(_ id: PartitionID, after predecessor: String, recordBytes: Int) -> Bool {
        let (log, map) = state.withLock { ($0.log, $0.map) }
        guard let log, let table = map?.table(of: id),
            let index = table.partitions.firstIndex(where: { $0.id == id }),
            let declaration = try? TableDeclaration(of: table)
        else { return true }
        // A push of rows is as large as the head's log lets it be.
        let needed =
            declaration.rows == nil
            ? declaration.elements(ofPartition: index).count * MemoryLayout<Float>.size + ServerLogEntry.overhead
            : recordBytes
        guard needed > log.recordBytes else { return true }
        let name = PartitionName(table: table.name, index: index)
        let error = ParameterServerError(
            .invalidConfiguration,
            "partition \(name) has records of up to \(needed) bytes at server \(predecessor), and one of the log of server \(server) has at most \(log.recordBytes): set its log.waitingBytes to \(2 * needed) or more"
        )
        let isNew = state.withLock { $0.refused.updateValue((name, error), forKey: id)?.error.message != error.message }
        replication.meter.seedingsRefused.increment()
        if isNew {
            logger.error("partition cannot be followed", metadata: ["server": "\(server)", "error": "\(error)"])
        }
        return false
    }

    /// Has the coordinator give a partition to another server, and not to this one again.
    func refuse(_ id: PartitionID) async {
        while !Task.isCancelled, let entry = state.withLock({ $0.map?.partition(id) }), entry.joining == server {
            let change = ChainChange.refuse(server)
            guard (try? await coordination.changeChain(of: id, ifEpoch: entry.epoch, change, server: server)) == nil,
                (try? await coordination.mesh.runtime.sleep(for: .milliseconds(250))) != nil
            else { return }
            await refreshInTurn()
        }
    }

    /// What this server would follow others in if its log let it, of partitions that have too few followers.
    var refusals: [(id: PartitionID, name: PartitionName, error: ParameterServerError)] {
        state.withLock { state in
            state.refused.sorted { $0.key < $1.key }.compactMap { id, refusal in
                guard let table = state.map?.table(of: id), let entry = state.map?.partition(id),
                    entry.followers.count < table.replicas
                else { return nil }
                return (id, refusal.name, refusal.error)
            }
        }
    }

    /// Hosts the copy of a partition that a predecessor has sent on a stream, if it is still wanted.
    ///
    /// - Throws: ``ParameterServerError`` with `logFailed`, `busy`, `snapshotRevoked` or `invalidDeclaration`.
    func host(
        _ copy: PartitionState, from stream: UInt64, epoch: UInt64
    ) async throws(ParameterServerError) {
        let (log, entry) = state.withLock { ($0.log, $0.map?.partition(copy.id)) }
        guard let entry, let place = ChainPlace(of: server, in: entry), place.role == .joining, place.epoch == epoch
        else { return }
        // A log that has no room is to have some when this is asked for again.
        compactLogIfNeeded()
        try log?.check(gradientBytes: copy.parameters.byteCount, of: copy.name)
        let partition = partition(copy, in: place, log: log)
        if let log {
            try await log.begin([(copy.origin, try copy.snapshot.pinned())]) { host(partition) }
        } else {
            host(partition)
        }
        partition.chained { _ = $0.predecessorBegins(on: stream, epoch: epoch, isJoining: true) }
    }

    /// Keeps why partitions are not here, for those who ask for them, and says so once.
    private func cannotHost(_ partitions: [PartitionID], of table: PartitionMap.Table, _ error: ParameterServerError) {
        let isNew = state.withLock { state in
            var isNew = false
            for id in partitions where state.partitions[id] == nil {
                isNew = state.unhosted.updateValue(error, forKey: id) == nil || isNew
            }
            return isNew
        }
        guard isNew else { return }
        logger.warning(
            "table cannot be hosted", metadata: ["server": "\(server)", "table": "\(table.name)", "error": "\(error)"])
    }
}
