import CZlib
import Tensor

/// Bytes, compressed on their way to a sink, a buffer at a time.
///
/// Belongs to the function that makes it.
@safe final class Deflation<Sink: ByteSink> {
    /// zlib's state points back at it, so it stays where it is.
    private let stream: UnsafeMutablePointer<z_stream>
    private let buffer: UnsafeMutableRawBufferPointer
    private let sink: Sink

    init(to sink: Sink) throws(TensorError) {
        self.sink = sink
        unsafe buffer = .allocate(byteCount: 1 << 18, alignment: 16)
        unsafe stream = .allocate(capacity: 1)
        unsafe stream.initialize(to: z_stream())
        let memoryLevel: Int32 = 8
        let status = unsafe deflateInit2_(
            stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, -MAX_WBITS, memoryLevel, Z_DEFAULT_STRATEGY, ZLIB_VERSION,
            Int32(MemoryLayout<z_stream>.size))
        guard status == Z_OK else { throw TensorError(.outOfMemory, "no memory to compress") }
    }

    deinit {
        // Safe: nobody else has the pointers; a state that was never set up is left as it is.
        unsafe deflateEnd(stream)
        unsafe stream.deallocate()
        unsafe buffer.deallocate()
    }

    /// Takes the next bytes; they are read during the call.
    func append(_ bytes: UnsafeRawBufferPointer) throws(TensorError) {
        var place = 0
        // zlib counts in 32 bits.
        while place < bytes.count {
            let count = min(bytes.count - place, 1 << 30)
            // Safe: the part lies within the bytes.
            unsafe try run(UnsafeRawBufferPointer(rebasing: bytes[place..<place + count]), Z_NO_FLUSH)
            place += count
        }
    }

    /// Gives the sink the rest.
    func finish() throws(TensorError) {
        unsafe try run(UnsafeRawBufferPointer(start: nil, count: 0), Z_FINISH)
    }

    private func run(_ bytes: UnsafeRawBufferPointer, _ flush: Int32) throws(TensorError) {
        unsafe stream.pointee.next_in = UnsafeMutablePointer(
            mutating: bytes.baseAddress?.assumingMemoryBound(to: UInt8.self))
        unsafe stream.pointee.avail_in = UInt32(bytes.count)
        defer { unsafe stream.pointee.next_in = nil }
        // Output that is not full means that there is nothing more to write (zlib.h, `deflate`).
        repeat {
            unsafe stream.pointee.next_out = buffer.baseAddress?.assumingMemoryBound(to: UInt8.self)
            unsafe stream.pointee.avail_out = UInt32(buffer.count)
            let status = unsafe deflate(stream, flush)
            precondition(status != Z_STREAM_ERROR, "zlib's state was overwritten")
            let written = unsafe buffer.count - Int(stream.pointee.avail_out)
            unsafe try sink.append(UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(buffer)[..<written]))
        } while unsafe stream.pointee.avail_out == 0
    }
}
