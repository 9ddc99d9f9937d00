import CZlib
package import NIOCore

/// Decompresses messages, piece by piece as they arrive, up to a limit.
///
/// Confined to the stream that owns it. The output grows as bytes come out and never beyond the limit: a small message
/// that would become a huge one ends in an error before memory is set aside for it.
@safe package final class Inflater {
    private let limit: Int
    /// zlib's state points back at it, so it stays where it is. `nil` where zlib had no memory.
    private let stream: UnsafeMutablePointer<z_stream>?
    private var output = ByteBuffer()
    private var isFinished = false
    private var isOverLimit = false

    /// Reads messages of `encoding` that become at most `limit` bytes.
    package init(_ encoding: MessageEncoding, limit: Int) {
        self.limit = limit
        let fresh = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
        unsafe fresh.initialize(to: z_stream())
        // The version and the size tell the library which layout the header has.
        if unsafe inflateInit2_(fresh, encoding.windowBits, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK {
            unsafe stream = fresh
        } else {
            unsafe fresh.deallocate()
            unsafe stream = nil
        }
    }

    deinit {
        // Nobody else has the pointer.
        if let stream = unsafe stream {
            unsafe inflateEnd(stream)
            unsafe stream.deallocate()
        }
    }

    /// Takes the message's next bytes.
    package func append(_ piece: ByteBuffer) throws(InflaterError) {
        guard let stream = unsafe stream else { throw .outOfMemory }
        let fault = unsafe piece.withUnsafeReadableBytes { bytes in
            // zlib reads `avail_in` bytes and no more, and only during this call.
            unsafe stream.pointee.next_in = UnsafeMutablePointer(
                mutating: bytes.baseAddress?.assumingMemoryBound(to: UInt8.self))
            unsafe stream.pointee.avail_in = UInt32(bytes.count)
            defer {
                unsafe stream.pointee.next_in = nil
                unsafe stream.pointee.avail_in = 0
            }
            return unsafe inflateAll(stream)
        }
        if let fault { throw fault }
    }

    /// The message, once all of it has been appended; the next one may follow.
    package func finish() throws(InflaterError) -> ByteBuffer {
        guard let stream = unsafe stream else { throw .outOfMemory }
        guard isFinished else { throw .malformed }
        defer {
            output = ByteBuffer()
            isFinished = false
            unsafe inflateReset(stream)
        }
        return output
    }

    /// Decompresses what `next_in` has.
    private func inflateAll(_ stream: UnsafeMutablePointer<z_stream>) -> InflaterError? {
        while unsafe !isFinished || stream.pointee.avail_in > 0 {
            if isFinished { return .malformed }
            let (status, isFull) = unsafe step(stream)
            switch status {
            case Z_STREAM_END:
                isFinished = true
            case Z_OK:
                // Output that is not full means that the input is used up.
                if unsafe !isFull && stream.pointee.avail_in == 0 { return nil }
            case Z_BUF_ERROR:
                return nil
            case Z_MEM_ERROR:
                return .outOfMemory
            default:
                return .malformed
            }
            if isOverLimit { return .tooLarge }
        }
        return nil
    }

    /// One call of `inflate`, into at most as much room as the limit leaves.
    private func step(_ stream: UnsafeMutablePointer<z_stream>) -> (status: Int32, isFull: Bool) {
        let room = limit - output.readableBytes
        guard room > 0 else { return unsafe stepBeyondLimit(stream) }
        // Doubled each time, as a growing array is.
        let chunk = min(room, max(1_024, output.readableBytes))
        var status = Z_OK
        var isFull = false
        unsafe output.writeWithUnsafeMutableBytes(minimumWritableBytes: chunk) { bytes in
            let capacity = min(bytes.count, room)
            // zlib writes `avail_out` bytes at most, which is within `bytes` by the line above.
            unsafe stream.pointee.next_out = bytes.baseAddress?.assumingMemoryBound(to: UInt8.self)
            unsafe stream.pointee.avail_out = UInt32(capacity)
            status = unsafe inflate(stream, Z_NO_FLUSH)
            isFull = unsafe stream.pointee.avail_out == 0
            let written = unsafe capacity - Int(stream.pointee.avail_out)
            unsafe stream.pointee.next_out = nil
            unsafe stream.pointee.avail_out = 0
            return written
        }
        return (status, isFull)
    }

    /// One call of `inflate` when the limit is reached: a byte that still comes out tells that it is passed.
    private func stepBeyondLimit(_ stream: UnsafeMutablePointer<z_stream>) -> (status: Int32, isFull: Bool) {
        var spill: UInt8 = 0
        let result = unsafe withUnsafeMutablePointer(to: &spill) { byte in
            // One byte of room, used during this call only.
            unsafe stream.pointee.next_out = byte
            unsafe stream.pointee.avail_out = 1
            let status = unsafe inflate(stream, Z_NO_FLUSH)
            let isFull = unsafe stream.pointee.avail_out == 0
            unsafe stream.pointee.next_out = nil
            unsafe stream.pointee.avail_out = 0
            return (status, isFull)
        }
        isOverLimit = result.1
        return result
    }
}

/// Why a message could not be decompressed.
package enum InflaterError: Error, Sendable, Hashable {
    /// The bytes are not what the encoding says, end early or go on after the end.
    case malformed
    /// More comes out than is allowed.
    case tooLarge
    case outOfMemory
}
