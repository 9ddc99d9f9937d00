import Identity
import Logging
import MeshTransport
import MeshWire
import Synchronization

extension Coordinator {
    /// Has servers lost whose leases are over, and gives partitions their followers, once a heartbeat until the task is
    /// cancelled.
    ///
    /// - Returns: why the store takes no more changes.
    func watchServers() async -> CoordinationError? {
        while (try? await mesh.runtime.sleep(for: configuration.serverHeartbeat)) != nil {
            let now = mesh.runtime.now
            do throws(CoordinationError) {
                guard try state.change({ $0.serversNeedAttention(now: now) }) else { continue }
                let expired = state.read { $0.expiredServers(now: now) }
                try await lose(expired, "its lease of \(configuration.serverLease) is over")
                let end = mesh.runtime.now
                try state.change { $0.serversHaveAttention(until: end) }
            } catch {
                guard error.code == .storeUnavailable || error.code == .limitReached else { return error }
                logger.warning("lost servers not replaced", metadata: ["error": "\(error)"])
            }
        }
        return nil
    }

    /// Looks into a report that a server is lost: nobody is believed, the server itself is asked.
    func report(_ life: ServerLife) async {
        let map = map
        guard let server = map.server(named: life.name), server.life == life.life, map.isLiving(server.name),
            reports.withLock({ $0.begins(server.name, now: mesh.runtime.now) })
        else { return meter.countReport("ignored") }
        var isAnswered = false
        defer {
            reports.withLock { reports in
                if isAnswered {
                    reports.answered(server.name, now: mesh.runtime.now)
                } else {
                    reports.ended(server.name)
                }
            }
        }
        switch await find(server) {
        case .living:
            isAnswered = true
            meter.countReport("answered")
        case .unclear:
            meter.countReport("unclear")
        case .gone(let reason):
            meter.countReport("lost")
            do throws(CoordinationError) {
                try await lose([server], reason)
            } catch {
                logger.warning(
                    "lost server not replaced", metadata: ["server": "\(server.name)", "error": "\(error)"])
            }
        }
    }

    /// Which of the servers that might go on with a server's partitions, if that has been started anew, are gone: a
    /// whole job that is started again must not be given to followers of which only the lease is left.
    func goneHeirs(of server: ServerRecord) async -> [ServerLife] {
        guard let known = map.server(named: server.name), known.life != server.life else { return [] }
        return await withGoneHeirs([known]).filter { $0.name != server.name }.map(ServerLife.init)
    }

    /// Has servers lost, together with those of their heirs that are found to be gone too: of a chain of which nobody
    /// lives whoever returns first goes on, and a dead server in between would only stand in the way.
    private func lose(_ servers: [ServerRecord], _ reason: String) async throws(CoordinationError) {
        let all = await withGoneHeirs(servers)
        let lives = all.map(ServerLife.init)
        let (lost, tally) = try await state.commit(until: latest) { $0.loseServers(lives) }
        meter.count(tally)
        for server in lost {
            let isFirst = servers.contains { $0.name == server }
            warn(ofLost: server, isFirst ? reason : "it was to go on for a lost server, and cannot be reached", tally)
        }
    }

    /// Has a server leave that says so: as if it were lost, but at once.
    func leave(
        _ life: ServerLife, owner: SPIFFEID, until deadline: RuntimeInstant
    ) async throws(CoordinationError) {
        let map = map
        guard let server = map.server(named: life.name) else {
            throw CoordinationError(.serverUnknown, "no server has registered as \(life.name)")
        }
        guard server.identity == owner else {
            throw CoordinationError(
                .notOwner, "server \(life.name) is \(server.identity), not \(owner)", peer: owner.description)
        }
        // It has left before, or another life of it has come.
        guard server.life == life.life, map.isLiving(server.name) else { return }
        let all = await withGoneHeirs([server])
        let lives = all.map(ServerLife.init)
        let (lost, tally) = try await state.commit(until: deadline) { $0.loseServers(lives) }
        meter.count(tally)
        logger.info(
            "server left",
            metadata: [
                "server": "\(life.name)", "handed over": "\(tally.failovers)", "epochs": "\(tally.epochsRaised)",
                "joining": "\(tally.joining)", "unserved": "\(self.map.partitions(headedBy: life.name).count)",
            ])
        for name in lost where name != life.name {
            warn(ofLost: name, "it was to go on for a server that left, and cannot be reached", tally)
        }
    }

    /// These servers, and the heirs of their partitions that are gone, asked all at once until one answers.
    private func withGoneHeirs(_ servers: [ServerRecord]) async -> [ServerRecord] {
        var gone = servers
        while !Task.isCancelled {
            let names = Set(gone.map(\.name))
            let heirs = state.read { $0.heirs(of: names) }
            let found = await withTaskGroup(of: (Int, Finding).self) { group in
                for (index, heir) in heirs.enumerated() {
                    group.addTask { (index, await self.find(heir)) }
                }
                var found: [(Int, Finding)] = []
                for await finding in group { found.append(finding) }
                return found.sorted { $0.0 < $1.0 }
            }
            let more = found.compactMap { index, finding -> ServerRecord? in
                if case .gone = finding { heirs[index] } else { nil }
            }
            guard !more.isEmpty else { break }
            gone += more
        }
        return gone
    }

    // MARK: Asking

    private enum Finding: Sendable {
        case living
        case gone(String)
        case unclear
    }

    private func find(_ server: ServerRecord) async -> Finding {
        for _ in 0..<2 {
            switch await servers.ask(server, within: configuration.probeTimeout) {
            case .success(let life):
                return life == server.life ? .living : .gone("another life answers where it was")
            case .failure(let error) where error.code == .deadlineExceeded: continue
            case .failure(let error) where error.code == .connectFailed || error.code == .connectionLost:
                return Task.isCancelled ? .unclear : .gone("it cannot be reached: \(error.message)")
            // An answer is one, whatever it says.
            case .failure(let error): return error.progress == .answered ? .living : .unclear
            }
        }
        return Task.isCancelled ? .unclear : .gone("it has not answered twice in \(configuration.probeTimeout)")
    }

    private func warn(ofLost server: String, _ reason: String, _ tally: CoordinatorState.ChainTally) {
        let map = map
        logger.warning(
            "server lost",
            metadata: [
                "server": "\(server)", "reason": "\(reason)", "failovers": "\(tally.failovers)",
                "epochs": "\(tally.epochsRaised)", "joining": "\(tally.joining)",
                // Nobody else has them: they wait for the server.
                "unserved": "\(map.partitions(headedBy: server).count)", "version": "\(map.version)",
            ])
    }
}

extension ServerLife {
    fileprivate init(_ server: ServerRecord) { self.init(name: server.name, life: server.life) }
}
