import Synchronization

/// The connections that a mesh's clients have opened: each is told when our certificate or whom we trust has changed,
/// and judges its server again. Guarded by a mutex.
final class OutboundConnections: Sendable {
    private let state = Mutex<(opened: UInt64, reviews: [UInt64: @Sendable () -> Void])>((0, [:]))

    /// Calls `review`, on any thread, after each change until the connection is closed.
    ///
    /// - Returns: the connection's number.
    func opened(_ review: @escaping @Sendable () -> Void) -> UInt64 {
        state.withLock { state in
            state.opened += 1
            state.reviews[state.opened] = review
            return state.opened
        }
    }

    /// Takes a connection out.
    func closed(_ number: UInt64) {
        _ = state.withLock { $0.reviews.removeValue(forKey: number) }
    }

    /// Has every connection look at its server again, in the order in which they were opened: what happens next must
    /// not depend on a dictionary's.
    func review() {
        let reviews = state.withLock { state in state.reviews.sorted { $0.key < $1.key }.map(\.value) }
        for review in reviews { review() }
    }
}
