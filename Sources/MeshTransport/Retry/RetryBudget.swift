import MeshWire
import Synchronization

/// How many of a destination's calls may be repeated, of all clients of a mesh together, so that servers that fail under
/// load are not given more of it.
///
/// Within ``ttl``, at most ``ratio`` times the calls that were begun, and ``floor`` a second besides.
public struct RetryBudgetConfiguration: Sendable, Hashable {
    /// Retries for each call. Default 0.2, as Linkerd's.
    public var ratio = 0.2
    /// Retries a second that are allowed whatever the number of calls, so that a client that calls rarely can retry at all.
    /// Default 10, as Linkerd's.
    public var floor = 10.0
    /// For how long a call counts. Default 10 s, as Linkerd's.
    public var ttl: Duration = .seconds(10)

    /// Makes the defaults.
    public init() {}

    /// What is out of range.
    var problems: [String] {
        var problems: [String] = []
        if !(0...1_000).contains(ratio) { problems.append("ratio must be in 0...1000, is \(ratio)") }
        if !(0...1e9).contains(floor) { problems.append("floor must be in 0...1e9, is \(floor)") }
        if ttl < .milliseconds(10) { problems.append("ttl must be at least 10 ms, is \(ttl)") }
        return problems
    }
}

/// Counts calls and retries of the last while, in ten parts.
///
/// Counting a call is one relaxed addition, from any thread; only retries take a lock. A call that is counted while its
/// part of the time begins may be counted twice or not at all.
final class RetryBudget: Sendable {
    private static let parts: UInt64 = 10

    private struct Limit {
        /// `nil` for none.
        var configuration: RetryBudgetConfiguration?
        /// The parts that have retries, oldest first.
        var retries: [(part: UInt64, count: Int)] = []
    }

    /// Nanoseconds.
    private let part: Atomic<Int64>
    /// For each part, its tag in the upper half and its calls in the lower.
    private let calls = InlineArray<10, Atomic<UInt64>> { _ in Atomic(0) }
    private let limit: Mutex<Limit>

    /// - Parameter configuration: `nil` for a budget that is never spent.
    init(_ configuration: RetryBudgetConfiguration?) {
        part = Atomic(Self.part(configuration ?? RetryBudgetConfiguration()))
        limit = Mutex(Limit(configuration: configuration))
    }

    private static func part(_ configuration: RetryBudgetConfiguration) -> Int64 {
        max(1, configuration.ttl.inNanoseconds / Int64(parts))
    }

    /// Goes by another configuration. What was counted counts on, unless it was counted in parts of another length.
    func follow(_ configuration: RetryBudgetConfiguration?) {
        limit.withLock { limit in
            limit.configuration = configuration
            guard let part = configuration.map(Self.part), part != self.part.load(ordering: .relaxed) else { return }
            self.part.store(part, ordering: .relaxed)
            for place in calls.indices { calls[place].store(0, ordering: .relaxed) }
            limit.retries = []
        }
    }

    /// A call begins.
    func deposit(now: RuntimeInstant) {
        let number = number(now)
        let (place, tag) = (Int(number % Self.parts), Self.tag(number))
        let value = calls[place].load(ordering: .relaxed)
        if value >> 32 != tag {
            // Whoever comes first begins the part anew; the others add to it.
            let begun = calls[place].compareExchange(
                expected: value, desired: tag << 32 | 1, ordering: .relaxed)
            if begun.exchanged { return }
        }
        calls[place].wrappingAdd(1, ordering: .relaxed)
    }

    /// Whether a call may be repeated; if so, that counts.
    func withdraw(now: RuntimeInstant) -> Bool {
        let newest = number(now)
        return limit.withLock { limit in
            guard let configuration = limit.configuration else { return true }
            limit.retries.removeAll { $0.part + Self.parts <= newest }
            let spent = limit.retries.reduce(0) { $0 + $1.count }
            guard Double(spent + 1) <= allowance(configuration, newest) else { return false }
            if let last = limit.retries.indices.last, limit.retries[last].part >= newest {
                limit.retries[last].count += 1
            } else {
                limit.retries.append((newest, 1))
            }
            return true
        }
    }

    /// How many calls may be repeated now; `nil` for any number.
    func left(now: RuntimeInstant) -> Int? {
        let newest = number(now)
        return limit.withLock { limit in
            guard let configuration = limit.configuration else { return nil }
            let spent = limit.retries.reduce(0) { $1.part + Self.parts > newest ? $0 + $1.count : $0 }
            return max(0, Int(min(allowance(configuration, newest), 1e15)) - spent)
        }
    }

    private func allowance(_ configuration: RetryBudgetConfiguration, _ newest: UInt64) -> Double {
        var count: UInt64 = 0
        for place in calls.indices {
            let value = calls[place].load(ordering: .relaxed)
            // The part's age, as far as its tag tells.
            let age = (Self.tag(newest) &- value >> 32) & 0x7FFF_FFFF
            if value > 0, age < Self.parts { count += value & 0xFFFF_FFFF }
        }
        return configuration.ratio * Double(count) + configuration.floor * configuration.ttl.inSeconds
    }

    /// The part that a time is in.
    private func number(_ now: RuntimeInstant) -> UInt64 {
        UInt64(max(0, now.nanoseconds) / part.load(ordering: .relaxed))
    }

    /// What a place says of its part: the lower bits of its number, and one that tells it from a place never used.
    private static func tag(_ number: UInt64) -> UInt64 { number & 0x7FFF_FFFF | 0x8000_0000 }
}

/// The budgets of a mesh's destinations, for as long as a client has them. Guarded by a mutex.
final class RetryBudgets: Sendable {
    private struct Weak {
        weak var budget: RetryBudget?
    }

    private let state: Mutex<(configuration: RetryBudgetConfiguration?, budgets: [String: Weak])>

    init(_ configuration: RetryBudgetConfiguration?) { state = Mutex((configuration, [:])) }

    /// Goes by another configuration, in all of them.
    func follow(_ configuration: RetryBudgetConfiguration?) {
        state.withLock { state in
            state.configuration = configuration
            for known in state.budgets.values { known.budget?.follow(configuration) }
        }
    }

    /// The budget of a destination.
    func budget(of destination: String) -> RetryBudget {
        state.withLock { state in
            if let known = state.budgets[destination]?.budget { return known }
            // Those that nobody has any more go when they are as many as the others.
            if state.budgets.count >= 64, state.budgets.count & (state.budgets.count - 1) == 0 {
                state.budgets = state.budgets.filter { $0.value.budget != nil }
            }
            let made = RetryBudget(state.configuration)
            state.budgets[destination] = Weak(budget: made)
            return made
        }
    }
}
