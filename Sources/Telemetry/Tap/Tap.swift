import Synchronization

/// Shows calls as they happen to those who watch.
///
/// Nobody watches most of the time, and then a call pays for one relaxed load of a word that nobody writes:
/// ```swift
/// if tap.isWatched {                                        // on the call path
///     tap.show(.outbound, status: "ok", nanoseconds: 81_000, now: now, chance: { dice.nextUnit() }) { event(of: call) }
/// }
/// let watcher = try tap.watch(options, now: now)            // an operator, who has been authorized
/// ```
/// While somebody watches, each call takes a lock for as long as it takes to copy the list of watchers, and each
/// watcher's own for as long as it takes to put the call there. Of a call that no filter lets through no event is made.
/// Time and chance are arguments.
public final class Tap: Sendable {
    /// There are as many watchers as there may be.
    public struct TooManyWatchers: Error, CustomStringConvertible {
        /// How many there may be.
        public let maximum: Int
        /// One line for a log.
        public var description: String { "tap: \(maximum) watch already, and no more may" }
    }

    /// How many may watch at once.
    public let maximumWatchers: Int
    private let count = Atomic<Int>(0)
    private let watchers = Mutex<[TapSubscriber]>([])

    /// - Parameter maximumWatchers: at least 1.
    public init(maximumWatchers: Int = 8) {
        precondition(maximumWatchers >= 1, "Tap: expected at least 1 watcher, found \(maximumWatchers)")
        self.maximumWatchers = maximumWatchers
    }

    /// Whether anybody watches. A call that ends just as somebody begins may be missed.
    public var isWatched: Bool { count.load(ordering: .relaxed) > 0 }

    /// Begins to watch, until the options' time is over or ``stop(_:)``.
    ///
    /// - Parameter now: in nanoseconds, on the clock that ``show(_:now:chance:)`` is told.
    /// - Throws: ``TooManyWatchers``.
    public func watch(_ options: TapSubscriber.Options, now: Int64) throws(TooManyWatchers) -> TapSubscriber {
        sweep(now: now)
        let watcher = TapSubscriber(options, now: now)
        let isIn = watchers.withLock { watchers in
            guard watchers.count < maximumWatchers else { return false }
            watchers.append(watcher)
            count.store(watchers.count, ordering: .relaxed)
            return true
        }
        guard isIn else { throw TooManyWatchers(maximum: maximumWatchers) }
        return watcher
    }

    /// Ends a watch.
    public func stop(_ watcher: TapSubscriber) {
        remove([watcher])
        watcher.finish()
    }

    /// Shows a call that ended to everybody who watches for its like.
    ///
    /// - Parameters:
    ///   - direction: what the event says, as `status` and `nanoseconds` are: the filters look at these first.
    ///   - now: in nanoseconds, on a clock that does not go back.
    ///   - chance: uniform in 0 ..< 1, asked once if somebody watches a share of the calls: all those watch the same ones.
    ///   - event: the call, asked once if somebody may want it.
    public func show(
        _ direction: RequestMetrics.Direction, status: String, nanoseconds: Int64, now: Int64,
        chance: () -> Double, _ event: () -> TapEvent
    ) {
        var (dice, made) = (nil as Double?, nil as TapEvent?)
        var ended: [TapSubscriber] = []
        for watcher in watchers.withLock({ $0 }) {
            if watcher.isOver(now: now) {
                watcher.finish()
                ended.append(watcher)
                continue
            }
            let options = watcher.options
            guard options.filter.matches(direction, status, nanoseconds: nanoseconds) else { continue }
            if options.share < 1 {
                let thrown = dice ?? chance()
                dice = thrown
                guard thrown < options.share else { continue }
            }
            let call = made ?? event()
            made = call
            if options.filter.matchesTexts(of: call) { watcher.take(call, now: now) }
        }
        if !ended.isEmpty { remove(ended) }
    }

    /// Ends the watches whose time is over. Calls do it as well; where none come, somebody must now and then.
    public func sweep(now: Int64) {
        let ended = watchers.withLock { $0 }.filter { $0.isOver(now: now) }
        if ended.isEmpty { return }
        remove(ended)
        for watcher in ended { watcher.finish() }
    }

    private func remove(_ ended: [TapSubscriber]) {
        watchers.withLock { watchers in
            watchers.removeAll { watcher in ended.contains { $0 === watcher } }
            count.store(watchers.count, ordering: .relaxed)
        }
    }
}
