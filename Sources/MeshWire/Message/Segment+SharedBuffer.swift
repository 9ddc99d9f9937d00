@_spi(CustomByteBufferAllocator) package import NIOCore
import Synchronization

#if canImport(Darwin)
    import Darwin
#elseif canImport(Musl)
    import Musl
#else
    import Glibc
#endif

extension Segment {
    /// The bytes in `range` as a buffer over the segment's own memory, which it keeps alive: for a writer that reads
    /// them and nothing else.
    ///
    /// A buffer that is written to copies itself if it is shared, and writes in place if it is not: nobody who might do
    /// that may be given one.
    package func sharedBuffer(_ range: Range<Int>) -> ByteBuffer {
        let (bytes, owner) = unsafe retained
        guard !range.isEmpty, let start = bytes.baseAddress else { return ByteBuffer() }
        precondition(range.lowerBound >= 0 && range.upperBound <= bytes.count)
        // Within the segment by the line above. Mutable in name: nobody writes through the buffer.
        let window = unsafe UnsafeMutableRawBufferPointer(
            start: UnsafeMutableRawPointer(mutating: start + range.lowerBound), count: range.count)
        SharedMemory.shared.hold(UInt(bitPattern: window.baseAddress), owner)
        // The owner is held until the buffer lets go of the memory.
        return unsafe ByteBuffer(takingOwnershipOf: window, allocator: SharedMemory.allocator)
    }
}

/// Who owns the memory that buffers share with segments, until the last buffer over it is gone.
///
/// NIO's allocators are functions without a context, so that an address is all that tells whose memory is given back.
private final class SharedMemory: Sendable {
    static let shared = SharedMemory()

    /// Gives back to its owner what was not allocated here. A buffer that had to copy itself is in ordinary memory.
    static let allocator = unsafe ByteBufferAllocator(
        allocate: { unsafe malloc($0) },
        reallocate: { pointer, oldSize, newSize in
            guard let pointer = unsafe pointer else { return unsafe malloc(newSize) }
            let address = UInt(bitPattern: pointer)
            guard shared.holds(address) else { return unsafe realloc(pointer, newSize) }
            guard let fresh = unsafe malloc(newSize) else { return nil }
            // Both are at least as large.
            unsafe fresh.copyMemory(from: pointer, byteCount: min(oldSize, newSize))
            _ = shared.release(address)
            return unsafe fresh
        },
        // What is not shared was allocated above.
        deallocate: { if !shared.release(UInt(bitPattern: $0)) { unsafe free($0) } },
        // NIO gives regions of that size.
        copy: { unsafe $0.copyMemory(from: $1, byteCount: $2) })

    /// The owners by address: one for each buffer that begins there.
    private let owners = Mutex<[UInt: [any Sendable & AnyObject]]>([:])

    func hold(_ address: UInt, _ owner: any Sendable & AnyObject) {
        owners.withLock { $0[address, default: []].append(owner) }
    }

    func holds(_ address: UInt) -> Bool { owners.withLock { $0[address] != nil } }

    /// False for memory that nobody shares. The owner may be destroyed, after the lock was given back.
    func release(_ address: UInt) -> Bool {
        let owner: (any Sendable & AnyObject)? = owners.withLock { owners in
            guard let owner = owners[address]?.popLast() else { return nil }
            if owners[address]?.isEmpty == true { owners[address] = nil }
            return owner
        }
        return owner != nil
    }
}
