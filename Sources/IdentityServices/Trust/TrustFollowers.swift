import Identity
import MeshTransport

/// Answers those who follow what is to be trusted.
struct TrustFollowers: Sendable {
    let authority: ManagedAuthority

    /// Answers each request once there is something newer than what it says, until the caller or the deadline ends it.
    func answer(
        _ requests: RequestStream<TrustRequest>, _ updates: ResponseSender<TrustUpdate>, _ call: CallContext
    ) async throws {
        let federated = authority.federatedFollower(call.verifiedPeer)
        defer { if let federated { authority.gone(federated: federated) } }
        for try await request in requests {
            var request = request
            if let federated { authority.acknowledged(request.bundleSequence, byFederated: federated) }
            if let peer = call.peer {
                if peer.trustDomain == authority.trustDomain {
                    authority.acknowledged(
                        request.bundleSequence, denyListVersion: request.denyListVersion, by: request.serialNumber,
                        of: peer)
                } else {
                    // Whom this domain denies is for its own peers: another one has a list of its own.
                    request.denyListVersion = .max
                }
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
