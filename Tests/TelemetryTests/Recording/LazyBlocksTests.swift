import Synchronization
import Testing

@testable import Telemetry

@Suite struct LazyBlocksTests {
    private final class Shared: Sendable {
        let blocks = LazyBlocks<Atomic<Int>>(capacity: 40, blockSize: 16)

        func increment(_ index: Int) {
            blocks.withElement(index % 16, ofBlock: index / 16) {
                Atomic(0)
            } _: { cell in
                _ = cell.wrappingAdd(1, ordering: .relaxed)
            }
        }

        func counts() -> [Int: Int] {
            var counts: [Int: Int] = [:]
            for block in 0..<blocks.capacity {
                blocks.forEachElement(ofBlock: block) { offset, cell in
                    counts[block * 16 + offset] = cell.load(ordering: .relaxed)
                }
            }
            return counts
        }
    }

    @Test("no count is lost when many tasks make the same blocks at once")
    func concurrent() async {
        let shared = Shared()
        await withTaskGroup(of: Void.self) { group in
            for task in 0..<8 {
                group.addTask {
                    for step in 0..<2_000 { shared.increment((step * 7 + task) % 640) }
                }
            }
        }
        #expect(shared.counts().count == 640)
        #expect(shared.counts().values.reduce(0, +) == 16_000)
    }

    @Test("only blocks that were used are there, and their elements are destroyed once each")
    func sparse() {
        final class Live: Sendable {
            let count = Atomic(0)
        }
        struct Element: ~Copyable {
            let live: Live
            init(_ live: Live) {
                self.live = live
                live.count.add(1, ordering: .relaxed)
            }
            deinit { live.count.subtract(1, ordering: .relaxed) }
        }
        let live = Live()
        do {
            let blocks = LazyBlocks<Element>(capacity: 3, blockSize: 4)
            blocks.withElement(2, ofBlock: 1) {
                Element(live)
            } _: { _ in
            }
            blocks.withElement(0, ofBlock: 1) {
                Element(live)
            } _: { _ in
            }
            #expect(live.count.load(ordering: .relaxed) == 4)
            var seen = 0
            for block in 0..<3 { blocks.forEachElement(ofBlock: block) { _, _ in seen += 1 } }
            #expect(seen == 4)
        }
        #expect(live.count.load(ordering: .relaxed) == 0)
    }

    @Test("a place that there is not traps")
    func range() async {
        await #expect(processExitsWith: .failure) {
            LazyBlocks<Int>(capacity: 1, blockSize: 1).withElement(0, ofBlock: 1) {
                0
            } _: { _ in
            }
        }
        await #expect(processExitsWith: .failure) {
            LazyBlocks<Int>(capacity: 1, blockSize: 1).withElement(1, ofBlock: 0) {
                0
            } _: { _ in
            }
        }
    }
}
