package import NIOCore

/// Aligned memory that a segment is received into.
///
/// Filled by one reader, front to back, and immutable once it has become a ``Segment``. Blocks of 64 KiB and more come
/// from a bounded cache: a fresh block of 16 MiB costs more in page faults than its bytes cost to decrypt.
@safe package final class SegmentStorage: @unchecked Sendable {
    // Sendable: only the reader that made it appends, and it stops before it shares the storage as a segment.

    /// The most bytes it holds.
    package let capacity: Int
    private let base: UnsafeMutableRawPointer
    private let cache: BlockCache
    private var count = 0

    /// Reserves `capacity` bytes; none of them is touched before it is written.
    package convenience init(capacity: Int) { self.init(capacity: capacity, from: .shared) }

    init(capacity: Int, from cache: BlockCache) {
        self.capacity = capacity
        self.cache = cache
        unsafe base = cache.take(capacity)
    }

    deinit {
        // Nobody else has the pointer: segments keep this object alive.
        unsafe cache.give(base, capacity)
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
