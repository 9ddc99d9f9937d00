package import NIOCore

/// The server's side of a `meshwork/1` connection: bytes in, calls out; answers in, frames out. No I/O, no clock.
///
/// ```
///            request head            last byte            reply(…)
///   (none) ───────────────► reading ───────────► running ──────────► (none)
///      │                       │                    │
///      │ over a limit          └───── cancel ───────┴──────────────► (none)
///      └──────────────► refused: answered at once with `hasNotRun`; what still arrives of it is ignored. So is a call
///                       that ``refuse(_:status:message:)`` turns away once its head has been read
/// ```
package struct ServerConnectionState {
    package enum Event {
        /// The client said hello.
        case established(Hello)
        /// The client gave a method a number.
        case declared(MethodDeclaration)
        /// A call has begun and more of it is to come. Nothing is set aside for it before the next event is asked for:
        /// ``refuse(_:status:message:)`` turns away what will not run.
        case announced(StreamID, CallHead)
        /// A call is complete and waits for ``reply(to:status:message:hasNotRun:payload:)``.
        case call(StreamID, CallHead, Payload)
        /// The caller of a running call has lost interest; no reply is sent any more.
        case cancelled(StreamID)
    }

    private enum Stream {
        case reading(CallHead, PayloadAssembler)
        case running
    }

    private let limits: WireLimits
    private var input: ConnectionInput
    private var queue = OutboundQueue()
    private var streams: [StreamID: Stream] = [:]
    private var lastStream = StreamID.connection
    private var lastTaken: StreamID?
    private var declaredMethods = 0
    private var incompleteBytes = 0
    /// The first piece of the call that was announced last.
    private var opening: (stream: StreamID, piece: ByteBuffer)?
    /// Set by the first error: where the next frame would begin is not known any more.
    private var isBroken = false

    /// A connection of the process `instance`, whose first bytes are queued at once.
    package init(instance: InstanceID, limits: WireLimits) {
        let hello = Hello(instance: instance)
        self.limits = limits
        input = ConnectionInput(own: hello, limits: limits)
        queue.append(bytes: Preface.bytes)
        queue.append(.hello, .connection, hello)
    }

    /// The calls that have been opened and not answered.
    package var openStreams: Int { streams.count }

    /// True when nothing is open and nothing waits to be sent.
    package var isIdle: Bool { streams.isEmpty && queue.isEmpty }

    /// False while so much waits to be sent that reading more calls would only add to it.
    package var takesInput: Bool { queue.queuedBytes <= limits.queuedReplyBytes }

    /// Takes bytes off the connection; ask ``nextEvent()`` what they mean.
    package mutating func receive(_ bytes: ByteBuffer) {
        if !isBroken { input.feed(bytes) }
    }

    /// What happened, in order; `nil` until more bytes arrive. An error ends the connection: nothing is read after it.
    package mutating func nextEvent() throws(WireError) -> Event? {
        guard !isBroken else { return nil }
        do throws(WireError) {
            if var announced = opening {
                opening = nil
                if let event = try received(&announced.piece, of: announced.stream) { return event }
            }
            while let element = try input.next() {
                if let event = try handle(element) { return event }
            }
            return nil
        } catch {
            isBroken = true
            throw error
        }
    }

    /// Throws if the client ended the connection in the middle of something.
    package func end() throws(WireError) {
        if !isBroken { try input.end() }
    }

    /// Queues a call's answer; does nothing if the caller has given the call up. An answer over this side's own limits
    /// becomes an error: the client's are the same by default, and it would end the connection.
    package mutating func reply(
        to stream: StreamID, status: CallStatus = .ok, message: String = "", hasNotRun: Bool = false,
        payload: Payload = Payload()
    ) {
        guard case .running = streams[stream] else { return }
        streams.removeValue(forKey: stream)
        let layout = payload.layout
        do throws(WireError) {
            _ = try layout.totalBytes(within: limits)
        } catch {
            let head = ReplyHead(status: .internalError, message: "the answer cannot be sent: \(error.message)")
            return queue.append(.response, stream, head, payload: Payload())
        }
        let head = ReplyHead(
            status: status, message: message.cut(toBytes: ReplyHead.largestMessage), hasNotRun: hasNotRun,
            layout: layout)
        queue.append(.response, stream, head, payload: payload)
    }

    /// Answers a call that has been announced and is not complete; what still arrives of it is ignored.
    package mutating func refuse(_ stream: StreamID, status: CallStatus, message: String) {
        guard case .reading(let head, _) = streams[stream] else { return }
        streams.removeValue(forKey: stream)
        // Counted when it was announced, by the same sum.
        incompleteBytes -= (try? head.layout.totalBytes(within: limits)) ?? 0
        refuse(stream, status, message.cut(toBytes: ReplyHead.largestMessage))
    }

    /// Takes no calls from here on; open ones are finished.
    package mutating func goAway(reason: String) {
        guard lastTaken == nil else { return }
        lastTaken = lastStream
        queue.append(.goAway, .connection, GoAway(lastStream: lastStream, reason: reason))
    }

    /// The next bytes to send, or `nil`.
    package mutating func nextWrite() -> ByteBuffer? { queue.next() }

    private mutating func handle(_ element: ConnectionInput.Element) throws(WireError) -> Event? {
        switch element {
        case .established(let hello):
            return .established(hello)
        case .data(let stream, var piece):
            return try received(&piece, of: stream)
        case .frame(let header, var payload):
            switch header.kind {
            case .declare:
                return try declare(payload)
            case .request:
                return try request(on: header.stream, &payload)
            case .cancel:
                return try cancel(header.stream)
            case .hello, .response, .data, .goAway:
                throw WireError(.unexpectedFrame, "a client sent a \(header.kind) frame")
            }
        }
    }

    private mutating func declare(_ payload: ByteBuffer) throws(WireError) -> Event {
        let declaration = try Payload(head: payload).decode(as: MethodDeclaration.self)
        declaredMethods += 1
        guard declaredMethods <= limits.declaredMethods else {
            throw WireError(.tooLarge, "more than \(limits.declaredMethods) methods were declared")
        }
        guard declaration.number == declaredMethods else {
            throw WireError(.malformed, "method \(declaration.number) was declared, \(declaredMethods) is next")
        }
        return .declared(declaration)
    }

    private mutating func request(on stream: StreamID, _ payload: inout ByteBuffer) throws(WireError) -> Event? {
        guard stream.rawValue % 2 == 1, stream > lastStream else {
            throw WireError(.unexpectedFrame, "a request on \(stream) after \(lastStream)")
        }
        lastStream = stream
        // A client that has not read the goAway yet: it learns from it that the call was not taken.
        guard lastTaken == nil else { return nil }
        let head = try readOpening(&payload, as: CallHead.self)
        guard head.method >= 1, head.method <= declaredMethods else {
            throw WireError(.malformed, "method \(head.method) was not declared")
        }
        let total: Int
        do throws(WireError) {
            total = try head.totalBytes(within: limits)
        } catch {
            refuse(stream, .resourceExhausted, error.message)
            return nil
        }
        guard streams.count < limits.concurrentCalls else {
            refuse(stream, .resourceExhausted, "more than \(limits.concurrentCalls) calls at a time")
            return nil
        }
        guard total <= limits.incompleteMessageBytes - incompleteBytes else {
            refuse(stream, .resourceExhausted, "incomplete messages exceed \(limits.incompleteMessageBytes) bytes")
            return nil
        }
        if total == payload.readableBytes, head.layout.segments.isEmpty {
            streams[stream] = .running
            return .call(stream, head, Payload(head: payload))
        }
        incompleteBytes += total
        streams[stream] = .reading(head, PayloadAssembler(layout: head.layout, totalBytes: total))
        opening = (stream, payload)
        return .announced(stream, head)
    }

    private mutating func received(_ piece: inout ByteBuffer, of stream: StreamID) throws(WireError) -> Event? {
        // The assembler is taken out while it grows, so that its buffers are not shared and copied.
        switch streams.removeValue(forKey: stream) {
        case nil:
            guard stream.rawValue % 2 == 1, stream <= lastStream else {
                throw WireError(.unexpectedFrame, "data for \(stream), which was never opened")
            }
            return nil
        case .running:
            throw WireError(.malformed, "data follows the end of the request on \(stream)")
        case .reading(let head, var assembler):
            try assembler.append(&piece)
            guard assembler.isComplete else {
                streams[stream] = .reading(head, assembler)
                return nil
            }
            incompleteBytes -= try head.layout.totalBytes(within: limits)
            streams[stream] = .running
            return .call(stream, head, assembler.finish())
        }
    }

    private mutating func cancel(_ stream: StreamID) throws(WireError) -> Event? {
        guard stream.rawValue % 2 == 1, stream <= lastStream else {
            throw WireError(.unexpectedFrame, "\(stream) is cancelled and was never opened")
        }
        queue.drop(stream)
        switch streams.removeValue(forKey: stream) {
        case .running:
            return .cancelled(stream)
        case .reading(let head, _):
            incompleteBytes -= try head.layout.totalBytes(within: limits)
            return nil
        case nil:
            return nil
        }
    }

    private mutating func refuse(_ stream: StreamID, _ status: CallStatus, _ message: String) {
        queue.append(
            .response, stream, ReplyHead(status: status, message: message, hasNotRun: true), payload: Payload())
    }
}
