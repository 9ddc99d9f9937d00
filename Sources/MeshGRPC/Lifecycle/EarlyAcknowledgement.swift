import NIOCore

/// Has a server's settings hold from a connection's start: tells HTTP/2's own handler that the client has acknowledged
/// them as soon as the client's own settings have come, and leaves the client's acknowledgement out. No I/O.
///
/// Until then that handler lets a client have 100 streams at a time, and ends the connection over one more. A client that
/// has not read the settings yet is bound by no number (RFC 9113, 6.5.2): one with more calls to make when it connects
/// would lose them all, and again when it connects anew. What else the settings say allows more than what holds before
/// them.
struct EarlyAcknowledgement {
    private enum Phase {
        case preface, settings, acknowledgement, over
    }

    private static let prefaceBytes = 24
    private static let headerBytes = 9
    private static let settingsType: UInt8 = 4
    private static let acknowledgementFlag: UInt8 = 1
    private static let acknowledgement = ByteBuffer(bytes: [0, 0, 0, settingsType, acknowledgementFlag, 0, 0, 0, 0])

    private var phase = Phase.preface
    /// The bytes before the next frame's header.
    private var left = prefaceBytes
    /// The beginning of a frame's header.
    private var held = ByteBuffer()

    /// True once everything passes as it is.
    var isOver: Bool { phase == .over }

    /// Takes a client's bytes, and hands on what HTTP/2's handler gets to see of them.
    mutating func receive(_ bytes: ByteBuffer, _ pass: (ByteBuffer) -> Void) {
        var bytes = bytes
        if held.readableBytes > 0 {
            held.writeBuffer(&bytes)
            (bytes, held) = (held, ByteBuffer())
        }
        var passing = 0
        func passOn() {
            if let slice = bytes.readSlice(length: passing), passing > 0 { pass(slice) }
            passing = 0
        }
        while phase != .over {
            let skipped = min(left, bytes.readableBytes - passing)
            passing += skipped
            left -= skipped
            guard left == 0 else { break }
            if phase == .settings {
                passOn()
                pass(Self.acknowledgement)
                phase = .acknowledgement
            }
            guard
                let (word, flags, stream) = bytes.getMultipleIntegers(
                    at: bytes.readerIndex + passing, as: (UInt32, UInt8, UInt32).self)
            else {
                passOn()
                (held, bytes) = (bytes, ByteBuffer())
                return
            }
            left = Self.headerBytes + Int(word >> 8)
            let isSettings = UInt8(truncatingIfNeeded: word) == Self.settingsType
            let acknowledges = flags & Self.acknowledgementFlag != 0
            switch phase {
            case .preface:
                // Anything else is an error, which is not this one's business.
                phase = isSettings && !acknowledges ? .settings : .over
            case .acknowledgement where isSettings && acknowledges && left == Self.headerBytes && stream == 0:
                passOn()
                bytes.moveReaderIndex(forwardBy: left)
                phase = .over
            case .settings, .acknowledgement, .over:
                break
            }
        }
        passing = bytes.readableBytes
        passOn()
    }
}
