package import Identity
package import MeshWire

/// The coordinator's sessions: a slot each, a lease each. A state machine without I/O, clock or generator.
///
/// ```
///            open                       open for the same slot
///   (none) ────────► current ───────────────────────────────► fenced
///                     │   ▲ renew
///                     └───┘
///                     │ close, or expire(now:) after the lease
///                     └───────────────────────────────────────► ended
/// ```
/// A session's upper half counts up, so that a slot's newer session compares greater; its lower half is random, so
/// that no other coordinator issues the same. What it does is told by ``takeChange()``, for a store to keep.
package struct SessionTable: Sendable {
    private let slots: Int
    private let lease: Duration
    private var sessions: SessionRecords
    /// Until when the newest session of each slot lives unless it is renewed; looked up only, so that its order is none.
    private var leaseEnds: [Int: RuntimeInstant] = [:]
    private var nextOrdinal: UInt64
    /// What has changed since ``takeChange()``.
    private var change = CoordinatorChange()

    /// A table of `slots` slots whose sessions live for `lease` after each sign of life.
    ///
    /// - Parameter firstOrdinal: the upper half of the first session. It must be above those of any earlier table
    ///   whose sessions servers may remember.
    package init(slots: Int, lease: Duration, firstOrdinal: UInt64) {
        self.init(slots: slots, lease: lease, firstOrdinal: firstOrdinal, sessions: SessionRecords(), leaseEnd: nil)
    }

    /// - Parameters:
    ///   - sessions: those of an earlier table.
    ///   - leaseEnd: until when those of them live that have not ended.
    init(slots: Int, lease: Duration, firstOrdinal: UInt64, sessions: SessionRecords, leaseEnd: RuntimeInstant?) {
        self.slots = slots
        self.lease = lease
        self.sessions = sessions
        nextOrdinal = firstOrdinal
        for record in sessions.records { leaseEnds[record.slot] = leaseEnd }
    }

    /// What has been changed since this was asked for last.
    mutating func takeChange() -> CoordinatorChange {
        defer { change = CoordinatorChange() }
        return change
    }

    /// Takes over what another copy of this table has changed; the leases of sessions that it opened begin now.
    mutating func apply(_ change: CoordinatorChange, now: RuntimeInstant) {
        for record in change.sessions {
            if sessions[record.slot]?.session != record.session {
                leaseEnds[record.slot] = now.advanced(by: lease)
            }
            sessions.apply(record)
        }
        for request in change.answered { sessions.apply(request) }
        if change.nextOrdinal != 0 { nextOrdinal = change.nextOrdinal }
    }

    /// The newest session of each slot.
    package var fence: SessionFence { sessions.fence }

    /// Opens a session for `owner` in `slot`, or in the lowest free one.
    ///
    /// A slot whose session lives can be taken over by the same identity, which fences that session; another identity
    /// has to wait until it has ended. The same request again is answered with the same session.
    ///
    /// - Parameters:
    ///   - request: random bits that the client drew for this request.
    ///   - randomBits: the session's lower half.
    /// - Throws: ``CoordinationError`` with ``CoordinationError/Code/slotOutOfRange``, `noFreeSlot`, `slotTaken`, or
    ///   `sessionFenced` for a request whose session has been opened and fenced since.
    package mutating func open(
        slot requested: Int?, owner: SPIFFEID, request: UInt64, randomBits: UInt64, now: RuntimeInstant
    ) throws(CoordinationError) -> Record {
        if let earlier = sessions.answered.last(where: { $0.request == request && $0.owner == owner }) {
            guard let record = sessions.records.first(where: { $0.session == earlier.session }), !record.hasEnded else {
                throw CoordinationError(
                    .sessionFenced, "session \(earlier.session) was opened by this request and has ended since")
            }
            return record
        }
        let slot = if let requested { requested } else { try freeSlot() }
        guard (0..<slots).contains(slot) else {
            throw CoordinationError(.slotOutOfRange, "slot \(slot) was asked for, there are \(slots) slots")
        }
        let old = sessions[slot]
        if let old, !old.hasEnded, old.owner != owner {
            throw CoordinationError(.slotTaken, "slot \(slot) has a living session of \(old.owner)")
        }
        let session = SessionID(high: nextOrdinal, low: randomBits)
        let record = Record(session: session, slot: slot, owner: owner, predecessor: old?.session)
        var opening = CoordinatorChange()
        opening.nextOrdinal = nextOrdinal + 1
        opening.sessions = [record]
        opening.answered = [AnsweredRequest(request: request, owner: owner, session: session)]
        perform(opening, now)
        return record
    }

    /// Prolongs a session's lease.
    ///
    /// A lease that is over ends when ``expire(now:)`` says so and not before, as nobody has been told of it yet.
    /// Renewals change nothing that outlives the table.
    ///
    /// - Throws: ``CoordinationError`` with `sessionUnknown`, `sessionFenced`, `sessionExpired` or `notOwner`.
    package mutating func renew(
        _ session: SessionID, slot: Int, owner: SPIFFEID, now: RuntimeInstant
    ) throws(CoordinationError) -> RuntimeInstant {
        try check(session, slot: slot, owner: owner)
        let end = now.advanced(by: lease)
        leaseEnds[slot] = end
        return end
    }

    /// Ends a session; closing it again does nothing.
    ///
    /// - Returns: whether it lived.
    /// - Throws: ``CoordinationError`` with `sessionUnknown`, `sessionFenced` or `notOwner`.
    package mutating func close(_ session: SessionID, slot: Int, owner: SPIFFEID) throws(CoordinationError) -> Bool {
        do {
            try check(session, slot: slot, owner: owner)
        } catch {
            guard error.code == .sessionExpired else { throw error }
            return false
        }
        if let record = sessions[slot] { end(record) }
        return true
    }

    /// Whether a session's lease is over, so that it may be ending now.
    func isOverdue(_ session: SessionID, slot: Int, now: RuntimeInstant) -> Bool {
        sessions[slot]?.session == session && leaseEnds[slot].map { $0 <= now } ?? false
    }

    /// Has every session live for another lease, whoever has been heard of.
    mutating func prolong(now: RuntimeInstant) {
        let end = now.advanced(by: lease)
        leaseEnds = leaseEnds.mapValues { max($0, end) }
    }

    /// Ends every session whose lease is over, and returns them in the order of slots.
    package mutating func expire(now: RuntimeInstant) -> [Record] {
        let ended = sessions.records.filter { record in
            !record.hasEnded && leaseEnds[record.slot].map { $0 <= now } ?? false
        }
        for record in ended { end(record) }
        return ended
    }

    private mutating func end(_ record: Record) {
        var ended = record
        ended.hasEnded = true
        var ending = CoordinatorChange()
        ending.sessions = [ended]
        // A session that ends has no lease that could begin.
        perform(ending, RuntimeInstant(nanoseconds: 0))
    }

    private mutating func perform(_ step: CoordinatorChange, _ now: RuntimeInstant) {
        apply(step, now: now)
        change.append(step)
    }

    private func freeSlot() throws(CoordinationError) -> Int {
        guard let slot = (0..<slots).first(where: { sessions[$0]?.hasEnded ?? true }) else {
            throw CoordinationError(.noFreeSlot, "all \(slots) slots have living sessions")
        }
        return slot
    }

    private func check(_ session: SessionID, slot: Int, owner: SPIFFEID) throws(CoordinationError) {
        switch fence.decision(for: session, slot: slot, peer: owner) {
        case .current: return
        case .fenced(let newer):
            throw CoordinationError(.sessionFenced, "session \(session) of slot \(slot) made way for \(newer)")
        case .expired:
            throw CoordinationError(.sessionExpired, "session \(session) of slot \(slot) has ended")
        case .notOwner(let owner):
            throw CoordinationError(.notOwner, "session \(session) of slot \(slot) belongs to \(owner)")
        case .unknown:
            throw CoordinationError(.sessionUnknown, "slot \(slot) has had no session \(session)")
        }
    }
}
