import MeshTransport
import MeshWire
import NIOCore
import NIOHPACK
import NIOHTTP2

/// gRPC on a server's connection: gives the calls that arrive on HTTP/2's streams to ``/MeshTransport/ServerCalls`` and
/// sends their answers.
///
/// Sendable: everything mutable is touched on the channel's event loop alone.
final class GRPCServerWire: ChannelInboundHandler, ServerWire, InboundConnection, @unchecked Sendable {
    typealias InboundIn = HTTP2Frame
    typealias OutboundOut = HTTP2Frame

    /// What is known of a call beside its state.
    struct Call {
        var method: ServerStack.Resolution?
        var kind = CallKind.unary
        var head = CallHead(
            method: 0, timeRemaining: .zero, deduplication: nil, metadata: Metadata(), layout: PayloadLayout())
        /// When nobody waits for its answer any more.
        var deadline = RuntimeInstant(nanoseconds: .max)
        /// True until its only request has come whole.
        var awaitsRequest = false
        /// True while the connection's patience knows it.
        var isWatched = false
        /// The body and the answer of a request that is no call.
        var exchange: CallStream?
    }

    typealias Streams = HTTP2Streams<ServerStreamState, Call>
    typealias Stream = Streams.Stream

    /// Resolved methods that are kept for the connection's life.
    private static let largestMethods = 1_024

    /// Streams with header fields that HTTP/2 does not allow, in the connection's life: a client that means well has none.
    private static let largestMalformed = 1_000

    let calls: ServerCalls
    private let configuration: GRPCConfiguration
    let limits: WireLimits
    let streams: Streams
    private let coalescer: WriteCoalescer
    private var lifecycle: ServerLifecycle
    private var patience: RequestPatience
    /// The calls that have begun in the read that is under way and have a request to wait for: most have it in the same
    /// read.
    private var begun: [Stream] = []
    private var methods: [String: ServerStack.Resolution] = [:]
    private var lastStream = HTTP2StreamID.rootStream
    private var context: ChannelHandlerContext?
    private var malformed = 0
    /// The streams that are no calls.
    var plainCount = 0
    /// True once it was told that the client does not take its answers.
    private var hasToldOfQueue = false
    private var isReading = false
    private var isSettling = false
    private var isEnding = false
    private var timer: Scheduled<Void>?
    private var timerDeadline = RuntimeInstant(nanoseconds: .max)

    /// A connection whose handshake is done.
    ///
    /// - Parameter coalescer: what stands between HTTP/2 and the peer.
    init(_ calls: ServerCalls, _ configuration: GRPCConfiguration, _ limits: WireLimits, _ coalescer: WriteCoalescer) {
        self.calls = calls
        self.coalescer = coalescer
        self.configuration = configuration
        self.limits = limits
        streams = Streams(limits, on: calls.executor.eventLoop)
        var generator = RuntimeRandomNumberGenerator(calls.runtime)
        lifecycle = ServerLifecycle(configuration, now: calls.runtime.now, using: &generator)
        patience = RequestPatience(limit: limits.requestTimeout)
        calls.wire = self
        streams.relieved = { [unowned self] in
            if let exchange = $0.call.exchange { exchange.relieved() } else { self.calls.relieved($0.streamID) }
        }
    }

    // MARK: The connection, from any thread

    func policyChanged() { calls.executor.eventLoop.execute { self.calls.policyChanged() } }

    func drain(reason: String) {
        calls.executor.eventLoop.execute { self.perform(self.lifecycle.drain(reason, now: self.calls.runtime.now)) }
    }

    func end(reason: String) {
        calls.executor.eventLoop.execute {
            guard !self.isEnding, self.context != nil else { return }
            self.perform([.goAway(reason, .noError, isFinal: true), .close])
        }
    }

    func close() {
        calls.executor.eventLoop.execute { self.end() }
    }

    // MARK: Calls

    func reply(_ reply: Reply, to stream: StreamID) {
        guard let stream = streams[stream] else { return }
        answer(stream, reply)
        write(stream)
    }

    func callEnded() {}

    func send(_ payload: Payload, on stream: StreamID) throws(WireError) {
        guard let stream = streams[stream] else { return }
        if stream.state.plain != nil {
            stream.state.plain?.send(payload.head)
            return write(stream)
        }
        guard payload.count <= limits.messageBytes else {
            throw WireError(
                .tooLarge, "a message of \(payload.count) bytes is over the limit of \(limits.messageBytes)")
        }
        stream.state.grpc.send(payload)
        write(stream)
    }

    func send(_ metadata: Metadata, on stream: StreamID) {
        guard let stream = streams[stream] else { return }
        stream.state.grpc.sendHead(metadata)
        write(stream)
    }

    func takesMessages(of stream: StreamID) -> Bool { streams[stream].map { streams.takesMessages($0) } ?? true }

    func taken(from stream: StreamID) {
        guard let stream = streams[stream] else { return }
        streams.taken(from: stream)
        if stream.state.plain != nil { readOnPlain(stream) } else { readOn(stream) }
        flush()
    }

    /// A server's last word is the reply.
    func endRequests(of stream: StreamID) {}

    /// A handler gives a call up with its reply; an answer of plain HTTP has no such words.
    func withdraw(_ stream: StreamID) {
        guard let stream = streams[stream], stream.state.plain != nil else { return }
        abandonPlain(stream)
        stream.state.plain?.reset()
        write(stream)
    }

    private func answer(_ stream: Stream, _ reply: Reply) {
        if !reply.metadata.isEmpty { stream.state.grpc.sendHead(reply.metadata) }
        if reply.status == .ok, !stream.call.kind.streamsResponses { stream.state.grpc.send(reply.payload) }
        stream.state.grpc.finish(
            GRPCTrailers(
                GRPCStatus(reply.status, reply.message, details: reply.details), metadata: reply.trailers,
                pushback: reply.pushback))
    }

    // MARK: The channel

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        streams.begin(context)
        arm()
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
        timer?.cancel()
        streams.end()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        // Nothing that follows an error is run.
        guard !isEnding else { return }
        isReading = true
        let frame = unwrapInboundIn(data)
        switch frame.payload {
        case .headers(let content):
            received(content.headers, on: frame.streamID, endsStream: content.endStream)
        case .data(let content):
            received(content, on: frame.streamID)
        case .settings(.settings(let settings)):
            streams.apply(settings)
        case .ping(let data, let isAnswer):
            let actions = lifecycle.receivedPing(
                data, isAnswer: isAnswer, openCalls: streams.count, now: calls.runtime.now)
            if actions.contains(.close) { calls.protocolError(WireError(.tooLarge, "too many pings have come")) }
            perform(actions)
        case .settings, .windowUpdate, .rstStream, .goAway, .priority, .pushPromise, .alternativeService, .origin:
            break
        }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        switch event {
        case let update as NIOHTTP2WindowUpdatedEvent:
            streams.apply(update)
        case let closed as StreamClosedEvent:
            if let stream = streams[closed.streamID] { self.closed(stream, closed.reason) }
        case is NIOHTTP2StreamCreatedEvent:
            break
        default:
            context.fireUserInboundEventTriggered(event)
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        if isReading {
            // Handlers on the loop answer before the flush.
            calls.executor.finishReading()
            isReading = false
        }
        lifecycle.received(openCalls: streams.count, now: calls.runtime.now)
        awaitRequests()
        streams.flush()
        finishIfDrained()
        arm()
        context.fireChannelReadComplete()
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if context.channel.isWritable { streams.flush() }
        context.fireChannelWritabilityChanged()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // One stream's fault has been told to its peer, and does not end the others.
        if error is NIOHTTP2Errors.StreamError { return }
        let isPeers = error is any NIOHTTP2Error || error is WireError
        // What the closing connection goes on to say is no news.
        if !isEnding { isPeers ? calls.protocolError(error) : calls.connectionFailed(error) }
        end()
    }

    func channelInactive(context: ChannelHandlerContext) {
        if isReading {
            calls.executor.finishReading()
            isReading = false
        }
        for stream in streams.inOrder where stream.state.plain != nil { abortPlain(stream) }
        calls.connectionClosed()
        context.fireChannelInactive()
    }

    // MARK: What arrives

    private func received(_ headers: HPACKHeaders, on id: HTTP2StreamID, endsStream: Bool) {
        let stream: Stream
        if let known = streams[id] {
            stream = known
        } else {
            // Behind the last that is taken: the client has been told so, or is on its way to know.
            guard !lifecycle.isDrained else { return streams.control(.rstStream(.refusedStream), on: id) }
            lastStream = id
            stream = streams.add(
                id, ServerStreamState(grpc: GRPCServerStreamState(limits: limits, leavesHTTP: calls.takesHTTP)), Call())
        }
        if endsStream { stream.hasReceivedEnd = true }
        if stream.state.plain != nil { return receivedTrailers(of: stream, endsStream: endsStream) }
        stream.state.grpc.receive(headers, endsStream: endsStream)
        if stream.state.grpc.isPlainHTTP { return beginPlain(stream, headers, endsStream: endsStream) }
        if stream.state.grpc.isMalformed {
            malformed += 1
            if malformed > Self.largestMalformed {
                calls.protocolError(WireError(.malformed, "too many header blocks that HTTP/2 does not allow"))
                return end()
            }
        }
        readOn(stream)
    }

    private func received(_ data: HTTP2Frame.FramePayload.Data, on id: HTTP2StreamID) {
        guard let stream = streams[id], case .byteBuffer(let bytes) = data.data else { return }
        if data.endStream { stream.hasReceivedEnd = true }
        // The padding's own length is one byte more.
        streams.received(bytes.readableBytes + (data.paddingBytes.map { $0 + 1 } ?? 0), on: stream)
        if stream.state.plain != nil { return received(bytes, onPlain: stream, endsStream: data.endStream) }
        stream.state.grpc.receive(bytes, endsStream: data.endStream)
        readOn(stream)
    }

    /// Hands on what a stream has, as far as its call takes it.
    private func readOn(_ stream: Stream) {
        while streams.handsOn(stream) || stream.state.grpc.isFinished, let event = stream.state.grpc.nextEvent() {
            handle(event, on: stream)
        }
        streams.settle(stream)
        streams.enqueue(stream)
    }

    private func handle(_ event: GRPCServerStreamState.Event, on stream: Stream) {
        switch event {
        case .call(let head):
            begin(stream, head)
        case .request(let message):
            guard streams.handsOn(message.readableBytes, of: stream) else {
                return refuse(
                    stream, Reply(status: .resourceExhausted, message: "no memory for a message of that size"))
            }
            request(Payload(head: message), on: stream)
        case .requestsEnded:
            if stream.call.kind.streamsRequests { calls.requestsEnded(of: stream.streamID) }
        case .aborted:
            stopWaiting(for: stream)
            calls.cancelled(stream.streamID)
        }
    }

    // MARK: Requests that do not come

    private func awaitRequests() {
        guard !begun.isEmpty else { return }
        for stream in begun where stream.call.awaitsRequest && !stream.isClosed {
            stream.call.isWatched = true
            patience.began(stream.streamID, deadline: stream.call.deadline, now: calls.runtime.now)
        }
        begun.removeAll(keepingCapacity: true)
    }

    private func stopWaiting(for stream: Stream) {
        stream.call.awaitsRequest = false
        guard stream.call.isWatched else { return }
        stream.call.isWatched = false
        patience.ended(stream.streamID)
    }

    private func expire() {
        for expired in patience.advance(to: calls.runtime.now) {
            guard let stream = streams[expired.stream], case .served(let route)? = stream.call.method else { continue }
            let message = "\(route.method.path): the request has not come whole in time"
            if expired.isOverLimit { calls.protocolError(WireError(.truncated, message)) }
            refuse(stream, Reply(status: .deadlineExceeded, message: message))
            write(stream)
        }
    }

    private func begin(_ stream: Stream, _ head: GRPCRequestHead) {
        // What waits for this peer is enough: it may take that first, or ask another server.
        guard streams.hasRoomForAnswers else {
            if !hasToldOfQueue {
                calls.peerIsSilent("it takes none of the \(streams.queuedBytes) bytes of its answers")
            }
            hasToldOfQueue = true
            return stream.state.grpc.refuse()
        }
        let method = resolve(head.path)
        stream.call.method = method
        stream.call.head = CallHead(head)
        stream.call.deadline = calls.runtime.now.advanced(by: stream.call.head.timeRemaining)
        if let refusal = calls.review(method, stream.call.head) { return refuse(stream, refusal) }
        guard case .served(let route) = method else { return }
        stream.call.kind = route.method.kind
        stream.state.grpc.accept(route.method.kind, compressing: configuration.compression)
        if route.method.kind.streamsRequests { return calls.open(stream.streamID, method, stream.call.head) }
        stream.call.awaitsRequest = true
        begun.append(stream)
    }

    private func request(_ payload: Payload, on stream: Stream) {
        if stream.call.kind.streamsRequests { return calls.deliver(payload, to: stream.streamID) }
        guard let method = stream.call.method else { return }
        stopWaiting(for: stream)
        var head = stream.call.head
        head.timeRemaining = calls.runtime.now.duration(to: stream.call.deadline)
        calls.start(stream.streamID, method, head, payload)
        streams.taken(from: stream)
    }

    private func refuse(_ stream: Stream, _ reply: Reply) {
        stopWaiting(for: stream)
        answer(stream, reply)
        calls.cancelled(stream.streamID)
    }

    private func resolve(_ path: String) -> ServerStack.Resolution {
        if let known = methods[path] { return known }
        let method = calls.resolve(path: path)
        // A path that is not served is not worth the memory.
        if case .served = method, methods.count < Self.largestMethods { methods[path] = method }
        return method
    }

    private func closed(_ stream: Stream, _ reason: HTTP2ErrorCode?) {
        stream.isClosed = true
        if stream.state.plain != nil { return closedPlain(stream) }
        if !stream.state.grpc.isFinished { stream.state.grpc.receive(reset: reason ?? .cancel) }
        readOn(stream)
        stopWaiting(for: stream)
        // What still runs for it has nobody to answer.
        if reason != nil { calls.cancelled(stream.streamID) }
        calls.relieved(stream.streamID)
        streams.remove(stream)
        settle()
    }

    /// The last call has ended outside a read: looks after what begins with that, in the loop's next turn, as HTTP/2 is in
    /// the middle of something.
    func settle() {
        guard streams.isEmpty, !isReading, !isSettling, context != nil else { return }
        isSettling = true
        calls.executor.eventLoop.assumeIsolated().execute {
            self.isSettling = false
            self.lifecycle.callsChanged(to: self.streams.count, now: self.calls.runtime.now)
            self.streams.flush()
            self.finishIfDrained()
            self.arm()
        }
    }

    // MARK: What is sent

    func write(_ stream: Stream) {
        lifecycle.sentFrame()
        streams.enqueue(stream)
        flush()
    }

    /// Sends what waits: at the end of the read that is under way; else at once if no other call could share the flush,
    /// or in the loop's next turn.
    private func flush() {
        if isReading { return }
        if streams.count > 1 { streams.scheduleFlush() } else { streams.flush() }
    }

    // MARK: The connection's life

    private func perform(_ actions: [ServerLifecycle.Action]) {
        for action in actions {
            switch action {
            case .ping(let data):
                streams.control(.ping(data, ack: false), on: .rootStream)
            case .goAway(let reason, let code, let isFinal):
                coalescer.send(
                    GoAwayFrame.bytes(lastStream: isFinal ? lastStream : .maxID, code: code, reason: reason))
            case .giveUp:
                calls.peerIsSilent("it has said nothing for as long as serverKeepAlive allows")
                return end()
            case .close:
                streams.flush()
                return end()
            }
        }
        if !actions.isEmpty { flush() }
        finishIfDrained()
        arm()
    }

    /// Closes a connection that takes no more calls and has none.
    private func finishIfDrained() {
        if lifecycle.isDrained, streams.isEmpty, !isReading { end() }
    }

    private func end() {
        guard !isEnding else { return }
        isEnding = true
        context?.close(promise: nil)
    }

    /// Comes back when the lifecycle has something to do. A deadline that has moved away since is waited for anew.
    private func arm() {
        guard let deadline = [lifecycle.deadline, patience.deadline].compactMap({ $0 }).min(),
            deadline < timerDeadline, context != nil
        else { return }
        timer?.cancel()
        timerDeadline = deadline
        let loop = calls.executor.eventLoop.assumeIsolated()
        timer = loop.scheduleTask(
            in: .nanoseconds(max(0, calls.runtime.now.duration(to: deadline).inNanoseconds))
        ) {
            self.timerDeadline = RuntimeInstant(nanoseconds: .max)
            self.expire()
            self.perform(self.lifecycle.advance(to: self.calls.runtime.now))
        }
    }
}

extension CallHead {
    /// The head of a call, as the other wire has it.
    init(_ head: GRPCRequestHead) {
        self.init(
            method: 0, timeRemaining: head.timeout ?? .nanoseconds(Int64.max), deduplication: head.deduplication,
            metadata: head.metadata, layout: PayloadLayout())
    }
}
