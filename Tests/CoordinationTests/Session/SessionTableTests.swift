import Coordination
import Identity
import MeshWire
import Testing

@Suite struct SessionTableTests {
    private var table = SessionTable(slots: 2, lease: .seconds(10), firstOrdinal: 1_000)

    private static func open(
        _ table: inout SessionTable, slot: Int?, owner: SPIFFEID = Example.workerA, request: UInt64, low: UInt64 = 5,
        second: Int64 = 0
    ) throws -> SessionTable.Record {
        try table.open(
            slot: slot, owner: owner, request: request, randomBits: low, now: Example.second(second))
    }

    @Test("a slot's newer session compares greater, whatever its random half")
    func newerComparesGreater() throws {
        var table = table
        let first = try Self.open(&table, slot: 1, request: 1, low: .max)
        let second = try Self.open(&table, slot: 1, request: 2, low: 0)
        #expect(second.session > first.session)
        #expect(second.predecessor == first.session)
        #expect(table.fence.decision(for: first.session, slot: 1, peer: Example.workerA) == .fenced(by: second.session))
    }

    @Test("the same request again is answered with the same session")
    func openIsIdempotent() throws {
        var table = table
        let first = try Self.open(&table, slot: nil, request: 1)
        let again = try Self.open(&table, slot: nil, request: 1, low: 9)
        #expect(first == again)
        let other = try Self.open(&table, slot: nil, owner: Example.workerB, request: 1)
        #expect(other.slot == 1)
    }

    @Test("a request that comes again after its session was fenced does not fence the newer one")
    func lateCopyDoesNotFence() throws {
        var table = table
        _ = try Self.open(&table, slot: 0, request: 1)
        let newer = try Self.open(&table, slot: 0, request: 2)
        let error = #expect(throws: CoordinationError.self) { try Self.open(&table, slot: 0, request: 1) }
        #expect(error?.code == .sessionFenced)
        #expect(table.fence.entry(for: 0)?.session == newer.session)
    }

    @Test("slots are handed out from the lowest, and none when all are taken")
    func handsOutSlots() throws {
        var table = table
        let slots = try [1, 2].map { try Self.open(&table, slot: nil, request: $0).slot }
        #expect(slots == [0, 1])
        let error = #expect(throws: CoordinationError.self) { try Self.open(&table, slot: nil, request: 3) }
        #expect(error?.code == .noFreeSlot)
        let outside = #expect(throws: CoordinationError.self) { try Self.open(&table, slot: 2, request: 4) }
        #expect(outside?.code == .slotOutOfRange)
    }

    @Test("another identity takes a slot over only after its session has ended")
    func takeover() throws {
        var table = table
        let held = try Self.open(&table, slot: 0, request: 1)
        let error = #expect(throws: CoordinationError.self) {
            try Self.open(&table, slot: 0, owner: Example.workerB, request: 2)
        }
        #expect(error?.code == .slotTaken)
        let ended = table.expire(now: Example.second(10))
        #expect(ended.map(\.session) == [held.session])
        let taken = try Self.open(&table, slot: 0, owner: Example.workerB, request: 3, second: 11)
        #expect(taken.predecessor == held.session)
    }

    @Test("a lease is prolonged by each renewal and ends without one")
    func lease() throws {
        var table = table
        let record = try Self.open(&table, slot: 0, request: 1)
        let end = try table.renew(record.session, slot: 0, owner: Example.workerA, now: Example.second(8))
        #expect(end == Example.second(18))
        let ended = [17, 18, 99].map { table.expire(now: Example.second($0)).count }
        #expect(ended == [0, 1, 0])
        let error = #expect(throws: CoordinationError.self) {
            try table.renew(record.session, slot: 0, owner: Example.workerA, now: Example.second(19))
        }
        #expect(error?.code == .sessionExpired)
    }

    @Test("renewing says why it cannot: fenced, unknown, another's")
    func renewalErrors() throws {
        var table = table
        let old = try Self.open(&table, slot: 0, request: 1)
        let new = try Self.open(&table, slot: 0, request: 2)
        func code(_ session: SessionID, _ slot: Int, _ owner: SPIFFEID) -> CoordinationError.Code? {
            #expect(throws: CoordinationError.self) {
                try table.renew(session, slot: slot, owner: owner, now: Example.second(1))
            }?.code
        }
        #expect(code(old.session, 0, Example.workerA) == .sessionFenced)
        #expect(code(new.session, 0, Example.workerB) == .notOwner)
        #expect(code(new.session, 1, Example.workerA) == .sessionUnknown)
        #expect(code(new.session, 7, Example.workerA) == .sessionUnknown)
    }

    @Test("closing ends a session once, and frees its slot")
    func closing() throws {
        var table = table
        let record = try Self.open(&table, slot: 0, request: 1)
        let lived = try (0..<2).map { _ in try table.close(record.session, slot: 0, owner: Example.workerA) }
        #expect(lived == [true, false])
        #expect(table.fence.decision(for: record.session, slot: 0, peer: Example.workerA) == .expired)
        let next = try Self.open(&table, slot: nil, owner: Example.workerB, request: 2)
        #expect(next.slot == 0)
    }
}
