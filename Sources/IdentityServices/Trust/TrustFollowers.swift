import Identity
import MeshTransport

/// Answers those who follow what is to be trusted.
struct TrustFollowers: Sendable {
    let authority: ManagedAuthority

    /// Answers each request once there is something newer than what it says, until the caller or the deadline ends it.
    func answer(
        _ requests: RequestStream<TrustRequest>, _ updates: ResponseSender<TrustUpdate>, _ call: CallContext
    ) async throws {
        for try await request in requests {
            if let peer = call.peer {
                authority.acknowledged(
                    request.bundleSequence, denyListVersion: request.denyListVersion, by: request.serialNumber, of: peer
                )
            }
            guard let update = await next(after: request) else {
                throw CallFailure(call.timeRemaining > .zero ? .cancelled : .deadlineExceeded, "the call has ended")
            }
            try await updates.send(update)
        }
    }

    private func next(after request: TrustRequest) async -> TrustUpdate? {
        for await _ in authority.feed.changes() {
            if let update = TrustUpdate(authority.feed.current, after: request) { return update }
        }
        return nil
    }
}
