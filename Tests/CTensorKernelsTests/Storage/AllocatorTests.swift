import CTensorKernels
import Testing

/// A block from the allocator, which its test releases.
struct Block {
    let bytes: Int
    /// The block's address, so that tests compare blocks as numbers.
    let address: Int

    init?(bytes: Int) {
        guard let block = unsafe mw_storage_allocate(bytes) else { return nil }
        self.bytes = bytes
        self.address = Int(bitPattern: block)
    }

    private var contents: UnsafeMutableRawBufferPointer {
        // The allocator gave this address with this size.
        unsafe UnsafeMutableRawBufferPointer(start: UnsafeMutableRawPointer(bitPattern: address), count: bytes)
    }

    func fill(_ value: UInt8) {
        // A byte has no state to destroy.
        _ = unsafe contents.initializeMemory(as: UInt8.self, repeating: value)
    }

    func holds(_ value: UInt8) -> Bool {
        unsafe contents.allSatisfy { $0 == value }
    }

    func release() {
        // The allocator gave this address with this size.
        unsafe mw_storage_release(contents.baseAddress!, bytes)
    }
}

/// Serialized, because the figures are the process's own; other suites allocate little, and in other size classes.
@Suite(.serialized) struct AllocatorTests {
    @Test("blocks of any size are aligned and wholly writable")
    func alignment() throws {
        for bytes in [0, 1, 63, 64, 65, 100, 255, 256, 257, 320, 1000, 4097, 100_000, 1 << 20, 5_000_001] {
            let block = try #require(Block(bytes: bytes))
            #expect(block.address % Int(MW_STORAGE_ALIGNMENT) == 0)
            block.fill(0xa5)
            block.release()
        }
    }

    @Test("large blocks begin where huge pages do")
    func hugePages() throws {
        for bytes in [4 << 20, 5_000_001, 64 << 20] {
            let block = try #require(Block(bytes: bytes))
            #expect(block.address % (2 << 20) == 0)
            block.release()
        }
    }

    @Test("a released block is the next one of its size class")
    func reuse() throws {
        let first = try #require(Block(bytes: 12_345_678))
        first.release()
        let before = mw_storage_current_statistics()
        let second = try #require(Block(bytes: 12_345_677))
        #expect(second.address == first.address)
        #expect(mw_storage_current_statistics().reused > before.reused)
        second.release()
    }

    @Test("a size beyond the address space gives no block")
    func hugeSizes() {
        #expect(Block(bytes: Int.max) == nil)
        #expect(Block(bytes: 1 << 61) == nil)
    }

    @Test("trimming gives cached blocks back, and leaves live ones alone")
    func trimming() throws {
        let bytes = 3 << 20
        let live = try #require(Block(bytes: bytes))
        live.fill(7)
        let other = try #require(Block(bytes: bytes))
        other.release()
        #expect(mw_storage_current_statistics().cached_bytes >= bytes)
        mw_storage_trim(0)
        #expect(mw_storage_current_statistics().cached_bytes < bytes)
        #expect(live.holds(7))
        #expect(mw_storage_current_statistics().live_bytes >= bytes)
        live.release()
        #expect(mw_storage_current_statistics().peak_live_bytes >= 2 * bytes)
    }

    @Test("the cache keeps its limit, and the sizes that went unused for longest go first")
    func limit() throws {
        let previous = mw_storage_current_statistics().cache_limit
        defer { mw_storage_set_cache_limit(previous) }
        mw_storage_trim(0)
        mw_storage_set_cache_limit(40 << 20)
        let sizes = [20 << 20, 16 << 20, 14 << 20]
        for bytes in sizes {
            try #require(Block(bytes: bytes)).release()
            #expect(mw_storage_current_statistics().cached_bytes <= 40 << 20)
        }
        let before = mw_storage_current_statistics()
        for bytes in sizes.dropFirst() {
            try #require(Block(bytes: bytes)).release()
        }
        #expect(mw_storage_current_statistics().reused >= before.reused + 2)
        // Larger than the limit: never kept.
        try #require(Block(bytes: 48 << 20)).release()
        #expect(mw_storage_current_statistics().cached_bytes <= 40 << 20)
    }

    @Test("many threads allocate and release at once without sharing a block")
    func threads() async {
        await withTaskGroup(of: Int.self) { group in
            for task in 0..<16 {
                group.addTask {
                    (0..<200).count { round in
                        guard let block = Block(bytes: 64 * (1 + (task + round) % 5)) else { return true }
                        defer { block.release() }
                        block.fill(UInt8(task))
                        return !block.holds(UInt8(task))
                    }
                }
            }
            for await damaged in group {
                #expect(damaged == 0)
            }
        }
    }
}
