/// Which of a connection's messages leave first when there are more than it takes.
///
/// It orders payloads that do not fit into the frame that opens them; small calls wait for none of them. A lower
/// priority is slower and never stands still.
public enum CallPriority: Sendable, Hashable, CaseIterable {
    /// Before all others: what a user waits for.
    case urgent
    /// Between them; the default.
    case normal
    /// After all others: checkpoints, copies, catching up.
    case background

    init(onWire value: UInt64) {
        switch value {
        case 1: self = .urgent
        case 2: self = .background
        default: self = .normal
        }
    }

    var onWire: UInt64 {
        switch self {
        case .normal: 0
        case .urgent: 1
        case .background: 2
        }
    }
}
