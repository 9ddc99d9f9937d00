package import MeshWire
package import NIOCore
package import NIOHPACK
package import NIOHTTP2

/// The server's side of one call over gRPC: what arrives on its HTTP/2 stream in, requests out; responses in, what is to
/// be written out. No I/O, no clock.
///
/// ```
///            headers             accept(…)                        finish(…), or a fault of the client's
///   (idle) ──────────► waiting ─────────────► open ─────────────────────────────────────────────────────► finished
///      │                  └────────────────── finish(…) or refuse(): the call does not run ──────────────►
///      └── a request that is no call: answered at once
/// ```
/// A request message that must be the only one is held back until the stream has shown that it is: the method never
/// runs on half of a request.
package struct GRPCServerStreamState {
    package enum Event: Sendable, Equatable {
        /// A call has begun: ``accept(_:compressing:)`` or turn it away with ``finish(_:)``. Nothing of it is read before.
        case call(GRPCRequestHead)
        /// The next request message.
        case request(ByteBuffer)
        /// There are no more requests.
        case requestsEnded
        /// The call has ended from outside: the client reset it or broke the rules. What runs for it may stop; what it
        /// still sends is dropped.
        case aborted(GRPCStatus)
    }

    private enum Phase {
        case idle
        case waiting
        case open(CallKind)
        case finished
    }

    private let limits: WireLimits
    private var phase = Phase.idle
    private var head: GRPCRequestHead?
    private var reader: MessageReader?
    private var outbound = GRPCOutbound()
    private var deflater: Deflater?
    private var responseEncoding: MessageEncoding?

    /// The only request of a call that has one, until the stream ends.
    private var heldRequest: ByteBuffer?
    private var requestCount = 0
    private var responseCount = 0
    private var hasSentHead = false
    /// The client has ended its direction.
    private var hasReceivedEnd = false
    private var hasToldEnd = false
    private var announced: Event?

    /// - Parameter leavesHTTP: whether somebody else answers what is no call of gRPC's.
    package init(limits: WireLimits, leavesHTTP: Bool = false) {
        self.limits = limits
        self.leavesHTTP = leavesHTTP
    }

    private let leavesHTTP: Bool

    /// Whether the request is left to somebody who speaks HTTP.
    package private(set) var isPlainHTTP = false

    /// Whether the call is over on this side, though there may be something left to write.
    package var isFinished: Bool {
        if case .finished = phase { return true }
        return false
    }

    /// Whether the stream was reset for header fields that HTTP/2 does not allow.
    package private(set) var isMalformed = false

    /// The bytes of responses that wait to be written.
    package var queuedBytes: Int { outbound.queuedBytes }

    /// Whether something waits to be written.
    package var hasWrites: Bool { !outbound.isEmpty }

    /// Whether a message's bytes come next, which the peer's window must have room for.
    package var needsWindow: Bool { outbound.needsWindow }

    /// The bytes that have arrived and belong to no message that has begun.
    package var unreadBytes: Int { reader?.unreadBytes ?? 0 }

    /// The length of the message that is arriving, as its sender has announced it.
    package var arrivingBytes: Int? { reader?.arrivingBytes }

    // MARK: - What arrives

    package mutating func receive(_ headers: HPACKHeaders, endsStream: Bool) {
        guard case .idle = phase else {
            if !isFinished, !headers.isWellFormed(as: .trailers) { return reject(endsStream: endsStream) }
            // Trailers of a request mean nothing to gRPC but the end that they bring.
            if endsStream { hasReceivedEnd = true } else { abort(GRPCStatus(.internalError, "two request heads")) }
            return
        }
        guard headers.isWellFormed(as: .request) else { return reject(endsStream: endsStream) }
        hasReceivedEnd = endsStream
        do throws(GRPCRequestRefusal) {
            let head = try GRPCRequestHead(headers, limits: limits)
            self.head = head
            phase = .waiting
            announced = .call(head)
        } catch {
            switch error {
            case .status(let status):
                finish(GRPCTrailers(status))
            case .http where leavesHTTP:
                phase = .finished
                isPlainHTTP = true
            case .http(let status):
                phase = .finished
                outbound.append([":status": "\(status)"], endsStream: true)
                endRequests()
            }
        }
    }

    package mutating func receive(_ data: ByteBuffer, endsStream: Bool) {
        if endsStream { hasReceivedEnd = true }
        if case .finished = phase { return }
        if reader == nil {
            reader = MessageReader(encoding: head?.encoding ?? .identity, limit: limits.messageBytes, isServer: true)
        }
        reader?.feed(data)
    }

    /// Header fields that HTTP/2 does not allow: no answer of gRPC's, the stream is reset (RFC 9113, 8.1.1).
    private mutating func reject(endsStream: Bool) {
        hasReceivedEnd = endsStream
        isMalformed = true
        outbound.reset(.protocolError)
        end(GRPCStatus(.internalError, "the client sent header fields that HTTP/2 does not allow"))
    }

    /// The client reset the stream, or the connection is gone.
    package mutating func receive(reset code: HTTP2ErrorCode) {
        hasReceivedEnd = true
        outbound.clear()
        end(GRPCStatus(.cancelled, "the client reset the stream with HTTP/2 error \(code.networkCode)"))
    }

    /// What happened, in order; `nil` until more arrives, or the call is accepted.
    package mutating func nextEvent() -> Event? {
        if let event = announced {
            announced = nil
            return event
        }
        guard case .open(let kind) = phase else { return nil }
        do throws(GRPCStatus) {
            return try nextRequest(kind)
        } catch {
            abort(error)
            return announced.take()
        }
    }

    private mutating func nextRequest(_ kind: CallKind) throws(GRPCStatus) -> Event? {
        while let message = try reader?.next() {
            requestCount += 1
            if kind.streamsRequests { return .request(message) }
            guard requestCount == 1 else { throw Self.oneRequestExpected }
            heldRequest = message
        }
        guard hasReceivedEnd, !hasToldEnd else { return nil }
        guard reader?.isBetweenMessages ?? true else {
            throw GRPCStatus(.internalError, "the request ends inside a message")
        }
        if let request = heldRequest.take() { return .request(request) }
        guard kind.streamsRequests || requestCount == 1 else { throw Self.oneRequestExpected }
        hasToldEnd = true
        return .requestsEnded
    }

    private static let oneRequestExpected = GRPCStatus(.unimplemented, "the method takes exactly one request message")

    // MARK: - What is sent

    /// Takes the call as one of `kind`; responses are compressed with `encoding` if the client can read that.
    package mutating func accept(_ kind: CallKind, compressing encoding: MessageEncoding? = nil) {
        guard case .waiting = phase else { return }
        phase = .open(kind)
        if let encoding, head?.acceptedEncodings.contains(encoding) == true { responseEncoding = encoding }
    }

    /// Turns the call away so that the client knows that it has not run and may try again, elsewhere or later.
    package mutating func refuse() {
        guard case .waiting = phase else { return }
        phase = .finished
        outbound.reset(.refusedStream)
    }

    /// Sends the metadata that goes before responses, once and before them; without it the first response sends none.
    package mutating func sendHead(_ metadata: Metadata = Metadata()) {
        guard case .open = phase, !hasSentHead else { return }
        let encoding = responseEncoding.map { DeclaredEncoding.known($0) } ?? .identity
        do throws(GRPCStatus) {
            let headers = try GRPCResponseHead(encoding: encoding, metadata: metadata).headers(limits: limits)
            hasSentHead = true
            outbound.append(headers, endsStream: false)
        } catch {
            abort(error)
        }
    }

    /// Sends a response message; one that cannot be sent ends the call.
    package mutating func send(_ response: Payload, isCompressed: Bool = true) {
        guard case .open(let kind) = phase else { return }
        responseCount += 1
        guard kind.streamsResponses || responseCount == 1 else {
            return abort(GRPCStatus(.internalError, "the handler gave more than the one response of a \(kind) method"))
        }
        do throws(GRPCStatus) {
            let message = try OutboundMessage(
                response, limit: limits.messageBytes, deflater: isCompressed ? usableDeflater() : nil)
            sendHead()
            outbound.append(message)
        } catch {
            abort(GRPCStatus(error.code, "the answer cannot be sent: \(error.message)"))
        }
    }

    /// Ends the call. Success without the one response that its kind has becomes an internal error.
    package mutating func finish(_ trailers: GRPCTrailers) {
        switch phase {
        case .finished:
            return
        case .open(let kind) where trailers.status.code == .ok && !kind.streamsResponses && responseCount == 0:
            write(GRPCTrailers(GRPCStatus(.internalError, "the handler gave no response")))
        case .idle, .waiting, .open:
            write(trailers)
        }
        phase = .finished
        endRequests()
    }

    /// The next thing to write, with at most `limit` bytes of a message.
    package mutating func nextWrite(limit: Int) -> GRPCWrite? { outbound.next(limit: limit) }

    private mutating func write(_ trailers: GRPCTrailers) {
        do throws(GRPCStatus) {
            let headers = try trailers.headers(isWholeResponse: !hasSentHead, limits: limits)
            outbound.append(headers, endsStream: true)
        } catch {
            // The status is what matters, and the reason why the rest is missing.
            let bare =
                trailers.status.code == .ok
                ? error : GRPCStatus(trailers.status.code, "\(trailers.status.message) (\(error.message))")
            let headers = try? GRPCTrailers(bare).headers(isWholeResponse: !hasSentHead, limits: limits)
            outbound.append(headers ?? [:], endsStream: true)
        }
    }

    /// A client that still sends when it has its answer is told to stop (RFC 9113, 8.1).
    private mutating func endRequests() {
        reader = nil
        heldRequest = nil
        if !hasReceivedEnd { outbound.resetAfterwards(.noError) }
    }

    /// Ends the call with `status` for both sides. What waits to be written goes first, as it was promised.
    private mutating func abort(_ status: GRPCStatus) {
        if case .finished = phase { return }
        finish(GRPCTrailers(status))
        announce(status)
    }

    private mutating func end(_ status: GRPCStatus) {
        if case .finished = phase { return }
        phase = .finished
        reader = nil
        heldRequest = nil
        announce(status)
    }

    /// A call that nobody has been told of needs no end.
    private mutating func announce(_ status: GRPCStatus) {
        announced = if case .call = announced { nil } else if head == nil { nil } else { .aborted(status) }
    }

    private mutating func usableDeflater() -> Deflater? {
        if deflater == nil, let responseEncoding { deflater = Deflater(responseEncoding) }
        return deflater
    }
}
