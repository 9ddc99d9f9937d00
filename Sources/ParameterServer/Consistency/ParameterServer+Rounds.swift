import Coordination
import Identity
import MeshTransport
import MeshWire

/// What a server answers about rounds.
extension ParameterServer {
    /// Has the mesh answer the methods of ``RoundService``.
    func serveRounds() {
        mesh.serve(RoundService.arrive, execution: .compute) { arrival, call in try await self.arrive(arrival, call) }
        mesh.serve(RoundService.follow, execution: .compute) { query, call in try await self.follow(query, call) }
        mesh.serve(RoundService.collect, execution: .compute) { collection, call in
            try await self.collect(collection, call)
        }
    }

    private func arrive(_ arrival: RoundArrival, _ call: CallContext) async throws -> RoundState {
        do throws(ParameterServerError) {
            let peer = try await proved(arrival.worker, call)
            let leader = try hosted.roundLeader
            if let denial = denial(.push, leader, peer) { throw denial }
            return try await hosted.waits.during(.arrival(of: arrival.worker, peer, at: leader), on: mesh.runtime) {
                () async throws(ParameterServerError) in
                try await leader.arrived(arrival, peer: peer, until: call.deadline, on: mesh.runtime)
            }
        } catch {
            throw error.callFailure(error.code.statusOfRounds)
        }
    }

    private func follow(_ query: RoundQuery, _ call: CallContext) async throws -> RoundState {
        do throws(ParameterServerError) {
            let leader = try hosted.roundLeader
            if let denial = denial(.pull, leader, call.peer) { throw denial }
            return try await leader.decided(after: query.known, until: call.deadline, on: mesh.runtime)
        } catch {
            throw error.callFailure(error.code.statusOfRounds)
        }
    }

    private func collect(_ collection: RoundCollection, _ call: CallContext) async throws -> PushResponse {
        let peer: SPIFFEID
        do throws(ParameterServerError) {
            peer = try await proved(collection.worker, call)
        } catch {
            throw error.callFailure(error.code.statusOfRounds)
        }
        let deadline = call.deadline
        return PushResponse(
            await collection.entries.mapAllAtOnce { await self.collect($0, collection, peer, until: deadline) })
    }

    private func collect(
        _ entry: RoundCollection.Entry, _ collection: RoundCollection, _ peer: SPIFFEID, until deadline: RuntimeInstant
    ) async -> PushReply {
        do throws(ParameterServerError) {
            let partition = try await hosted.partition(entry.partition)
            if let denial = denial(.push, partition, peer) { throw denial }
            let subject = WaitBook.Subject.round(entry.sequence, of: collection.worker, peer, at: partition)
            return await hosted.waits.during(subject, on: mesh.runtime) {
                await partition.collect(
                    entry.sequence, of: collection.worker, peer: peer, round: collection.round, until: deadline,
                    on: mesh.runtime)
            }
        } catch {
            return PushReply(refusing: entry.partition, error.code, error.message)
        }
    }

    /// The identity that calls, whose session the worker's is as far as this server can know.
    private func proved(
        _ worker: RoundDecision.Worker, _ call: CallContext
    ) async throws(ParameterServerError) -> SPIFFEID {
        guard let peer = call.peer else {
            throw ParameterServerError(.malformedRequest, "the caller has proved no identity")
        }
        if let refusal = try await hosted.refusal(of: worker.session, slot: worker.slot, peer: peer) {
            throw ParameterServerError(refusal.code, refusal.message)
        }
        return peer
    }
}

extension HostedPartitions {
    /// The partition that leads rounds, if this server heads it.
    ///
    /// - Throws: ``ParameterServerError/Code/notRegistered``.
    var roundLeader: Partition {
        get throws(ParameterServerError) {
            guard let leader = all.first(where: { $0.table.leadsRounds && $0.isHead }) else {
                throw notRegistered(
                    "does not lead rounds, or does not know that yet; ask the head of \(ReservedTables.rounds)")
            }
            return leader
        }
    }
}

extension ParameterServerError.Code {
    /// The status of a call about rounds that failed so.
    fileprivate var statusOfRounds: CallStatus {
        switch self {
        case .busy, .coordination, .notRegistered, .unconfirmed, .logFailed: .unavailable
        case .notAllowed: .permissionDenied
        case .malformedRequest: .invalidArgument
        case .sessionFenced, .sessionExpired, .sessionUnknown, .notOwner: .failedPrecondition
        default: .internalError
        }
    }
}
