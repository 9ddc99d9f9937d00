package import NIOCore

/// Bytes that a message carries beside its head, owned by somebody who keeps them where they are.
///
/// A segment is read-only. Sending one copies it a frame at a time, while it is in the cache; receiving one copies it
/// once, from the decrypted bytes to its own memory, which starts on a 64-byte boundary.
public struct Segment: Sendable {
    private let memory: Memory

    /// The number of bytes.
    public var count: Int { memory.count }

    /// A segment over memory that `owner` keeps alive and unchanged.
    ///
    /// - Safety: nobody may write to `bytes` while `owner` lives.
    @unsafe
    public init(unsafeBytes bytes: UnsafeRawBufferPointer, owner: any Sendable & AnyObject) {
        memory = unsafe Memory(start: bytes.baseAddress, count: bytes.count, owner: owner)
    }

    /// A segment with a copy of `bytes`.
    public init(copying bytes: some Collection<UInt8>) {
        let storage = SegmentStorage(capacity: bytes.count)
        storage.append(bytes)
        self.init(storage)
    }

    /// A segment over storage that has been filled and is not written any more.
    package init(_ storage: SegmentStorage) {
        // The storage owns its memory and nobody appends once it has become a segment.
        unsafe self.init(unsafeBytes: storage.filled, owner: storage)
    }

    /// Calls `body` with the bytes, which stay valid for as long as the segment does.
    public func withUnsafeBytes<Result, Failure: Error>(
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        // The owner is alive: `memory` holds it.
        try unsafe body(UnsafeRawBufferPointer(start: memory.start, count: memory.count))
    }

    /// The bytes and the object that keeps them alive, for a reader that adopts them without a copy.
    @unsafe
    public var retained: (bytes: UnsafeRawBufferPointer, owner: any Sendable & AnyObject) {
        unsafe (UnsafeRawBufferPointer(start: memory.start, count: memory.count), memory.owner)
    }

    /// Appends the bytes in `range` to `buffer`.
    package func write(_ range: Range<Int>, to buffer: inout ByteBuffer) {
        // The closure copies; it keeps no pointer.
        unsafe withUnsafeBytes { bytes in
            _ = unsafe buffer.writeBytes(UnsafeRawBufferPointer(rebasing: bytes[range]))
        }
    }

    /// Where the bytes are. Sendable because the memory is never written while the owner lives.
    @safe private struct Memory: @unchecked Sendable {
        let start: UnsafeRawPointer?
        let count: Int
        let owner: any Sendable & AnyObject
    }
}
