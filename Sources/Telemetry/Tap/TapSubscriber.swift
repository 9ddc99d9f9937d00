import Synchronization

/// Somebody who watches: what a tap's calls wait in until they are taken.
///
/// Bounded and never in the way: what a slow watcher has no room for is dropped and counted. It ends at a time that was
/// fixed when it began, so that no forgotten window watches on.
public final class TapSubscriber: Sendable {
    /// What a watcher asks for.
    public struct Options: Sendable {
        /// Which calls.
        public var filter = TapFilter()
        /// The share of those calls that is looked at, from 0 to 1, by chance: a bound alone would show the first calls of
        /// each second, which are not like the others.
        public var share = 1.0
        /// The most calls shown in a second, on average.
        public var perSecond = 100.0
        /// The most calls shown at once, after a pause.
        public var burst = 100.0
        /// How many wait to be taken.
        public var capacity = 400
        /// How long it lasts, in nanoseconds; a quarter of an hour.
        public var nanoseconds: Int64 = 900 * 1_000_000_000

        /// The defaults.
        public init() {}
    }

    /// What has happened since the last time.
    public struct Batch: Sendable {
        /// The calls, in order.
        public var events: [TapEvent] = []
        /// How many were not shown because there were too many in a second.
        public var limited: UInt64 = 0
        /// How many were dropped because too many waited.
        public var dropped: UInt64 = 0
        /// Whether it is over: no more will come.
        public var isEnded = false
    }

    private struct State {
        var batch = Batch()
        var bucket: TokenBucket
        /// Told once that there is something to take.
        var wake: (@Sendable () -> Void)?
    }

    let options: Options
    private let end: Int64
    private let state: Mutex<State>

    init(_ options: Options, now: Int64) {
        self.options = options
        let (end, overflow) = now.addingReportingOverflow(max(0, options.nanoseconds))
        self.end = overflow ? .max : end
        state = Mutex(State(bucket: TokenBucket(perSecond: options.perSecond, burst: options.burst)))
    }

    /// Takes what waits, and empties it.
    public func take() -> Batch {
        state.withLock { state in
            let batch = state.batch
            state.batch = Batch(isEnded: batch.isEnded)
            return batch
        }
    }

    /// Has `wake` called once: when the next call comes or it is over; at once if that is so already. It is called where
    /// the call ended, and must only have somebody else take what waits.
    public func whenReady(_ wake: @escaping @Sendable () -> Void) {
        let isReady = state.withLock { state in
            if !state.batch.events.isEmpty || state.batch.isEnded { return true }
            state.wake = wake
            return false
        }
        if isReady { wake() }
    }

    /// Whether its time is over.
    func isOver(now: Int64) -> Bool { now >= end }

    /// Shows it a call that it watches for, unless the bounds are against it.
    func take(_ event: TapEvent, now: Int64) {
        let wake: (@Sendable () -> Void)? = state.withLock { state in
            if state.batch.isEnded { return nil }
            guard state.bucket.take(now: now) else {
                state.batch.limited &+= 1
                return nil
            }
            guard state.batch.events.count < options.capacity else {
                state.batch.dropped &+= 1
                return nil
            }
            state.batch.events.append(event)
            defer { state.wake = nil }
            return state.wake
        }
        wake?()
    }

    /// No more will come.
    func finish() {
        let wake = state.withLock { state in
            state.batch.isEnded = true
            defer { state.wake = nil }
            return state.wake
        }
        wake?()
    }
}
