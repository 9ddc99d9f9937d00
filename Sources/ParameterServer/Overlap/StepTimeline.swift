public import MeshWire

/// What of a step was computed, sent and fetched when: whether the network was hidden behind the arithmetic.
public struct StepTimeline: Sendable, Hashable {
    /// Gradients that left together.
    public struct Fragment: Sendable, Hashable {
        /// The tables, in the order in which their gradients were final.
        public var tables: [String]
        /// The bytes of their gradients.
        public var byteCount: Int
        /// Whether it was to overtake others on its connection.
        public var isUrgent: Bool
        /// When it began to leave.
        public var left: RuntimeInstant
        /// When its last push was answered; `nil` if an error came in between.
        public var answered: RuntimeInstant?
        /// When the tables' new values were there; `nil` if they were not asked for, or did not come.
        public var pulled: RuntimeInstant?
    }

    /// When the computation began.
    public var began: RuntimeInstant
    /// When the last gradient was final.
    public var computed: RuntimeInstant
    /// When everything was answered.
    public var ended: RuntimeInstant
    /// In the order in which they left.
    public var fragments: [Fragment] = []

    /// The share of the time from the first fragment's leaving to the end in which gradients were still being computed,
    /// 0 to 1: what was hidden of the time that the network took.
    public var hiddenShare: Double {
        guard let first = fragments.first?.left, first < ended else { return 0 }
        return max(0, first.duration(to: computed).inSeconds) / first.duration(to: ended).inSeconds
    }
}

extension StepTimeline: CustomStringConvertible {
    /// A line for each fragment, with milliseconds since the computation began.
    public var description: String {
        func at(_ instant: RuntimeInstant?) -> String {
            guard let instant else { return "-" }
            let tenths = began.nanoseconds(to: instant) / 100_000
            return "\(tenths / 10).\(tenths % 10)"
        }
        var lines = ["computed until \(at(computed)) ms, answered at \(at(ended)) ms"]
        for fragment in fragments {
            lines.append(
                "\(fragment.byteCount) bytes of \(fragment.tables.joined(separator: ", "))\(fragment.isUrgent ? ", urgent" : ""): left at \(at(fragment.left)), answered at \(at(fragment.answered)), pulled at \(at(fragment.pulled)) ms"
            )
        }
        return lines.joined(separator: "\n")
    }
}
