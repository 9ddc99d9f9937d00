public import MeshTransport
public import MeshWire

/// A destination's limit on calls under way by itself, without calls: to try a rule on times of one's own, or to see
/// what it costs.
///
/// ```swift
/// var admission = AdmissionAlone(rule)
/// if case .admitted = admission.arrive(1, at: .zero, deadline: .seconds(1)) {
///     let turns = admission.ended(at: .milliseconds(5), after: .milliseconds(5))
/// }
/// ```
/// Calls are numbers of the caller's choosing. Time is the caller's, from zero on; chance follows from the seed.
public struct AdmissionAlone: Sendable {
    /// What becomes of a call that asks for a place.
    public enum Arrival: Sendable, Hashable {
        /// It has one.
        case admitted
        /// It waits, in the place of another one if the queue was full.
        case waits(evicting: Int?)
        /// It is refused.
        case refused
    }

    /// What becomes of a call that has waited.
    public enum Turn: Sendable, Hashable {
        /// It has its place.
        case admitted(Int)
        /// It is refused.
        case refused(Int)
    }

    private var state: AdmissionState<Int>
    private var generator: SplitMix64
    private let likely: Double

    /// Makes a limit.
    ///
    /// - Parameters:
    ///   - likely: how long a call takes, as far as that is known beforehand.
    ///   - seed: what its choices follow from.
    public init(_ rule: AdmissionRule, likely: Duration = .zero, seed: UInt64 = 1) {
        state = AdmissionState(rule)
        generator = SplitMix64(seed: seed)
        self.likely = likely.inSeconds * 1e9
    }

    /// How many calls have a place.
    public var running: Int { state.running }
    /// How many may.
    public var limit: Int { state.limit }
    /// How many wait.
    public var waiting: Int { state.waiting }

    /// A call asks for a place.
    public mutating func arrive(
        _ call: Int, _ priority: CallPriority = .normal, at time: Duration, deadline: Duration
    ) -> Arrival {
        let arrival = state.arrive(
            call, priority, likely: likely, until: Self.instant(deadline), now: Self.instant(time),
            chance: generator.nextUnit())
        switch arrival {
        case .admitted: return .admitted
        case .waits(_, let evicted): return .waits(evicting: evicted?.0)
        case .refused: return .refused
        }
    }

    /// A call that had a place has ended, `elapsed` after it had it.
    ///
    /// - Parameter isSuccess: whether that says how long the server takes.
    /// - Returns: those that have waited and do not any more.
    public mutating func ended(at time: Duration, after elapsed: Duration, isSuccess: Bool = true) -> [Turn] {
        let now = Self.instant(time)
        state.ended(
            after: elapsed.inNanoseconds, tellsTime: isSuccess, now: now, chance: generator.nextUnit())
        var turns: [Turn] = []
        while let turn = state.next(now: now, likely: { [likely] _ in likely }) {
            switch turn {
            case .admitted(let call, _): turns.append(.admitted(call))
            case .refused(let call, _, _): turns.append(.refused(call))
            }
        }
        return turns
    }

    private static func instant(_ time: Duration) -> RuntimeInstant { RuntimeInstant(nanoseconds: time.inNanoseconds) }
}
