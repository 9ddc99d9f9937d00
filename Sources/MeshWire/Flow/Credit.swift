/// Bytes that a sender may send before it is given more.
struct Credit {
    /// The most that there may be at a time: far above every message, and no sum of two overflows.
    static let most = 1 << 40
    /// What a message of a stream costs beside its bytes: about the memory that a receiver needs to remember it, so that
    /// empty messages are no way to fill it.
    static let messageOverhead = 256

    /// What is left.
    private(set) var bytes: Int

    init(_ bytes: Int) { self.bytes = bytes }

    /// Takes what the peer gives; throws if it gives nothing, or more than there may be.
    mutating func add(_ more: Int, to stream: StreamID) throws(WireError) {
        guard more > 0 else { throw WireError(.malformed, "credit of no bytes for \(stream)") }
        guard more <= Self.most - bytes else {
            throw WireError(.flowControl, "\(stream) is given \(more) bytes of credit and has \(bytes)")
        }
        bytes += more
    }

    /// Uses some of it; the caller has looked that it is there.
    mutating func spend(_ count: Int) {
        precondition(count <= bytes, "\(count) bytes are sent on credit for \(bytes)")
        bytes -= count
    }

    /// Counts bytes that the peer has sent; throws if it had no credit for them.
    mutating func receive(_ count: Int, on stream: StreamID) throws(WireError) {
        guard count <= bytes else {
            throw WireError(.flowControl, "\(count) bytes on \(stream), which has credit for \(bytes)")
        }
        bytes -= count
    }
}

/// The message that a `credit` frame carries: four bytes, big-endian.
enum CreditFrame {
    /// The most that one frame gives.
    static let most = Int(UInt32.max)
    static let size = 4
}
