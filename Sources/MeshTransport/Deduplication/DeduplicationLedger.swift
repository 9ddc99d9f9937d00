import Identity
import MeshWire

/// What a ``MemoryDeduplicationStore`` remembers. A state machine without a clock: time is an argument.
///
/// A session's call is forgotten when its caller has acknowledged it, or when its deadline is a while past: no caller
/// asks again after its deadline. What is neither is never forgotten: when there is no room for more, calls are refused.
struct DeduplicationLedger {
    enum Verdict {
        case run
        /// The same call is running: its outcome is this one's as well.
        case wait
        case replay(RememberedOutcome)
        case refuse(CallFailure)
    }

    private struct Key: Hashable {
        let peer: SPIFFEID?
        let session: SessionID
    }

    private struct Session {
        var acknowledgedThrough: UInt64 = 0
        var calls: [UInt64: Entry] = [:]
        /// When the last of its calls may be forgotten.
        var keptUntil: RuntimeInstant
    }

    private struct Entry {
        let method: String
        /// `nil` while it runs.
        var outcome: RememberedOutcome?
        var keptUntil: RuntimeInstant
    }

    private let configuration: DeduplicationConfiguration
    private var sessions: [Key: Session] = [:]
    /// The calls that are remembered, and about the memory that they take.
    private(set) var calls = 0
    private(set) var bytes = 0
    /// When something may have become forgettable.
    private var nextSweep: RuntimeInstant?

    init(_ configuration: DeduplicationConfiguration) { self.configuration = configuration }

    /// A call has arrived.
    mutating func begin(_ call: DeduplicatedCall, now: RuntimeInstant) -> Verdict {
        sweepIfDue(now)
        let key = Key(peer: call.peer, session: call.session)
        let keptUntil = max(call.deadline, now).advanced(by: configuration.grace)
        var session = sessions.removeValue(forKey: key) ?? Session(keptUntil: keptUntil)
        defer { sessions[key] = session }
        session.keptUntil = max(session.keptUntil, keptUntil)
        acknowledge(&session, through: min(call.acknowledgedThrough, call.sequence - 1))
        if let known = session.calls[call.sequence] {
            guard known.method == call.method else {
                return .refuse(
                    CallFailure(
                        .invalidArgument, "number \(call.sequence) of the session is a call of \(known.method)",
                        hasNotRun: true))
            }
            return known.outcome.map { .replay($0) } ?? .wait
        }
        guard call.sequence > session.acknowledgedThrough else {
            return .refuse(
                CallFailure(.failedPrecondition, "number \(call.sequence) of the session was acknowledged before"))
        }
        guard calls < configuration.calls, bytes < configuration.bytes else {
            return .refuse(
                CallFailure(
                    .resourceExhausted, "\(calls) calls wait to be acknowledged; acknowledge some first",
                    hasNotRun: true))
        }
        session.calls[call.sequence] = Entry(method: call.method, outcome: nil, keptUntil: keptUntil)
        calls += 1
        return .run
    }

    /// A call that was let run has ended.
    mutating func end(_ call: DeduplicatedCall, _ outcome: RememberedOutcome?) {
        let key = Key(peer: call.peer, session: call.session)
        guard var session = sessions.removeValue(forKey: key) else { return }
        defer { sessions[key] = session }
        // Acknowledged while it ran: its caller has given it up and wants no answer.
        guard session.calls[call.sequence] != nil else { return }
        guard let outcome, call.sequence > session.acknowledgedThrough else {
            session.calls.removeValue(forKey: call.sequence)
            calls -= 1
            return
        }
        session.calls[call.sequence]?.outcome = outcome
        bytes += outcome.byteCount
    }

    private mutating func acknowledge(_ session: inout Session, through sequence: UInt64) {
        guard sequence > session.acknowledgedThrough else { return }
        session.acknowledgedThrough = sequence
        for (number, entry) in session.calls where number <= sequence && entry.outcome != nil {
            forget(number, entry, of: &session)
        }
    }

    private mutating func forget(_ number: UInt64, _ entry: Entry, of session: inout Session) {
        session.calls.removeValue(forKey: number)
        calls -= 1
        bytes -= entry.outcome?.byteCount ?? 0
    }

    /// Forgets what nobody asks for any more, at most once in a while.
    private mutating func sweepIfDue(_ now: RuntimeInstant) {
        guard let due = nextSweep else {
            nextSweep = now.advanced(by: configuration.grace)
            return
        }
        guard now >= due || calls >= configuration.calls || bytes >= configuration.bytes else { return }
        nextSweep = now.advanced(by: configuration.grace)
        for (key, var session) in sessions {
            for (number, entry) in session.calls where entry.keptUntil < now && entry.outcome != nil {
                forget(number, entry, of: &session)
                // Its number stays known as one that has run.
                session.acknowledgedThrough = max(session.acknowledgedThrough, number)
            }
            sessions[key] = session.calls.isEmpty && session.keptUntil < now ? nil : session
        }
    }
}
