import Coordination
import MeshTransport
import MeshWire
import Tensor

extension ParameterServer {
    /// Answers with the parameters where they lie. Runs on the event loop that received the call.
    func pull(_ request: PullRequest, _ call: CallContext) async throws -> PullResponse {
        var response = PullResponse()
        for entry in request.entries {
            let (parameters, version) = try await pull(entry, call)
            response.versions.append(version)
            response.parameters.append(Segment(parameters))
        }
        return response
    }

    private func pull(
        _ entry: PullRequest.Entry, _ call: CallContext
    ) async throws(CallFailure) -> (AnyTensor, PartitionVersion) {
        if let partition = hosted.known(entry.partition) {
            if let denial = denial(.pull, partition, call.peer) { throw refusal(denial, of: .pull, call) }
            if let found = partition.pullIfFree(), found.1 >= entry.minimum { return found }
        }
        let runtime = mesh.runtime
        let result = await withTaskExecutorPreference(runtime.computeExecutor) {
            () async -> Result<(AnyTensor, PartitionVersion), ParameterServerError> in
            do throws(ParameterServerError) {
                let partition = try await hosted.partition(entry.partition)
                if let denial = denial(.pull, partition, call.peer) { throw denial }
                guard await partition.reaches(entry.minimum, before: call.deadline, on: runtime) else {
                    guard partition.isHead else {
                        return .failure(hosted.notRegistered("does not head partition \(partition.name) any more"))
                    }
                    return .failure(
                        ParameterServerError(
                            .versionNotReached, "partition \(partition.name) did not reach version \(entry.minimum)"))
                }
                guard let found = await partition.pull() else {
                    return .failure(ParameterServerError(.busy, "partition \(partition.name): too many pulls wait"))
                }
                return .success(found)
            } catch {
                return .failure(error)
            }
        }
        switch result {
        case .success(let found): return found
        case .failure(let error) where error.code == .notAllowed: throw refusal(error, of: .pull, call)
        case .failure(let error): throw error.callFailure(error.code.status)
        }
    }
}

extension ParameterServerError.Code {
    /// The status of a pull that failed so.
    fileprivate var status: CallStatus {
        switch self {
        case .unknownParameter: .notFound
        case .versionNotReached: .deadlineExceeded
        case .busy, .coordination, .notRegistered: .unavailable
        default: .internalError
        }
    }
}
