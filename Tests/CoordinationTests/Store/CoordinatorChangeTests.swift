import Identity
import MeshWire
import Testing

@testable import Coordination

@Suite struct CoordinatorChangeTests {
    private static let configuration: CoordinatorConfiguration = {
        var configuration = CoordinatorConfiguration()
        configuration.slots = 4
        return configuration
    }()

    /// One step that a seed chooses, and that may be refused.
    static func step(_ state: inout CoordinatorState, _ generator: inout SeededGenerator, at second: Int64) {
        let slot = Int.random(in: 0..<4, using: &generator)
        let owner = Bool.random(using: &generator) ? Example.workerA : Example.workerB
        switch Int.random(in: 0..<5, using: &generator) {
        case 0:
            let server = Example.server(
                ["a", "b", "c"].randomElement(using: &generator) ?? "a",
                life: UInt64.random(in: 1...3, using: &generator))
            _ = try? state.registerServer(server)
        case 1:
            let sizes = (0...Int.random(in: 0...3, using: &generator)).map { _ in
                UInt64.random(in: 1...900, using: &generator)
            }
            let name = "t\(Int.random(in: 0...20, using: &generator))"
            try? state.declare([TableRequest(name: name, declaration: [1], partitionByteCounts: sizes)])
        case 2:
            if let entry = state.fence.entry(for: slot) {
                _ = try? state.closeSession(entry.session, slot: slot, owner: owner)
            }
        case 3:
            _ = state.expireSessions(now: Example.second(second))
        default:
            _ = try? state.openSession(
                slot: slot, owner: owner, request: generator.next(), randomBits: generator.next(),
                now: Example.second(second))
        }
    }

    @Test(
        "a coordinator that is made of the changes of another is the same and goes on the same",
        arguments: 1...20 as ClosedRange<UInt64>)
    func changesAreAll(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        var state = CoordinatorState(Self.configuration, firstOrdinal: 100)
        var follower = CoordinatorState(Self.configuration, firstOrdinal: 1)
        var snapshot = CoordinatorSnapshot()
        for second in 0..<60 as Range<Int64> {
            // Several decisions may make one change.
            for _ in 0..<Int.random(in: 1...3, using: &generator) {
                Self.step(&state, &generator, at: second * 7)
            }
            guard let taken = state.takeChange() else { continue }
            #expect(taken.version == snapshot.version + 1, "seed \(seed)")
            let change = try throughTheWire(taken)
            #expect(change == taken, "seed \(seed)")
            snapshot.apply(change)
            follower.apply(change, now: Example.second(second * 7))
            #expect(follower.map == state.map, "seed \(seed)")
            #expect(follower.fence == state.fence, "seed \(seed)")
            #expect(follower.membershipEpoch == state.membershipEpoch, "seed \(seed)")
        }
        #expect(snapshot.version > 10, "seed \(seed)")
        var rebuilt = CoordinatorSnapshot()
        for change in snapshot.changes { rebuilt.apply(try throughTheWire(change)) }
        #expect(rebuilt == snapshot, "seed \(seed)")

        // The clock says an earlier moment than that of the first coordinator's start.
        var restarted = CoordinatorState(Self.configuration, firstOrdinal: 1, snapshot: rebuilt)
        #expect(restarted.map == state.map, "seed \(seed)")
        #expect(restarted.fence == state.fence, "seed \(seed)")
        #expect(restarted.membershipEpoch == state.membershipEpoch, "seed \(seed)")
        for server in ["x", "y"] {
            try restarted.registerServer(Example.server(server))
            try state.registerServer(Example.server(server))
        }
        let table = TableRequest(name: "later", declaration: [2], partitionByteCounts: [1, 2])
        try restarted.declare([table])
        try state.declare([table])
        #expect(restarted.map == state.map, "seed \(seed)")
        let next = try restarted.openSession(
            slot: 0, owner: restarted.fence.entry(for: 0)?.owner ?? Example.workerA, request: 1, randomBits: 0,
            now: Example.second(1))
        for entry in state.fence.entries { #expect(next.record.session > entry.session, "seed \(seed)") }
    }

    @Test("a request to open a session that comes again after a restart is answered with the same session")
    func requestsAreRemembered() throws {
        var state = CoordinatorState(Self.configuration, firstOrdinal: 1)
        let first = try state.openSession(
            slot: nil, owner: Example.workerA, request: 77, randomBits: 5, now: Example.second(0))
        var snapshot = CoordinatorSnapshot()
        let change = state.takeChange()
        snapshot.apply(try #require(change))
        var restarted = CoordinatorState(Self.configuration, firstOrdinal: 1, snapshot: snapshot)
        let again = try restarted.openSession(
            slot: nil, owner: Example.workerA, request: 77, randomBits: 6, now: Example.second(0))
        #expect(again.record == first.record)
        let nothing = restarted.takeChange()
        #expect(nothing == nil)
    }

    @Test("sessions of a restarted coordinator live for a lease and the grace time, and no longer")
    func leasesBeginAnew() throws {
        var state = CoordinatorState(Self.configuration, firstOrdinal: 1)
        _ = try state.openSession(slot: 0, owner: Example.workerA, request: 1, randomBits: 5, now: Example.second(0))
        var snapshot = CoordinatorSnapshot()
        let change = state.takeChange()
        snapshot.apply(try #require(change))
        var restarted = CoordinatorState(
            Self.configuration, firstOrdinal: 1, snapshot: snapshot, now: Example.second(1_000))
        let end = Self.configuration.lease + Self.configuration.restartGrace
        let early = restarted.expireSessions(now: Example.second(999).advanced(by: end)).count
        let late = restarted.expireSessions(now: Example.second(1_000).advanced(by: end)).count
        #expect([early, late] == [0, 1])
    }

    @Test("a table of fewer slots keeps the fences of the others and opens none of them")
    func fewerSlots() throws {
        var state = CoordinatorState(Self.configuration, firstOrdinal: 1)
        _ = try state.openSession(slot: 3, owner: Example.workerA, request: 1, randomBits: 5, now: Example.second(0))
        var snapshot = CoordinatorSnapshot()
        let change = state.takeChange()
        snapshot.apply(try #require(change))
        var smaller = Self.configuration
        smaller.slots = 2
        var restarted = CoordinatorState(smaller, firstOrdinal: 1, snapshot: snapshot)
        #expect(restarted.fence == state.fence)
        let error = #expect(throws: CoordinationError.self) {
            try restarted.openSession(
                slot: 3, owner: Example.workerA, request: 2, randomBits: 5, now: Example.second(0))
        }
        #expect(error?.code == .slotOutOfRange)
    }
}
