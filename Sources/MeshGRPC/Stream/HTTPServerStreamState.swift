package import NIOCore
package import NIOHPACK
import NIOHTTP2

/// The server's side of a request of plain HTTP on a stream of HTTP/2, after its head: parts of a body in, an answer out.
/// No I/O.
package struct HTTPServerStreamState {
    package enum Event: Sendable, Equatable {
        /// The next part of the body.
        case part(ByteBuffer)
        /// The body is whole.
        case ended
    }

    private var arrived = CircularBuffer<ByteBuffer>(initialCapacity: 2)
    private var outbound = GRPCOutbound()
    private var hasReceivedEnd: Bool
    private var hasToldEnd = false
    private var hasResponded = false
    /// True once the answer is whole, or will never be.
    package private(set) var isFinished = false
    /// The bytes of the body that nobody has asked for.
    package private(set) var unreadBytes = 0

    /// - Parameter endsStream: whether the request has no body.
    package init(endsStream: Bool) { hasReceivedEnd = endsStream }

    /// The bytes of the answer that wait to be written.
    package var queuedBytes: Int { outbound.queuedBytes }
    /// Whether something waits to be written.
    package var hasWrites: Bool { !outbound.isEmpty }
    /// Whether a body's bytes come next, which the peer's window must have room for.
    package var needsWindow: Bool { outbound.needsWindow }

    // MARK: What arrives

    package mutating func receive(_ part: ByteBuffer, endsStream: Bool) {
        if endsStream { hasReceivedEnd = true }
        guard !isFinished, part.readableBytes > 0 else { return }
        arrived.append(part)
        unreadBytes += part.readableBytes
    }

    /// Trailers mean nothing here but the end that they bring.
    package mutating func receiveTrailers(endsStream: Bool) { if endsStream { hasReceivedEnd = true } }

    /// What has arrived, in order.
    package mutating func nextEvent() -> Event? {
        if let part = arrived.popFirst() {
            unreadBytes -= part.readableBytes
            return .part(part)
        }
        guard hasReceivedEnd, !hasToldEnd, !isFinished else { return nil }
        hasToldEnd = true
        return .ended
    }

    // MARK: What is sent

    /// Says something before the answer (1xx).
    package mutating func inform(_ headers: HPACKHeaders) {
        guard !isFinished, !hasResponded else { return }
        outbound.append(headers, endsStream: false)
    }

    /// Sends the answer's head, once.
    package mutating func respond(_ headers: HPACKHeaders, isWhole: Bool) {
        guard !isFinished, !hasResponded else { return }
        hasResponded = true
        outbound.append(headers, endsStream: isWhole)
        if isWhole { end() }
    }

    /// Sends the next part of its body.
    package mutating func send(_ part: ByteBuffer) {
        guard !isFinished, hasResponded, part.readableBytes > 0 else { return }
        outbound.append(OutboundMessage(plain: part))
    }

    /// Ends the answer.
    package mutating func finish() {
        guard !isFinished, hasResponded else { return reset() }
        outbound.end()
        end()
    }

    /// Gives the answer up.
    package mutating func reset() { reset(.cancel) }

    /// Turns the request away so that the client knows that nothing has come of it and may try again.
    package mutating func refuse() { reset(.refusedStream) }

    private mutating func reset(_ code: HTTP2ErrorCode) {
        guard !isFinished else { return }
        isFinished = true
        drop()
        outbound.reset(code)
    }

    /// The next thing to write, with at most `limit` bytes of the body.
    package mutating func nextWrite(limit: Int) -> GRPCWrite? { outbound.next(limit: limit) }

    private mutating func end() {
        isFinished = true
        // A client that still sends when it has its answer is told to stop (RFC 9113, 8.1).
        if !hasReceivedEnd { outbound.resetAfterwards(.noError) }
        drop()
    }

    private mutating func drop() {
        arrived.removeAll()
        unreadBytes = 0
    }
}
