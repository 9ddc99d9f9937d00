import Coordination
import MeshTransport
import MeshWire
import Synchronization
import Tensor

extension ParameterServer {
    /// Answers each call of an updating function by itself. Begins on the event loop that received it.
    func call(_ request: CallRequest, _ call: CallContext) async throws -> CallResponse {
        let start = mesh.runtime.now
        let replies = try await answer(call, since: start) { () throws(ParameterServerError) in
            try Self.pushes(of: request, call).map { arrived in
                var arrived = arrived
                arrived.push.call?.refusal = hosted.refusal(of: request.function, onChainOf: arrived.partition)
                return arrived
            }
        }
        functionMeter.count(replies, of: request.function, start.duration(to: mesh.runtime.now))
        return CallResponse(replies)
    }

    /// The calls as pushes, with their sequence numbers; throws if the two do not fit each other.
    private static func pushes(
        of request: CallRequest, _ call: CallContext
    ) throws(ParameterServerError) -> [ArrivedPush] {
        var pushes = PushRequest(slot: request.slot, entries: request.entries)
        pushes.gradients = request.entries.map { _ in request.argument }
        pushes.keys = request.keys
        guard request.entries.allSatisfy({ $0.encoding == 0 && $0.round == 0 && $0.clock == 0 }) else {
            throw ParameterServerError(.malformedRequest, "a call has an encoding, a round or a clock")
        }
        return try self.pushes(of: pushes, call, calling: request.function)
    }

    /// Answers with what a reading function gives for each partition. Computes; not for loops.
    func query(_ request: QueryRequest, _ call: CallContext) async throws -> QueryResponse {
        let start = mesh.runtime.now
        var response = QueryResponse()
        var failure: ParameterServerError?
        do throws(ParameterServerError) {
            let function = try hosted.functions.function(request.function, isUpdating: false)
            let argument = request.argument.copiedBytes
            for (index, entry) in request.entries.enumerated() {
                let keys = request.keys.ofEntry(index)
                let (version, answer) = try await query(function, argument, entry, keys, call)
                response.versions.append(version)
                response.answers.append(Segment(copying: answer))
            }
        } catch {
            failure = error
        }
        functionMeter.count(
            response.answers.count, of: request.function, failure?.code, start.duration(to: mesh.runtime.now))
        guard let failure else { return response }
        if failure.code == .notAllowed { throw refusal(failure, of: .call, call) }
        meter.countRefusal(failure.code)
        throw failure.callFailure(failure.code.queryStatus)
    }

    private func query(
        _ function: RegisteredFunction, _ argument: [UInt8], _ entry: QueryRequest.Entry, _ keys: Segment?,
        _ call: CallContext
    ) async throws(ParameterServerError) -> (PartitionVersion, [UInt8]) {
        let runtime = mesh.runtime
        let partition = try await hosted.partition(entry.partition)
        if let denial = denial(.call, partition, call.peer, function: function.id) { throw denial }
        let named: AnyTensor?
        do throws(TensorError) {
            named = try keys?.keys()
        } catch {
            throw ParameterServerError(.malformedRequest, "partition \(partition.name): \(error.message)")
        }
        if let fault = partition.table.fault(ofKeys: named, partition: partition.name.index, areSorted: true) {
            throw ParameterServerError(fault.code, "partition \(partition.name): \(fault.message)")
        }
        let limits = RowLimits(onLoop: 0, inAnswer: configuration.rowBytesPerPull)
        _ = try limits.bytes(named, of: partition.table, partition.name)
        let version = WaitBook.Subject.pull(.version, .version(entry.minimum), partition, call.peer)
        let isReached = await hosted.waits.during(version, on: runtime) {
            await partition.reaches(entry.minimum, before: call.deadline, on: runtime)
        }
        guard isReached else {
            guard partition.isHead else {
                throw hosted.notRegistered("does not head partition \(partition.name) any more")
            }
            throw ParameterServerError(
                .versionNotReached, "partition \(partition.name) did not reach version \(entry.minimum)")
        }
        let seen = await hosted.waits.during(.pull(.turn, .turns, partition, call.peer), on: runtime) {
            await partition.view(of: named)
        }
        guard let seen else {
            throw ParameterServerError(.busy, "partition \(partition.name): too many calls wait")
        }
        let (values, mark) = (try seen.values.get(), seen.mark)
        if entry.isCommitted {
            let (reason, blocker) = partition.safety()
            try await hosted.waits.during(.pull(reason, blocker, partition, call.peer), on: runtime) {
                () async throws(ParameterServerError) in
                try await partition.settled(mark, until: call.deadline, on: runtime)
            }
        }
        guard mesh.runtime.now < call.deadline else {
            throw ParameterServerError(.busy, "partition \(partition.name): its turn came after the caller's time")
        }
        let answer = try function.read(values, argument)
        guard answer.count <= configuration.functionAnswerBytes else {
            throw ParameterServerError(
                .answerTooLarge,
                "function \(function.id) answers with \(answer.count) bytes for partition \(partition.name), and functionAnswerBytes is \(configuration.functionAnswerBytes)"
            )
        }
        return (values.version, answer)
    }
}

extension HostedPartitions {
    /// Why an updating function cannot be called on a partition, by the map that is known here: another server of its
    /// chain, or one that joins, does not have it and would have to leave.
    func refusal(of function: FunctionID, onChainOf id: PartitionID) -> ParameterServerError? {
        let map = state.withLock { $0.map }
        guard let map, let entry = map.partition(id) else { return nil }
        let name = function.description
        let lacking = (entry.followers + [entry.joining]).first { member in
            map.server(named: member).map { !$0.functions.contains(name) } ?? false
        }
        guard let lacking else { return nil }
        return ParameterServerError(
            .unknownFunction, "server \(lacking) of its chain has no function \(function): register it there, too")
    }
}

extension Partition {
    /// What a reading function sees of the partition, and what to wait for until that is committed; `nil` if too many
    /// wait.
    func view(
        of keys: AnyTensor?
    ) async -> (values: Result<PartitionValues, ParameterServerError>, mark: Mark)? {
        await marked { state in
            Result { () throws(ParameterServerError) in try state.view(of: keys).0 }
        }.map { (values: $0.0, mark: $0.1) }
    }
}

extension ParameterServerError.Code {
    /// The status of a query that failed so.
    fileprivate var queryStatus: CallStatus {
        switch self {
        case .functionFailed, .unknownFunction, .answerTooLarge: .failedPrecondition
        case .applyFailed: .unavailable
        default: pullStatus
        }
    }
}
