import Identity
import Logging
import MeshWire
import NIOCore
import Telemetry

/// A server's connection to one client: drives a ``ServerConnectionState`` from a channel and runs the handlers.
///
/// Sendable: everything mutable is touched on the channel's event loop alone.
final class ServerConnection: ChannelDuplexHandler, RemovableChannelHandler, InboundConnection, @unchecked Sendable {
    typealias InboundIn = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let core: ServerCore
    private let stack: ServerStack
    private let executor: LoopExecutor
    private var state: ServerConnectionState
    private let info: ConnectionInfo
    private var methods: [ServerStack.Resolution] = []
    /// The handlers that run, also those whose callers have given up: a caller cannot start more than it may have.
    private var running: [StreamID: (route: ServerStack.Route, task: Task<Void, Never>)] = [:]
    private var context: ChannelHandlerContext?
    private var isReading = false
    private var isDraining = false
    /// True once this side has ended the connection: what the client had begun to send is then no fault of its own.
    private var isEnding = false
    /// True while nothing is read because the peer does not take its replies.
    private var isReadWithheld = false
    private let writer: PacedWriter

    /// A connection whose handshake is done.
    init(_ core: ServerCore, _ info: ConnectionInfo, executor: LoopExecutor) {
        self.core = core
        self.info = info
        self.executor = executor
        writer = PacedWriter(on: executor.eventLoop)
        stack = ServerStack(core, info)
        state = ServerConnectionState(instance: core.instance, limits: core.configuration.limits)
    }

    func drain(reason: String) {
        executor.eventLoop.execute {
            guard !self.isDraining else { return }
            self.isDraining = true
            self.state.goAway(reason: reason)
            self.write()
            self.closeIfDone()
        }
    }

    func close() {
        executor.eventLoop.execute { self.end() }
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        writer.open(context, next: { self.state.nextWrite() }, flushed: { self.hasFlushed() })
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
        writer.close()
    }

    /// Reads on, unless the peer does not take what it has asked for.
    func read(context: ChannelHandlerContext) {
        isReadWithheld = !state.takesInput
        if !isReadWithheld { context.read() }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if !isReading {
            isReading = true
            executor.beginReading()
        }
        state.receive(unwrapInboundIn(data))
        do throws(WireError) {
            while let event = try state.nextEvent() { handle(event) }
        } catch {
            refuse(error)
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        guard isReading else { return }
        // Handlers on the loop answer before the flush.
        executor.finishReading()
        isReading = false
        writer.flush()
        closeIfDone()
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        guard context.channel.isWritable else { return }
        writer.flush()
        closeIfDone()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        core.logger.debug("connection failed", metadata: ["peer": "\(peerName)", "error": "\(error)"])
        context.close(promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) {
        if isReading { channelReadComplete(context: context) }
        if !isEnding {
            do throws(WireError) { try state.end() } catch { refuse(error) }
        }
        // In order: what they do next must not depend on a dictionary's.
        for (_, call) in running.sorted(by: { $0.key < $1.key }) { call.task.cancel() }
        context.fireChannelInactive()
    }

    private var peerName: String { info.peer?.description ?? info.remoteAddress }

    private func refuse(_ error: WireError) {
        core.metrics.protocolErrors.increment()
        core.logger.warning(
            "peer does not keep to the protocol",
            metadata: ["peer": "\(peerName)", "address": "\(info.remoteAddress)", "error": "\(error)"])
        end()
    }

    private func end() {
        isEnding = true
        context?.close(promise: nil)
    }

    private func handle(_ event: ServerConnectionState.Event) {
        switch event {
        case .established:
            break
        case .declared(let declaration):
            methods.append(stack.resolve(declaration))
        case .announced(let stream, let head):
            review(stream, head)
        case .call(let stream, let head, let payload):
            start(stream, head, payload)
        case .opened, .message, .requestsEnded, .pong:
            break
        case .cancelled(let stream):
            running[stream]?.task.cancel()
        }
    }

    /// Turns a call away that will not run, before memory is set aside for it.
    private func review(_ stream: StreamID, _ head: CallHead) {
        let reply: Reply
        switch methods[Int(head.method) - 1] {
        case .refused(let refusal):
            reply = refusal
        case .served(let route):
            let now = core.runtime.now
            guard case .failure(let refusal) = stack.admit(route, head, now: now) else { return }
            route.series.began()
            reply = refusal.reply
            stack.finished(route, reply, from: now)
        }
        state.refuse(stream, status: reply.status, message: reply.message)
        write()
    }

    private func start(_ stream: StreamID, _ head: CallHead, _ payload: Payload) {
        let now = core.runtime.now
        switch methods[Int(head.method) - 1] {
        case .refused(let reply):
            send(reply, on: stream)
        case .served(let route):
            route.series.began()
            switch stack.admit(route, head, now: now) {
            case .failure(let refusal):
                stack.finished(route, refusal.reply, from: now)
                send(refusal.reply, on: stream)
            case .success where running.count >= core.configuration.limits.concurrentCalls:
                let refusal = Reply(
                    status: .resourceExhausted, message: "too many cancelled calls have not ended", hasNotRun: true)
                stack.finished(route, refusal, from: now)
                send(refusal, on: stream)
            case .success(let call):
                switch route.method.handler {
                case .inline(let handler):
                    let reply = handler(payload, call)
                    stack.finished(route, reply, from: now)
                    send(reply, on: stream)
                case .task(let execution, let handler):
                    // Ends with the call: cancelled when the caller gives up or the connection closes.
                    let task = core.runtime.spawn(on: stack.executor(for: execution, loop: executor)) {
                        let reply = await handler(payload, call)
                        self.finish(stream, reply, from: now)
                    }
                    running[stream] = (route, task)
                }
            }
        }
    }

    /// Sends a handler's answer; from any thread.
    private func finish(_ stream: StreamID, _ reply: Reply, from start: RuntimeInstant) {
        if executor.eventLoop.inEventLoop {
            answer(stream, reply, from: start)
        } else {
            executor.eventLoop.execute { self.answer(stream, reply, from: start) }
        }
    }

    private func answer(_ stream: StreamID, _ reply: Reply, from start: RuntimeInstant) {
        guard let call = running.removeValue(forKey: stream) else { return }
        stack.finished(call.route, reply, from: start)
        send(reply, on: stream)
        closeIfDone()
    }

    private func send(_ reply: Reply, on stream: StreamID) {
        state.reply(
            to: stream, status: reply.status, message: reply.message, hasNotRun: reply.hasNotRun,
            payload: reply.payload)
        write()
    }

    /// Sends what waits: at the end of the read that is under way; else at once if no other answer could share the
    /// flush, or in the loop's next turn.
    private func write() {
        if isReading { return }
        if running.isEmpty { writer.flush() } else { writer.scheduleFlush() }
    }

    private func hasFlushed() {
        if isReadWithheld, state.takesInput {
            isReadWithheld = false
            context?.read()
        }
        closeIfDone()
    }

    private func closeIfDone() {
        guard isDraining, !isReading, state.isIdle else { return }
        end()
    }
}
