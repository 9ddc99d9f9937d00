/// Cuts the control channel's bytes into frames: a four-byte big-endian length, then that many bytes of JSON.
///
/// No I/O: bytes go in as they arrive, whole frames come out.
package struct ControlFrameDecoder {
    /// The longest body that either side accepts, in bytes. The largest report is a batch of push notes, a few KiB.
    package static let maximumBodyBytes = 1 << 20

    private static let headBytes = 4
    private var bytes: [UInt8] = []

    package init() {}

    /// The frame that carries `body`.
    ///
    /// - Throws: `ControlError.frameTooLarge` for a body that the other side would refuse.
    package static func frame(_ body: [UInt8]) throws(ControlError) -> [UInt8] {
        guard body.count <= maximumBodyBytes else { throw .frameTooLarge(body.count) }
        let length = UInt32(body.count)
        return (0..<headBytes).map { UInt8(truncatingIfNeeded: length >> (24 - 8 * $0)) } + body
    }

    /// Takes bytes in the order in which they arrived.
    package mutating func append(_ received: some Sequence<UInt8>) {
        bytes.append(contentsOf: received)
    }

    /// The next whole frame's body, or nil until more bytes arrive.
    ///
    /// - Throws: `ControlError.frameTooLarge` as soon as a length says so, before the body is collected.
    package mutating func next() throws(ControlError) -> [UInt8]? {
        guard bytes.count >= Self.headBytes else { return nil }
        let length = bytes.prefix(Self.headBytes).reduce(0) { $0 << 8 | Int($1) }
        guard length <= Self.maximumBodyBytes else { throw .frameTooLarge(length) }
        guard bytes.count >= Self.headBytes + length else { return nil }
        let body = Array(bytes[Self.headBytes..<Self.headBytes + length])
        bytes.removeFirst(Self.headBytes + length)
        return body
    }

    /// Whether the bytes so far end inside a frame: a sender that died while it wrote.
    package var endsInsideFrame: Bool { !bytes.isEmpty }
}
