package import NIOCore

/// The client's side of a `meshwork/1` connection: calls in, frames out; bytes in, answers out. No I/O, no clock.
///
/// ```
///            open(…)            response head        last byte
///   (none) ──────────► waiting ──────────────► reading ─────────► (none)
///                         │                       │
///                         └────── cancel(…) ──────┴──────────────► (none); what still arrives is ignored
/// ```
/// A call that streams its responses gives them out while it waits, and ends with a response that has no message.
package struct ClientConnectionState: ~Copyable {
    package enum Event {
        /// The server said hello: calls may be opened.
        case established(Hello)
        /// What the server says of a call before its first response.
        case metadata(StreamID, Metadata)
        /// The response of a call that has but one has begun to arrive, and there is more to come.
        case answering(StreamID)
        /// The next response of a call that streams them; ``taken(from:)`` says that its reader has it.
        case message(StreamID, Payload)
        /// A call has ended: its outcome, and the response of a call that has but one.
        case response(StreamID, ReplyHead, Payload)
        /// A call was given up because its answer is over a limit of this side.
        case unreadable(StreamID, WireError)
        /// The server takes no new streams; of those open, the ones listed were not taken.
        case goAway(GoAway, notTaken: [StreamID])
        /// The server has answered a ping of ``ping(_:)``.
        case pong(UInt64)
    }

    private struct Stream {
        let kind: CallKind
        /// The outcome, while the message that it came with is read.
        var outcome: ReplyHead?
        var hasMetadata = false
    }

    private let limits: WireLimits
    private var input: ConnectionInput
    private var queue: OutboundQueue
    private var inbound: InboundStreams
    private var streams = StreamTable<Stream>()
    private var nextStream: StreamID? = .first
    private var methods: [CallKind] = []
    private var features: Features = []
    /// The most calls at a time that the server takes.
    private var concurrentCalls = Int.max
    private var isEstablished = false
    private var isGoingAway = false
    /// Set by the first error: where the next frame would begin is not known any more.
    private var isBroken = false

    /// A connection of the process `instance`, whose first bytes are queued at once.
    package init(instance: InstanceID, limits: WireLimits, sharesSegments: Bool = false) {
        queue = OutboundQueue(sharesSegments: sharesSegments)
        let hello = Hello(instance: instance, limits: limits)
        self.limits = limits
        input = ConnectionInput(own: hello, limits: limits)
        inbound = InboundStreams(limits: limits)
        queue.append(bytes: Preface.bytes)
        queue.append(.hello, .connection, hello)
    }

    /// The calls that have not been answered.
    package var openStreams: Int { streams.count }

    /// False before the server's hello, and once it said that it goes away or the stream numbers are used up.
    package var takesCalls: Bool { isEstablished && !isGoingAway && nextStream != nil }

    /// Whether the server takes another call now: it would refuse one that is opened nevertheless.
    package var hasRoom: Bool { streams.count < concurrentCalls }

    /// Whether the server knows calls of this kind.
    package func takes(_ kind: CallKind) -> Bool { kind == .unary || features.contains(.streams) }

    // MARK: What leaves

    /// Gives a method with the message types that its caller means a number on this connection: the server compares
    /// them once for each. The server must know calls of this kind.
    package mutating func declare(
        path: String, requestName: String, responseName: String, kind: CallKind = .unary
    ) -> UInt32 {
        precondition(takes(kind), "\(path) streams, which the server does not know")
        methods.append(kind)
        let number = UInt32(methods.count)
        queue.append(
            .declare, .connection,
            MethodDeclaration(
                number: number, path: path, requestName: requestName, responseName: responseName, kind: kind))
        return number
    }

    /// Queues a call of a declared method; `nil` if the connection takes no more. A call that streams its requests has
    /// no payload here.
    package mutating func open(
        _ method: UInt32, timeRemaining: Duration, deduplication: Deduplication?, metadata: Metadata,
        priority: CallPriority = .normal, trace: TraceParent? = nil, payload: Payload = Payload()
    ) -> StreamID? {
        precondition((1...methods.count).contains(Int(method)), "method \(method) was not declared")
        guard takesCalls, let stream = nextStream else { return nil }
        nextStream = stream.next
        let kind = methods[Int(method) - 1]
        let head = CallHead(
            method: method, timeRemaining: timeRemaining, deduplication: deduplication, metadata: metadata,
            layout: payload.layout, priority: priority, trace: trace)
        queue.open(stream, head, payload: payload, streamsRequests: kind.streamsRequests)
        if kind.streamsResponses { inbound.open(stream) }
        streams[stream] = Stream(kind: kind)
        return stream
    }

    /// Queues a request of a call that streams them; does nothing if the call has ended. Throws if the message is over
    /// this side's own limits: the server's are the same by default.
    package mutating func send(_ payload: Payload, on stream: StreamID) throws(WireError) {
        guard streams[stream]?.kind.streamsRequests == true else { return }
        _ = try payload.layout.totalBytes(within: limits)
        queue.message(payload, on: stream)
    }

    /// Whether the call takes another request; if not, ``relievedStreams()`` names it when it does again.
    package mutating func takesRequests(of stream: StreamID) -> Bool { queue.takesMessages(of: stream) }

    /// The calls that take requests again, once.
    package mutating func relievedStreams() -> [StreamID] { queue.relievedStreams() }

    /// Says that a call has no more requests.
    package mutating func endRequests(of stream: StreamID) {
        guard streams[stream]?.kind.streamsRequests == true else { return }
        queue.end(stream)
    }

    /// Gives a call up; its answer, should it still come, is ignored.
    package mutating func cancel(_ stream: StreamID) {
        guard streams.removeValue(forKey: stream) != nil else { return }
        inbound.close(stream, &queue)
        queue.drop(stream)
        queue.append(.cancel, stream)
    }

    /// Asks whether the server is there; false if it does not know the question.
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

    // MARK: What arrives

    /// Takes bytes off the connection; ask ``nextEvent()`` what they mean.
    package mutating func receive(_ bytes: ByteBuffer) {
        if !isBroken { input.feed(bytes) }
    }

    /// What happened, in order; `nil` until more bytes arrive. An error ends the connection: nothing is read after it.
    package mutating func nextEvent() throws(WireError) -> Event? {
        guard !isBroken else { return nil }
        do throws(WireError) {
            while let element = try input.next() {
                if let event = try handle(element) { return event }
            }
            return nil
        } catch {
            isBroken = true
            throw error
        }
    }

    /// Throws if the server ended the connection in the middle of something.
    package func end() throws(WireError) {
        if !isBroken { try input.end() }
    }

    /// The reader of a call has the oldest of the responses that have arrived for it.
    package mutating func taken(from stream: StreamID) { inbound.taken(from: stream, &queue) }

    private mutating func handle(_ element: ConnectionInput.Element) throws(WireError) -> Event? {
        switch element {
        case .established(let hello, let shared):
            features = shared
            isEstablished = true
            if hello.concurrentCalls > 0 { concurrentCalls = hello.concurrentCalls }
            queue.keep(to: hello, shared)
            if shared.contains(.streams) { inbound.count() }
            return .established(hello)
        case .data(let stream, var piece):
            try requireOpened(stream)
            if let call = streams[stream], call.outcome == nil, !call.kind.streamsResponses {
                throw WireError(.unexpectedFrame, "data before the response on \(stream)")
            }
            return arrived(try inbound.data(on: stream, &piece, &queue), on: stream)
        case .frame(let header, var payload):
            switch header.kind {
            case .response:
                return try response(on: header.stream, &payload)
            case .message:
                return try message(on: header.stream, &payload)
            case .metadata:
                return try metadata(payload, header.stream)
            case .goAway:
                return try goAway(payload)
            case .credit:
                try credit(&payload, header.stream)
                return nil
            case .ping:
                try queue.answer(ping: payload)
                return nil
            case .pong:
                let value = try pingValue(payload)
                return queue.answered(ping: value) ? nil : .pong(value)
            case .hello, .declare, .request, .data, .cancel, .end:
                throw WireError(.unexpectedFrame, "a server sent a \(header.kind) frame")
            }
        }
    }

    private mutating func response(on stream: StreamID, _ payload: inout ByteBuffer) throws(WireError) -> Event? {
        let head = try readOpening(&payload, as: ReplyHead.self)
        try inbound.requireInline(payload)
        guard let call = streams[stream] else {
            try requireOpened(stream)
            return nil
        }
        guard call.outcome == nil, !inbound.isInsideMessage(stream) else {
            throw WireError(.unexpectedFrame, "a response inside a message, or a second one, on \(stream)")
        }
        guard head.metadata.byteCount <= limits.metadataBytes else {
            return unreadable(stream, WireError(.tooLarge, "metadata over \(limits.metadataBytes) bytes"))
        }
        let total: Int
        do throws(WireError) {
            total = try head.layout.totalBytes(within: limits)
        } catch {
            return unreadable(stream, error)
        }
        if total == payload.readableBytes, head.layout.segments.isEmpty {
            return answered(stream, head, Payload(head: payload))
        }
        guard !call.kind.streamsResponses else {
            throw WireError(.malformed, "the end of a call that streams its responses has one")
        }
        streams[stream]?.outcome = head
        let arrival = try inbound.begin(head.layout, totalBytes: total, on: stream, &payload, &queue)
        if case .incomplete = arrival { return .answering(stream) }
        return arrived(arrival, on: stream)
    }

    private mutating func message(on stream: StreamID, _ payload: inout ByteBuffer) throws(WireError) -> Event? {
        try requireOpened(stream)
        guard streams[stream]?.kind.streamsResponses ?? true else {
            throw WireError(.unexpectedFrame, "a message on \(stream), whose call has one response")
        }
        return arrived(try inbound.message(on: stream, &payload, &queue), on: stream)
    }

    private mutating func metadata(_ payload: ByteBuffer, _ stream: StreamID) throws(WireError) -> Event? {
        try requireOpened(stream)
        guard let call = streams[stream] else { return nil }
        guard !call.hasMetadata else { throw WireError(.unexpectedFrame, "a second metadata frame on \(stream)") }
        let metadata = try Payload(head: payload).decode(as: ResponseMetadata.self).metadata
        guard metadata.byteCount <= limits.metadataBytes else {
            return unreadable(stream, WireError(.tooLarge, "metadata over \(limits.metadataBytes) bytes"))
        }
        streams[stream]?.hasMetadata = true
        return .metadata(stream, metadata)
    }

    /// What an arrival on a stream means.
    private mutating func arrived(_ arrival: InboundStreams.Arrival, on stream: StreamID) -> Event? {
        switch arrival {
        case .unwanted, .incomplete:
            return nil
        case .noRoom:
            return unreadable(
                stream, WireError(.tooLarge, "unfinished answers exceed \(limits.largeMessageBytes) bytes"))
        case .tooLarge(let error):
            return streams[stream] == nil ? nil : unreadable(stream, error)
        case .complete(let payload):
            guard let head = streams[stream]?.outcome else { return .message(stream, payload) }
            return answered(stream, head, payload)
        }
    }

    private mutating func unreadable(_ stream: StreamID, _ error: WireError) -> Event {
        cancel(stream)
        return .unreadable(stream, error)
    }

    /// A call is answered; the server wants no more of its requests, should some of them wait.
    private mutating func answered(_ stream: StreamID, _ head: ReplyHead, _ payload: Payload) -> Event {
        streams.removeValue(forKey: stream)
        inbound.close(stream, &queue)
        if queue.holds(stream) {
            queue.drop(stream)
            queue.append(.cancel, stream)
        }
        return .response(stream, head, payload)
    }

    private mutating func goAway(_ payload: ByteBuffer) throws(WireError) -> Event {
        let goAway = try Payload(head: payload).decode(as: GoAway.self)
        isGoingAway = true
        let notTaken = streams.inOrder.map(\.stream).filter { $0 > goAway.lastStream }
        for stream in notTaken {
            streams.removeValue(forKey: stream)
            inbound.close(stream, &queue)
            queue.drop(stream)
        }
        return .goAway(goAway, notTaken: notTaken)
    }

    private mutating func credit(_ payload: inout ByteBuffer, _ stream: StreamID) throws(WireError) {
        if stream != .connection { try requireOpened(stream) }
        guard payload.readableBytes == CreditFrame.size, let bytes = payload.readInteger(as: UInt32.self) else {
            throw WireError(.malformed, "a credit frame of \(payload.readableBytes) bytes")
        }
        try queue.credited(Int(bytes), stream)
    }

    private func requireOpened(_ stream: StreamID) throws(WireError) {
        guard stream.rawValue % 2 == 1, nextStream.map({ stream < $0 }) ?? true else {
            throw WireError(.unexpectedFrame, "a frame for \(stream), which was never opened")
        }
    }
}
