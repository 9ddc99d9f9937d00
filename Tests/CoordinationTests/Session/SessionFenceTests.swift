import Coordination
import MeshWire
import Testing

@Suite struct SessionFenceTests {
    private let old = SessionID(high: 1, low: 90)
    private let new = SessionID(high: 2, low: 10)

    @Test("of a slot's sessions only the newest may push")
    func decides() {
        let fence = SessionFence([.init(slot: 3, session: new, owner: Example.workerA)])
        #expect(fence.decision(for: new, slot: 3, peer: Example.workerA) == .current)
        #expect(fence.decision(for: old, slot: 3, peer: Example.workerA) == .fenced(by: new))
        #expect(fence.decision(for: SessionID(high: 3, low: 0), slot: 3, peer: Example.workerA) == .unknown)
        #expect(fence.decision(for: new, slot: 0, peer: Example.workerA) == .unknown)
        #expect(fence.decision(for: new, slot: 3, peer: Example.workerB) == .notOwner(Example.workerA))
    }

    @Test("a session that has ended stays ended, whatever arrives later")
    func endIsFinal() {
        let living = SessionFence([.init(slot: 0, session: new, owner: Example.workerA)])
        let ended = SessionFence([.init(slot: 0, session: new, owner: Example.workerA, hasEnded: true)])
        var fence = living
        let shutOut = [fence.merge(ended), fence.merge(living)]
        #expect(shutOut.map { $0.map(\.session) } == [[new], []])
        #expect(fence.decision(for: new, slot: 0, peer: Example.workerA) == .expired)
    }

    @Test("merging names the session that a newer one shuts out, once")
    func mergeNamesShutOut() {
        var fence = SessionFence([.init(slot: 0, session: old, owner: Example.workerA)])
        let newer = SessionFence([.init(slot: 0, session: new, owner: Example.workerB)])
        let shutOut = [fence.merge(newer), fence.merge(newer)]
        #expect(shutOut.map { $0.map(\.session) } == [[old], []])
        #expect(fence.entry(for: 0)?.owner == Example.workerB)
    }

    @Test(
        "fences merge to the same whatever their order and however often they come",
        arguments: 1...12 as ClosedRange<UInt64>)
    func mergeIsAJoin(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let fences = (0..<12).map { _ in
            SessionFence(
                (0..<Int.random(in: 0...4, using: &generator)).map { _ in
                    let ordinal = UInt64.random(in: 1...5, using: &generator)
                    return SessionFence.Entry(
                        slot: Int.random(in: 0...3, using: &generator), session: SessionID(high: ordinal, low: 7),
                        owner: Example.workerA, hasEnded: Bool.random(using: &generator))
                })
        }
        var inOrder = SessionFence()
        for fence in fences { inOrder.merge(fence) }
        var shuffled = SessionFence()
        for fence in (fences + fences).shuffled(using: &generator) { shuffled.merge(fence) }
        #expect(inOrder == shuffled, "seed \(seed)")
        #expect(inOrder.entries.map(\.slot) == inOrder.entries.map(\.slot).sorted(), "seed \(seed)")
        #expect(try throughTheWire(inOrder) == inOrder, "seed \(seed)")
    }
}
