public import MeshTransport
import MeshWire
import Synchronization

/// Loses and doubles a share of a client's messages, chosen by a seed.
///
/// ```swift
/// var configuration = MeshConfiguration()
/// configuration.faults = SeededFaults(seed: 7, replyLoss: 0.02)
/// ```
public final class SeededFaults: FaultInjector {
    /// How often something has been done to a message.
    public struct Counts: Sendable, Hashable {
        /// Requests that were not sent.
        public var requestsLost = 0
        /// Requests that were sent twice.
        public var requestsDoubled = 0
        /// Replies that were thrown away.
        public var repliesLost = 0
        /// Streamed messages, in either direction, that did not arrive.
        public var messagesLost = 0
        /// Streamed messages, in either direction, that arrived twice.
        public var messagesDoubled = 0
    }

    /// What the choices follow from; print it where a failure must be repeatable.
    public let seed: UInt64
    private let replyLoss: Double
    private let losesFirstReply: Bool
    private let requestLoss: Double
    private let requestDuplication: Double
    private let messageLoss: Double
    private let messageDuplication: Double
    private let isAffected: @Sendable (String) -> Bool
    private let state: Mutex<(generator: SplitMix64, counts: Counts, sawReply: Bool)>

    /// - Parameters:
    ///   - replyLoss: the share of replies that are lost after the server has run the call, 0 to 1.
    ///   - losesFirstReply: loses the first reply for certain, so that the shortest run has a loss.
    ///   - requestLoss: the share of requests that never arrive.
    ///   - requestDuplication: the share of requests that arrive twice.
    ///   - messageLoss: the share of the messages of calls that stream, in either direction, that never arrive.
    ///   - messageDuplication: the share of those that arrive twice, one behind the other.
    ///   - isAffected: which methods, by path; default all.
    public init(
        seed: UInt64, replyLoss: Double = 0, losesFirstReply: Bool = false, requestLoss: Double = 0,
        requestDuplication: Double = 0, messageLoss: Double = 0, messageDuplication: Double = 0,
        isAffected: @escaping @Sendable (String) -> Bool = { _ in true }
    ) {
        let shares = [
            replyLoss, requestLoss, requestDuplication, requestLoss + requestDuplication, messageLoss,
            messageDuplication, messageLoss + messageDuplication,
        ]
        precondition(shares.allSatisfy((0...1).contains), "shares are in 0...1")
        self.seed = seed
        self.replyLoss = replyLoss
        self.losesFirstReply = losesFirstReply
        self.requestLoss = requestLoss
        self.requestDuplication = requestDuplication
        self.messageLoss = messageLoss
        self.messageDuplication = messageDuplication
        self.isAffected = isAffected
        state = Mutex((SplitMix64(seed: seed), Counts(), false))
    }

    /// What has been done so far.
    public var counts: Counts { state.withLock { $0.counts } }

    /// Loses, doubles or delivers a request.
    public func fate(ofRequest path: String) -> MessageFate {
        guard isAffected(path) else { return .deliver }
        return state.withLock { state in
            let chance = state.generator.nextUnit()
            if chance < requestLoss {
                state.counts.requestsLost += 1
                return .lose
            }
            guard chance < requestLoss + requestDuplication else { return .deliver }
            state.counts.requestsDoubled += 1
            return .duplicate
        }
    }

    /// Loses or delivers a reply.
    public func fate(ofReply path: String) -> MessageFate {
        guard isAffected(path) else { return .deliver }
        return state.withLock { state in
            let isFirst = !state.sawReply
            state.sawReply = true
            guard state.generator.nextUnit() < replyLoss || isFirst && losesFirstReply else { return .deliver }
            state.counts.repliesLost += 1
            return .lose
        }
    }

    /// Loses, doubles or delivers a message to the server.
    public func fate(ofStreamedRequest path: String) -> MessageFate { fate(ofMessage: path) }

    /// Loses, doubles or delivers a message from the server.
    public func fate(ofStreamedResponse path: String) -> MessageFate { fate(ofMessage: path) }

    private func fate(ofMessage path: String) -> MessageFate {
        guard messageLoss + messageDuplication > 0, isAffected(path) else { return .deliver }
        return state.withLock { state in
            let chance = state.generator.nextUnit()
            if chance < messageLoss {
                state.counts.messagesLost += 1
                return .lose
            }
            guard chance < messageLoss + messageDuplication else { return .deliver }
            state.counts.messagesDoubled += 1
            return .duplicate
        }
    }
}
