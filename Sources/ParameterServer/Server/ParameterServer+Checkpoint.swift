import Coordination
import Identity
import Logging
import MeshTransport
import MeshWire

extension ParameterServer {
    /// Writes the partitions of a request to the folder of checkpoints.
    func checkpoint(_ order: CheckpointOrder, _ call: CallContext) async throws -> CheckpointAnswer {
        let checkpoints = try await checkpoints(for: order.entries.map(\.partition), call)
        let answer = try await administering(call) { () throws(ParameterServerError) in
            try await checkpoints.write(order, until: call.deadline)
        }
        logger.info(
            "partitions written to a checkpoint",
            metadata: ["server": "\(name)", "step": "\(order.step)", "partitions": "\(answer.partitions.count)"])
        return answer
    }

    /// Has the partitions of a request go back to their files.
    func restore(_ order: RestoreOrder, _ call: CallContext) async throws -> RestoreAnswer {
        let checkpoints = try await checkpoints(for: order.entries.map(\.place.partition), call)
        let answer = try await administering(call) { () throws(ParameterServerError) in
            try await checkpoints.restore(order, until: call.deadline)
        }
        if order.loads {
            logger.warning(
                "partitions went back to a checkpoint",
                metadata: [
                    "server": "\(name)", "peer": "\(call.peer?.description ?? "none")", "step": "\(order.step)",
                    "partitions": "\(answer.partitions.count)",
                    "lost": "\(answer.partitions.flatMap(\.sessions).reduce(0) { $0 + $1.lost.count })",
                ])
        }
        return answer
    }

    /// Whoever answers, if the caller may administer all of these partitions' tables.
    private func checkpoints(
        for partitions: [PartitionID], _ call: CallContext
    ) async throws -> ServerCheckpoints {
        for id in partitions {
            let partition = try await administering(call) { () throws(ParameterServerError) in
                try await hosted.partition(id)
            }
            if let denial = denial(.administer, partition, call.peer) {
                throw refusal(denial, of: .administer, call)
            }
        }
        guard let checkpoints else {
            throw ParameterServerError(
                .checkpointFailed,
                "server \(name) has no folder for checkpoints: set ParameterServerConfiguration.checkpoints"
            ).callFailure(.failedPrecondition)
        }
        return checkpoints
    }

    private func administering<Result>(
        _ call: CallContext, _ body: () async throws(ParameterServerError) -> Result
    ) async throws(CallFailure) -> Result {
        do throws(ParameterServerError) {
            return try await body()
        } catch {
            logger.warning(
                "checkpoint request failed",
                metadata: [
                    "server": "\(name)", "peer": "\(call.peer?.description ?? "none")", "code": "\(error.code)",
                    "error": "\(error.message)",
                ])
            throw error.callFailure(error.code.checkpointStatus)
        }
    }
}

extension ParameterServerError.Code {
    /// The status of a request about checkpoints that failed so.
    fileprivate var checkpointStatus: CallStatus {
        switch self {
        case .checkpointInvalid: .dataLoss
        case .checkpointFailed: .failedPrecondition
        case .unknownParameter: .notFound
        case .busy, .coordination, .notRegistered, .unconfirmed, .logFailed: .unavailable
        default: .internalError
        }
    }
}
