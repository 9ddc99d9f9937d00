import NIOCore

/// What one stream has yet to send, in order.
struct OutboundStream {
    enum Item {
        /// One of several messages.
        case message(Payload)
        /// The last request has been sent.
        case end
        /// The call's outcome, with the message of a call that has but one.
        case response(ReplyHead, Payload)

        /// The bytes of messages in it.
        var bytes: Int {
            switch self {
            case .message(let payload), .response(_, let payload): payload.count
            case .end: 0
            }
        }
    }

    let priority: CallPriority
    var credit: Credit
    /// What the message that was to be begun costs, if the credit did not suffice.
    var neededCredit = 0
    /// What waits for its turn.
    var items = CircularBuffer<Item>()
    /// The message that has been begun.
    var transfer: Transfer?
    /// The bytes of messages that have not been sent.
    var waitingBytes = 0
    /// True while the stream stands in its priority's line.
    var isInLine = false
    /// True once nothing can follow what waits.
    var isLast: Bool
    /// True while somebody is to be told when there is room again.
    var isFull = false

    init(_ priority: CallPriority, credit: Int, isLast: Bool) {
        self.priority = priority
        self.credit = Credit(credit)
        self.isLast = isLast
    }

    /// True if nothing waits.
    var isEmpty: Bool { transfer == nil && items.isEmpty }
}

/// Streams that have something to send, in the order in which they get their turns.
///
/// Higher priorities go first, but each turn that a lower one is passed over counts, and after eight it has its turn: it
/// is slower and does not stand still.
struct OutboundLine {
    /// The turns that a waiting priority is passed over.
    private static let patience = 8

    private var lines = [CircularBuffer<StreamID>](repeating: [], count: CallPriority.allCases.count)
    private var passedOver = [Int](repeating: 0, count: CallPriority.allCases.count)

    /// The streams in all lines.
    var count: Int { lines.reduce(0) { $0 + $1.count } }

    /// Puts a stream at the end of its priority's line.
    mutating func append(_ stream: StreamID, _ priority: CallPriority) {
        lines[Self.index(priority)].append(stream)
    }

    /// The stream whose turn it is.
    mutating func next() -> StreamID? {
        guard let first = lines.indices.first(where: { !lines[$0].isEmpty }) else { return nil }
        let waiting = lines.indices.filter { $0 > first && !lines[$0].isEmpty }
        for index in waiting { passedOver[index] += 1 }
        let chosen = waiting.first { passedOver[$0] > Self.patience } ?? first
        passedOver[chosen] = 0
        return lines[chosen].popFirst()
    }

    private static func index(_ priority: CallPriority) -> Int {
        switch priority {
        case .urgent: 0
        case .normal: 1
        case .background: 2
        }
    }
}
