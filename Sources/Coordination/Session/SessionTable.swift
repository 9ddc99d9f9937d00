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
/// that no other coordinator issues the same.
package struct SessionTable: Sendable {
    /// A session and who holds it.
    package struct Record: Sendable, Hashable {
        package var session: SessionID
        package var slot: Int
        package var owner: SPIFFEID
        /// The slot's session before this one.
        package var predecessor: SessionID?
        /// Until when it lives unless it is renewed.
        package var leaseEnd: RuntimeInstant
        package var hasEnded = false
        /// What the client drew for its request to open, so that the request may arrive twice.
        fileprivate var request: UInt64
    }

    /// Who asked for which session, for requests that arrive again after it was fenced.
    private struct AnsweredRequest: Sendable {
        var request: UInt64
        var owner: SPIFFEID
        var session: SessionID
    }

    /// How many answered requests are remembered; a copy that the network held back longer than this many opens finds
    /// no trace of itself.
    private static let rememberedRequests = 1_024

    private let lease: Duration
    private var records: [Record?]
    private var nextOrdinal: UInt64
    private var answered: [AnsweredRequest] = []

    /// A table of `slots` slots whose sessions live for `lease` after each sign of life.
    ///
    /// - Parameter firstOrdinal: the upper half of the first session. It must be above those of any earlier table
    ///   whose sessions servers may remember.
    package init(slots: Int, lease: Duration, firstOrdinal: UInt64) {
        self.lease = lease
        records = Array(repeating: nil, count: slots)
        nextOrdinal = firstOrdinal
    }

    /// The newest session of each slot.
    package var fence: SessionFence {
        SessionFence(
            records.compactMap { record in
                record.map {
                    SessionFence.Entry(slot: $0.slot, session: $0.session, owner: $0.owner, hasEnded: $0.hasEnded)
                }
            })
    }

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
        if let earlier = answered.last(where: { $0.request == request && $0.owner == owner }) {
            guard let record = records.lazy.compactMap({ $0 }).first(where: { $0.session == earlier.session }),
                !record.hasEnded
            else {
                throw CoordinationError(
                    .sessionFenced, "session \(earlier.session) was opened by this request and has ended since")
            }
            return record
        }
        let slot = if let requested { requested } else { try freeSlot() }
        guard records.indices.contains(slot) else {
            throw CoordinationError(.slotOutOfRange, "slot \(slot) was asked for, there are \(records.count) slots")
        }
        let old = records[slot]
        if let old, !old.hasEnded, old.owner != owner {
            throw CoordinationError(.slotTaken, "slot \(slot) has a living session of \(old.owner)")
        }
        let session = SessionID(high: nextOrdinal, low: randomBits)
        nextOrdinal += 1
        let record = Record(
            session: session, slot: slot, owner: owner, predecessor: old?.session, leaseEnd: now.advanced(by: lease),
            request: request)
        records[slot] = record
        if answered.count == Self.rememberedRequests { answered.removeFirst() }
        answered.append(AnsweredRequest(request: request, owner: owner, session: session))
        return record
    }

    /// Prolongs a session's lease.
    ///
    /// A lease that is over ends when ``expire(now:)`` says so and not before, as nobody has been told of it yet.
    ///
    /// - Throws: ``CoordinationError`` with `sessionUnknown`, `sessionFenced`, `sessionExpired` or `notOwner`.
    package mutating func renew(
        _ session: SessionID, slot: Int, owner: SPIFFEID, now: RuntimeInstant
    ) throws(CoordinationError) -> RuntimeInstant {
        try check(session, slot: slot, owner: owner)
        let end = now.advanced(by: lease)
        records[slot]?.leaseEnd = end
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
        records[slot]?.hasEnded = true
        return true
    }

    /// Ends every session whose lease is over, and returns them in the order of slots.
    package mutating func expire(now: RuntimeInstant) -> [Record] {
        var ended: [Record] = []
        for slot in records.indices {
            guard let record = records[slot], !record.hasEnded, record.leaseEnd <= now else { continue }
            records[slot]?.hasEnded = true
            ended.append(record)
        }
        return ended
    }

    private func freeSlot() throws(CoordinationError) -> Int {
        guard let slot = records.firstIndex(where: { $0?.hasEnded ?? true }) else {
            throw CoordinationError(.noFreeSlot, "all \(records.count) slots have living sessions")
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
