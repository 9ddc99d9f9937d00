import Coordination
import MeshWire

/// Tells partitions of one server how far a session's worker is, which has no gradient for them. A copy changes
/// nothing, so that it needs no number and may be repeated.
struct TickRequest: MeshMessage, Hashable {
    static let messageName = "meshwork.parameters.TickRequest"

    var session: SessionID
    /// The steps that it has finished, or 0 to join the others where the slowest is; and its slot.
    var tick: ClockTick
    var partitions: [PartitionID]

    init(session: SessionID, tick: ClockTick, partitions: [PartitionID]) {
        self.session = session
        self.tick = tick
        self.partitions = partitions
    }

    init(from decoder: inout MessageDecoder) throws(WireError) {
        self.init(session: SessionID(high: 0, low: 0), tick: ClockTick(slot: 0, clock: 0), partitions: [])
        var numbers: [UInt64] = []
        while let field = try decoder.nextField() {
            switch field {
            case 1: session = try decoder.message(SessionReference.self).session
            case 2: tick = try decoder.message()
            case 3: try decoder.packed(into: &numbers)
            default: break
            }
        }
        partitions = numbers.map(PartitionID.init(rawValue:))
    }

    func encode(to encoder: inout MessageEncoder) {
        encoder.message(1, SessionReference(session))
        encoder.message(2, tick)
        encoder.packed(3, partitions.map(\.rawValue))
    }
}

/// The clock that the slot has in each partition of a request now, in its order.
struct TickResponse: MeshMessage, Hashable {
    static let messageName = "meshwork.parameters.TickResponse"

    var clocks: [UInt64]

    init(_ clocks: [UInt64]) { self.clocks = clocks }

    init(from decoder: inout MessageDecoder) throws(WireError) {
        clocks = []
        while let field = try decoder.nextField() {
            if field == 1 { try decoder.packed(into: &clocks) }
        }
    }

    func encode(to encoder: inout MessageEncoder) { encoder.packed(1, clocks) }
}
