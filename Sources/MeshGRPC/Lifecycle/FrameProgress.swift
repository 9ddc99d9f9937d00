import NIOCore

/// Where HTTP/2's frames end in a client's bytes, and nothing else of them: tells whether something that must come in one
/// piece has begun and is not whole. That is a frame, a header block, which may be several frames, and the client's
/// opening, which is the preface and its first frame. No I/O, no clock.
struct FrameProgress {
    private static let headerBytes = 9
    private static let headersType: UInt8 = 1
    private static let continuationType: UInt8 = 9
    private static let endHeaders: UInt8 = 4

    private var prefaceLeft = 24
    /// The bytes of a frame's header that came by itself.
    private var header = ByteBuffer()
    private var payloadLeft = 0
    private var isInHeaderBlock = false
    private var hasOpened = false
    /// How many things have come whole: as long as it stays the same, what is under way is the same.
    private(set) var completed = 0

    /// Whether something has begun and is not whole.
    var isUnfinished: Bool {
        !hasOpened || header.readableBytes > 0 || payloadLeft > 0 || isInHeaderBlock
    }

    mutating func receive(_ bytes: ByteBuffer) {
        var bytes = bytes
        prefaceLeft -= bytes.skip(prefaceLeft)
        while bytes.readableBytes > 0 {
            if payloadLeft > 0 {
                payloadLeft -= bytes.skip(payloadLeft)
            } else if header.readableBytes == 0, bytes.readableBytes >= Self.headerBytes {
                readHeader(&bytes)
            } else {
                let missing = Self.headerBytes - header.readableBytes
                if var part = bytes.readSlice(length: min(missing, bytes.readableBytes)) { header.writeBuffer(&part) }
                if header.readableBytes == Self.headerBytes {
                    var whole = header
                    header.clear()
                    readHeader(&whole)
                }
            }
            if payloadLeft == 0, header.readableBytes == 0, !isInHeaderBlock {
                hasOpened = true
                completed += 1
            }
        }
    }

    private mutating func readHeader(_ bytes: inout ByteBuffer) {
        guard let (word, flags, _) = bytes.readMultipleIntegers(as: (UInt32, UInt8, UInt32).self) else { return }
        payloadLeft = Int(word >> 8)
        let type = UInt8(truncatingIfNeeded: word)
        if type == Self.headersType || type == Self.continuationType {
            isInHeaderBlock = flags & Self.endHeaders == 0
        }
    }
}

extension ByteBuffer {
    /// Leaves out at most `count` bytes; the answer is how many.
    fileprivate mutating func skip(_ count: Int) -> Int {
        let skipped = min(count, readableBytes)
        moveReaderIndex(forwardBy: skipped)
        return skipped
    }
}
