package import Identity
package import MeshWire

extension SessionTable {
    /// A session and who holds it.
    package struct Record: Sendable, Hashable {
        package var session: SessionID
        package var slot: Int
        package var owner: SPIFFEID
        /// The slot's session before this one.
        package var predecessor: SessionID?
        package var hasEnded = false
    }
}

/// Who asked for which session, for requests that arrive again after it was fenced.
struct AnsweredRequest: Sendable, Hashable {
    /// What the client drew for its request to open.
    var request: UInt64
    var owner: SPIFFEID
    var session: SessionID
}

/// What outlives a coordinator of its sessions: the newest of each slot, and what recognises a request that comes again.
struct SessionRecords: Sendable, Hashable {
    /// How many answered requests are remembered; a copy that the network held back longer than this many opens finds
    /// no trace of itself.
    private static let rememberedRequests = 1_024

    /// The newest session of each slot that has had one, in the order of slots.
    private(set) var records: [SessionTable.Record] = []
    private(set) var answered: [AnsweredRequest] = []

    /// The newest session of a slot.
    subscript(slot: Int) -> SessionTable.Record? {
        let index = records.index(ofSlot: slot)
        return index < records.count && records[index].slot == slot ? records[index] : nil
    }

    /// The newest session of each slot.
    var fence: SessionFence {
        SessionFence(
            records.lazy.map {
                SessionFence.Entry(slot: $0.slot, session: $0.session, owner: $0.owner, hasEnded: $0.hasEnded)
            })
    }

    /// Takes a session in, in place of the slot's one before.
    mutating func apply(_ record: SessionTable.Record) {
        let index = records.index(ofSlot: record.slot)
        if index < records.count, records[index].slot == record.slot {
            records[index] = record
        } else {
            records.insert(record, at: index)
        }
    }

    /// Remembers a request.
    mutating func apply(_ request: AnsweredRequest) {
        if answered.count == Self.rememberedRequests { answered.removeFirst() }
        answered.append(request)
    }
}

extension SessionTable.Record: MeshMessage {
    package static let messageName = "meshwork.coordination.SessionRecord"

    package init(from decoder: inout MessageDecoder) throws(WireError) {
        var slot = 0
        var session = SessionID(high: 0, low: 0)
        var owner: SPIFFEID?
        var predecessor: SessionID?
        var hasEnded = false
        while let field = try decoder.nextField() {
            switch field {
            case 1: slot = try decoder.count()
            case 2: session = try decoder.message(SessionReference.self).session
            case 3: owner = try decoder.spiffeID()
            case 4: predecessor = try decoder.message(SessionReference.self).session
            case 5: hasEnded = try decoder.bool()
            default: break
            }
        }
        guard let owner else { throw WireError(.malformed, "session \(session) has no owner") }
        self.init(session: session, slot: slot, owner: owner, predecessor: predecessor, hasEnded: hasEnded)
    }

    package func encode(to encoder: inout MessageEncoder) {
        encoder.uint64(1, UInt64(slot))
        encoder.message(2, SessionReference(session))
        encoder.string(3, owner.description)
        if let predecessor { encoder.message(4, SessionReference(predecessor)) }
        encoder.bool(5, hasEnded)
    }
}

extension AnsweredRequest: MeshMessage {
    static let messageName = "meshwork.coordination.AnsweredRequest"

    init(from decoder: inout MessageDecoder) throws(WireError) {
        var request: UInt64 = 0
        var owner: SPIFFEID?
        var session = SessionID(high: 0, low: 0)
        while let field = try decoder.nextField() {
            switch field {
            case 1: request = try decoder.fixed64()
            case 2: owner = try decoder.spiffeID()
            case 3: session = try decoder.message(SessionReference.self).session
            default: break
            }
        }
        guard let owner else { throw WireError(.malformed, "a request for session \(session) has no owner") }
        self.init(request: request, owner: owner, session: session)
    }

    func encode(to encoder: inout MessageEncoder) {
        encoder.fixed64(1, request)
        encoder.string(2, owner.description)
        encoder.message(3, SessionReference(session))
    }
}
