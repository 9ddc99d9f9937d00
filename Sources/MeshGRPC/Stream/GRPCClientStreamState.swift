package import MeshWire
package import NIOCore
package import NIOHPACK
package import NIOHTTP2

/// The client's side of one call over gRPC: requests in, what is to be written to its HTTP/2 stream out; what arrives in,
/// responses and the call's end out. No I/O, no clock.
///
/// ```
///            first headers             trailers, a reset, a fault of the server's
///   waiting ───────────────► answering ──────────────────────────────────────────► finished
///      └───────────── trailers only, a reset, a refusal, an answer that is not gRPC ──►
/// ```
/// A response message that must be the only one is held back until the trailers have shown that the call succeeded.
package struct GRPCClientStreamState {
    package enum Event: Sendable, Equatable {
        /// The metadata that goes before the responses.
        case head(Metadata)
        /// The next response message.
        case response(ByteBuffer)
        /// The call is over: the last event.
        case finished(GRPCOutcome)
    }

    private enum Phase {
        case waiting
        case answering
        /// The server has said how the call ended; messages before that may wait to be read.
        case ending(GRPCOutcome)
        case finished
    }

    private let kind: CallKind
    private let limits: WireLimits
    private var phase = Phase.waiting
    private var reader: MessageReader?
    private var outbound = GRPCOutbound()
    private var deflater: Deflater?

    private var heldResponse: ByteBuffer?
    private var responseCount = 0
    private var hasEndedRequests = false
    private var announced: Metadata?

    /// Begins a call whose head is the first thing to write. Throws where its metadata cannot be sent; nothing has been
    /// then.
    ///
    /// - Parameter methodHeaders: those of the head's header fields that all calls of the method have, if they are known.
    package init(
        _ head: GRPCRequestHead, after methodHeaders: HPACKHeaders? = nil, kind: CallKind, limits: WireLimits
    ) throws(GRPCStatus) {
        self.kind = kind
        self.limits = limits
        if case .known(let encoding) = head.encoding { deflater = Deflater(encoding) }
        outbound.append(
            try head.headers(after: methodHeaders ?? head.methodHeaders, limits: limits), endsStream: false)
    }

    /// Whether the call is over, though its last events may not have been asked for.
    package var isFinished: Bool {
        switch phase {
        case .waiting, .answering: false
        case .ending, .finished: true
        }
    }

    /// The bytes of requests that wait to be written.
    package var queuedBytes: Int { outbound.queuedBytes }

    /// Whether something waits to be written.
    package var hasWrites: Bool { !outbound.isEmpty }

    /// Whether a message's bytes come next, which the peer's window must have room for.
    package var needsWindow: Bool { outbound.needsWindow }

    /// The bytes that have arrived and belong to no message that has begun.
    package var unreadBytes: Int { reader?.unreadBytes ?? 0 }

    /// The length of the message that is arriving, as its sender has announced it.
    package var arrivingBytes: Int? { reader?.arrivingBytes }

    // MARK: - What is sent

    /// Sends a request message. Throws for one that cannot be sent, which leaves the call as it was.
    package mutating func send(_ request: Payload, isCompressed: Bool = true) throws(GRPCStatus) {
        guard !isFinished, !hasEndedRequests else { return }
        let message = try OutboundMessage(
            request, limit: limits.messageBytes, deflater: isCompressed ? deflater : nil)
        outbound.append(message)
    }

    /// Says that there are no more requests.
    package mutating func endRequests() {
        guard !isFinished, !hasEndedRequests else { return }
        hasEndedRequests = true
        outbound.end()
    }

    /// Gives the call up, as `status` says: `cancelled`, or `deadlineExceeded`.
    package mutating func cancel(_ status: GRPCStatus = GRPCStatus(.cancelled, "the caller gave up")) {
        guard !isFinished else { return }
        fail(status, resetting: .cancel)
    }

    /// The next thing to write, with at most `limit` bytes of a message.
    package mutating func nextWrite(limit: Int) -> GRPCWrite? { outbound.next(limit: limit) }

    // MARK: - What arrives

    package mutating func receive(_ headers: HPACKHeaders, endsStream: Bool) {
        guard !isFinished else { return }
        guard headers.isWellFormed(as: isWaiting ? .response : .trailers) else {
            return fail(
                GRPCStatus(.internalError, "the server sent header fields that HTTP/2 does not allow"),
                resetting: .protocolError)
        }
        switch phase {
        case .ending, .finished: return
        case .answering where endsStream: receivedTrailers(headers)
        case .answering: fail(GRPCStatus(.internalError, "two response heads"), resetting: .protocolError)
        case .waiting where endsStream: receivedWholeResponse(headers)
        case .waiting: receivedHead(headers)
        }
    }

    package mutating func receive(_ data: ByteBuffer, endsStream: Bool) {
        guard case .answering = phase else {
            if case .waiting = phase {
                fail(GRPCStatus(.internalError, "data before the response's head"), resetting: .protocolError)
            }
            return
        }
        reader?.feed(data)
        if endsStream {
            end(GRPCOutcome(GRPCStatus(.internalError, "the response ended without trailers"), .mayHaveRun))
        }
    }

    /// The server reset the stream.
    package mutating func receive(reset code: HTTP2ErrorCode) {
        guard !isFinished else { return }
        outbound.clear()
        hasEndedRequests = true
        // Only before an answer has begun: what has answered has run.
        let hasNotRun = code == .refusedStream && isWaiting
        end(
            GRPCOutcome(
                GRPCStatus(CallStatus(code), "the server reset the stream with HTTP/2 error \(code.networkCode)"),
                hasNotRun ? .hasNotRun : .mayHaveRun))
    }

    /// The server went away and has said that it did not take this stream (GOAWAY with a smaller last stream).
    package mutating func receivedGoAwayBefore() {
        guard !isFinished else { return }
        outbound.clear()
        hasEndedRequests = true
        end(GRPCOutcome(GRPCStatus(.unavailable, "the server goes away and did not take the call"), .hasNotRun))
    }

    /// What happened, in order; `nil` until more arrives.
    package mutating func nextEvent() -> Event? {
        if let metadata = announced.take() { return .head(metadata) }
        if case .finished = phase { return nil }
        do throws(GRPCStatus) {
            while let message = try reader?.next() {
                responseCount += 1
                if kind.streamsResponses { return .response(message) }
                guard responseCount == 1 else { throw Self.oneResponseExpected }
                heldResponse = message
            }
        } catch {
            // What the reader cannot read ends the call, unless the server says that it has failed anyway.
            reader = nil
            if case .ending(let outcome) = phase, outcome.status.code != .ok { return finish(outcome) }
            failReading(error)
        }
        guard case .ending(let outcome) = phase else { return nil }
        return conclude(outcome)
    }

    // MARK: - Ends

    private mutating func receivedHead(_ headers: HPACKHeaders) {
        let answer = HTTPAnswer(headers)
        guard !answer.isInformational else { return }
        do throws(GRPCStatus) {
            let head = try GRPCResponseHead(headers, answer, limits: limits)
            announced = head.metadata
            reader = MessageReader(encoding: head.encoding, limit: limits.messageBytes, isServer: false)
            phase = .answering
        } catch {
            fail(error, resetting: .cancel)
        }
    }

    private mutating func receivedWholeResponse(_ headers: HPACKHeaders) {
        if let trailers = GRPCTrailers(headers, limits: limits) {
            return end(GRPCOutcome(trailers))
        }
        do throws(GRPCStatus) {
            try HTTPAnswer(headers).requireGRPC()
            end(GRPCOutcome(Self.statusMissing, .mayHaveRun))
        } catch {
            end(GRPCOutcome(error, .mayHaveRun))
        }
    }

    private mutating func receivedTrailers(_ headers: HPACKHeaders) {
        end(
            GRPCTrailers(headers, limits: limits).map { GRPCOutcome($0) }
                ?? GRPCOutcome(Self.statusMissing, .mayHaveRun))
    }

    private static let statusMissing = GRPCStatus(.unknown, "the answer has no grpc-status")
    private static let oneResponseExpected = GRPCStatus(
        .unimplemented, "the method gives exactly one response message, and the server sent another number")

    private var isWaiting: Bool {
        if case .waiting = phase { return true }
        return false
    }

    /// The stream is over; what it carried before may still have to be read.
    private mutating func end(_ outcome: GRPCOutcome) {
        phase = .ending(outcome)
        // The server has answered and reads no more.
        if !hasEndedRequests || !outbound.isEmpty { outbound.reset(.noError) }
        hasEndedRequests = true
    }

    /// This side ends the call: the server is told, if it knows of it.
    private mutating func fail(_ status: GRPCStatus, resetting code: HTTP2ErrorCode) {
        let knowledge: GRPCOutcome.Knowledge = outbound.hasBegun ? .mayHaveRun : .hasNotRun
        if outbound.hasBegun { outbound.reset(code) } else { outbound.clear() }
        hasEndedRequests = true
        reader = nil
        heldResponse = nil
        phase = .ending(GRPCOutcome(status, knowledge))
    }

    private mutating func failReading(_ status: GRPCStatus) {
        if case .ending = phase {
            // The stream is over: there is nothing to reset.
            phase = .ending(GRPCOutcome(status, .mayHaveRun))
        } else {
            fail(status, resetting: .cancel)
        }
    }

    /// The last events of a call: its only response, if it has one and succeeded, then the end.
    private mutating func conclude(_ outcome: GRPCOutcome) -> Event {
        guard outcome.status.code == .ok else { return finish(outcome) }
        if reader?.isBetweenMessages == false {
            return finish(GRPCOutcome(GRPCStatus(.internalError, "the response ends inside a message"), .mayHaveRun))
        }
        if let response = heldResponse.take() { return .response(response) }
        guard kind.streamsResponses || responseCount == 1 else {
            return finish(GRPCOutcome(Self.oneResponseExpected, .mayHaveRun))
        }
        return finish(outcome)
    }

    private mutating func finish(_ outcome: GRPCOutcome) -> Event {
        phase = .finished
        reader = nil
        heldResponse = nil
        return .finished(outcome)
    }
}
