package import NIOCore
import Synchronization

/// Aligned memory that a segment is received into.
///
/// Filled by one reader, front to back, and immutable once it has become a ``Segment``. Blocks of 64 KiB and more come
/// from a bounded cache: a fresh block of 16 MiB costs more in page faults than its bytes cost to decrypt.
@safe package final class SegmentStorage: @unchecked Sendable {
    // Sendable: only the reader that made it appends, and it stops before it shares the storage as a segment.

    /// The most bytes it holds.
    package let capacity: Int
    private let base: UnsafeMutableRawPointer
    private var count = 0

    /// Reserves `capacity` bytes; none of them is touched before it is written.
    package init(capacity: Int) {
        self.capacity = capacity
        unsafe base = BlockCache.shared.take(capacity)
    }

    deinit {
        // Nobody else has the pointer: segments keep this object alive.
        unsafe BlockCache.shared.give(base, capacity)
    }

    /// The number of bytes that can still be appended.
    package var remaining: Int { capacity - count }

    /// The bytes that have been appended.
    package var filled: UnsafeRawBufferPointer {
        unsafe UnsafeRawBufferPointer(start: base, count: count)
    }

    /// Appends a copy of `bytes`, which must fit.
    package func append(_ bytes: some Collection<UInt8>) {
        precondition(bytes.count <= remaining)
        // The range was checked against the capacity just above.
        unsafe UnsafeMutableRawBufferPointer(start: base + count, count: bytes.count).copyBytes(from: bytes)
        count += bytes.count
    }

    /// Moves up to `limit` bytes from the front of `buffer` and returns how many.
    package func append(from buffer: inout ByteBuffer, limit: Int) -> Int {
        let moved = min(limit, remaining, buffer.readableBytes)
        unsafe buffer.readWithUnsafeReadableBytes { bytes in
            // `moved` is within both regions by the line above.
            unsafe (base + count).copyMemory(from: bytes.baseAddress!, byteCount: moved)
            return moved
        }
        count += moved
        return moved
    }
}

/// Free blocks by size class, up to a total; thread-safe.
///
/// Sizes are rounded up to one of four steps for each doubling: peers choose them, so they must not make up a list
/// without an end. What is rounded up is never touched and costs no memory.
private final class BlockCache: Sendable {
    static let shared = BlockCache()

    private static let alignment = 64
    private static let smallestCached = 64 * 1024
    private static let largestTotal = 256 * 1024 * 1024

    private struct State {
        var free: [Int: [Block]] = [:]
        var total = 0
    }
    private let state = Mutex(State())

    func take(_ size: Int) -> UnsafeMutableRawPointer {
        let capacity = Self.capacity(for: size)
        if capacity >= Self.smallestCached, let block = takeCached(capacity) { return unsafe block.start }
        return UnsafeMutableRawPointer.allocate(byteCount: capacity, alignment: Self.alignment)
    }

    func give(_ start: UnsafeMutableRawPointer, _ size: Int) {
        let capacity = Self.capacity(for: size)
        let block = unsafe Block(start: start)
        let kept = state.withLock { state in
            guard capacity >= Self.smallestCached, state.total + capacity <= Self.largestTotal else { return false }
            state.free[capacity, default: []].append(block)
            state.total += capacity
            return true
        }
        if !kept { unsafe start.deallocate() }
    }

    private func takeCached(_ capacity: Int) -> Block? {
        state.withLock { state in
            guard let block = state.free[capacity]?.popLast() else { return nil }
            state.total -= capacity
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
