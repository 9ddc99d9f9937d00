public import Identity
public import MeshWire

/// Which session of each slot may push: what servers check before they apply anything.
///
/// A fence only moves forward. Merging keeps the greater session of each slot and remembers that one has ended, so that
/// fences may arrive late, twice or in any order, from the coordinator or from a server that asked for it, and every
/// server ends with the same one.
public struct SessionFence: Sendable, Hashable {
    /// A slot's newest session.
    public struct Entry: Sendable, Hashable {
        /// The worker's number.
        public var slot: Int
        /// The newest session that the slot has had.
        public var session: SessionID
        /// The identity that opened it, and the only one that may use it.
        public var owner: SPIFFEID
        /// True once its lease ran out or it was closed; it never lives again.
        public var hasEnded: Bool

        /// Makes an entry.
        public init(slot: Int, session: SessionID, owner: SPIFFEID, hasEnded: Bool = false) {
            self.slot = slot
            self.session = session
            self.owner = owner
            self.hasEnded = hasEnded
        }
    }

    /// What a server does with a session that wants to push.
    public enum Decision: Sendable, Hashable {
        /// It may.
        case current
        /// It has made way for a newer session of its slot.
        case fenced(by: SessionID)
        /// Its lease ran out, or it was closed.
        case expired
        /// The caller is not the session's owner.
        case notOwner(SPIFFEID)
        /// It is newer than what this fence knows, or nobody's: ask the coordinator.
        case unknown
    }

    /// The newest session of each slot that has had one, in the order of slots.
    public private(set) var entries: [Entry] = []

    /// A fence that knows no session.
    public init() {}

    /// A fence of these entries; of several for one slot the greatest counts.
    public init(_ entries: some Sequence<Entry>) {
        for entry in entries { _ = merge(entry) }
    }

    /// The newest session of `slot`, if it has had one.
    public func entry(for slot: Int) -> Entry? {
        let index = entries.index(ofSlot: slot)
        return index < entries.count && entries[index].slot == slot ? entries[index] : nil
    }

    /// Whether `session`, which `peer` says is its own in `slot`, may push.
    public func decision(for session: SessionID, slot: Int, peer: SPIFFEID) -> Decision {
        guard let entry = entry(for: slot), session <= entry.session else { return .unknown }
        guard session == entry.session else { return .fenced(by: entry.session) }
        guard peer == entry.owner else { return .notOwner(entry.owner) }
        return entry.hasEnded ? .expired : .current
    }

    /// Takes what `other` knows in addition.
    ///
    /// - Returns: the sessions that could push before and cannot any more, in the order of slots.
    @discardableResult
    public mutating func merge(_ other: SessionFence) -> [Entry] {
        other.entries.compactMap { merge($0) }
    }

    /// Takes one entry; returns the one that it shuts out.
    private mutating func merge(_ entry: Entry) -> Entry? {
        let index = entries.index(ofSlot: entry.slot)
        guard index < entries.count, entries[index].slot == entry.slot else {
            entries.insert(entry, at: index)
            return nil
        }
        let old = entries[index]
        if entry.session == old.session {
            entries[index].hasEnded = old.hasEnded || entry.hasEnded
        } else if entry.session > old.session {
            entries[index] = entry
        }
        let isShutOut = !old.hasEnded && entries[index] != old
        return isShutOut ? old : nil
    }
}

extension SessionFence: MeshMessage {
    /// `meshwork.coordination.SessionFence`.
    public static let messageName = "meshwork.coordination.SessionFence"

    /// Reads the entries.
    public init(from decoder: inout MessageDecoder) throws(WireError) {
        self.init()
        while let field = try decoder.nextField() {
            if field == 1 { _ = merge(try decoder.message(Entry.self)) }
        }
    }

    /// Writes the entries.
    public func encode(to encoder: inout MessageEncoder) {
        for entry in entries { encoder.message(1, entry) }
    }
}

extension SessionFence.Entry: MeshMessage {
    /// `meshwork.coordination.SessionFenceEntry`.
    public static let messageName = "meshwork.coordination.SessionFenceEntry"

    /// Reads the entry.
    public init(from decoder: inout MessageDecoder) throws(WireError) {
        var slot = 0
        var session = SessionID(high: 0, low: 0)
        var owner: SPIFFEID?
        var hasEnded = false
        while let field = try decoder.nextField() {
            switch field {
            case 1: slot = try decoder.count()
            case 2: session = try decoder.message(SessionReference.self).session
            case 3: owner = try decoder.spiffeID()
            case 4: hasEnded = try decoder.bool()
            default: break
            }
        }
        guard let owner else { throw WireError(.malformed, "a fence's entry for slot \(slot) names no owner") }
        self.init(slot: slot, session: session, owner: owner, hasEnded: hasEnded)
    }

    /// Writes the entry.
    public func encode(to encoder: inout MessageEncoder) {
        encoder.uint64(1, UInt64(slot))
        encoder.message(2, SessionReference(session))
        encoder.string(3, owner.description)
        encoder.bool(4, hasEnded)
    }
}
