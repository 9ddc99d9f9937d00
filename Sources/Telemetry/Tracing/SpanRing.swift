import Synchronization

/// Keeps the last spans in memory: for tests, for a page of what happened last, and for an exporter that takes them now and
/// then.
///
/// A full ring forgets its oldest. Guarded by a mutex that is held for a copy of one span, and only traces that are
/// recorded come here.
public final class SpanRing: SpanSink {
    private struct State {
        /// In order from `next` on, once it is full.
        var spans: [SpanRecord] = []
        var next = 0
        var forgotten: UInt64 = 0
    }

    /// How many it keeps.
    public let capacity: Int
    private let state: Mutex<State>

    /// - Parameter capacity: at least 1.
    public init(capacity: Int = 1_024) {
        precondition(capacity >= 1, "SpanRing: expected a capacity of at least 1, found \(capacity)")
        self.capacity = capacity
        state = Mutex(State())
    }

    /// Keeps a span, and forgets the oldest when there is no room.
    public func record(_ span: SpanRecord) {
        state.withLock { state in
            if state.spans.count < capacity {
                state.spans.append(span)
            } else {
                state.spans[state.next] = span
                state.next = (state.next + 1) % capacity
                state.forgotten &+= 1
            }
        }
    }

    /// Those that are kept, the oldest first.
    public var spans: [SpanRecord] {
        state.withLock { Array($0.spans[$0.next...] + $0.spans[..<$0.next]) }
    }

    /// How many were forgotten because newer ones came and nobody had taken them.
    public var forgotten: UInt64 { state.withLock { $0.forgotten } }

    /// Takes those that are kept, the oldest first, and leaves it empty.
    public func take() -> [SpanRecord] {
        state.withLock { state in
            let spans = Array(state.spans[state.next...] + state.spans[..<state.next])
            state.spans = []
            state.next = 0
            return spans
        }
    }
}
