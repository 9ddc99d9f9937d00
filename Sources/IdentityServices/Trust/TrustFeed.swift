import Identity
import Synchronization

/// What peers are to trust and what not, as it is now, and as it changes. Guarded by a mutex.
final class TrustFeed: Sendable {
    /// What holds at one moment.
    struct Trust: Sendable {
        var bundle: TrustDomainBundle { didSet { document = bundle.document } }
        var denyList: DenyList { didSet { encodedDenyList = denyList.encoded } }
        /// Both as they are sent, made once for all followers.
        private(set) var document: [UInt8]
        private(set) var encodedDenyList: [UInt8]

        init(bundle: TrustDomainBundle, denyList: DenyList) {
            self.bundle = bundle
            self.denyList = denyList
            document = bundle.document
            encodedDenyList = denyList.encoded
        }
    }

    private struct State {
        var trust: Trust
        var followers: [UInt64: AsyncStream<Void>.Continuation] = [:]
        var nextFollower: UInt64 = 0
    }

    private let state: Mutex<State>

    init(bundle: TrustDomainBundle, denyList: DenyList = .empty) {
        state = Mutex(State(trust: Trust(bundle: bundle, denyList: denyList)))
    }

    var current: Trust { state.withLock { $0.trust } }

    /// Publishes a bundle with a higher sequence number than the one that holds.
    func set(bundle: TrustDomainBundle) -> Bool {
        change { trust in
            guard (bundle.sequence ?? 0) > (trust.bundle.sequence ?? 0) else { return false }
            trust.bundle = bundle
            return true
        }
    }

    /// Publishes a list with a higher version than the one that holds.
    func set(denyList: DenyList) -> Bool {
        change { trust in
            guard denyList.version > trust.denyList.version else { return false }
            trust.denyList = denyList
            return true
        }
    }

    private func change(_ body: (inout Trust) -> Bool) -> Bool {
        let followers = state.withLock { state -> [AsyncStream<Void>.Continuation]? in
            guard body(&state.trust) else { return nil }
            return state.followers.sorted { $0.key < $1.key }.map(\.value)
        }
        for follower in followers ?? [] { follower.yield() }
        return followers != nil
    }

    /// An element at once and after each change, of which a slow reader sees the last; until it is let go of or its task is
    /// cancelled.
    func changes() -> AsyncStream<Void> {
        let (stream, continuation) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        let number = state.withLock { state in
            state.nextFollower += 1
            state.followers[state.nextFollower] = continuation
            return state.nextFollower
        }
        continuation.onTermination = { [weak self] _ in
            self?.state.withLock { state in state.followers[number] = nil }
        }
        continuation.yield()
        return stream
    }

    /// How many follow it.
    var followers: Int { state.withLock { $0.followers.count } }
}
