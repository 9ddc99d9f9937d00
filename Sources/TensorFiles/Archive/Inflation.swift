import CZlib
import Tensor

/// A member's bytes, decompressed into memory that the caller provides: never more than that, whatever the bytes would
/// become.
///
/// Belongs to the function that makes it, which keeps the compressed bytes.
@safe final class Inflation {
    /// zlib's state points back at it, so it stays where it is.
    private let stream: UnsafeMutablePointer<z_stream>
    /// What zlib has not been shown yet: it counts in 32 bits.
    private var rest: UnsafeRawBufferPointer
    private var isFinished = false
    /// Of all bytes that came out.
    private(set) var checksum: UInt32 = 0

    init(of bytes: UnsafeRawBufferPointer) throws(TensorError) {
        unsafe rest = bytes
        unsafe stream = .allocate(capacity: 1)
        unsafe stream.initialize(to: z_stream())
        // A negative window: deflate's data alone, without a header of zlib's. The version and the size tell the library
        // which layout the state has.
        guard unsafe inflateInit2_(stream, -MAX_WBITS, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK else {
            throw TensorError(.outOfMemory, "no memory to decompress")
        }
    }

    deinit {
        // Safe: nobody else has the pointer; a state that was never set up is left as it is.
        unsafe inflateEnd(stream)
        unsafe stream.deallocate()
    }

    /// Fills `destination` with the next bytes.
    ///
    /// - Throws: `TensorError.Code.fileMalformed` when there are not as many, or the data is corrupt.
    func read(into destination: UnsafeMutableRawBufferPointer) throws(TensorError) {
        var place = 0
        while place < destination.count {
            let count = min(destination.count - place, 1 << 30)
            // Safe: the part lies within the destination.
            let part = unsafe UnsafeMutableRawBufferPointer(rebasing: destination[place..<place + count])
            let written = unsafe try step(into: part)
            checksum = unsafe zlibChecksum(
                checksum, UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(part)[..<written]))
            place += written
            if isFinished, place < destination.count {
                throw TensorError(.fileMalformed, "its compressed data ends early")
            }
        }
    }

    /// Checks that the data ends here.
    func finish() throws(TensorError) {
        while !isFinished {
            let excess = unsafe try withUnsafeTemporaryAllocation(byteCount: 1, alignment: 1) { spill in
                // Safe: one byte of room, used during the call.
                Result { () throws(TensorError) in unsafe try step(into: spill) }
            }.get()
            guard excess == 0 else {
                throw TensorError(.fileMalformed, "its compressed data becomes more than it says")
            }
        }
        guard unsafe rest.isEmpty && stream.pointee.avail_in == 0 else {
            throw TensorError(.fileMalformed, "something follows its compressed data")
        }
    }

    /// One call of zlib. Returns how many bytes came out: at least one, unless the data is finished or lacks more.
    private func step(into destination: UnsafeMutableRawBufferPointer) throws(TensorError) -> Int {
        if unsafe stream.pointee.avail_in == 0 {
            let count = unsafe min(rest.count, 1 << 30)
            // zlib reads these bytes only, though its type does not say so.
            unsafe stream.pointee.next_in = UnsafeMutablePointer(
                mutating: rest.baseAddress?.assumingMemoryBound(to: UInt8.self))
            unsafe stream.pointee.avail_in = UInt32(count)
            unsafe rest = UnsafeRawBufferPointer(rebasing: rest[count...])
        }
        unsafe stream.pointee.next_out = destination.baseAddress?.assumingMemoryBound(to: UInt8.self)
        unsafe stream.pointee.avail_out = UInt32(destination.count)
        let status = unsafe inflate(stream, Z_NO_FLUSH)
        let written = unsafe destination.count - Int(stream.pointee.avail_out)
        unsafe stream.pointee.next_out = nil
        unsafe stream.pointee.avail_out = 0
        switch status {
        case Z_STREAM_END:
            isFinished = true
        case Z_OK:
            // No progress without an error: neither input nor output is left.
            guard unsafe written > 0 || !rest.isEmpty || stream.pointee.avail_in > 0 else { throw cutOff() }
        case Z_BUF_ERROR:
            guard unsafe !rest.isEmpty else { throw cutOff() }
        case Z_MEM_ERROR:
            throw TensorError(.outOfMemory, "no memory to decompress")
        default:
            throw TensorError(.fileMalformed, "its compressed data is corrupt")
        }
        return written
    }

    private func cutOff() -> TensorError { TensorError(.fileMalformed, "its compressed data is cut off") }
}

/// The CRC-32 of what `checksum` belongs to, followed by `bytes`; 0 belongs to nothing.
func zlibChecksum(_ checksum: UInt32, _ bytes: UnsafeRawBufferPointer) -> UInt32 {
    var checksum = UInt(checksum)
    var place = 0
    // zlib counts in 32 bits.
    while place < bytes.count {
        let count = min(bytes.count - place, 1 << 30)
        // Safe: the part lies within the bytes.
        let part = unsafe UnsafeRawBufferPointer(rebasing: bytes[place..<place + count])
        checksum = unsafe crc32(checksum, part.baseAddress?.assumingMemoryBound(to: UInt8.self), UInt32(count))
        place += count
    }
    return UInt32(truncatingIfNeeded: checksum)
}
