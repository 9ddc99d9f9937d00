import Synchronization

/// Tells those who follow a service what is known of it: each of them everything that holds when it comes, and each change
/// in order.
///
/// Guarded by mutexes.
final class ResolutionFeed: Sendable {
    private struct State {
        var endpoints: [ServiceEndpoint]?
        /// Why nothing newer is known.
        var failure: String?
        var followers: [(number: UInt64, update: @Sendable (Resolution) -> Void)] = []
        var next: UInt64 = 0
    }

    private let state = Mutex(State())
    /// Held while followers are told, so that they are told in order.
    private let telling = Mutex(())

    /// Adds a follower, which is told at once.
    ///
    /// - Returns: its number.
    func add(_ update: @escaping @Sendable (Resolution) -> Void) -> UInt64 {
        telling.withLock { _ in
            let (number, endpoints, failure) = state.withLock { state in
                state.next += 1
                state.followers.append((state.next, update))
                return (state.next, state.endpoints, state.failure)
            }
            if let endpoints { update(.endpoints(endpoints)) }
            if let failure { update(.failed(failure)) }
            return number
        }
    }

    /// Takes a follower out.
    func remove(_ number: UInt64) {
        state.withLock { $0.followers.removeAll { $0.number == number } }
    }

    /// Tells all of a change.
    func tell(_ resolution: Resolution) {
        telling.withLock { _ in
            let followers = state.withLock { state in
                switch resolution {
                case .endpoints(let endpoints): (state.endpoints, state.failure) = (endpoints, nil)
                case .failed(let reason): state.failure = reason
                }
                return state.followers
            }
            for follower in followers { follower.update(resolution) }
        }
    }
}
