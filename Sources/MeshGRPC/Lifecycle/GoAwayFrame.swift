import NIOCore
import NIOHTTP2

/// The frame with which a connection says that it takes no more streams (RFC 9113, 6.8), as bytes.
///
/// `NIOHTTP2Handler` refuses every stream that follows a GOAWAY of its own, whichever stream that says is the last; and
/// ends the connection for the data of a stream that it has refused. So a server that drains says it past that handler,
/// and refuses by itself what comes too late.
enum GoAwayFrame {
    private static let kind: UInt8 = 7

    static func bytes(lastStream: HTTP2StreamID, code: HTTP2ErrorCode, reason: String) -> ByteBuffer {
        var frame = ByteBuffer()
        frame.writeInteger(UInt32(8 + reason.utf8.count) << 8 | UInt32(kind))
        // No flags, on the connection itself.
        frame.writeMultipleIntegers(
            UInt8(0), UInt32(0), UInt32(Int(lastStream)), UInt32(truncatingIfNeeded: code.networkCode))
        frame.writeString(reason)
        return frame
    }
}
