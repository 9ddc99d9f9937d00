import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Free blocks by size class, up to a total; thread-safe.
///
/// Sizes are rounded up to one of four steps for each doubling: peers choose them, so they must not make up a list
/// without an end. What is rounded up is never touched and costs no memory.
///
/// Blocks that lie idle are given back by ``trim()``, which connections that carry segments have called every few
/// seconds: a process that has carried a large message once does not keep its memory for life.
final class BlockCache: Sendable {
    static let shared = BlockCache()

    private static let alignment = 64
    private static let hugePage = 2 * 1024 * 1024
    private static let smallestCached = 64 * 1024
    private static let largestTotal = 256 * 1024 * 1024

    /// The free blocks of one size.
    private struct SizeClass {
        /// Those given last at the end, from where they are taken.
        var free: [Block] = []
        /// The fewest that have been free at a time since the cache was trimmed: nobody has needed so many.
        var unneeded = 0
    }

    private struct State {
        var classes: [Int: SizeClass] = [:]
        /// The bytes that are free.
        var total = 0
        /// The blocks that are in use and may come back.
        var lent = 0
    }
    private let state = Mutex(State())

    /// The bytes that are kept for later.
    var freeBytes: Int { state.withLock { $0.total } }

    func take(_ size: Int) -> UnsafeMutableRawPointer {
        let capacity = Self.capacity(for: size)
        if capacity >= Self.smallestCached, let block = takeCached(capacity) { return unsafe block.start }
        return unsafe Self.allocate(capacity)
    }

    /// Fresh memory; large blocks on huge pages where the system has some to give.
    private static func allocate(_ capacity: Int) -> UnsafeMutableRawPointer {
        guard capacity >= 4 * hugePage else {
            return UnsafeMutableRawPointer.allocate(byteCount: capacity, alignment: alignment)
        }
        let start = UnsafeMutableRawPointer.allocate(byteCount: capacity, alignment: hugePage)
        #if os(Linux)
            // Of no use where it fails, and no harm: the block is this function's own.
            _ = unsafe madvise(start, capacity, MADV_HUGEPAGE)
        #endif
        return unsafe start
    }

    func give(_ start: UnsafeMutableRawPointer, _ size: Int) {
        let capacity = Self.capacity(for: size)
        guard capacity >= Self.smallestCached else { return unsafe start.deallocate() }
        let block = unsafe Block(start: start)
        let isKept = state.withLock { state in
            state.lent -= 1
            guard state.total + capacity <= Self.largestTotal else { return false }
            state.classes[capacity, default: SizeClass()].free.append(block)
            state.total += capacity
            return true
        }
        if !isKept { unsafe start.deallocate() }
    }

    /// Gives back the blocks that have been free ever since it was last called.
    ///
    /// - Returns: whether there are others, free or in use, so that it is worth being called again.
    func trim() -> Bool {
        var idle: [Block] = []
        let remains = state.withLock { state in
            for (capacity, var sizeClass) in state.classes {
                idle += sizeClass.free.prefix(sizeClass.unneeded)
                state.total -= sizeClass.unneeded * capacity
                sizeClass.free.removeFirst(sizeClass.unneeded)
                sizeClass.unneeded = sizeClass.free.count
                state.classes[capacity] = sizeClass.free.isEmpty ? nil : sizeClass
            }
            return state.total > 0 || state.lent > 0
        }
        for block in idle { unsafe block.start.deallocate() }
        return remains
    }

    private func takeCached(_ capacity: Int) -> Block? {
        state.withLock { state in
            state.lent += 1
            guard let block = state.classes[capacity]?.free.popLast() else { return nil }
            state.total -= capacity
            if let sizeClass = state.classes[capacity], sizeClass.free.count < sizeClass.unneeded {
                state.classes[capacity]?.unneeded = sizeClass.free.count
            }
            return block
        }
    }

    /// `size`, rounded up to its class if blocks of it are cached.
    private static func capacity(for size: Int) -> Int {
        guard size > smallestCached, size <= largestTotal else { return max(size, 1) }
        let step = (1 << (Int.bitWidth - 1 - size.leadingZeroBitCount)) / 4
        return (size + step - 1) / step * step
    }

    /// A block that the cache alone knows while it is in it: Sendable because it changes hands and is never shared.
    @safe private struct Block: @unchecked Sendable {
        let start: UnsafeMutableRawPointer
    }
}
