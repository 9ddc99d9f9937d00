import MeshWire

/// Runs the handler of a deduplicated method that remembers its calls by itself: what another server may have run it
/// cannot know of.
struct OwnLedgerHandler: Sendable {
    let instance: InstanceID
    let handler: @Sendable (Payload, CallContext) async -> Reply

    func callAsFunction(_ payload: Payload, _ context: CallContext) async -> Reply {
        if let first = context.deduplication?.firstInstance, first != instance {
            return Reply(
                to: CallFailure(
                    .failedPrecondition,
                    "\(context.method): the call may have run at another server, whose calls this one does not know",
                    hasNotRun: true))
        }
        return await handler(payload, context)
    }
}
