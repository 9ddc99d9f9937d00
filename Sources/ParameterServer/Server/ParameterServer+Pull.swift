import Coordination
import MeshTransport
import MeshWire
import Tensor

extension ParameterServer {
    /// Answers with the parameters where they lie, and with copies of rows. Runs on the event loop that received the call.
    func pull(_ request: PullRequest, _ call: CallContext) async throws -> PullResponse {
        var response = PullResponse()
        var limits = RowLimits(onLoop: configuration.bytesAppliedOnLoop, inAnswer: configuration.rowBytesPerPull)
        for (index, entry) in request.entries.enumerated() {
            let keys: AnyTensor?
            do throws(TensorError) {
                keys = try request.keys(ofEntry: index)?.keys()
            } catch {
                throw ParameterServerError(.malformedRequest, "partition \(entry.partition): \(error.message)")
                    .callFailure(.invalidArgument)
            }
            let (parameters, version, round) = try await pull(entry, keys, request.bound, call, within: &limits)
            response.versions.append(version)
            response.parameters.append(try await encoded(parameters, entry))
            response.rounds.append(round.map { $0 + 1 } ?? 0)
        }
        return response
    }

    /// The parameters in the encoding that an entry asks for. A cast is computed on the compute pool.
    private func encoded(
        _ parameters: AnyTensor, _ entry: PullRequest.Entry
    ) async throws(CallFailure) -> Segment {
        guard entry.encoding != 0 else { return Segment(parameters) }
        guard let dtype = GradientEncoding(rawValue: entry.encoding)?.halfFloats else {
            throw ParameterServerError(
                .malformedRequest, "partition \(entry.partition): values are not sent in encoding \(entry.encoding)"
            ).callFailure(.invalidArgument)
        }
        let cast = await withTaskExecutorPreference(mesh.runtime.computeExecutor) {
            () async -> Result<AnyTensor, TensorError> in
            Result { () throws(TensorError) in try parameters.cast(to: dtype) }
        }
        switch cast {
        case .success(let values): return Segment(values)
        case .failure(let error):
            throw ParameterServerError(.busy, "partition \(entry.partition): \(error.message)").callFailure(
                .unavailable)
        }
    }

    /// The bytes of rows that may yet be copied for a call.
    private struct RowLimits {
        /// On the loop that received it.
        var onLoop: Int
        var inAnswer: Int

        /// The bytes of the rows of `keys`.
        ///
        /// - Throws: ``ParameterServerError/Code/malformedRequest`` if they are too many, and their fault if they have one.
        func bytes(_ keys: AnyTensor?, of partition: Partition) throws(ParameterServerError) -> Int {
            if let fault = partition.fault(ofPull: keys) { throw fault }
            guard let keys, partition.table.rows != nil else { return 0 }
            let bytes = keys.elementCount * partition.table.shape.elementCount * DType.float32.byteWidth
            guard bytes <= inAnswer else {
                throw ParameterServerError(
                    .malformedRequest,
                    "partition \(partition.name): the rows have \(bytes) bytes, and \(inAnswer) are left of what a pull may ask for: ask in several calls"
                )
            }
            return bytes
        }
    }

    private func pull(
        _ entry: PullRequest.Entry, _ keys: AnyTensor?, _ bound: ClockBound?, _ call: CallContext,
        within limits: inout RowLimits
    ) async throws(CallFailure) -> (AnyTensor, PartitionVersion, round: UInt64?) {
        if let partition = hosted.known(entry.partition) {
            if let denial = denial(.pull, partition, call.peer) { throw refusal(denial, of: .pull, call) }
            if let bytes = try? limits.bytes(keys, of: partition), bytes <= limits.onLoop,
                bound.map(partition.clockGate.isReached) ?? true, let found = partition.pullIfFree(keys),
                found.1 >= entry.minimum, found.round ?? 0 >= entry.round
            {
                limits.onLoop -= bytes
                limits.inAnswer -= bytes
                return found
            }
        }
        let runtime = mesh.runtime
        let left = limits
        let result = await withTaskExecutorPreference(runtime.computeExecutor) {
            () async -> Result<(AnyTensor, PartitionVersion, round: UInt64?, bytes: Int), ParameterServerError> in
            do throws(ParameterServerError) {
                let partition = try await hosted.partition(entry.partition)
                if let denial = denial(.pull, partition, call.peer) { throw denial }
                let bytes = try left.bytes(keys, of: partition)
                guard await partition.reaches(entry.minimum, before: call.deadline, on: runtime),
                    await partition.reaches(round: entry.round, before: call.deadline, on: runtime)
                else {
                    guard partition.isHead else {
                        throw hosted.notRegistered("does not head partition \(partition.name) any more")
                    }
                    throw ParameterServerError(
                        .versionNotReached,
                        "partition \(partition.name) did not reach version \(entry.minimum)"
                            + (entry.round > 0 ? " and close round \(entry.round)" : ""))
                }
                if let bound {
                    try await partition.waitForClocks(bound, until: clockDeadline(of: call), on: runtime)
                }
                guard let found = await partition.pull(keys) else {
                    throw ParameterServerError(
                        .busy, "partition \(partition.name): too many pulls wait, or their rows have no memory")
                }
                return .success((found.0, found.1, found.round, bytes))
            } catch {
                return .failure(error)
            }
        }
        switch result {
        case .success(let found):
            limits.inAnswer -= found.bytes
            return (found.0, found.1, found.round)
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
        case .versionNotReached, .staleClock: .deadlineExceeded
        case .busy, .coordination, .notRegistered: .unavailable
        case .malformedRequest, .shapeMismatch, .rowOutOfRange: .invalidArgument
        default: .internalError
        }
    }
}
