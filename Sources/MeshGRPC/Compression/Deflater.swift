import CZlib
package import NIOCore

/// Compresses messages, piece by piece.
///
/// Confined to the stream that owns it, which pays some 256 KiB for it: made when the first message is compressed.
@safe package final class Deflater {
    /// zlib's state points back at it, so it stays where it is.
    private let stream: UnsafeMutablePointer<z_stream>
    private var output = ByteBuffer()

    /// Writes messages of `encoding`; `nil` where zlib has no memory.
    package init?(_ encoding: MessageEncoding) {
        unsafe stream = .allocate(capacity: 1)
        unsafe stream.initialize(to: z_stream())
        let memoryLevel: Int32 = 8
        let status = unsafe deflateInit2_(
            stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, encoding.windowBits, memoryLevel, Z_DEFAULT_STRATEGY,
            // They tell the library which layout the header has.
            ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
        guard status == Z_OK else { return nil }
    }

    deinit {
        // Nobody else has the pointer. A stream that was never set up has no state and is left as it is.
        unsafe deflateEnd(stream)
        unsafe stream.deallocate()
    }

    /// Takes the message's next bytes.
    package func append(_ piece: ByteBuffer) {
        unsafe piece.withUnsafeReadableBytes { bytes in unsafe append(bytes) }
    }

    /// Takes the message's next bytes; they are read during the call only.
    func append(_ bytes: UnsafeRawBufferPointer) {
        var rest = unsafe bytes
        // `avail_in` has 32 bits.
        while unsafe !rest.isEmpty {
            let count = min(rest.count, 1 << 30)
            unsafe run(UnsafeRawBufferPointer(rebasing: rest[..<count]), Z_NO_FLUSH)
            unsafe rest = UnsafeRawBufferPointer(rebasing: rest[count...])
        }
    }

    /// The compressed message; the next one may follow.
    package func finish() -> ByteBuffer {
        unsafe run(UnsafeRawBufferPointer(start: nil, count: 0), Z_FINISH)
        unsafe deflateReset(stream)
        defer { output = ByteBuffer() }
        return output
    }

    private func run(_ bytes: UnsafeRawBufferPointer, _ flush: Int32) {
        unsafe stream.pointee.next_in = UnsafeMutablePointer(
            mutating: bytes.baseAddress?.assumingMemoryBound(to: UInt8.self))
        unsafe stream.pointee.avail_in = UInt32(bytes.count)
        var isFull = true
        // Output that is not full means that there is nothing more to write (zlib.h, `deflate`).
        while isFull {
            let chunk = min(max(1_024, output.readableBytes), 1 << 20)
            unsafe output.writeWithUnsafeMutableBytes(minimumWritableBytes: chunk) { room in
                let capacity = min(room.count, 1 << 30)
                // zlib writes `avail_out` bytes at most, which is within `room` by the line above.
                unsafe stream.pointee.next_out = room.baseAddress?.assumingMemoryBound(to: UInt8.self)
                unsafe stream.pointee.avail_out = UInt32(capacity)
                let status = unsafe deflate(stream, flush)
                precondition(status != Z_STREAM_ERROR, "zlib's state was overwritten")
                isFull = unsafe stream.pointee.avail_out == 0
                return unsafe capacity - Int(stream.pointee.avail_out)
            }
        }
        unsafe stream.pointee.next_in = nil
        unsafe stream.pointee.next_out = nil
    }
}
