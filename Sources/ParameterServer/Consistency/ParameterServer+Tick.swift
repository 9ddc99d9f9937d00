import Coordination
import Identity
import Logging
import MeshTransport
import MeshWire

extension ParameterServer {
    /// Takes down how far a worker is in some partitions, and answers when a failover keeps it. Runs on the event loop
    /// that received the call.
    func tick(_ request: TickRequest, _ call: CallContext) async throws -> TickResponse {
        do throws(ParameterServerError) {
            return try await answer(request, call)
        } catch {
            logger.warning(
                "tick refused",
                metadata: [
                    "server": "\(name)", "peer": "\(call.peer?.description ?? "none")", "code": "\(error.code)",
                    "error": "\(error.message)",
                ])
            throw error.callFailure(error.code.tickStatus)
        }
    }

    private func answer(
        _ request: TickRequest, _ call: CallContext
    ) async throws(ParameterServerError) -> TickResponse {
        guard let peer = call.peer else {
            throw ParameterServerError(.malformedRequest, "the caller has proved no identity")
        }
        if let refusal = try await hosted.refusal(of: request.session, slot: request.tick.slot, peer: peer) {
            throw ParameterServerError(refusal.code, refusal.message)
        }
        let arrived = ArrivedTick(session: request.session, peer: peer, tick: request.tick)
        let runtime = mesh.runtime
        var marks: [(Partition, Partition.Mark)] = []
        var response = TickResponse([])
        for id in request.partitions {
            let partition = try await hosted.partition(id)
            if let denial = denial(.push, partition, peer) { throw denial }
            let (clock, mark) = try await partition.tick(arrived)
            response.clocks.append(clock)
            marks.append((partition, mark))
        }
        hosted.compactLogIfNeeded()
        // After all of them: their records are on the way to followers and disks side by side.
        for (partition, mark) in marks {
            try await partition.settled(mark, until: call.deadline, on: runtime)
        }
        return response
    }

    /// Until when a pull waits here for other workers: early enough that its answer arrives in time.
    func clockDeadline(of call: CallContext) -> RuntimeInstant {
        let now = mesh.runtime.now
        return now.advanced(by: min(configuration.clockPatience, now.duration(to: call.deadline) / 2))
    }
}

extension ParameterServerError.Code {
    /// The status of a tick that failed so.
    fileprivate var tickStatus: CallStatus {
        switch self {
        case .notAllowed, .notOwner: .permissionDenied
        case .sessionFenced, .sessionExpired, .sessionUnknown: .failedPrecondition
        case .malformedRequest: .invalidArgument
        case .unknownParameter: .notFound
        default: .unavailable
        }
    }
}
