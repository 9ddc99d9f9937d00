package import NIOCore

/// The eight bytes that each side of a `meshwork/1` connection sends first.
///
/// The first is not ASCII, so no HTTP request and no HTTP/2 preface begins like it, and the line ends show transports
/// that translate text.
package enum Preface {
    package static let bytes: [UInt8] = [0xB7, 0x4D, 0x57, 0x4B, 0x0D, 0x0A, 0x1A, 0x0A]

    /// Reads the preface: `false` until eight bytes are there. Throws as soon as one differs.
    package static func read(from buffer: inout ByteBuffer) throws(WireError) -> Bool {
        let view = buffer.readableBytesView
        guard view.starts(with: bytes.prefix(view.count)) else {
            throw WireError(.malformed, "the peer does not begin with the preface of meshwork/1")
        }
        guard view.count >= bytes.count else { return false }
        buffer.moveReaderIndex(forwardBy: bytes.count)
        return true
    }
}
