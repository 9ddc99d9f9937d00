package import MeshWire

/// A server's defence against calls whose one request never comes whole: each has until its deadline, and no longer than
/// a limit. No clock. It also knows the deadlines of calls that have come and may not run yet.
///
/// Calls of several requests are not its business once they run: how long they take is between the handler and its
/// deadline.
package struct RequestPatience {
    /// A call whose time is up.
    package struct Expired: Equatable {
        package let stream: StreamID
        /// Whether it is the limit that it has reached, and not a deadline of its own.
        package let isOverLimit: Bool
        /// Whether it has come and was held.
        package var isHeld = false
    }

    private struct Wait {
        let end: RuntimeInstant
        var isLimit = false
        var isHeld = false
    }

    private let limit: Duration
    private var waiting = StreamTable<Wait>()
    /// When ``advance(to:)`` may have something to do: not after the first end.
    package private(set) var deadline: RuntimeInstant?

    package init(limit: Duration) { self.limit = limit }

    /// The head of a call has come, and its request not yet.
    package mutating func began(_ stream: StreamID, deadline ownEnd: RuntimeInstant, now: RuntimeInstant) {
        let limitEnd = now.advanced(by: limit)
        add(Wait(end: min(ownEnd, limitEnd), isLimit: limitEnd <= ownEnd), stream)
    }

    /// A call has come, and does not run yet.
    package mutating func holds(_ stream: StreamID, deadline: RuntimeInstant) {
        add(Wait(end: deadline, isHeld: true), stream)
    }

    private mutating func add(_ wait: Wait, _ stream: StreamID) {
        waiting[stream] = wait
        deadline = min(deadline ?? wait.end, wait.end)
    }

    /// The request is there, the call runs, or nobody waits for it any more.
    ///
    /// - Returns: the deadline of a call that was held: its time went on.
    @discardableResult
    package mutating func ended(_ stream: StreamID) -> RuntimeInstant? {
        guard let wait = waiting.removeValue(forKey: stream) else { return nil }
        if waiting.isEmpty { deadline = nil }
        return wait.isHeld ? wait.end : nil
    }

    /// The calls whose time is up, in the order of their streams.
    package mutating func advance(to now: RuntimeInstant) -> [Expired] {
        guard let deadline, now >= deadline else { return [] }
        let all = waiting.inOrder
        let expired = all.filter { $0.value.end <= now }
        for (stream, _) in expired { waiting[stream] = nil }
        self.deadline = all.lazy.map(\.value.end).filter { $0 > now }.min()
        return expired.map { Expired(stream: $0.stream, isOverLimit: $0.value.isLimit, isHeld: $0.value.isHeld) }
    }
}
