import Identity
import MeshWire

/// What a ``MemoryDeduplicationStore`` remembers. A state machine without a clock: time is an argument.
///
/// A session's call is forgotten when its caller has acknowledged it, or when its deadline is a while past: no caller
/// asks again after its deadline. What is neither is never forgotten: when there is no room for more, calls are refused.
/// One peer may take a part of the room only, and for a limited time: it cannot keep the others out.
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

    /// What is remembered, of a peer or of all.
    struct Room {
        var sessions = 0
        var calls = 0
        /// About the memory that answers take.
        var bytes = 0
    }

    /// How often a full store looks for what may be forgotten.
    private static let fullSweepInterval = Duration.seconds(1)

    private let configuration: DeduplicationConfiguration
    private let limit: Room
    private let peerLimit: Room
    private var sessions: [Key: Session] = [:]
    private(set) var used = Room()
    private var usedByPeer: [SPIFFEID?: Room] = [:]
    /// When something may have become forgettable.
    private var nextSweep: RuntimeInstant?
    private var lastSweep = RuntimeInstant(nanoseconds: 0)

    init(_ configuration: DeduplicationConfiguration) {
        self.configuration = configuration
        limit = Room(sessions: configuration.sessions, calls: configuration.calls, bytes: configuration.bytes)
        peerLimit = limit.part(configuration.peerShare)
    }

    /// A call has arrived.
    mutating func begin(_ call: DeduplicatedCall, now: RuntimeInstant) -> Verdict {
        guard now.duration(to: call.deadline) <= configuration.longestTimeout else {
            return .refuse(
                CallFailure(
                    .invalidArgument,
                    "\(call.method) is deduplicated: its deadline must be at most \(configuration.longestTimeout) away",
                    hasNotRun: true))
        }
        let room = usedByPeer[call.peer] ?? Room()
        let isFull = used.isFull(limit) || room.isFull(peerLimit)
        sweepIfDue(now, isFull: isFull)
        let key = Key(peer: call.peer, session: call.session)
        let keptUntil = max(call.deadline, now).advanced(by: configuration.grace)
        let known = sessions.removeValue(forKey: key)
        var session = known ?? Session(keptUntil: keptUntil)
        session.keptUntil = max(session.keptUntil, keptUntil)
        let verdict = begin(call, in: &session, isNew: known == nil, keptUntil: keptUntil)
        if known == nil {
            // Nothing is remembered of one whose first call does not run.
            guard case .run = verdict else { return verdict }
            count(Room(sessions: 1), of: call.peer)
        }
        sessions[key] = session
        return verdict
    }

    private mutating func begin(
        _ call: DeduplicatedCall, in session: inout Session, isNew: Bool, keptUntil: RuntimeInstant
    ) -> Verdict {
        acknowledge(&session, of: call.peer, through: min(call.acknowledgedThrough, call.sequence - 1))
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
        let room = usedByPeer[call.peer] ?? Room()
        guard !used.isFull(limit, forNewSession: isNew), !room.isFull(peerLimit, forNewSession: isNew) else {
            return .refuse(
                CallFailure(
                    .resourceExhausted,
                    "\(room.calls) calls of \(room.sessions) sessions wait to be acknowledged; acknowledge some first",
                    hasNotRun: true))
        }
        session.calls[call.sequence] = Entry(method: call.method, outcome: nil, keptUntil: keptUntil)
        count(Room(calls: 1), of: call.peer)
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
            count(Room(calls: -1), of: call.peer)
            return
        }
        session.calls[call.sequence]?.outcome = outcome
        count(Room(bytes: outcome.byteCount), of: call.peer)
    }

    private mutating func acknowledge(_ session: inout Session, of peer: SPIFFEID?, through sequence: UInt64) {
        guard sequence > session.acknowledgedThrough else { return }
        session.acknowledgedThrough = sequence
        for (number, entry) in session.calls where number <= sequence && entry.outcome != nil {
            forget(number, entry, of: &session, peer)
        }
    }

    private mutating func forget(_ number: UInt64, _ entry: Entry, of session: inout Session, _ peer: SPIFFEID?) {
        session.calls.removeValue(forKey: number)
        count(Room(calls: -1, bytes: -(entry.outcome?.byteCount ?? 0)), of: peer)
    }

    private mutating func count(_ change: Room, of peer: SPIFFEID?) {
        used += change
        usedByPeer[peer, default: Room()] += change
        if usedByPeer[peer]?.isEmpty == true { usedByPeer[peer] = nil }
    }

    /// Forgets what nobody asks for any more, at most once in a while.
    private mutating func sweepIfDue(_ now: RuntimeInstant, isFull: Bool) {
        guard let due = nextSweep else {
            nextSweep = now.advanced(by: configuration.grace)
            return
        }
        // A full store looks more often, and not at each call: a look is at all that it has.
        guard now >= due || isFull && now >= lastSweep.advanced(by: Self.fullSweepInterval) else { return }
        lastSweep = now
        nextSweep = now.advanced(by: configuration.grace)
        for (key, var session) in sessions {
            for (number, entry) in session.calls where entry.keptUntil < now && entry.outcome != nil {
                forget(number, entry, of: &session, key.peer)
                // Its number stays known as one that has run.
                session.acknowledgedThrough = max(session.acknowledgedThrough, number)
            }
            if session.calls.isEmpty && session.keptUntil < now {
                sessions[key] = nil
                count(Room(sessions: -1), of: key.peer)
            } else {
                sessions[key] = session
            }
        }
    }
}

extension DeduplicationLedger.Room {
    static func += (room: inout Self, change: Self) {
        room.sessions += change.sessions
        room.calls += change.calls
        room.bytes += change.bytes
    }

    var isEmpty: Bool { sessions == 0 && calls == 0 && bytes == 0 }

    /// Whether there is no room for another call within `limit`.
    func isFull(_ limit: Self, forNewSession: Bool = true) -> Bool {
        calls >= limit.calls || bytes >= limit.bytes || forNewSession && sessions >= limit.sessions
    }

    /// A part of the room; there is some for everybody.
    func part(_ share: Double) -> Self {
        func part(_ whole: Int) -> Int { max(1, Int(Double(whole) * share)) }
        return Self(sessions: part(sessions), calls: part(calls), bytes: part(bytes))
    }
}
