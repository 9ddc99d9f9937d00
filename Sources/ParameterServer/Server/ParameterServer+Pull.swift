import Coordination
import MeshTransport
import MeshWire
import Tensor

extension ParameterServer {
    /// Answers with the parameters where they lie, and with copies of rows. Runs on the event loop that received the
    /// call.
    func pull(_ request: PullRequest, _ call: CallContext) async throws -> PullResponse {
        let start = mesh.runtime.now
        var response = PullResponse()
        var limits = RowLimits(onLoop: configuration.bytesAppliedOnLoop, inAnswer: configuration.rowBytesPerPull)
        for (index, entry) in request.entries.enumerated() {
            let keys: AnyTensor?
            do throws(TensorError) {
                keys = try request.keys.ofEntry(index)?.keys()
            } catch {
                throw ParameterServerError(.malformedRequest, "partition \(entry.partition): \(error.message)")
                    .callFailure(.invalidArgument)
            }
            let (parameters, version, round): (AnyTensor, PartitionVersion, UInt64?)
            if let snapshot = entry.snapshot {
                (parameters, version) = try await pull(entry, in: snapshot, keys, call, within: &limits)
                round = nil
            } else {
                (parameters, version, round) = try await pull(entry, keys, request.bound, call, within: &limits)
            }
            response.versions.append(version)
            response.parameters.append(try await encoded(parameters, entry))
            response.rounds.append(round.map { $0 + 1 } ?? 0)
        }
        let duration = start.duration(to: mesh.runtime.now)
        for entry in request.entries { hosted.known(entry.partition)?.meter.pulled(duration) }
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
    struct RowLimits {
        /// On the loop that received it.
        var onLoop: Int
        var inAnswer: Int

        /// The bytes of the rows of `keys`.
        ///
        /// - Throws: ``ParameterServerError/Code/malformedRequest`` if they are too many, and their fault if they
        ///   have one.
        func bytes(
            _ keys: AnyTensor?, of table: TableDeclaration, _ name: PartitionName
        ) throws(ParameterServerError) -> Int {
            if let fault = table.fault(ofPull: keys, name) { throw fault }
            guard let keys, table.rows != nil else { return 0 }
            let bytes = keys.elementCount * table.shape.elementCount * DType.float32.byteWidth
            guard bytes <= inAnswer else {
                throw ParameterServerError(
                    .malformedRequest,
                    "partition \(name): the rows have \(bytes) bytes, and \(inAnswer) are left of what a pull may ask for: ask in several calls"
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
            if !entry.isCommitted, let bytes = try? limits.bytes(keys, of: partition.table, partition.name),
                bytes <= limits.onLoop, bound.map(partition.clockGate.isReached) ?? true,
                let found = partition.pullIfFree(keys), found.1 >= entry.minimum, found.round ?? 0 >= entry.round
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
                let bytes = try left.bytes(keys, of: partition.table, partition.name)
                let version = WaitBook.Subject.pull(.version, .version(entry.minimum), partition, call.peer)
                var isReached = await hosted.waits.during(version, on: runtime) {
                    await partition.reaches(entry.minimum, before: call.deadline, on: runtime)
                }
                if isReached, entry.round > 0 {
                    isReached = await hosted.waits.during(
                        .pull(.round, .workers, partition, call.peer), on: runtime
                    ) {
                        await partition.reaches(round: entry.round, before: call.deadline, on: runtime)
                    }
                }
                guard isReached else {
                    guard partition.isHead else {
                        throw hosted.notRegistered("does not head partition \(partition.name) any more")
                    }
                    throw ParameterServerError(
                        .versionNotReached,
                        "partition \(partition.name) did not reach version \(entry.minimum)"
                            + (entry.round > 0 ? " and close round \(entry.round)" : ""))
                }
                if let bound {
                    let until = clockDeadline(of: call)
                    try await hosted.waits.during(.pull(.clock, .workers, partition, call.peer), on: runtime) {
                        () async throws(ParameterServerError) in
                        try await partition.waitForClocks(bound, until: until, on: runtime)
                    }
                }
                let busy = ParameterServerError(
                    .busy, "partition \(partition.name): too many pulls wait, or their rows have no memory")
                if entry.isCommitted {
                    guard let found = await partition.pullToCommit(keys) else { throw busy }
                    let (reason, blocker) = partition.safety()
                    try await hosted.waits.during(.pull(reason, blocker, partition, call.peer), on: runtime) {
                        () async throws(ParameterServerError) in
                        try await partition.settled(found.mark, until: call.deadline, on: runtime)
                    }
                    return .success((found.values, found.version, found.round, bytes))
                }
                let found = await hosted.waits.during(.pull(.turn, .turns, partition, call.peer), on: runtime) {
                    await partition.pull(keys)
                }
                guard let found else { throw busy }
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
        case .failure(let error): throw error.callFailure(error.code.pullStatus)
        }
    }
}

extension ParameterServerError.Code {
    /// The status of a pull that failed so.
    var pullStatus: CallStatus {
        switch self {
        case .unknownParameter: .notFound
        case .versionNotReached, .staleClock: .deadlineExceeded
        case .busy, .coordination, .notRegistered, .unconfirmed, .logFailed: .unavailable
        case .malformedRequest, .shapeMismatch, .rowOutOfRange: .invalidArgument
        case .snapshotRevoked, .snapshotTooLarge: .failedPrecondition
        default: .internalError
        }
    }
}
