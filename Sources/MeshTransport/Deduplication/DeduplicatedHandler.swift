import MeshWire

/// Runs a deduplicated method's handler once for each call, however often the call arrives.
struct DeduplicatedHandler: Sendable {
    let store: any DeduplicationStore
    /// Where the handler runs.
    let execution: HandlerExecution
    let handler: @Sendable (Payload, CallContext) async -> Reply

    func callAsFunction(_ payload: Payload, _ context: CallContext) async -> Reply {
        // A caller that numbers nothing, such as any of gRPC's own, repeats nothing.
        guard context.deduplication != nil else { return await handler(payload, context) }
        let call: DeduplicatedCall
        do throws(CallFailure) {
            call = try DeduplicatedCall(context)
        } catch {
            return Reply(to: error)
        }
        switch await store.begin(call) {
        case .replay(let outcome): return outcome.reply
        case .refuse(let failure): return Reply(to: failure)
        case .run: break
        }
        // A task of its own: a caller whose connection is lost comes back and wants to know how it ended. It ends with
        // the handler.
        let runtime = context.runtime
        let executor = execution == .compute ? runtime.computeExecutor : runtime.taskExecutor
        let running = runtime.spawnValue(on: executor) {
            let reply = await handler(payload, context)
            await store.end(call, reply.hasNotRun ? nil : RememberedOutcome(reply))
            return reply
        }
        return await running.value
    }
}

extension DeduplicatedCall {
    /// The call that a context tells of; throws for one that cannot be told from others.
    init(_ context: CallContext) throws(CallFailure) {
        guard let deduplication = context.deduplication, deduplication.entries.count == 1,
            let entry = deduplication.entries.first, entry.scope == 0, entry.sequence > 0
        else {
            throw CallFailure(
                .invalidArgument,
                "\(context.method) is deduplicated: a call carries its session and one number above 0, in scope 0",
                hasNotRun: true)
        }
        self.init(
            peer: context.peer, session: deduplication.session, sequence: entry.sequence,
            acknowledgedThrough: entry.acknowledgedThrough, method: context.method, deadline: context.deadline)
    }
}
