import MeshWire
package import NIOCore
package import NIOHPACK
package import NIOHTTP2

/// What a stream's state machine wants written to its HTTP/2 stream next.
package enum GRPCWrite: Sendable, Equatable {
    case headers(HPACKHeaders, endsStream: Bool)
    case data(ByteBuffer, endsStream: Bool)
    /// The stream ends here, both ways.
    case reset(HTTP2ErrorCode)
}

/// What waits to be written to a stream, in order.
struct GRPCOutbound {
    private enum Item {
        case headers(HPACKHeaders, endsStream: Bool)
        case message(OutboundMessage)
        case end
        case reset(HTTP2ErrorCode)
    }

    private var items = CircularBuffer<Item>(initialCapacity: 4)
    /// The bytes of the messages that wait.
    private(set) var queuedBytes = 0
    var isEmpty: Bool { items.isEmpty }
    /// Whether a message's bytes come next, which the peer's window must have room for.
    var needsWindow: Bool {
        if case .message? = items.first { return true }
        return false
    }
    /// Whether something has been asked for.
    private(set) var hasBegun = false

    mutating func append(_ headers: HPACKHeaders, endsStream: Bool) {
        items.append(.headers(headers, endsStream: endsStream))
    }

    mutating func append(_ message: OutboundMessage) {
        queuedBytes += message.remaining
        items.append(.message(message))
    }

    /// Ends this direction without trailers.
    mutating func end() { items.append(.end) }

    /// Drops what waits and resets the stream.
    mutating func reset(_ code: HTTP2ErrorCode) {
        clear()
        items.append(.reset(code))
    }

    /// Resets the stream when all that waits has been written.
    mutating func resetAfterwards(_ code: HTTP2ErrorCode) { items.append(.reset(code)) }

    mutating func clear() {
        items.removeAll(keepingCapacity: true)
        queuedBytes = 0
    }

    /// The next thing to write, with at most `limit` bytes of a message.
    mutating func next(limit: Int) -> GRPCWrite? {
        guard let item = items.popFirst() else { return nil }
        hasBegun = true
        switch item {
        case .headers(let headers, let endsStream):
            return .headers(headers, endsStream: endsStream)
        case .end:
            return .data(ByteBuffer(), endsStream: true)
        case .reset(let code):
            return .reset(code)
        case .message(var message):
            let piece = message.next(limit: limit) ?? ByteBuffer()
            queuedBytes -= piece.readableBytes
            if message.remaining > 0 {
                items.prepend(.message(message))
                return .data(piece, endsStream: false)
            }
            // The end goes with the last bytes, for one frame less.
            guard case .end = items.first else { return .data(piece, endsStream: false) }
            items.removeFirst()
            return .data(piece, endsStream: true)
        }
    }
}
