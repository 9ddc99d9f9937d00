import MeshTransport
import MeshWire

/// Asks for a session.
struct OpenSession: MeshMessage, Hashable {
    static let messageName = "meshwork.coordination.OpenSession"

    /// The slot, or `nil` for any.
    var slot: Int?
    /// Random bits that make the request recognisable when it arrives twice.
    var request: UInt64

    init(slot: Int?, request: UInt64) {
        self.slot = slot
        self.request = request
    }

    init(from decoder: inout MessageDecoder) throws(WireError) {
        self.init(slot: nil, request: 0)
        while let field = try decoder.nextField() {
            switch field {
            // One more than the slot, so that slot 0 and no slot differ.
            case 1:
                let number = try decoder.count()
                slot = number == 0 ? nil : number - 1
            case 2: request = try decoder.fixed64()
            default: break
            }
        }
    }

    func encode(to encoder: inout MessageEncoder) {
        encoder.uint64(1, slot.map { UInt64($0) + 1 } ?? 0)
        encoder.fixed64(2, request)
    }
}

/// A session that was opened, and what its slot's session before had done.
struct OpenedSession: MeshMessage, Hashable {
    static let messageName = "meshwork.coordination.OpenedSession"

    var session: SessionID
    var slot: Int
    var lease: Duration
    var membershipEpoch: UInt64
    var predecessor: SessionID?
    var applied: [AppliedPushes]
    var unknown: [PartitionID]

    init(from decoder: inout MessageDecoder) throws(WireError) {
        session = SessionID(high: 0, low: 0)
        slot = 0
        lease = .zero
        membershipEpoch = 0
        applied = []
        unknown = []
        var unknownNumbers: [UInt64] = []
        while let field = try decoder.nextField() {
            switch field {
            case 1: session = try decoder.message(SessionReference.self).session
            case 2: slot = try decoder.count()
            case 3: lease = .microseconds(Int64(clamping: try decoder.uint64()))
            case 4: membershipEpoch = try decoder.uint64()
            case 5: predecessor = try decoder.message(SessionReference.self).session
            case 6: applied.append(try decoder.message())
            case 7: try decoder.packed(into: &unknownNumbers)
            default: break
            }
        }
        unknown = unknownNumbers.map(PartitionID.init(rawValue:))
    }

    init(
        session: SessionID, slot: Int, lease: Duration, membershipEpoch: UInt64, predecessor: SessionID?,
        applied: [AppliedPushes], unknown: [PartitionID]
    ) {
        self.session = session
        self.slot = slot
        self.lease = lease
        self.membershipEpoch = membershipEpoch
        self.predecessor = predecessor
        self.applied = applied
        self.unknown = unknown
    }

    func encode(to encoder: inout MessageEncoder) {
        encoder.message(1, SessionReference(session))
        encoder.uint64(2, UInt64(slot))
        encoder.uint64(3, UInt64(max(0, lease.inMicroseconds)))
        encoder.uint64(4, membershipEpoch)
        if let predecessor { encoder.message(5, SessionReference(predecessor)) }
        for pushes in applied { encoder.message(6, pushes) }
        encoder.packed(7, unknown.map(\.rawValue))
    }
}

/// Names a session that the caller holds.
struct HeldSession: MeshMessage, Hashable {
    static let messageName = "meshwork.coordination.HeldSession"

    var session: SessionID
    var slot: Int

    init(session: SessionID, slot: Int) {
        self.session = session
        self.slot = slot
    }

    init(from decoder: inout MessageDecoder) throws(WireError) {
        self.init(session: SessionID(high: 0, low: 0), slot: 0)
        while let field = try decoder.nextField() {
            switch field {
            case 1: session = try decoder.message(SessionReference.self).session
            case 2: slot = try decoder.count()
            default: break
            }
        }
    }

    func encode(to encoder: inout MessageEncoder) {
        encoder.message(1, SessionReference(session))
        encoder.uint64(2, UInt64(slot))
    }
}

/// How long a session lives now, and who else is there.
struct RenewedSession: MeshMessage, Hashable {
    static let messageName = "meshwork.coordination.RenewedSession"

    var lease: Duration
    var membershipEpoch: UInt64

    init(lease: Duration, membershipEpoch: UInt64) {
        self.lease = lease
        self.membershipEpoch = membershipEpoch
    }

    init(from decoder: inout MessageDecoder) throws(WireError) {
        self.init(lease: .zero, membershipEpoch: 0)
        while let field = try decoder.nextField() {
            switch field {
            case 1: lease = .microseconds(Int64(clamping: try decoder.uint64()))
            case 2: membershipEpoch = try decoder.uint64()
            default: break
            }
        }
    }

    func encode(to encoder: inout MessageEncoder) {
        encoder.uint64(1, UInt64(max(0, lease.inMicroseconds)))
        encoder.uint64(2, membershipEpoch)
    }
}

/// Tables that are to exist, all or none.
struct TableRequests: MeshMessage, Hashable {
    static let messageName = "meshwork.coordination.TableRequests"

    var tables: [TableRequest]

    init(_ tables: [TableRequest]) { self.tables = tables }

    init(from decoder: inout MessageDecoder) throws(WireError) {
        tables = []
        while let field = try decoder.nextField() {
            if field == 1 { tables.append(try decoder.message()) }
        }
    }

    func encode(to encoder: inout MessageEncoder) {
        for table in tables { encoder.message(1, table) }
    }
}

/// Tables are there.
struct DeclaredTables: MeshMessage, Hashable {
    static let messageName = "meshwork.coordination.DeclaredTables"

    /// The version of a map that has all of them.
    var mapVersion: UInt64

    init(mapVersion: UInt64) { self.mapVersion = mapVersion }

    init(from decoder: inout MessageDecoder) throws(WireError) {
        mapVersion = 0
        while let field = try decoder.nextField() {
            if field == 1 { mapVersion = try decoder.uint64() }
        }
    }

    func encode(to encoder: inout MessageEncoder) { encoder.uint64(1, mapVersion) }
}
