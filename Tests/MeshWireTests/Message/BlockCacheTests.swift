import Testing

@testable import MeshWire

@Suite struct BlockCacheTests {
    private let mebibyte = 1 << 20

    /// Uses `count` blocks of 1 MiB at a time, once.
    private func use(_ count: Int, of cache: BlockCache) {
        let blocks = (0..<count).map { _ in SegmentStorage(capacity: mebibyte, from: cache) }
        withExtendedLifetime(blocks) {}
    }

    @Test("a block that nobody has needed between two trims is given back")
    func idle() {
        let cache = BlockCache()
        use(1, of: cache)
        #expect(cache.freeBytes == mebibyte)
        // It was in use since the last one.
        #expect(cache.trim())
        #expect(cache.freeBytes == mebibyte)
        #expect(!cache.trim())
        #expect(cache.freeBytes == 0)
    }

    @Test("blocks that are needed again and again stay, those of a burst go")
    func burst() {
        let cache = BlockCache()
        use(5, of: cache)
        #expect(cache.trim())
        #expect(cache.freeBytes == 5 * mebibyte)
        for _ in 0..<3 {
            use(2, of: cache)
            #expect(cache.trim())
            #expect(cache.freeBytes == 2 * mebibyte)
        }
    }

    @Test("while a block is in use there is something to come back for")
    func lent() {
        let cache = BlockCache()
        let block = SegmentStorage(capacity: mebibyte, from: cache)
        withExtendedLifetime(block) {
            #expect(cache.trim())
            #expect(cache.trim())
        }
        // Small ones are not its concern.
        let other = BlockCache()
        let small = SegmentStorage(capacity: 1_000, from: other)
        withExtendedLifetime(small) { #expect(!other.trim()) }
    }
}
