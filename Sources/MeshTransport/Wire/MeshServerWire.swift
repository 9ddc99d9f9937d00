import Logging
import MeshWire
import NIOCore
import Telemetry

/// `meshwork/1` on a server's connection: drives a ``ServerConnectionState`` from a channel.
///
/// Sendable: everything mutable is touched on the channel's event loop alone.
final class MeshServerWire: ChannelDuplexHandler, RemovableChannelHandler, ServerWire, InboundConnection,
    @unchecked Sendable
{
    typealias InboundIn = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let calls: ServerCalls
    private let executor: LoopExecutor
    private var state: ServerConnectionState
    private var methods: [ServerStack.Resolution] = []
    private var context: ChannelHandlerContext?
    private var isReading = false
    private var isDraining = false
    /// True once this side has ended the connection: what the client had begun to send is then no fault of its own.
    private var isEnding = false
    /// True while nothing is read because the peer does not read either.
    private var isReadWithheld = false
    /// True while calls begin that were held: their answers leave together.
    private var isAdmitting = false
    private let writer: PacedWriter
    private let helloTimeout: Duration
    /// Ends the connection of a peer that does not say hello.
    private var helloTimer: Scheduled<Void>?
    /// Ends the connection of a peer that does not finish a frame.
    private var stallTimer: StallTimer?
    /// Ends calls whose only request does not come whole, and those that are held, in time.
    private var patience: RequestPatience
    private var patienceTimer: Scheduled<Void>?
    private var patienceDeadline = RuntimeInstant(nanoseconds: .max)
    private var keepAlive: KeepAliveTimer?

    /// A connection whose handshake is done.
    ///
    /// - Parameters:
    ///   - instance: the server's process, and what it remembers deduplicated calls in.
    ///   - keepAlive: when a quiet peer is asked whether it is still there.
    ///   - helloTimeout: how long the peer may take to say hello.
    init(
        _ calls: ServerCalls, instance: ServerInstance, limits: WireLimits, keepAlive: KeepAliveConfiguration?,
        helloTimeout: Duration
    ) {
        self.calls = calls
        self.helloTimeout = helloTimeout
        executor = calls.executor
        writer = PacedWriter(on: executor.eventLoop)
        state = ServerConnectionState(
            instance: instance.id, store: instance.store, limits: limits,
            sharesSegments: calls.runtime.network.security.sharesSegments)
        patience = RequestPatience(limit: limits.requestTimeout)
        calls.wire = self
        self.keepAlive = keepAlive.map(makeKeepAlive)
        stallTimer = StallTimer(limit: limits.frameTimeout, on: executor.eventLoop) { [unowned self] in
            // What we do not read is not late.
            isReadWithheld ? nil : state.unfinishedFrame
        } stalled: { [unowned self] in
            refuse($0)
        }
    }

    // MARK: The connection, from any thread

    func policyChanged() { executor.eventLoop.execute { self.calls.policyChanged() } }

    func drain(reason: String) {
        executor.eventLoop.execute {
            guard !self.isDraining else { return }
            self.isDraining = true
            self.state.goAway(reason: reason)
            self.write()
            self.callEnded()
        }
    }

    func end(reason: String) {
        executor.eventLoop.execute {
            guard !self.isEnding else { return }
            if !self.isDraining { self.state.goAway(reason: reason) }
            self.isDraining = true
            self.writer.flush()
            self.end()
        }
    }

    func close() {
        executor.eventLoop.execute { self.end() }
    }

    // MARK: Calls

    func reply(_ reply: Reply, to stream: StreamID) {
        executor.carries(reply.payload)
        if !reply.metadata.isEmpty { state.send(reply.metadata, on: stream) }
        state.reply(
            to: stream, status: reply.status, message: reply.message, hasNotRun: reply.hasNotRun,
            metadata: reply.trailers, details: reply.details, pushback: reply.pushback, payload: reply.payload)
        write()
    }

    func callEnded() {
        guard isDraining, !isReading, state.isIdle else { return }
        end()
    }

    func send(_ payload: Payload, on stream: StreamID) throws(WireError) {
        executor.carries(payload)
        try state.send(payload, on: stream)
        write()
    }

    func send(_ metadata: Metadata, on stream: StreamID) {
        state.send(metadata, on: stream)
        write()
    }

    func takesMessages(of stream: StreamID) -> Bool { state.takesResponses(of: stream) }

    func taken(from stream: StreamID) {
        state.taken(from: stream)
        write()
    }

    /// A server's last word is the reply.
    func endRequests(of stream: StreamID) {}

    /// A handler gives a call up with its reply.
    func withdraw(_ stream: StreamID) {}

    // MARK: The channel

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        helloTimer = context.eventLoop.assumeIsolated().scheduleTask(
            in: .nanoseconds(helloTimeout.inNanoseconds)
        ) {
            self.refuse(WireError(.truncated, "no hello came within \(self.helloTimeout)"))
        }
        writer.open(context, next: { self.state.nextWrite() }, flushed: { self.hasFlushed() })
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
        // The timer would keep the connection in memory.
        helloTimer?.cancel()
        stallTimer?.cancel()
        patienceTimer?.cancel()
        keepAlive?.cancel()
        writer.close()
    }

    /// Reads on, unless the peer does not read.
    func read(context: ChannelHandlerContext) {
        isReadWithheld = !state.takesInput
        if !isReadWithheld { context.read() }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        // TLS takes a moment to close, in which a peer that was told to go may go on.
        guard !isEnding else { return }
        isReading = true
        keepAlive?.heard()
        state.receive(unwrapInboundIn(data))
        do throws(WireError) {
            while let event = try state.nextEvent() { handle(event) }
        } catch {
            refuse(error)
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        guard isReading else { return }
        stallTimer?.watch()
        // Handlers on the loop answer before the flush.
        executor.finishReading()
        isReading = false
        writer.flush()
        keepAlive?.watch()
        callEnded()
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        guard context.channel.isWritable else { return }
        // It has taken some of what waited for it.
        keepAlive?.heard()
        writer.flush()
        callEnded()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        calls.connectionFailed(error)
        context.close(promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) {
        if isReading { channelReadComplete(context: context) }
        if !isEnding {
            do throws(WireError) { try state.end() } catch { refuse(error) }
        }
        calls.connectionClosed()
        context.fireChannelInactive()
    }

    private func handle(_ event: ServerConnectionState.Event) {
        switch event {
        case .established:
            helloTimer?.cancel()
            helloTimer = nil
        case .pong:
            break
        case .declared(let declaration):
            methods.append(calls.resolve(declaration))
        case .announced(let stream, let head):
            guard let refusal = calls.review(method(head), head) else { return awaitRequest(of: stream, head) }
            state.refuse(stream, status: refusal.status, message: refusal.message)
            write()
        case .call(let stream, let head, let payload):
            executor.carries(payload)
            calls.start(stream, method(head), begun(stream, head), payload)
        case .opened(let stream, let head):
            calls.open(stream, method(head), begun(stream, head))
        case .held(let stream, let head):
            patience.holds(stream, deadline: calls.runtime.now.advanced(by: head.timeRemaining))
            armPatience()
        case .message(let stream, let payload):
            executor.carries(payload)
            calls.deliver(payload, to: stream)
        case .requestsEnded(let stream):
            calls.requestsEnded(of: stream)
        case .cancelled(let stream):
            patience.ended(stream)
            calls.cancelled(stream)
        }
    }

    // MARK: Requests that do not come

    private func awaitRequest(of stream: StreamID, _ head: CallHead) {
        let now = calls.runtime.now
        patience.began(stream, deadline: now.advanced(by: head.timeRemaining), now: now)
        armPatience()
    }

    /// The head of a call that runs now, with the time that is left to one that was held.
    private func begun(_ stream: StreamID, _ head: CallHead) -> CallHead {
        guard let deadline = patience.ended(stream) else { return head }
        var head = head
        head.timeRemaining = max(.zero, calls.runtime.now.duration(to: deadline))
        return head
    }

    /// Comes back when the first of them is due. A time that has moved away since is waited for anew.
    private func armPatience() {
        guard let deadline = patience.deadline, deadline < patienceDeadline, context != nil else { return }
        patienceTimer?.cancel()
        patienceDeadline = deadline
        patienceTimer = executor.eventLoop.assumeIsolated().scheduleTask(
            in: .nanoseconds(max(0, calls.runtime.now.duration(to: deadline).inNanoseconds))
        ) {
            self.patienceDeadline = RuntimeInstant(nanoseconds: .max)
            for expired in self.patience.advance(to: self.calls.runtime.now) { self.give(up: expired) }
            self.armPatience()
        }
    }

    private func give(up expired: RequestPatience.Expired) {
        let message =
            expired.isHeld
            ? "the answers before it were not taken in time"
            : "the request on \(expired.stream) has not come whole in time"
        if expired.isOverLimit { calls.protocolError(WireError(.truncated, message)) }
        state.refuse(expired.stream, status: .deadlineExceeded, message: message)
        write()
    }

    // MARK: Whether the peer is there

    /// Asks a peer that has calls open, or does not take the answers to those that it had.
    private func makeKeepAlive(_ configuration: KeepAliveConfiguration) -> KeepAliveTimer {
        KeepAliveTimer(configuration, runtime: calls.runtime, on: executor.eventLoop) { [unowned self] in
            !state.isIdle
        } ask: { [unowned self] in
            // A peer of the first version does not know the question; one that takes nothing does not hear it.
            guard state.ping(0) else { return !takesAnswers }
            write()
            return true
        } silent: { [unowned self] in
            let (interval, timeout) = (configuration.interval, configuration.timeout)
            calls.peerIsSilent(
                takesAnswers
                    ? "it has said nothing for \(interval) and did not answer within \(timeout)"
                    : "it has taken none of its answers for \(interval), nor within \(timeout) after that")
            end()
        }
    }

    private var takesAnswers: Bool { context?.channel.isWritable == true }

    private func method(_ head: CallHead) -> ServerStack.Resolution { methods[Int(head.method) - 1] }

    private func refuse(_ error: WireError) {
        calls.protocolError(error)
        end()
    }

    private func end() {
        isEnding = true
        context?.close(promise: nil)
    }

    /// Sends what waits: at the end of the read that is under way; else at once if no other answer could share the
    /// flush, or in the loop's next turn.
    private func write() {
        if isReading || isAdmitting { return }
        if calls.hasRunning { writer.scheduleFlush() } else { writer.flush() }
    }

    private func hasFlushed() {
        if state.measuresFlight { state.flushed(at: calls.runtime.now) }
        if isReadWithheld, state.takesInput {
            isReadWithheld = false
            context?.read()
        }
        for stream in state.relievedStreams() { calls.relieved(stream) }
        admitHeld()
        callEnded()
    }

    /// Runs calls that were held, as far as there is room for their answers.
    private func admitHeld() {
        // What happens meanwhile comes here again.
        guard !isAdmitting, let first = state.admitted() else { return }
        isAdmitting = true
        handle(first)
        while let event = state.admitted() { handle(event) }
        isAdmitting = false
        writer.scheduleFlush()
    }
}
