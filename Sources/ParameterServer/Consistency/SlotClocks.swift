import Coordination
package import MeshWire

/// How far a slot's worker is: the steps that it has finished.
package struct ClockTick: MeshMessage, Hashable {
    package static let messageName = "meshwork.parameters.ClockTick"

    package var slot: Int
    /// 0 to join the others: see ``SlotClocks/take(_:of:_:)``.
    package var clock: UInt64

    package init(slot: Int, clock: UInt64) {
        self.slot = slot
        self.clock = clock
    }

    package init(from decoder: inout MessageDecoder) throws(WireError) {
        self.init(slot: 0, clock: 0)
        while let field = try decoder.nextField() {
            switch field {
            case 1: slot = try decoder.count()
            case 2: clock = try decoder.uint64()
            default: break
            }
        }
    }

    package func encode(to encoder: inout MessageEncoder) {
        encoder.uint64(1, UInt64(slot))
        encoder.uint64(2, clock)
    }
}

/// What a pull of bounded staleness waits for: that every other worker is so far.
package struct ClockBound: MeshMessage, Hashable {
    package static let messageName = "meshwork.parameters.ClockBound"

    /// The slot of whoever pulls: nobody waits for itself.
    package var slot: Int
    /// The least clock of the others, 1 or more.
    package var least: UInt64

    package init(slot: Int, least: UInt64) {
        self.slot = slot
        self.least = least
    }

    package init(from decoder: inout MessageDecoder) throws(WireError) {
        self.init(slot: 0, least: 0)
        while let field = try decoder.nextField() {
            switch field {
            case 1: slot = try decoder.count()
            case 2: least = try decoder.uint64()
            default: break
            }
        }
    }

    package func encode(to encoder: inout MessageEncoder) {
        encoder.uint64(1, UInt64(slot))
        encoder.uint64(2, least)
    }
}

/// The clocks of the workers that train with bounded staleness (Ho et al., "More Effective Distributed ML via a Stale
/// Synchronous Parallel Parameter Server", NIPS 2013), as one partition has them. A state machine that the records of
/// the partition's log change, so that a failover keeps it.
///
/// A worker counts its steps, and a pull after step c waits until every other live worker has finished c − s. A slot
/// counts from its session's first tick on, and for as long as the fence has that session: whoever ends, is replaced or
/// loses its lease holds nobody up, and its successor joins where the slot was or where the slowest of the others is.
package struct SlotClocks: Sendable, Hashable {
    /// A slot's clock.
    package struct Entry: Sendable, Hashable {
        package var slot: Int
        /// The session that ticked last.
        package var session: SessionID
        package var clock: UInt64
    }

    /// In the order of slots; one for each that has ever ticked.
    package private(set) var entries: [Entry] = []

    package init() {}

    var isEmpty: Bool { entries.isEmpty }

    /// Takes down how far a session's worker is. A clock never goes back: copies and late ones change nothing. A
    /// session that was not among the others, and every tick with clock 0, is taken for one that stands where the
    /// slowest of the live ones is, at least.
    ///
    /// - Returns: the slot's clock.
    @discardableResult
    mutating func take(_ tick: ClockTick, of session: SessionID, _ fence: SessionFence) -> UInt64 {
        let place = entries.firstIndex { $0.slot >= tick.slot } ?? entries.count
        let known = place < entries.count && entries[place].slot == tick.slot ? entries[place] : nil
        var clock = max(tick.clock, known?.clock ?? 0)
        if known?.session != session { clock = max(clock, slowest(but: tick.slot, fence)?.clock ?? 0) }
        let entry = Entry(slot: tick.slot, session: session, clock: clock)
        if known == nil {
            entries.insert(entry, at: place)
        } else {
            entries[place] = entry
        }
        return clock
    }

    /// The slowest live worker but that of `slot`, the first of several.
    func slowest(but slot: Int, _ fence: SessionFence) -> Entry? {
        var slowest: Entry?
        for entry in entries where entry.slot != slot && entry.clock < slowest?.clock ?? .max {
            guard let current = fence.entry(for: entry.slot), current.session == entry.session, !current.hasEnded
            else { continue }
            slowest = entry
        }
        return slowest
    }

    /// The slowest live worker for which a pull has to wait; `nil` if it has not.
    func laggard(of bound: ClockBound, _ fence: SessionFence) -> Entry? {
        slowest(but: bound.slot, fence).flatMap { $0.clock < bound.least ? $0 : nil }
    }
}

extension SlotClocks: MeshMessage {
    package static let messageName = "meshwork.parameters.SlotClocks"

    package init(from decoder: inout MessageDecoder) throws(WireError) {
        self.init()
        while let field = try decoder.nextField() {
            if field == 1 { entries.append(try decoder.message()) }
        }
        guard zip(entries, entries.dropFirst()).allSatisfy({ $0.slot < $1.slot }) else {
            throw WireError(.malformed, "the clocks of slots \(entries.map(\.slot)) do not ascend")
        }
    }

    package func encode(to encoder: inout MessageEncoder) {
        for entry in entries { encoder.message(1, entry) }
    }
}

extension SlotClocks.Entry: MeshMessage {
    package static let messageName = "meshwork.parameters.SlotClock"

    package init(from decoder: inout MessageDecoder) throws(WireError) {
        self.init(slot: 0, session: SessionID(high: 0, low: 0), clock: 0)
        while let field = try decoder.nextField() {
            switch field {
            case 1: slot = try decoder.count()
            case 2: session = try decoder.message(SessionReference.self).session
            case 3: clock = try decoder.uint64()
            default: break
            }
        }
    }

    package func encode(to encoder: inout MessageEncoder) {
        encoder.uint64(1, UInt64(slot))
        encoder.message(2, SessionReference(session))
        encoder.uint64(3, clock)
    }
}
