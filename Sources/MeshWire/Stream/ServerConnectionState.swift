package import NIOCore

/// The server's side of a `meshwork/1` connection: bytes in, calls out; answers in, frames out. No I/O, no clock.
///
/// ```
///            request head            last request            reply(…)
///   (none) ───────────────► reading ───────────────► running ──────────► (none)
///      │                       │                        │
///      │ over a limit          └─────── cancel ─────────┴──────────────► (none)
///      └──────────────► refused: answered at once with `hasNotRun`; what still arrives of it is ignored. So is a call
///                       that ``refuse(_:status:message:)`` turns away once its head has been read
/// ```
/// A call that streams its requests runs while it is read: its handler takes them one by one, and the client is given
/// credit for more as it does.
///
/// While more answers wait than may, calls that come are held and run later, in their order: answers leave on the
/// client's credit, so frames are read all the same.
package struct ServerConnectionState: ~Copyable {
    package enum Event {
        /// The client said hello.
        case established(Hello)
        /// The client gave a method a number.
        case declared(MethodDeclaration)
        /// A call of one request has begun and more of it is to come. Nothing is set aside for it before the next event
        /// is asked for: ``refuse(_:status:message:)`` turns away what will not run.
        case announced(StreamID, CallHead)
        /// A call's only request is complete, and the call waits for
        /// ``reply(to:status:message:hasNotRun:metadata:details:payload:)``.
        case call(StreamID, CallHead, Payload)
        /// A call has begun whose requests follow, each a ``Event/message(_:_:)``.
        case opened(StreamID, CallHead)
        /// A call has come and runs later, when some of the answers that wait have left: its ``Event/call(_:_:_:)`` or
        /// ``Event/opened(_:_:)`` follows. Until then ``refuse(_:status:message:)`` turns it away.
        case held(StreamID, CallHead)
        /// The next request of a call; ``taken(from:)`` says that its reader has it.
        case message(StreamID, Payload)
        /// The last request of a call has been read.
        case requestsEnded(StreamID)
        /// The caller of a call has lost interest, in one that is not complete as well; no reply is sent any more.
        case cancelled(StreamID)
        /// The client has answered a ping of ``ping(_:)``.
        case pong(UInt64)
    }

    private struct Stream {
        let kind: CallKind
        let priority: CallPriority
        /// The call's head until its only request is complete.
        var reading: CallHead?
        /// True while more requests may follow.
        var takesRequests: Bool
        var hasMetadata = false
        /// True while it does not run for want of room for its answer.
        var isHeld = false
    }

    /// A call that does not run yet: what it begins with, and what has come of it since.
    private struct HeldCall {
        let stream: StreamID
        var events: CircularBuffer<Event>
    }

    private let limits: WireLimits
    private var input: ConnectionInput
    private var queue: OutboundQueue
    private var inbound: InboundStreams
    private var streams = StreamTable<Stream>()
    private var lastStream = StreamID.connection
    private var lastTaken: StreamID?
    private var methods: [CallKind] = []
    /// The calls that wait until answers have left, oldest first. They are open: there are no more than there may be.
    private var held = CircularBuffer<HeldCall>()
    /// What is left of the events of the call that was held last and runs now.
    private var due = CircularBuffer<Event>()
    /// The first piece of the call that was announced last.
    private var opening: (stream: StreamID, total: Int, piece: ByteBuffer)?
    private var features: Features = []
    /// Set by the first error: where the next frame would begin is not known any more.
    private var isBroken = false

    /// A connection of the process `instance`, whose first bytes are queued at once.
    ///
    /// - Parameter store: what it remembers deduplicated calls in, if others may have the same.
    package init(
        instance: InstanceID, store: DeduplicationStoreID? = nil, limits: WireLimits, sharesSegments: Bool = false
    ) {
        queue = OutboundQueue(sharesSegments: sharesSegments)
        var hello = Hello(instance: instance, limits: limits)
        hello.concurrentCalls = limits.concurrentCalls
        hello.store = store
        self.limits = limits
        input = ConnectionInput(own: hello, limits: limits)
        inbound = InboundStreams(limits: limits)
        queue.append(bytes: Preface.bytes)
        queue.append(.hello, .connection, hello)
    }

    /// The calls that have been opened and not answered.
    package var openStreams: Int { streams.count }

    /// The number of the frame that is arriving and not whole, or `nil` between two.
    package var unfinishedFrame: Int? { isBroken ? nil : input.unfinishedFrame }

    /// True when nothing is open and nothing waits to be sent.
    package var isIdle: Bool { streams.isEmpty && queue.isEmpty }

    /// False while the client does not read: so much waits for the connection, and for no credit, that to read more of
    /// it would only add to that.
    package var takesInput: Bool { queue.uncreditedBytes <= limits.queuedReplyBytes }

    /// Whether a call may add its answer to those that wait. The largest of them holds nobody up.
    private var hasRoomForAnswers: Bool {
        queue.queuedBytes <= limits.queuedReplyBytes || queue.queuedBytesBesideLargest <= limits.queuedReplyBytes
    }

    // MARK: What arrives

    /// Takes bytes off the connection; ask ``nextEvent()`` what they mean.
    package mutating func receive(_ bytes: ByteBuffer) {
        if !isBroken { input.feed(bytes) }
    }

    /// What happened, in order; `nil` until more bytes arrive. An error ends the connection: nothing is read after it.
    package mutating func nextEvent() throws(WireError) -> Event? {
        guard !isBroken else { return nil }
        do throws(WireError) {
            if let event = admitted() { return event }
            if let event = try beginAnnounced(), let event = hold(event) { return event }
            while let element = try input.next() {
                if let event = try handle(element), let event = hold(event) { return event }
            }
            // Where an answer was given up, there is room for another.
            return admitted()
        } catch {
            isBroken = true
            throw error
        }
    }

    /// The next event of a call that was held and may run, as answers have left since; ``nextEvent()`` gives it too.
    package mutating func admitted() -> Event? {
        if let event = due.popFirst() { return event }
        guard !held.isEmpty, hasRoomForAnswers, let first = held.popFirst() else { return nil }
        streams[first.stream]?.isHeld = false
        due = first.events
        return due.popFirst()
    }

    /// Keeps what is of a call that does not run yet; returns what there is to tell.
    private mutating func hold(_ event: Event) -> Event? {
        switch event {
        case .call(let stream, let head, _), .opened(let stream, let head):
            guard !held.isEmpty || !hasRoomForAnswers else { return event }
            streams[stream]?.isHeld = true
            held.append(HeldCall(stream: stream, events: [event]))
            return .held(stream, head)
        case .message(let stream, _), .requestsEnded(let stream):
            guard streams[stream]?.isHeld == true, let place = held.firstIndex(where: { $0.stream == stream }) else {
                return event
            }
            held[place].events.append(event)
            return nil
        case .established, .declared, .announced, .held, .cancelled, .pong:
            return event
        }
    }

    /// Throws if the client ended the connection in the middle of something.
    package func end() throws(WireError) {
        if !isBroken { try input.end() }
    }

    /// The reader of a call has the oldest of the requests that have arrived for it.
    package mutating func taken(from stream: StreamID) { inbound.taken(from: stream, &queue) }

    // MARK: What leaves

    /// Says something of a call before its first response, once; nothing happens where the client cannot know of it.
    package mutating func send(_ metadata: Metadata, on stream: StreamID) {
        guard features.contains(.streams), streams[stream]?.hasMetadata == false, !metadata.isEmpty,
            metadata.byteCount <= limits.metadataBytes
        else { return }
        streams[stream]?.hasMetadata = true
        queue.append(.metadata, stream, ResponseMetadata(metadata))
    }

    /// Queues a response of a call that streams them; does nothing if the caller has given the call up. Throws if the
    /// message is over this side's own limits: the client's are the same by default.
    package mutating func send(_ payload: Payload, on stream: StreamID) throws(WireError) {
        guard streams[stream]?.kind.streamsResponses == true else { return }
        _ = try payload.layout.totalBytes(within: limits)
        queue.message(payload, on: stream)
    }

    /// Whether the call takes another response; if not, ``relievedStreams()`` names it when it does again.
    package mutating func takesResponses(of stream: StreamID) -> Bool { queue.takesMessages(of: stream) }

    /// The calls that take responses again, once.
    package mutating func relievedStreams() -> [StreamID] { queue.relievedStreams() }

    /// Queues a call's outcome, and the response of a call that has but one; does nothing if the caller has given the
    /// call up. An answer over this side's own limits becomes an error: the client's are the same by default, and it
    /// would end the connection.
    package mutating func reply(
        to stream: StreamID, status: CallStatus = .ok, message: String = "", hasNotRun: Bool = false,
        metadata: Metadata = Metadata(), details: [UInt8] = [], pushback: RetryPushback? = nil,
        payload: Payload = Payload()
    ) {
        guard let call = streams[stream], call.reading == nil else { return }
        close(stream)
        let layout = payload.layout
        do throws(WireError) {
            _ = try layout.totalBytes(within: limits)
        } catch {
            let head = ReplyHead(status: .internalError, message: "the answer cannot be sent: \(error.message)")
            return queue.respond(stream, head, payload: Payload(), call.priority)
        }
        let head = ReplyHead(
            status: status, message: message.cut(toBytes: ReplyHead.largestMessage), hasNotRun: hasNotRun,
            metadata: metadata.byteCount <= limits.metadataBytes ? metadata : Metadata(), layout: layout,
            details: details.count <= ReplyHead.largestDetails ? details : [], pushback: pushback)
        queue.respond(stream, head, payload: payload, call.priority)
    }

    /// Answers a call that has been announced and is not complete, or is held; what still arrives of it is ignored.
    package mutating func refuse(_ stream: StreamID, status: CallStatus, message: String) {
        guard let call = streams[stream], call.reading != nil || call.isHeld else { return }
        close(stream)
        answer(stream, status, message.cut(toBytes: ReplyHead.largestMessage))
    }

    /// Takes no calls from here on; open ones are finished.
    package mutating func goAway(reason: String) {
        guard lastTaken == nil else { return }
        lastTaken = lastStream
        queue.append(.goAway, .connection, GoAway(lastStream: lastStream, reason: reason))
    }

    /// Asks whether the client is there; false if it does not know the question.
    package mutating func ping(_ value: UInt64) -> Bool {
        guard features.contains(.ping) else { return false }
        queue.append(.ping, .connection, bytes: ByteBuffer(integer: value))
        return true
    }

    /// The next bytes to send, or `nil`.
    package mutating func nextWrite() -> ByteBuffer? { queue.next() }

    /// Whether ``flushed(at:)`` is of use now.
    package var measuresFlight: Bool { queue.wantsTime }

    /// Says when what ``nextWrite()`` gave was flushed: from when pings left and were answered it is learnt how many
    /// bytes of large messages the path holds.
    package mutating func flushed(at now: RuntimeInstant) { queue.advance(to: now) }

    // MARK: Frames

    private mutating func handle(_ element: ConnectionInput.Element) throws(WireError) -> Event? {
        switch element {
        case .established(let hello, let shared):
            features = shared
            queue.keep(to: hello, shared)
            if shared.contains(.streams) { inbound.count() }
            return .established(hello)
        case .data(let stream, var piece):
            try requireOpened(stream)
            if let call = streams[stream], call.reading == nil, !call.kind.streamsRequests {
                throw WireError(.malformed, "data follows the end of the request on \(stream)")
            }
            return arrived(try inbound.data(on: stream, &piece, &queue), on: stream)
        case .frame(let header, var payload):
            switch header.kind {
            case .declare:
                return try declare(payload)
            case .request:
                return try request(on: header.stream, &payload)
            case .message:
                try requireTaking(header.stream)
                return arrived(try inbound.message(on: header.stream, &payload, &queue), on: header.stream)
            case .end:
                return try endRequests(of: header.stream)
            case .cancel:
                return try cancel(header.stream)
            case .credit:
                try credit(&payload, header.stream)
                return nil
            case .ping:
                try queue.answer(ping: payload)
                return nil
            case .pong:
                let value = try pingValue(payload)
                return queue.answered(ping: value) ? nil : .pong(value)
            case .hello, .response, .data, .goAway, .metadata:
                throw WireError(.unexpectedFrame, "a client sent a \(header.kind) frame")
            }
        }
    }

    private mutating func declare(_ payload: ByteBuffer) throws(WireError) -> Event {
        let declaration = try Payload(head: payload).decode(as: MethodDeclaration.self)
        guard methods.count < limits.declaredMethods else {
            throw WireError(.tooLarge, "more than \(limits.declaredMethods) methods were declared")
        }
        guard declaration.number == methods.count + 1 else {
            throw WireError(.malformed, "method \(declaration.number) was declared, \(methods.count + 1) is next")
        }
        guard declaration.kind == .unary || features.contains(.streams) else {
            throw WireError(.malformed, "\(declaration.path) streams, which the two sides do not share")
        }
        methods.append(declaration.kind)
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
        guard head.method >= 1, head.method <= methods.count else {
            throw WireError(.malformed, "method \(head.method) was not declared")
        }
        try inbound.requireInline(payload)
        let total: Int
        do throws(WireError) {
            total = try head.totalBytes(within: limits)
        } catch {
            answer(stream, .resourceExhausted, error.message)
            return nil
        }
        guard streams.count < limits.concurrentCalls else {
            answer(stream, .resourceExhausted, "more than \(limits.concurrentCalls) calls at a time")
            return nil
        }
        let kind = methods[Int(head.method) - 1]
        if kind.streamsResponses { queue.openResponses(stream, head.priority) }
        if kind.streamsRequests {
            guard total == 0, payload.readableBytes == 0 else {
                throw WireError(.malformed, "a call that streams its requests has one in its head")
            }
            inbound.open(stream)
            streams[stream] = Stream(kind: kind, priority: head.priority, takesRequests: true)
            return .opened(stream, head)
        }
        if total == payload.readableBytes, head.layout.segments.isEmpty {
            streams[stream] = Stream(kind: kind, priority: head.priority, takesRequests: false)
            return .call(stream, head, Payload(head: payload))
        }
        streams[stream] = Stream(kind: kind, priority: head.priority, reading: head, takesRequests: false)
        opening = (stream, total, payload)
        return .announced(stream, head)
    }

    /// Sets memory aside for the call that was announced, unless it has been turned away.
    private mutating func beginAnnounced() throws(WireError) -> Event? {
        guard var announced = opening else { return nil }
        opening = nil
        guard let head = streams[announced.stream]?.reading else { return nil }
        let arrival = try inbound.begin(
            head.layout, totalBytes: announced.total, on: announced.stream, &announced.piece, &queue)
        return arrived(arrival, on: announced.stream)
    }

    /// What an arrival on a stream means.
    private mutating func arrived(_ arrival: InboundStreams.Arrival, on stream: StreamID) -> Event? {
        switch arrival {
        case .unwanted, .incomplete:
            return nil
        case .noRoom:
            close(stream)
            answer(
                stream, .resourceExhausted, "incomplete messages exceed \(limits.largeMessageBytes) bytes")
            return .cancelled(stream)
        case .tooLarge(let error):
            let isKnown = streams[stream] != nil
            close(stream)
            guard isKnown else { return nil }
            // Behind the responses that wait: a client takes no answer in the middle of one.
            queue.respond(
                stream, ReplyHead(status: .resourceExhausted, message: error.message), payload: Payload(), .normal)
            return .cancelled(stream)
        case .complete(let payload):
            guard let head = streams[stream]?.reading else { return .message(stream, payload) }
            streams[stream]?.reading = nil
            return .call(stream, head, payload)
        }
    }

    private mutating func endRequests(of stream: StreamID) throws(WireError) -> Event? {
        try requireTaking(stream)
        guard !inbound.isInsideMessage(stream) else {
            throw WireError(.unexpectedFrame, "the requests on \(stream) end inside a message")
        }
        guard streams[stream] != nil else { return nil }
        streams[stream]?.takesRequests = false
        inbound.finish(stream)
        return .requestsEnded(stream)
    }

    private mutating func cancel(_ stream: StreamID) throws(WireError) -> Event? {
        try requireOpened(stream)
        queue.drop(stream)
        guard streams[stream] != nil else { return nil }
        close(stream)
        return .cancelled(stream)
    }

    private mutating func credit(_ payload: inout ByteBuffer, _ stream: StreamID) throws(WireError) {
        if stream != .connection { try requireOpened(stream) }
        guard payload.readableBytes == CreditFrame.size, let bytes = payload.readInteger(as: UInt32.self) else {
            throw WireError(.malformed, "a credit frame of \(payload.readableBytes) bytes")
        }
        try queue.credited(Int(bytes), stream)
    }

    /// Throws if the client cannot have sent anything on the stream.
    private func requireOpened(_ stream: StreamID) throws(WireError) {
        guard stream.rawValue % 2 == 1, stream <= lastStream else {
            throw WireError(.unexpectedFrame, "a frame for \(stream), which was never opened")
        }
    }

    /// Throws if the stream takes no more requests; one that was closed ignores them.
    private func requireTaking(_ stream: StreamID) throws(WireError) {
        try requireOpened(stream)
        guard streams[stream]?.takesRequests ?? true else {
            throw WireError(.unexpectedFrame, "a request after the last on \(stream)")
        }
    }

    private mutating func close(_ stream: StreamID) {
        if streams.removeValue(forKey: stream)?.isHeld == true { held.removeAll { $0.stream == stream } }
        inbound.close(stream, &queue)
    }

    /// Answers a call that does not run.
    private mutating func answer(_ stream: StreamID, _ status: CallStatus, _ message: String) {
        queue.drop(stream)
        queue.respond(
            stream, ReplyHead(status: status, message: message, hasNotRun: true), payload: Payload(), .normal)
    }
}

/// The bytes that a ping or pong carries.
func pingBytes(_ payload: ByteBuffer) throws(WireError) -> ByteBuffer {
    guard payload.readableBytes == MemoryLayout<UInt64>.size else {
        throw WireError(.malformed, "a ping of \(payload.readableBytes) bytes")
    }
    return payload
}

func pingValue(_ payload: ByteBuffer) throws(WireError) -> UInt64 {
    let payload = try pingBytes(payload)
    return payload.getInteger(at: payload.readerIndex) ?? 0
}
