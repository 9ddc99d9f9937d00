import Coordination
import MeshWire
import MeshworkTesting
import Testing

@testable import ParameterServer

@Suite struct SlotClocksTests {
    /// A fence in which each slot's newest session has this ordinal, or has ended.
    private static func fence(_ sessions: [(slot: Int, ordinal: UInt64, hasEnded: Bool)]) -> SessionFence {
        SessionFence(
            sessions.map {
                SessionFence.Entry(
                    slot: $0.slot, session: Example.session($0.ordinal), owner: Example.worker, hasEnded: $0.hasEnded)
            })
    }

    private static let three = fence([(0, 1, false), (1, 2, false), (2, 3, false)])

    @Test("a pull waits for the slowest of the others, and for nobody that has not joined")
    func slowest() {
        var clocks = SlotClocks()
        clocks.take(ClockTick(slot: 0, clock: 5), of: Example.session(1), Self.three)
        let alone = clocks.laggard(of: ClockBound(slot: 0, least: 4), Self.three)
        #expect(alone == nil)
        clocks = SlotClocks()
        for slot in 0..<2 {
            clocks.take(ClockTick(slot: slot, clock: 0), of: Example.session(UInt64(slot + 1)), Self.three)
        }
        clocks.take(ClockTick(slot: 0, clock: 5), of: Example.session(1), Self.three)
        clocks.take(ClockTick(slot: 1, clock: 3), of: Example.session(2), Self.three)
        #expect(clocks.laggard(of: ClockBound(slot: 0, least: 4), Self.three)?.slot == 1)
        #expect(clocks.laggard(of: ClockBound(slot: 0, least: 3), Self.three) == nil)
        #expect(clocks.laggard(of: ClockBound(slot: 1, least: 5), Self.three) == nil)
    }

    @Test("whoever joins late stands where the slowest is, and a successor where its slot was at least")
    func joins() {
        var clocks = SlotClocks()
        clocks.take(ClockTick(slot: 0, clock: 7), of: Example.session(1), Self.three)
        clocks.take(ClockTick(slot: 1, clock: 0), of: Example.session(2), Self.three)
        clocks.take(ClockTick(slot: 1, clock: 9), of: Example.session(2), Self.three)
        #expect(clocks.take(ClockTick(slot: 2, clock: 0), of: Example.session(3), Self.three) == 7)
        let replaced = Self.fence([(0, 1, false), (1, 4, false), (2, 3, false)])
        // Until it joins, nobody waits for the successor.
        #expect(clocks.slowest(but: 0, replaced)?.slot == 2)
        #expect(clocks.take(ClockTick(slot: 1, clock: 0), of: Example.session(4), replaced) == 9)
    }

    @Test("whoever has ended is waited for no more")
    func ended() {
        var clocks = SlotClocks()
        for slot in 0..<3 {
            clocks.take(ClockTick(slot: slot, clock: 1), of: Example.session(UInt64(slot + 1)), Self.three)
        }
        clocks.take(ClockTick(slot: 0, clock: 4), of: Example.session(1), Self.three)
        let bound = ClockBound(slot: 0, least: 2)
        #expect(clocks.laggard(of: bound, Self.three)?.slot == 1)
        #expect(clocks.laggard(of: bound, Self.fence([(0, 1, false), (1, 2, true), (2, 3, false)]))?.slot == 2)
        #expect(clocks.laggard(of: bound, Self.fence([(0, 1, false), (1, 2, true), (2, 3, true)])) == nil)
    }

    @Test(
        "clocks never go back, copies and late ticks change nothing, and the bytes keep all of it",
        arguments: 1...20 as ClosedRange<UInt64>)
    func monotonic(seed: UInt64) throws {
        var generator = SplitMix64(seed: seed)
        var clocks = SlotClocks()
        var highest: [Int: UInt64] = [:]
        for _ in 0..<300 {
            let slot = Int.random(in: 0..<3, using: &generator)
            let tick = ClockTick(slot: slot, clock: UInt64.random(in: 0...40, using: &generator))
            let session = Example.session(UInt64(slot + 1))
            let clock = clocks.take(tick, of: session, Self.three)
            #expect(clock >= max(highest[slot] ?? 0, tick.clock), "seed \(seed)")
            highest[slot] = clock
            var copied = clocks
            copied.take(tick, of: session, Self.three)
            #expect(copied == clocks, "seed \(seed)")
            #expect(clocks.entries.map(\.slot) == highest.keys.sorted(), "seed \(seed)")
        }
        #expect(try Payload(clocks).decode(as: SlotClocks.self) == clocks)
    }
}
