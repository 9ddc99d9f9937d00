import MeshTransport
import MeshWire
import NIOCore

@testable import MeshGRPC

/// HTTP/2's bytes, written by hand: what no library would send.
struct HTTP2Bytes {
    enum Frame {
        static let (data, headers, priority, reset, settings): (UInt8, UInt8, UInt8, UInt8, UInt8) = (0, 1, 2, 3, 4)
        static let (pushPromise, ping, goAway, windowUpdate, continuation): (UInt8, UInt8, UInt8, UInt8, UInt8) = (
            5, 6, 7, 8, 9
        )
        static let (endStream, endHeaders, padded): (UInt8, UInt8, UInt8) = (1, 4, 8)
    }

    static let preface = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8)
    static let endStream = Frame.endStream

    var bytes: [UInt8] = []

    /// Nothing.
    init() {}

    /// A proper client's opening.
    static var opening: HTTP2Bytes {
        var bytes = HTTP2Bytes()
        bytes.bytes = preface
        bytes.settings([])
        return bytes
    }

    /// A frame; `length` is what its header claims, if that is not the truth.
    mutating func frame(_ type: UInt8, _ flags: UInt8 = 0, on stream: UInt32, _ payload: [UInt8], length: Int? = nil) {
        let length = length ?? payload.count
        bytes += [UInt8(length >> 16 & 0xFF), UInt8(length >> 8 & 0xFF), UInt8(length & 0xFF), type, flags]
        bytes += Self.word(stream) + payload
    }

    mutating func settings(_ values: [(UInt16, UInt32)]) {
        frame(Frame.settings, on: 0, values.flatMap { [UInt8($0 >> 8), UInt8($0 & 0xFF)] + Self.word($1) })
    }

    mutating func windowUpdate(_ increment: UInt32, on stream: UInt32 = 0) {
        frame(Frame.windowUpdate, on: stream, Self.word(increment))
    }

    mutating func reset(_ stream: UInt32) { frame(Frame.reset, on: stream, Self.word(8)) }

    mutating func headers(_ stream: UInt32, _ block: [UInt8], flags: UInt8 = Frame.endHeaders) {
        frame(Frame.headers, flags, on: stream, block)
    }

    /// The head of a call of `path`, without its request.
    mutating func call(_ stream: UInt32, _ path: String = Echo.echo.path, _ more: [(String, String)] = []) {
        headers(stream, Self.head(path, more))
    }

    /// A request message as the last thing on a stream.
    mutating func request(_ stream: UInt32, _ note: Note = Note("raw")) {
        frame(Frame.data, Frame.endStream, on: stream, framed(Payload(note).head.array))
    }

    /// The header block of a call.
    static func head(_ path: String, _ more: [(String, String)] = []) -> [UInt8] {
        // POST and https are in HPACK's static table.
        var block: [UInt8] = [0x83, 0x87]
        for (name, value) in [(":path", "/" + path), ("content-type", "application/grpc"), ("te", "trailers")] + more {
            block += literal(name, value)
        }
        return block
    }

    /// A header field that goes into no table; `form` is 0x40 for one that does.
    static func literal(_ name: String, _ value: String, form: UInt8 = 0) -> [UInt8] {
        [form] + string(name) + string(value)
    }

    /// A string without Huffman's code (RFC 7541, 5.2).
    private static func string(_ text: String) -> [UInt8] {
        var length = text.utf8.count
        guard length >= 127 else { return [UInt8(length)] + text.utf8 }
        var bytes: [UInt8] = [127]
        length -= 127
        while length >= 128 {
            bytes.append(UInt8(length % 128) | 128)
            length /= 128
        }
        return bytes + [UInt8(length)] + text.utf8
    }

    static func word(_ value: UInt32) -> [UInt8] { (0..<4).map { UInt8(truncatingIfNeeded: value >> (24 - 8 * $0)) } }
}

/// The whole frames in what a peer has sent.
func frames(in bytes: [UInt8]) -> [(type: UInt8, flags: UInt8, stream: UInt32, payload: [UInt8])] {
    var frames: [(UInt8, UInt8, UInt32, [UInt8])] = []
    var rest = ByteBuffer(bytes: bytes)
    while let (word, flags, stream) = rest.readMultipleIntegers(as: (UInt32, UInt8, UInt32).self),
        let payload = rest.readBytes(length: Int(word >> 8))
    {
        frames.append((UInt8(truncatingIfNeeded: word), flags, stream, payload))
    }
    return frames
}
