import MeshWire
import NIOCore

/// `meshwork/1` on a client's connection: drives a ``ClientConnectionState`` from a channel.
///
/// Confined to the channel's event loop.
final class MeshClientWire: ChannelInboundHandler, ClientWire {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private weak let delegate: (any ClientWireDelegate)?
    private let executor: LoopExecutor
    private let runtime: any Runtime
    private var state: ClientConnectionState
    /// The methods that were declared, kept so that no other can take one's place in memory.
    private var methods: [ObjectIdentifier: (method: ClientMethod, number: UInt32)] = [:]
    private let writer: PacedWriter
    private var isReading = false
    private var hasFailed = false

    init(
        instance: InstanceID, limits: WireLimits, keepAlive: KeepAliveConfiguration?, sharesSegments: Bool,
        executor: LoopExecutor, runtime: any Runtime, delegate: any ClientWireDelegate
    ) {
        self.runtime = runtime
        self.keepAlive = keepAlive
        state = ClientConnectionState(instance: instance, limits: limits, sharesSegments: sharesSegments)
        self.executor = executor
        self.delegate = delegate
        writer = PacedWriter(on: executor.eventLoop)
    }

    // MARK: Calls

    var takesCalls: Bool { state.takesCalls }
    var hasRoom: Bool { state.hasRoom }
    var openCalls: Int { state.openStreams }
    func takes(_ kind: CallKind) -> Bool { state.takes(kind) }
    let keepAlive: KeepAliveConfiguration?

    func open(_ call: OutboundCall) throws(WireError) -> StreamID? {
        guard state.takesCalls else { return nil }
        executor.carries(call.payload)
        let stream = state.open(
            number(of: call.method), timeRemaining: call.timeRemaining, deduplication: call.deduplication,
            metadata: call.metadata, priority: call.priority, trace: call.trace.map { TraceParent($0) },
            payload: call.payload)
        if stream != nil { write() }
        return stream
    }

    func send(_ payload: Payload, on stream: StreamID) throws(WireError) {
        executor.carries(payload)
        try state.send(payload, on: stream)
        write()
    }

    /// A client says what it has to say with the call.
    func send(_ metadata: Metadata, on stream: StreamID) {}

    func takesMessages(of stream: StreamID) -> Bool { state.takesRequests(of: stream) }

    func taken(from stream: StreamID) {
        state.taken(from: stream)
        write()
    }

    func endRequests(of stream: StreamID) {
        state.endRequests(of: stream)
        write()
    }

    func withdraw(_ stream: StreamID) {
        state.cancel(stream)
        write()
    }

    func ping() -> Bool {
        guard state.ping(0) else { return false }
        write()
        return true
    }

    /// The number that the method has on this connection.
    private func number(of method: ClientMethod) -> UInt32 {
        if let known = methods[ObjectIdentifier(method)] { return known.number }
        let number = state.declare(
            path: method.path, requestName: method.requestName, responseName: method.responseName, kind: method.kind)
        methods[ObjectIdentifier(method)] = (method, number)
        return number
    }

    // MARK: The channel

    func handlerAdded(context: ChannelHandlerContext) {
        writer.open(context, next: { self.state.nextWrite() }, flushed: { self.hasFlushed() })
    }

    func handlerRemoved(context: ChannelHandlerContext) { writer.close() }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        isReading = true
        state.receive(unwrapInboundIn(data))
        do throws(WireError) {
            while let event = try state.nextEvent() { handle(event) }
        } catch {
            fail(error)
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        finishReading()
        context.fireChannelReadComplete()
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if context.channel.isWritable { writer.flush() }
        context.fireChannelWritabilityChanged()
    }

    func channelInactive(context: ChannelHandlerContext) {
        finishReading()
        do throws(WireError) {
            try state.end()
        } catch {
            delegate?.failed(
                MeshError(
                    .connectionLost, "the server closed the connection", peer: delegate?.peerName, cause: error))
        }
        context.fireChannelInactive()
    }

    private func finishReading() {
        guard isReading else { return }
        // Callers that were resumed send their next calls before the flush.
        executor.finishReading()
        isReading = false
        writer.flush()
        delegate?.isQuiet()
    }

    private func handle(_ event: ClientConnectionState.Event) {
        guard let delegate else { return }
        switch event {
        case .established(let hello):
            delegate.established(ServerInstance(id: hello.instance, store: hello.store))
        case .response(let stream, let head, let payload):
            executor.carries(payload)
            delegate.answered(stream, head, payload)
        case .answering(let stream):
            delegate.answering(stream)
        case .message(let stream, let payload):
            executor.carries(payload)
            delegate.delivered(stream, payload)
        case .metadata(let stream, let metadata):
            delegate.delivered(stream, metadata)
        case .unreadable(let stream, let error):
            delegate.unreadable(stream, error)
        case .goAway(let goAway, let notTaken):
            delegate.notTaken(notTaken, reason: goAway.reason)
        case .pong:
            delegate.heard()
        }
    }

    private func fail(_ error: WireError) {
        guard !hasFailed else { return }
        hasFailed = true
        delegate?.failed(
            MeshError(.protocolViolation, error.message, peer: delegate?.peerName, cause: error))
    }

    /// Sends what waits: at the end of the read that is under way; else at once if no other call could share the flush,
    /// or in the loop's next turn.
    private func write() {
        if isReading { return }
        if state.openStreams > 1 { writer.scheduleFlush() } else { writer.flush() }
    }

    private func hasFlushed() {
        if state.measuresFlight { state.flushed(at: runtime.now) }
        for stream in state.relievedStreams() { delegate?.relieved(stream) }
    }
}
