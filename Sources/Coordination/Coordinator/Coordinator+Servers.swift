import Identity
import Logging
import MeshTransport
import MeshWire
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
        mesh.serve(CoordinationService.leaveServer) { life, call in
            try await self.answering { () async throws(CoordinationError) in
                try await self.leave(life, owner: try Self.peer(of: call), until: self.deadline(of: call))
            }
            return EmptyMessage()
        }
        mesh.serve(CoordinationService.changeChain) { request, call in
            try await self.answering { () async throws(CoordinationError) in
                try await self.changeChain(request, owner: try Self.peer(of: call), until: self.deadline(of: call))
            }
        }
        mesh.serve(CoordinationService.rollBack) { request, call in
            try await self.answering { () async throws(CoordinationError) in
                guard try Self.peer(of: call) == self.map.server(named: request.server)?.identity else {
                    throw CoordinationError(.notOwner, "only server \(request.server) itself rolls its partitions back")
                }
                return BegunEpoch(epoch: try await self.rollBack(request, until: self.deadline(of: call)))
            }
        }
        mesh.serve(CoordinationService.watchMap) { _, maps, _ in
            try await self.state.maps.forEach { map in
                try await maps.send(try await self.answering { () throws(CoordinationError) in try self.fitting(map) })
            }
        }
        let bytes = MapStep.partBytes(within: mesh.limits)
        mesh.serve(CoordinationService.followMap) { _, parts, _ in
            try await self.state.maps.forEachStep { step in
                for part in step.parts(bytes: bytes) { try await parts.send(part) }
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
        let gone = await goneHeirs(of: server)
        let (fence, tally) = try await state.commit(until: deadline ?? latest) { (state) throws(CoordinationError) in
            let tally = try state.registerServer(
                server, recovered: request.recovered, mapVersion: request.mapVersion, gone: gone)
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
        // Before the decision, which may give the partition to another.
        if request.change == .refuse(request.server) {
            try state.change { $0.noteRefusal(of: request.partition, by: request.server, owner: owner) }
        }
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

    /// Begins an epoch of a partition for its head, which has proved to be who it says.
    func rollBack(
        _ request: RollBackRequest, until deadline: RuntimeInstant? = nil
    ) async throws(CoordinationError) -> UInt64 {
        let epoch = try await state.commit(until: deadline ?? latest) { (state) throws(CoordinationError) in
            try state.rollBack(request.partition, headedBy: request.server, life: request.life)
        }
        meter.count(CoordinatorState.ChainTally(epochsRaised: 1))
        logger.warning(
            "partition goes back",
            metadata: ["partition": "\(request.partition)", "server": "\(request.server)", "epoch": "\(epoch)"])
        return epoch
    }

    /// Until when something waits for the store that no caller waits for.
    var latest: RuntimeInstant { mesh.runtime.now.advanced(by: configuration.commitTimeout) }
}
