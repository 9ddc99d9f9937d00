import Coordination
import Identity
import Logging
import MeshTransport
import MeshWire
import Tensor

extension ParameterServer {
    /// Answers each push of a call by itself. Runs on the event loop that received it.
    func push(_ request: PushRequest, _ call: CallContext) async throws -> PushResponse {
        let replies = try await answer(call, since: mesh.runtime.now) { () throws(ParameterServerError) in
            try Self.pushes(of: request, call)
        }
        return PushResponse(replies)
    }

    /// Answers pushes, or calls of functions, that arrived in a call.
    func answer(
        _ call: CallContext, since start: RuntimeInstant, _ arrived: () throws(ParameterServerError) -> [ArrivedPush]
    ) async throws -> [PushReply] {
        var pushes: [ArrivedPush]
        do throws(ParameterServerError) {
            pushes = try arrived()
        } catch {
            report(error.code, error.message, partition: nil, peer: call.peer)
            throw error.callFailure(.invalidArgument)
        }
        for index in pushes.indices { pushes[index].known = hosted.known(pushes[index].partition) }
        let bytes = pushes.reduce(0) { $0 + $1.heldBytes }
        let replies: [PushReply]
        if credit.take(bytes) {
            defer { credit.giveBack(bytes) }
            replies = try await answer(pushes, until: call.deadline)
        } else {
            let reason =
                "server \(name): \(configuration.unansweredPushBytes) bytes of pushes are not answered yet; the same push may come again"
            replies = pushes.map { refuse($0.partition, .busy, reason) }
        }
        observe(pushes, replies, since: start, call)
        if let peer = call.peer { reportRefusals(among: replies, peer: peer) }
        return replies
    }

    /// Times the pushes of a call that is answered, and records their spans where it is traced.
    private func observe(
        _ pushes: [ArrivedPush], _ replies: [PushReply], since start: RuntimeInstant, _ call: CallContext
    ) {
        let duration = start.duration(to: mesh.runtime.now)
        for push in pushes { push.known?.meter.pushed(duration) }
        PushSpans(call, mesh)?.record(
            zip(pushes, replies).map {
                ($0.push, $0.known?.name.description ?? $0.partition.description, $1)
            }, duration)
    }

    private func answer(_ pushes: [ArrivedPush], until deadline: RuntimeInstant) async throws(CallFailure)
        -> [PushReply]
    {
        guard let first = pushes.first else { return [] }
        do throws(ParameterServerError) {
            if let refusal = try await hosted.refusal(
                of: first.push.session, slot: first.push.slot, peer: first.push.peer)
            {
                return pushes.map { refuse($0.partition, refusal.code, refusal.message) }
            }
        } catch {
            // A question to the coordinator that ended because the caller had gone: a copy of the push asks again.
            if !Task.isCancelled { report(error.code, error.message, partition: nil, peer: first.push.peer) }
            throw error.callFailure(.unavailable)
        }
        // What is small and not contended is applied here, on the loop; the rest takes turns on the compute pool.
        var budget = configuration.bytesAppliedOnLoop
        if pushes.count == 1, let answer = pushIfFree(first, within: &budget) {
            return [answer.isSettled ? answer.reply : await settle(first, answer, until: deadline)]
        }
        let early = pushes.map { pushIfFree($0, within: &budget) }
        var replies = early.map { $0?.isSettled == true ? $0?.reply : nil }
        let rest = replies.indices.filter { replies[$0] == nil }
        guard !rest.isEmpty else { return replies.compactMap { $0 } }
        let compute = mesh.runtime.computeExecutor
        // Of a step's new partitions one asks for all: a question is answered with the whole map.
        if rest.count > 1, let new = rest.first(where: { pushes[$0].known == nil }) {
            await withTaskExecutorPreference(compute) { _ = try? await hosted.partition(pushes[new].partition) }
        }
        await withTaskGroup(of: (Int, PushReply).self) { group in
            for index in rest {
                if let answer = early[index] {
                    group.addTask { (index, await self.settle(pushes[index], answer, until: deadline)) }
                } else {
                    group.addTask(executorPreference: compute) {
                        (index, await self.finish(pushes[index], until: deadline))
                    }
                }
            }
            for await (index, reply) in group { replies[index] = reply }
        }
        return replies.compactMap { $0 }
    }

    private func pushIfFree(_ arrived: ArrivedPush, within budget: inout Int) -> Partition.Answer? {
        // What a function costs nobody knows: it is for no loop.
        guard arrived.push.byteCount <= budget, let partition = arrived.known, arrived.push.call == nil else {
            return nil
        }
        let bytes = partition.computedBytes(of: arrived.push)
        guard bytes <= budget else { return nil }
        if let denial = denial(.push, partition, arrived.push.peer) {
            return Partition.Answer(reply: refuse(arrived.partition, denial.code, denial.message))
        }
        guard let answer = partition.pushIfFree(arrived.push) else { return nil }
        budget -= bytes
        return answer
    }

    /// Takes a push's turn, and waits until the answer is safe.
    private func finish(_ arrived: ArrivedPush, until deadline: RuntimeInstant) async -> PushReply {
        do throws(ParameterServerError) {
            let partition = try await hosted.partition(arrived.partition)
            let function = arrived.push.call?.function
            if let denial = denial(function == nil ? .push : .call, partition, arrived.push.peer, function: function) {
                throw denial
            }
            let answer = await hosted.waits.during(.turn(of: arrived.push, at: partition), on: mesh.runtime) {
                await partition.push(arrived.push, until: deadline)
            }
            hosted.compactLogIfNeeded()
            return await safe(arrived, answer, at: partition, until: deadline)
        } catch {
            return refuse(arrived.partition, error.code, error.message)
        }
    }

    /// Waits until the answer to a push that has had its turn is safe.
    private func settle(
        _ arrived: ArrivedPush, _ answer: Partition.Answer, until deadline: RuntimeInstant
    ) async -> PushReply {
        hosted.compactLogIfNeeded()
        guard let partition = arrived.known else {
            let error = hosted.notRegistered("does not head partition \(arrived.partition) any more; ask its head")
            return refuse(arrived.partition, error.code, error.message)
        }
        return await safe(arrived, answer, at: partition, until: deadline)
    }

    private func safe(
        _ arrived: ArrivedPush, _ answer: Partition.Answer, at partition: Partition, until deadline: RuntimeInstant
    ) async -> PushReply {
        guard !answer.isSettled else { return answer.reply }
        return await hosted.waits.during(.safety(of: arrived.push, answer, at: partition), on: mesh.runtime) {
            await partition.settled(answer, until: deadline, on: mesh.runtime)
        }
    }

    /// A refusal that no partition was asked for.
    private func refuse(_ partition: PartitionID, _ code: ParameterServerError.Code, _ message: String) -> PushReply {
        let reply = PushReply(refusing: partition, code, message)
        meter.count(reply)
        return reply
    }

    /// Says which pushes of a call were refused: once each, so not when an answer that was given before is repeated.
    private func reportRefusals(among replies: [PushReply], peer: SPIFFEID) {
        for reply in replies where !reply.isReplay {
            if case .skipped(let message) = reply.outcome {
                report(.nonFinite, message, partition: reply.partition, peer: peer)
                continue
            }
            // A late copy of a push whose answer its session already has: the transport's doing, not the worker's.
            // One that waits for its round is no refusal.
            guard case .refused(let code, let message) = reply.outcome, code != .acknowledged, code != .held else {
                continue
            }
            // A question to the coordinator that ended because the caller had gone: a copy of the push asks again.
            if code == .coordination, Task.isCancelled { continue }
            report(code, message, partition: reply.partition, peer: peer)
        }
    }

    /// Logs and counts a refusal.
    private func report(
        _ code: ParameterServerError.Code, _ message: String, partition: PartitionID?, peer: SPIFFEID?
    ) {
        var metadata: Logger.Metadata = [
            "server": "\(name)", "peer": "\(peer?.description ?? "none")", "code": "\(code)", "error": "\(message)",
        ]
        if let partition {
            metadata["partition"] = "\(hosted.known(partition)?.name.description ?? partition.description)"
        }
        logger.warning("push refused", metadata: metadata)
        meter.countRefusal(code)
    }

    /// A push, or a call of a function, with the partition that it is for.
    struct ArrivedPush: Sendable {
        var partition: PartitionID
        var push: PartitionPush
        /// The partition, where it was here when the push came.
        var known: Partition?

        /// The bytes of the push until it is answered: a small encoding becomes all elements before its turn.
        var heldBytes: Int { max(push.byteCount, known?.computedBytes(of: push) ?? 0) }
    }

    /// The request's pushes with their sequence numbers; throws if the two do not fit each other.
    ///
    /// - Parameter function: what they call; their gradients are its argument.
    static func pushes(
        of request: PushRequest, _ call: CallContext, calling function: FunctionID? = nil
    ) throws(ParameterServerError) -> [ArrivedPush] {
        func malformed(_ message: String) -> ParameterServerError { ParameterServerError(.malformedRequest, message) }
        guard let peer = call.peer else { throw malformed("the caller has proved no identity") }
        guard let deduplication = call.deduplication else { throw malformed("the pushes have no session") }
        guard deduplication.entries.lazy.map(\.scope).elementsEqual(request.entries.lazy.map(\.partition.rawValue))
        else {
            throw malformed("the sequence numbers are of other partitions than the gradients")
        }
        let count = request.entries.count
        guard count < 2 || Set(request.entries.lazy.map(\.partition)).count == count else {
            throw malformed("a partition occurs twice in a step")
        }
        var pushes: [ArrivedPush] = []
        pushes.reserveCapacity(count)
        for (index, entry) in request.entries.enumerated() {
            let numbers = deduplication.entries[index]
            let gradient: AnyTensor
            let keys: AnyTensor?
            guard let encoding = GradientEncoding(rawValue: entry.encoding) else {
                throw malformed("partition \(entry.partition): the encoding \(entry.encoding) is not known here")
            }
            do throws(TensorError) {
                let segment = request.gradients[index]
                gradient = encoding == .none && function == nil ? try segment.floats() : try segment.bytes()
                keys = try request.keys.ofEntry(index)?.keys()
            } catch {
                throw malformed("partition \(entry.partition): \(error.message)")
            }
            var push = PartitionPush(
                session: deduplication.session, slot: request.slot, peer: peer, sequence: numbers.sequence,
                acknowledgedThrough: numbers.acknowledgedThrough, gradient: gradient, keys: keys,
                increment: entry.increment, basis: entry.basis, round: entry.round)
            push.call = function.map { PartitionPush.Call($0) }
            if entry.clock > 0 { push.tick = ClockTick(slot: request.slot, clock: entry.clock) }
            if encoding != .none { push.encoded = EncodedGradient(encoding, bytes: gradient, keys: keys) }
            pushes.append(ArrivedPush(partition: entry.partition, push: push))
        }
        return pushes
    }
}
