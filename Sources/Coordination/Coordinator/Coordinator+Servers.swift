import Identity
import Logging
import MeshTransport
import MeshWire
import Synchronization
import Telemetry

extension Coordinator {
    func serveServers() {
        mesh.serve(CoordinationService.registerServer) { request, call in
            try await self.answering { () async throws(CoordinationError) in try await self.register(request, call) }
        }
        // On the loop: signs of life are not to wait behind anything.
        mesh.serve(CoordinationService.renewServer, execution: .onLoop) { life, call in
            try await self.answering { () async throws(CoordinationError) in
                try self.renewServer(life, owner: try Self.peer(of: call))
            }
        }
        mesh.serve(CoordinationService.reportLoss) { life, _ in
            await self.report(life)
            return EmptyMessage()
        }
        mesh.serve(CoordinationService.changeChain) { request, call in
            try await self.answering { () async throws(CoordinationError) in
                try await self.changeChain(request, owner: try Self.peer(of: call), until: self.deadline(of: call))
            }
        }
        mesh.serve(CoordinationService.watchMap) { _, maps, _ in
            var version: UInt64?
            while let map = await self.state.maps.next(after: version) {
                version = map.version
                try await maps.send(map)
            }
        }
    }

    private func register(
        _ request: ServerRegistration, _ call: CallContext
    ) async throws(CoordinationError) -> SessionFence {
        let (server, peer) = (request.server, try Self.peer(of: call))
        guard server.identity == peer else {
            throw CoordinationError(
                .notOwner, "server \(server.name) says that it is \(server.identity)", peer: peer.description)
        }
        return try await register(request, until: deadline(of: call))
    }

    /// Takes in a server that has proved to be who it says.
    func register(
        _ request: ServerRegistration, until deadline: RuntimeInstant? = nil
    ) async throws(CoordinationError) -> SessionFence {
        let server = request.server
        let (fence, tally) = try await state.commit(until: deadline ?? latest) { (state) throws(CoordinationError) in
            let tally = try state.registerServer(server, recovered: request.recovered)
            return (state.fence, tally)
        }
        meter.count(tally)
        logger.info(
            "server registered",
            metadata: [
                "server": "\(server.name)", "address": "\(server.host):\(server.port)", "peer": "\(server.identity)",
                "failovers": "\(tally.failovers)", "joining": "\(tally.joining)",
            ])
        return fence
    }

    /// Takes a server's sign of life, which no store keeps.
    func renewServer(_ life: ServerLife, owner: SPIFFEID) throws(CoordinationError) -> RenewedServer {
        let now = mesh.runtime.now
        let lateness = try state.change { (state) throws(CoordinationError) in
            try state.renewServer(life.name, life: life.life, owner: owner, now: now)
        }
        meter.lateness.record(lateness)
        return RenewedServer(lease: configuration.serverLease, heartbeat: configuration.serverHeartbeat)
    }

    func changeChain(
        _ request: ChainRequest, owner: SPIFFEID, until deadline: RuntimeInstant? = nil
    ) async throws(CoordinationError) -> ChainAnswer {
        let (entry, isMade) = try await state.commit(until: deadline ?? latest) { (state) throws(CoordinationError) in
            try state.changeChain(
                of: request.partition, ifEpoch: request.epoch, request.change, server: request.server, owner: owner)
        }
        let isRaised = isMade && entry.epoch != request.epoch
        if isRaised { meter.count(CoordinatorState.ChainTally(epochsRaised: 1)) }
        logger.info(
            isMade ? "chain changed" : "chain not changed: another change was before it",
            metadata: [
                "partition": "\(request.partition)", "change": "\(request.change)", "server": "\(request.server)",
                "epoch": "\(entry.epoch)", "chain": "\(entry.chain.joined(separator: ", "))",
            ])
        return ChainAnswer(entry: entry, isMade: isMade)
    }

    // MARK: Loss

    /// Has servers lost whose leases are over, and gives partitions their followers, once a heartbeat until the task is
    /// cancelled.
    ///
    /// - Returns: why the store takes no more changes.
    func watchServers() async -> CoordinationError? {
        while (try? await mesh.runtime.sleep(for: configuration.serverHeartbeat)) != nil {
            let now = mesh.runtime.now
            do throws(CoordinationError) {
                guard try state.change({ $0.serversNeedAttention(now: now) }) else { continue }
                let (lost, tally) = try await state.commit(until: latest) { $0.expireServers(now: now) }
                meter.count(tally)
                for server in lost { warn(ofLost: server, "its lease of \(configuration.serverLease) is over", tally) }
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
            await lose(server, reason)
        }
    }

    private func lose(_ server: ServerRecord, _ reason: String) async {
        do throws(CoordinationError) {
            let tally = try await state.commit(until: latest) { $0.loseServer(server.name, life: server.life) }
            guard let tally else { return }
            meter.count(tally)
            warn(ofLost: server.name, reason, tally)
        } catch {
            logger.warning("lost server not replaced", metadata: ["server": "\(server.name)", "error": "\(error)"])
        }
    }

    private enum Finding {
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
                return Task.isCancelled ? .unclear : .gone("it was reported, and cannot be reached: \(error.message)")
            // An answer is one, whatever it says.
            case .failure(let error): return error.progress == .answered ? .living : .unclear
            }
        }
        return Task.isCancelled
            ? .unclear : .gone("it was reported, and has not answered twice in \(configuration.probeTimeout)")
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

    /// Until when something waits for the store that no caller waits for.
    var latest: RuntimeInstant { mesh.runtime.now.advanced(by: configuration.commitTimeout) }
}
