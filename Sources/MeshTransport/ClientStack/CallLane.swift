import Synchronization

/// Which of a client's two connections a call goes on. Large payloads have one of their own, so that small calls do not
/// wait behind them.
public enum CallLane: Sendable, Hashable {
    /// By size, as far as it is known: on the connection for bulk if the request, or one of the method's last eight
    /// other messages, has at least ``MeshConfiguration/bulkPayloadBytes``. Those other messages are what nobody knows
    /// when a call begins: responses, and the requests of a call that streams them.
    case automatic
    /// On the connection for small calls, whatever the size.
    case small
    /// On the connection for bulk: for a call that streams much in small messages, or whose first large response is
    /// known to come.
    case bulk
}

/// Decides on which lane a method's calls go, by the sizes of its messages. Sendable: what changes is one atomic number.
final class LaneRule: Sendable {
    /// How many messages a large one is remembered for.
    static let memory = 8

    private let threshold: Int?
    /// How many more small messages it takes until a large one is forgotten.
    private let remembered = Atomic<Int>(0)

    /// - Parameter threshold: the bytes from which a message is large; `nil` where there is one lane only.
    init(threshold: Int?) {
        self.threshold = threshold
    }

    /// Whether a call goes on the lane for bulk; `count` is the bytes of the request that it begins with.
    func isBulk(_ lane: CallLane, _ count: Int) -> Bool {
        guard let threshold else { return false }
        return switch lane {
        case .automatic: count >= threshold || remembered.load(ordering: .relaxed) > 0
        case .small: false
        case .bulk: true
        }
    }

    /// Notes the size of a message that was not known when its call began.
    func carried(_ count: Int) {
        guard let threshold else { return }
        guard count < threshold else { return remembered.store(Self.memory, ordering: .relaxed) }
        let left = remembered.load(ordering: .relaxed)
        guard left > 0 else { return }
        // Where another message was counted meanwhile, that one counts for both.
        _ = remembered.compareExchange(expected: left, desired: left - 1, ordering: .relaxed)
    }
}
