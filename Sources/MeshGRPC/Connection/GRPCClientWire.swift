import MeshTransport
import MeshWire
import NIOCore
import NIOHPACK
import NIOHTTP2

/// gRPC on a client's connection: sends calls on HTTP/2's streams and tells its delegate what comes of them.
///
/// Confined to the channel's event loop.
final class GRPCClientWire: ChannelInboundHandler, ClientWire {
    typealias InboundIn = HTTP2Frame
    typealias OutboundOut = HTTP2Frame

    /// What is known of a call beside its state.
    struct Call {
        let kind: CallKind
        /// The only response of a call that has one, until its end is known.
        var response: ByteBuffer?
        /// True once nobody wants to hear of it.
        var isWithdrawn = false
        /// True once its end has been told.
        var isOver = false
    }

    private typealias Streams = HTTP2Streams<GRPCClientStreamState, Call>
    private typealias Stream = Streams.Stream

    private weak let delegate: (any ClientWireDelegate)?
    private let executor: LoopExecutor
    private let configuration: GRPCConfiguration
    private let limits: WireLimits
    private let streams: Streams
    /// What all calls of a method begin with. The methods are kept so that no other can take one's place in memory.
    private var methodHeaders: [ObjectIdentifier: (method: ClientMethod, headers: HPACKHeaders)] = [:]
    private var context: ChannelHandlerContext?
    private var nextStream = HTTP2StreamID(1)
    private var isEstablished = false
    private var isGoingAway = false
    private var hasFailed = false
    private var isReading = false
    private var pings: UInt64 = 0

    init(
        _ configuration: GRPCConfiguration, _ limits: WireLimits, executor: LoopExecutor,
        delegate: any ClientWireDelegate
    ) {
        self.configuration = configuration
        self.limits = limits
        self.executor = executor
        self.delegate = delegate
        streams = Streams(limits, on: executor.eventLoop)
        streams.relieved = { [unowned self] in self.delegate?.relieved($0.streamID) }
    }

    // MARK: Calls

    var takesCalls: Bool { isEstablished && !isGoingAway && !hasFailed && nextStream != .maxID }
    /// HTTP/2 keeps a stream back that is one too many for the server.
    var hasRoom: Bool { true }
    var openCalls: Int { streams.count }
    /// gRPC has them all.
    func takes(_ kind: CallKind) -> Bool { true }
    var keepAlive: KeepAliveConfiguration? { configuration.clientKeepAlive }

    func open(_ call: OutboundCall) throws(WireError) -> StreamID? {
        guard takesCalls, let delegate else { return nil }
        var head = GRPCRequestHead(path: call.method.path, authority: delegate.authority)
        head.isSecure = delegate.isSecure
        head.timeout = call.timeRemaining
        head.encoding = configuration.compression.map { .known($0) } ?? .identity
        head.userAgent = "meshwork"
        head.metadata = call.trace.map { call.metadata.with($0) } ?? call.metadata
        head.deduplication = call.deduplication
        head.previousAttempts = call.previousAttempts
        let kind = call.method.kind
        var state: GRPCClientStreamState
        do throws(GRPCStatus) {
            state = try GRPCClientStreamState(
                head, after: headers(of: call.method, head), kind: kind, limits: limits)
            if !kind.streamsRequests {
                try state.send(call.payload)
                state.endRequests()
            }
        } catch {
            throw WireError(error.code == .resourceExhausted ? .tooLarge : .malformed, error.message)
        }
        let stream = streams.add(nextStream, state, Call(kind: kind))
        nextStream = nextStream.advanced(by: 2)
        write(stream)
        return stream.streamID
    }

    /// What the calls of a method begin with on this connection; `head` is of one of them.
    private func headers(of method: ClientMethod, _ head: GRPCRequestHead) throws(GRPCStatus) -> HPACKHeaders {
        if let known = methodHeaders[ObjectIdentifier(method)] { return known.headers }
        let headers = head.methodHeaders
        guard headers.isWellFormed(as: .request) else {
            throw GRPCStatus(.internalError, "HTTP/2 cannot carry the path \"\(head.path)\" to \"\(head.authority)\"")
        }
        methodHeaders[ObjectIdentifier(method)] = (method, headers)
        return headers
    }

    func send(_ payload: Payload, on stream: StreamID) throws(WireError) {
        guard let stream = streams[stream] else { return }
        do throws(GRPCStatus) {
            try stream.state.send(payload)
        } catch {
            throw WireError(.tooLarge, error.message)
        }
        write(stream)
    }

    /// A client says what it has to say with the call.
    func send(_ metadata: Metadata, on stream: StreamID) {}

    func takesMessages(of stream: StreamID) -> Bool { streams[stream].map { streams.takesMessages($0) } ?? true }

    func taken(from stream: StreamID) {
        guard let stream = streams[stream] else { return }
        streams.taken(from: stream)
        readOn(stream)
        flush()
    }

    func endRequests(of stream: StreamID) {
        guard let stream = streams[stream] else { return }
        stream.state.endRequests()
        write(stream)
    }

    func withdraw(_ stream: StreamID) {
        guard let stream = streams[stream] else { return }
        stream.call.isWithdrawn = true
        stream.state.cancel()
        readOn(stream)
        write(stream)
        forgetIfOver(stream)
    }

    func ping() -> Bool {
        pings += 1
        streams.control(.ping(HTTP2PingData(withInteger: pings), ack: false), on: .rootStream)
        flush()
        return true
    }

    // MARK: The channel

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        streams.begin(context)
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
        streams.end()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        isReading = true
        let frame = unwrapInboundIn(data)
        switch frame.payload {
        case .headers(let content):
            received(content.headers, on: frame.streamID, endsStream: content.endStream)
        case .data(let content):
            received(content, on: frame.streamID)
        case .settings(.settings(let settings)):
            streams.apply(settings)
            guard !isEstablished else { return }
            isEstablished = true
            delegate?.established(nil)
        case .ping(_, let isAnswer):
            if isAnswer { delegate?.heard() }
        case .goAway(let last, _, _):
            goesAway(after: last)
        case .settings, .windowUpdate, .rstStream, .priority, .pushPromise, .alternativeService, .origin:
            break
        }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        switch event {
        case let update as NIOHTTP2WindowUpdatedEvent:
            streams.apply(update)
        case let created as NIOHTTP2StreamCreatedEvent:
            streams[created.streamID]?.isCreated = true
        case let closed as StreamClosedEvent:
            guard let stream = streams[closed.streamID] else { return }
            stream.isClosed = true
            if !stream.state.isFinished { stream.state.receive(reset: closed.reason ?? .cancel) }
            readOn(stream)
            forgetIfOver(stream)
        default:
            context.fireUserInboundEventTriggered(event)
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        if isReading {
            // Callers that were resumed send their next calls before the flush.
            executor.finishReading()
            isReading = false
        }
        streams.flush()
        delegate?.isQuiet()
        context.fireChannelReadComplete()
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if context.channel.isWritable { streams.flush() }
        context.fireChannelWritabilityChanged()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // One stream's fault has been told to its peer, and does not end the others.
        if error is NIOHTTP2Errors.StreamError { return }
        guard error is any NIOHTTP2Error else { return context.fireErrorCaught(error) }
        // Written after the server's goodbye and the last of its answers: no fault of either side.
        if error is NIOHTTP2Errors.IOOnClosedConnection { return connectionEnded() }
        fail(MeshError(.protocolViolation, "\(error)", peer: delegate?.peerName, cause: error))
    }

    func channelInactive(context: ChannelHandlerContext) {
        if isReading {
            executor.finishReading()
            isReading = false
        }
        connectionEnded()
        context.fireChannelInactive()
    }

    private func connectionEnded() {
        let reason = "the server closed the connection"
        for stream in streams.inOrder {
            stream.isClosed = true
            // What HTTP/2 does not know has never left; the others may have run.
            guard !stream.isCreated else { continue }
            stream.state.receivedGoAwayBefore()
            readOn(stream)
        }
        fail(MeshError(.connectionLost, reason, peer: delegate?.peerName))
    }

    private func fail(_ error: MeshError) {
        guard !hasFailed else { return }
        hasFailed = true
        delegate?.failed(error)
    }

    // MARK: What arrives

    private func received(_ headers: HPACKHeaders, on id: HTTP2StreamID, endsStream: Bool) {
        guard let stream = streams[id] else { return }
        if endsStream { stream.hasReceivedEnd = true }
        stream.state.receive(headers, endsStream: endsStream)
        readOn(stream)
    }

    private func received(_ data: HTTP2Frame.FramePayload.Data, on id: HTTP2StreamID) {
        guard let stream = streams[id], case .byteBuffer(let bytes) = data.data else { return }
        if data.endStream { stream.hasReceivedEnd = true }
        // The padding's own length is one byte more.
        streams.received(bytes.readableBytes + (data.paddingBytes.map { $0 + 1 } ?? 0), on: stream)
        stream.state.receive(bytes, endsStream: data.endStream)
        readOn(stream)
    }

    /// The server takes no calls after `last`.
    private func goesAway(after last: HTTP2StreamID) {
        isGoingAway = true
        // Those that have not been begun cannot be begun any more.
        for stream in streams.inOrder where stream.id > last || !stream.isCreated {
            stream.state.receivedGoAwayBefore()
            readOn(stream)
        }
    }

    /// Hands on what a stream has, as far as its call takes it.
    private func readOn(_ stream: Stream) {
        while streams.handsOn(stream) || stream.call.isWithdrawn, let event = stream.state.nextEvent() {
            handle(event, of: stream)
        }
        streams.settle(stream)
        streams.enqueue(stream)
    }

    private func handle(_ event: GRPCClientStreamState.Event, of stream: Stream) {
        let id = stream.streamID
        switch event {
        case .head(let metadata):
            if !stream.call.isWithdrawn { delegate?.delivered(id, metadata) }
        case .response(let message):
            guard !stream.call.isWithdrawn else { return }
            guard stream.call.kind.streamsResponses else { return stream.call.response = message }
            guard streams.handsOn(message.readableBytes, of: stream) else {
                stream.call.isWithdrawn = true
                stream.state.cancel()
                delegate?.unreadable(id, WireError(.tooLarge, "no memory for a message of that size"))
                return
            }
            delegate?.delivered(id, Payload(head: message))
        case .finished(let outcome):
            finished(stream, outcome)
        }
    }

    private func finished(_ stream: Stream, _ outcome: GRPCOutcome) {
        stream.call.isOver = true
        forgetIfOver(stream)
        guard !stream.call.isWithdrawn else { return }
        let status = outcome.status
        switch outcome.knowledge {
        case .answered:
            let head = ReplyHead(
                status: status.code, message: status.message, metadata: outcome.metadata, details: status.details,
                pushback: outcome.pushback)
            delegate?.answered(stream.streamID, head, Payload(head: stream.call.response ?? ByteBuffer()))
        case .hasNotRun:
            delegate?.notTaken([stream.streamID], reason: status.message)
        case .mayHaveRun:
            delegate?.lost(stream.streamID, status.code, status.message)
        }
    }

    // MARK: What is sent

    private func write(_ stream: Stream) {
        streams.enqueue(stream)
        flush()
    }

    /// Sends what waits: at the end of the read that is under way; else at once if no other call could share the flush,
    /// or in the loop's next turn.
    private func flush() {
        if isReading { return }
        if streams.count > 1 { streams.scheduleFlush() } else { streams.flush() }
    }

    /// Forgets a call whose end has been told, once HTTP/2 has ended its stream as well, or has never begun it.
    private func forgetIfOver(_ stream: Stream) {
        guard stream.call.isOver, stream.isClosed || !stream.isCreated && !stream.state.hasWrites else { return }
        streams.remove(stream)
    }
}
