package import NIOCore

/// The client's side of a `meshwork/1` connection: calls in, frames out; bytes in, answers out. No I/O, no clock.
///
/// ```
///            open(…)            response head        last byte
///   (none) ──────────► waiting ──────────────► reading ─────────► (none)
///                         │                       │
///                         └────── cancel(…) ──────┴──────────────► (none); what still arrives is ignored
/// ```
package struct ClientConnectionState {
    package enum Event {
        /// The server said hello: calls may be opened.
        case established(Hello)
        /// A call was answered.
        case response(StreamID, ReplyHead, Payload)
        /// The server takes no new streams; of those open, the ones listed were not taken.
        case goAway(GoAway, notTaken: [StreamID])
    }

    private enum Stream {
        case waiting
        case reading(ReplyHead, PayloadAssembler)
    }

    private let limits: WireLimits
    private var input: ConnectionInput
    private var queue = OutboundQueue()
    private var streams: [StreamID: Stream] = [:]
    private var nextStream: StreamID? = .first
    private var declaredMethods: UInt32 = 0
    private var isGoingAway = false
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

    /// The calls that have not been answered.
    package var openStreams: Int { streams.count }

    /// False once the server said that it goes away, or the stream numbers are used up.
    package var takesCalls: Bool { !isGoingAway && nextStream != nil }

    /// Gives a method with the message types that its caller means a number on this connection: the server compares
    /// them once for each.
    package mutating func declare(path: String, requestName: String, responseName: String) -> UInt32 {
        declaredMethods += 1
        queue.append(
            .declare, .connection,
            MethodDeclaration(
                number: declaredMethods, path: path, requestName: requestName, responseName: responseName))
        return declaredMethods
    }

    /// Queues a call of a declared method; `nil` if the connection takes no more.
    package mutating func open(
        _ method: UInt32, timeRemaining: Duration, deduplication: Deduplication?, metadata: Metadata, payload: Payload
    ) -> StreamID? {
        precondition((1...declaredMethods).contains(method), "method \(method) was not declared")
        guard takesCalls, let stream = nextStream else { return nil }
        nextStream = stream.next
        let head = CallHead(
            method: method, timeRemaining: timeRemaining, deduplication: deduplication, metadata: metadata,
            layout: payload.layout)
        queue.append(.request, stream, head, payload: payload)
        streams[stream] = .waiting
        return stream
    }

    /// Gives a call up; its answer, should it still come, is ignored.
    package mutating func cancel(_ stream: StreamID) {
        guard streams.removeValue(forKey: stream) != nil else { return }
        queue.drop(stream)
        queue.append(.cancel, stream)
    }

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
            case .response:
                return try response(on: header.stream, &payload)
            case .goAway:
                return try goAway(payload)
            case .hello, .declare, .request, .data, .cancel:
                throw WireError(.unexpectedFrame, "a server sent a \(header.kind) frame")
            }
        }
    }

    private mutating func response(on stream: StreamID, _ payload: inout ByteBuffer) throws(WireError) -> Event? {
        let head = try readOpening(&payload, as: ReplyHead.self)
        switch streams[stream] {
        case .waiting:
            let total = try head.layout.totalBytes(within: limits)
            if total == payload.readableBytes, head.layout.segments.isEmpty {
                return answered(stream, head, Payload(head: payload))
            }
            streams[stream] = .reading(head, PayloadAssembler(layout: head.layout, totalBytes: total))
            return try received(&payload, of: stream)
        case .reading:
            throw WireError(.unexpectedFrame, "a second response on \(stream)")
        case nil:
            try requireOpened(stream)
            return nil
        }
    }

    private mutating func received(_ piece: inout ByteBuffer, of stream: StreamID) throws(WireError) -> Event? {
        // The assembler is taken out while it grows, so that its buffers are not shared and copied.
        switch streams.removeValue(forKey: stream) {
        case nil:
            try requireOpened(stream)
            return nil
        case .waiting:
            throw WireError(.unexpectedFrame, "data before the response on \(stream)")
        case .reading(let head, var assembler):
            try assembler.append(&piece)
            guard assembler.isComplete else {
                streams[stream] = .reading(head, assembler)
                return nil
            }
            return answered(stream, head, assembler.finish())
        }
    }

    /// An answer is complete; the server wants no more of the request, should some of it wait.
    private mutating func answered(_ stream: StreamID, _ head: ReplyHead, _ payload: Payload) -> Event {
        streams.removeValue(forKey: stream)
        if queue.holdsPayload(of: stream) {
            queue.drop(stream)
            queue.append(.cancel, stream)
        }
        return .response(stream, head, payload)
    }

    private mutating func goAway(_ payload: ByteBuffer) throws(WireError) -> Event {
        let goAway = try Payload(head: payload).decode(as: GoAway.self)
        isGoingAway = true
        let notTaken = streams.keys.filter { $0 > goAway.lastStream }.sorted()
        for stream in notTaken {
            streams.removeValue(forKey: stream)
            queue.drop(stream)
        }
        return .goAway(goAway, notTaken: notTaken)
    }

    private func requireOpened(_ stream: StreamID) throws(WireError) {
        guard stream.rawValue % 2 == 1, nextStream.map({ stream < $0 }) ?? true else {
            throw WireError(.unexpectedFrame, "a frame for \(stream), which was never opened")
        }
    }
}
