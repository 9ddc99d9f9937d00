import Identity
import Logging
package import MeshWire
import NIOCore
import Telemetry

/// The calls of one connection from its client: starts their handlers and gives their answers to the connection's wire,
/// whichever that is.
///
/// Sendable: everything mutable is touched on the connection's event loop alone.
package final class ServerCalls: @unchecked Sendable {
    /// A handler that runs in a task, also when its caller has given up: a caller cannot start more than it may have.
    private final class RunningCall: DeadlineBound {
        let route: ServerStack.Route
        let stream: CallStream?
        let interception: ServerInterception?
        /// Whether it counts in the limit on calls at a time.
        let isCounted: Bool
        let deadline: RuntimeInstant
        var facts: ServerStack.CallFacts
        var position = -1
        var task: Task<Void, Never>?
        /// What the caller was told before the handler had ended.
        var toldAlready: Reply?
        /// True once nobody waits for the answer any more.
        var isGivenUp = false
        /// Called when the deadline passes.
        let expire: () -> Void

        init(
            _ route: ServerStack.Route, _ stream: CallStream?, _ interception: ServerInterception?,
            _ facts: ServerStack.CallFacts, isCounted: Bool, deadline: RuntimeInstant, expire: @escaping () -> Void
        ) {
            self.facts = facts
            self.isCounted = isCounted
            self.interception = interception
            self.route = route
            self.stream = stream
            self.deadline = deadline
            self.expire = expire
        }

        func deadlinePassed() { expire() }
        func stopped(_ error: MeshError) {}
    }

    package let executor: LoopExecutor
    private let stack: ServerStack
    /// Set by the wire, which owns this object.
    package weak var wire: (any ServerWire)?
    private let core: ServerCore
    private let info: ConnectionInfo
    /// Who answers what is no call.
    private let http: (any HTTPExchangeAcceptor)?
    private let deadlines: DeadlineTimer
    private var running = StreamTable<RunningCall>()

    /// The calls of a connection whose handshake is done.
    init(
        _ core: ServerCore, _ info: ConnectionInfo, over protocolName: String,
        http: (any HTTPExchangeAcceptor)? = nil, executor: LoopExecutor
    ) {
        self.core = core
        self.info = info
        self.http = http
        self.executor = executor
        stack = ServerStack(core, info, over: protocolName, on: executor.eventLoop)
        deadlines = DeadlineTimer(executor, core.runtime)
    }

    package var runtime: any Runtime { core.runtime }

    /// What a declared method is.
    func resolve(_ declaration: MethodDeclaration) -> ServerStack.Resolution { stack.resolve(declaration) }

    /// What the method at a path is, on a wire whose callers say no more of it.
    package func resolve(path: String) -> ServerStack.Resolution { stack.resolve(path: path) }

    /// True while the answer of a handler in a task is to come.
    package var hasRunning: Bool { !running.isEmpty }

    private var peerName: String { info.peer?.description ?? info.remoteAddress }

    /// Whether requests that are no calls have somebody who answers them.
    package var takesHTTP: Bool { http != nil }

    // MARK: What a wire reads

    /// A request of plain HTTP has come.
    package func accept(_ exchange: HTTPExchange) {
        http?.accept(exchange, info, gate: HTTPGate(core: core, info: info, connection: nil, shard: stack.shard))
    }

    /// The answer of a call that will not run, by its head, before memory is set aside for it.
    package func review(_ method: ServerStack.Resolution, _ head: CallHead) -> Reply? {
        switch method {
        case .refused(let refusal):
            return refusal
        case .served(let route):
            let now = core.runtime.now
            // A call is counted in the rate limits once, when it is complete; what runs late is refused now.
            guard let refusal = stack.preview(route, head, now: now) else { return nil }
            var facts = stack.begins(route, head, now: now)
            if refusal.status == .permissionDenied { facts.policy = core.policyName }
            let interception = stack.interception(route, head, now: now)
            return refused(route, interception?.willAuthorize() ?? refusal, interception, facts)
        }
    }

    /// Starts a call of one request.
    package func start(_ stream: StreamID, _ method: ServerStack.Resolution, _ head: CallHead, _ payload: Payload) {
        guard let admitted = admit(stream, method, head, requestBytes: payload.count) else { return }
        let (route, call) = (admitted.route, admitted.call)
        switch route.method.handler {
        case .inline(let handler):
            var reply = admitted.facts.around(inline: { handler(payload, call) })
            let start = admitted.facts.start
            let end = stack.finished(route, reply, admitted.facts, nil)
            if admitted.isCounted { stack.left(route, from: start, isTelling: true) }
            admitted.interception?.ended(&reply)
            stack.ranInline(route, from: start, to: end)
            wire?.reply(reply, to: stream)
        case .task(let execution, let handler):
            run(stream, admitted, nil, on: execution) { await handler(payload, call) }
        case .streaming(let execution, let handler):
            let messages = messages(of: stream)
            messages.deliver(payload)
            messages.finish(.finished(ReplyHead(), Payload()))
            run(stream, admitted, messages, on: execution) { await handler(messages, call) }
        }
    }

    /// Starts a call whose requests follow.
    package func open(_ stream: StreamID, _ method: ServerStack.Resolution, _ head: CallHead) {
        guard let admitted = admit(stream, method, head) else { return }
        guard case .streaming(let execution, let handler) = admitted.route.method.handler else {
            preconditionFailure("\(admitted.route.method.path) was resolved as a method that streams and does not")
        }
        let (messages, call) = (messages(of: stream), admitted.call)
        run(stream, admitted, messages, on: execution) { await handler(messages, call) }
    }

    /// The next request of a call.
    package func deliver(_ payload: Payload, to stream: StreamID) { running[stream]?.stream?.deliver(payload) }

    /// A call's last request has been read.
    package func requestsEnded(of stream: StreamID) {
        running[stream]?.stream?.finish(.finished(ReplyHead(), Payload()))
    }

    /// A call's caller has lost interest.
    package func cancelled(_ stream: StreamID) {
        if let call = running[stream] { cancel(call, "the caller gave the call up") }
    }

    /// A call takes responses again.
    package func relieved(_ stream: StreamID) { running[stream]?.stream?.relieved() }

    /// The connection has ended, and with it the calls.
    package func connectionClosed() {
        for (_, call) in running.inOrder { cancel(call, "the connection has ended") }
        deadlines.stop(MeshError(.connectionLost, "the connection has ended"))
    }

    /// The connection cannot be used any more.
    package func connectionFailed(_ error: any Error) {
        core.logger.debug("connection failed", metadata: ["peer": "\(peerName)", "error": "\(error)"])
    }

    /// The peer does not answer any more, or takes none of its answers.
    package func peerIsSilent(_ what: String) {
        core.logger.warning(
            "peer does not answer",
            metadata: ["peer": "\(peerName)", "address": "\(info.remoteAddress)", "error": "\(what)"])
    }

    /// The peer has broken the wire's rules.
    package func protocolError(_ error: any Error) {
        core.metrics.protocolErrors.increment()
        core.logger.warning(
            "peer does not keep to the protocol",
            metadata: ["peer": "\(peerName)", "address": "\(info.remoteAddress)", "error": "\(error)"])
    }

    // MARK: Handlers

    /// A call that is to run.
    private struct Admitted {
        let route: ServerStack.Route
        let call: CallContext
        let facts: ServerStack.CallFacts
        let interception: ServerInterception?
        /// Whether it counts in the limit on calls at a time.
        let isCounted: Bool

        init(
            _ route: ServerStack.Route, _ call: CallContext, _ facts: ServerStack.CallFacts,
            _ interception: ServerInterception?, isCounted: Bool
        ) {
            self.isCounted = isCounted
            self.route = route
            self.call = call
            self.facts = facts
            self.interception = interception
        }
    }

    /// What a call needs to run; `nil` if it was answered instead.
    private func admit(
        _ stream: StreamID, _ method: ServerStack.Resolution, _ head: CallHead, requestBytes: Int = 0
    ) -> Admitted? {
        let now = core.runtime.now
        switch method {
        case .refused(let reply):
            wire?.reply(reply, to: stream)
        case .served(let route):
            var facts = stack.begins(route, head, now: now)
            facts.requestBytes = requestBytes
            let interception = stack.interception(route, head, now: now)
            let refusal: Reply
            if let refused = interception?.willAuthorize() {
                refusal = refused
            } else {
                switch stack.admit(route, head, &facts, claims: interception?.call.claims ?? [:]) {
                case .failure(let refused):
                    refusal = refused.reply
                case .success where running.count >= core.configuration.limits.concurrentCalls:
                    refusal = Reply(
                        status: .resourceExhausted, message: "too many cancelled calls have not ended", hasNotRun: true)
                case .success(var call):
                    var isCounted = false
                    if let refused = interception?.willHandle() ?? stack.enter(route, &isCounted) {
                        refusal = refused
                    } else {
                        if let interception { call.deadline = interception.call.deadline }
                        return Admitted(route, call, facts, interception, isCounted: isCounted)
                    }
                }
            }
            wire?.reply(refused(route, refusal, interception, facts), to: stream)
        }
        return nil
    }

    /// Measures a call that does not run: what its caller is told.
    private func refused(
        _ route: ServerStack.Route, _ refusal: Reply, _ interception: ServerInterception?,
        _ facts: ServerStack.CallFacts
    ) -> Reply {
        var reply = refusal
        stack.finished(route, reply, facts, nil)
        interception?.ended(&reply)
        return reply
    }

    private func messages(of stream: StreamID) -> CallStream {
        let messages = CallStream(executor)
        if let wire { messages.attach(to: wire, stream) }
        return messages
    }

    /// Runs a handler in a task, which ends with the call: cancelled when the caller gives up, when nobody waits any more,
    /// or when the connection closes.
    private func run(
        _ stream: StreamID, _ admitted: Admitted, _ messages: CallStream?, on execution: HandlerExecution,
        _ handler: @escaping @Sendable () async -> Reply
    ) {
        let (route, facts, interception) = (admitted.route, admitted.facts, admitted.interception)
        if let interception { messages?.lead(with: interception.call.responseMetadata) }
        let running = RunningCall(
            route, messages, interception, facts, isCounted: admitted.isCounted, deadline: admitted.call.deadline
        ) { [unowned self] in
            expired(stream)
        }
        self.running[stream] = running
        deadlines.add(running, facts.start)
        messages?.onFirstWrite = { [unowned self, unowned running] in running.facts.firstByte = core.runtime.now }
        let place = stack.executor(for: execution, of: route, loop: executor)
        let (queue, shard) = (core.metrics.queue(execution), stack.shard)
        queue.add(1, on: shard.here)
        guard let interception, !core.waitingInterceptors.isEmpty else {
            running.task = core.runtime.spawn(on: place) {
                queue.add(-1, on: shard.here)
                let reply = await facts.around(handler)
                self.finish(stream, reply)
            }
            return
        }
        running.task = core.runtime.spawn(on: place) {
            queue.add(-1, on: shard.here)
            let reply = await facts.around { await interception.around(handler) }
            self.finish(stream, reply)
        }
    }

    private func cancel(_ call: RunningCall, _ reason: String) {
        // One whose deadline passed tells how slow the server is.
        if call.toldAlready == nil { call.isGivenUp = true }
        call.task?.cancel()
        let error = MeshError(.cancelled, reason, progress: .mayHaveRun, peer: peerName)
        call.stream?.stopWriting(error)
        call.stream?.finish(.failed(error))
    }

    /// Nobody waits for the answer any more: the caller knows by its own clock, and by ours if that is slower.
    private func expired(_ stream: StreamID) {
        guard let call = running[stream] else { return }
        end(
            call, stream, "the deadline has passed",
            Reply(status: .deadlineExceeded, message: "\(call.route.method.path): the deadline passed"))
    }

    /// Ends a call before its handler does.
    private func end(_ call: RunningCall, _ stream: StreamID, _ reason: String, _ reply: Reply) {
        guard call.toldAlready == nil else { return }
        call.toldAlready = reply
        cancel(call, reason)
        wire?.reply(reply, to: stream)
    }

    /// Ends what the policy in force does not allow.
    package func policyChanged() {
        for (stream, call) in running.inOrder
        where !stack.mayGoOn(call.route, claims: call.interception?.call.claims ?? [:]) {
            var reply = stack.notAllowed(call.route)
            reply.hasNotRun = false
            end(call, stream, "the policy does not allow the call any more", reply)
        }
    }

    /// Sends a handler's answer; from any thread.
    private func finish(_ stream: StreamID, _ reply: Reply) {
        if executor.eventLoop.inEventLoop {
            answer(stream, reply)
        } else {
            executor.eventLoop.execute { self.answer(stream, reply) }
        }
    }

    private func answer(_ stream: StreamID, _ reply: Reply) {
        guard let call = running.removeValue(forKey: stream) else { return }
        deadlines.remove(call)
        // What the caller was told, whatever the handler made of it afterwards.
        var reply = call.toldAlready ?? reply
        stack.finished(call.route, reply, call.facts, call.stream)
        if call.isCounted { stack.left(call.route, from: call.facts.start, isTelling: !call.isGivenUp) }
        call.stream?.stopWriting(MeshError(.draining, "the call has been answered", progress: .answered))
        if let stream = call.stream {
            if reply.trailers.isEmpty { reply.trailers = stream.trailers }
            let leading = stream.takeLeadingMetadata()
            if !leading.isEmpty { reply.metadata = leading + reply.metadata }
        }
        call.interception?.ended(&reply)
        wire?.reply(reply, to: stream)
        wire?.callEnded()
    }
}
