public import MeshWire
import Synchronization

/// What was decided about a call that was made: the route, and for each attempt the endpoint, what came of it and what
/// followed.
///
/// ```swift
/// let (answer, calls) = try await CallRecord.recording { try await client.call(Orders.place, order) }
/// for call in calls { print(call) }
/// ```
/// ```text
/// shop.Orders/Place to orders by the route "canary": ok in 41 ms, 2 attempts
///   1 at 10.0.0.7:443 (one of 3, 1 left out), 3 ms: unavailable, "overloaded"; again after 22 ms
///   2 at 10.0.0.9:443 (one of 3, 1 left out), 16 ms: ok
/// ```
/// Calls that nobody asks about are not recorded, and pay for one look at the task's values.
public struct CallRecord: Sendable, Hashable, CustomStringConvertible {
    /// One attempt.
    public struct Attempt: Sendable, Hashable {
        /// From 1 on.
        public let number: Int
        /// The server that the balancer has picked, or the only one there is; `nil` if there was none to pick.
        public let endpoint: String?
        /// How many endpoints took calls when it was picked, and how many were left out because their calls failed; `nil`
        /// where there is but one.
        public let choice: Choice?
        /// How long it waited for its place among those under way (``AdmissionPolicy``); `nil` if it had one at once.
        public let waited: Duration?
        /// How long it took, from then on.
        public let elapsed: Duration
        /// What it came to.
        public let status: CallStatus
        /// What was wrong.
        public let error: String?
        /// What followed.
        public let decision: Decision
    }

    /// What the balancer chose from.
    public struct Choice: Sendable, Hashable {
        /// The endpoints that took calls.
        public let ready: Int
        /// Those that were left out because their calls failed.
        public let ejected: Int
    }

    /// What followed an attempt.
    public enum Decision: Sendable, Hashable {
        /// Nothing: it has succeeded.
        case done
        /// Another one, after so long; it counted in the retry budget.
        case again(after: Duration)
        /// Another one at once, which counts nowhere: no server had seen the call.
        case elsewhere
        /// Nothing, for a reason.
        case gaveUp(RetryRefusal)
    }

    /// `service/method`, as it was sent.
    public let method: String
    /// Where it went.
    public let destination: String
    /// The route that decided about it; `nil` if none did.
    public let route: String?
    /// In order.
    public internal(set) var attempts: [Attempt] = []
    /// What it came to; `nil` while it is under way.
    public internal(set) var status: CallStatus?
    /// How long it took.
    public internal(set) var elapsed: Duration?

    init(method: String, destination: String, route: String?) {
        self.method = method
        self.destination = destination
        self.route = route
    }

    /// Runs `body` and records the calls that it makes, in its own task and in child tasks.
    public static func recording<Result>(
        _ body: () async throws -> Result
    ) async rethrows -> (result: Result, calls: [CallRecord]) {
        let recorder = CallRecorder()
        let result = try await CallRecorder.$current.withValue(recorder) { try await body() }
        return (result, recorder.calls)
    }

    /// The call in a line, and each attempt in one.
    public var description: String {
        let way = route.map { " by the route \"\($0)\"" } ?? ""
        let time = elapsed.map { " in \($0)" } ?? ""
        let count = attempts.count == 1 ? "1 attempt" : "\(attempts.count) attempts"
        let head = "\(method) to \(destination)\(way): \(status?.description ?? "under way")\(time), \(count)"
        return ([head] + attempts.map { "  \($0)" }).joined(separator: "\n")
    }
}

extension CallRecord.Attempt: CustomStringConvertible {
    /// The attempt in a line.
    public var description: String {
        let place = endpoint.map { " at \($0)" } ?? " nowhere"
        let among = choice.map { " (one of \($0.ready), \($0.ejected) left out)" } ?? ""
        let reason = error.map { ", \"\($0)\"" } ?? ""
        let wait = waited.map { ", after waiting for \($0)" } ?? ""
        return "\(number)\(place)\(among)\(wait), \(elapsed): \(status)\(reason)\(decision)"
    }
}

extension CallRecord.Decision: CustomStringConvertible {
    /// What followed, after a semicolon; nothing where nothing had to.
    public var description: String {
        switch self {
        case .done: ""
        case .again(let pause): "; again after \(pause)"
        case .elsewhere: "; again at once, no server has seen it"
        case .gaveUp(let reason): "; not again: \(reason)"
        }
    }
}

/// Why a call that failed is not attempted again.
public struct RetryRefusal: Sendable, Hashable, CustomStringConvertible {
    /// One line for people.
    public let description: String

    private init(_ description: String) { self.description = description }

    /// The failure would be the same again.
    public static let final = RetryRefusal("it would end the same way")
    /// The server may have run the call, and its method does not bear that twice.
    public static let mayHaveRun = RetryRefusal("it may have run, and its method does not bear that twice")
    /// As many attempts have been made as may be.
    public static let attempts = RetryRefusal("as many attempts were made as may be")
    /// The server does not want it.
    public static let pushback = RetryRefusal("the server does not want it again")
    /// The deadline would pass before.
    public static let deadline = RetryRefusal("the deadline would pass before")
    /// The destination's limit on calls under way has not let it pass: it would wait in the same queue a moment later.
    public static let shed = RetryRefusal("as many calls are under way as may be")
    /// The destination's retry budget is spent.
    public static let budget = RetryRefusal("the retry budget is spent")
}

/// Takes the records of the calls of a task that asked for them. Safe from any thread.
final class CallRecorder: Sendable {
    @TaskLocal static var current: CallRecorder?

    private let records = Mutex<[CallRecord]>([])

    init() {}

    /// The calls that have been made.
    var calls: [CallRecord] { records.withLock { $0 } }

    /// A call begins.
    func begin(_ record: CallRecord) -> CallRecording {
        let index = records.withLock { records in
            records.append(record)
            return records.count - 1
        }
        return CallRecording(recorder: self, index: index)
    }

    fileprivate func change(_ index: Int, _ body: (inout CallRecord) -> Void) { records.withLock { body(&$0[index]) } }
}

/// The record of one call, while it is written.
struct CallRecording {
    fileprivate let recorder: CallRecorder
    fileprivate let index: Int

    func add(_ attempt: CallRecord.Attempt) { recorder.change(index) { $0.attempts.append(attempt) } }

    func ended(_ status: CallStatus, after elapsed: Duration) {
        recorder.change(index) { ($0.status, $0.elapsed) = (status, elapsed) }
    }
}
