import Identity
import MeshWire
import NIOCore

/// A client's connection to one server: drives a ``ClientConnectionState`` from a channel.
///
/// Sendable: everything mutable is touched on the channel's event loop alone.
final class ClientConnection: ChannelInboundHandler, @unchecked Sendable {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// The server's process, once it has said hello.
    private(set) var instance: InstanceID?
    private(set) var info: ConnectionInfo
    /// Who is at the other end, for errors.
    private(set) var peerName: String
    /// What the server has shown in the handshake, and what it was judged by.
    private(set) var handshake: SecureChannel?
    /// The bundle that the server was last found trustworthy by.
    var trustedBy: TrustBundle?
    /// The generation of our own identity that the connection was made with.
    let identityGeneration: UInt64

    private let executor: LoopExecutor
    private let established: EventLoopPromise<Void>
    private let onClose: (ClientConnection) -> Void
    private var state: ClientConnectionState
    private var attempts: [StreamID: Attempt] = [:]
    /// The methods that were declared, kept so that no other can take one's place in memory.
    private var methods: [ObjectIdentifier: (method: ClientMethod, number: UInt32)] = [:]
    private var context: ChannelHandlerContext?
    private let writer: PacedWriter
    private var isReading = false
    /// True once no more calls are taken and the connection is on its way to its end.
    private(set) var isClosing = false
    private var endTimer: Scheduled<Void>?

    init(
        instance: InstanceID, limits: WireLimits, destination: String, identityGeneration: UInt64,
        executor: LoopExecutor, established: EventLoopPromise<Void>, onClose: @escaping (ClientConnection) -> Void
    ) {
        state = ClientConnectionState(instance: instance, limits: limits)
        info = ConnectionInfo(peer: nil, tlsVersion: "", remoteAddress: destination)
        peerName = destination
        self.identityGeneration = identityGeneration
        self.executor = executor
        writer = PacedWriter(on: executor.eventLoop)
        self.established = established
        self.onClose = onClose
    }

    /// False once the connection goes away: a new one is needed.
    var takesCalls: Bool { instance != nil && !isClosing && state.takesCalls }

    /// Sends a call; its attempt is finished when the answer arrives. False if the connection takes no calls.
    func send(_ attempt: Attempt, now: RuntimeInstant) -> Bool {
        guard takesCalls,
            let stream = state.open(
                number(of: attempt.request.method),
                timeRemaining: .nanoseconds(now.nanoseconds(to: attempt.deadline)),
                deduplication: attempt.request.deduplication, metadata: attempt.request.metadata,
                payload: attempt.request.payload)
        else { return false }
        attempts[stream] = attempt
        attempt.wasSent(on: self, stream)
        write()
        return true
    }

    /// Takes no new calls and closes once the open ones are answered, or `limit` later with `error`.
    func drain(within limit: Duration, _ error: MeshError) {
        isClosing = true
        closeIfDone()
        guard context != nil else { return }
        schedule(in: limit) { $0.close(error) }
    }

    /// Drains when `life` is over; a connection that is drained before keeps that end.
    func expire(in life: Duration, drainTimeout: Duration) {
        schedule(in: life) {
            $0.drain(
                within: drainTimeout,
                MeshError(.connectionLost, "a certificate of the connection has ended", peer: $0.peerName))
        }
    }

    /// Ends the connection; open calls fail with `error`.
    func close(_ error: MeshError) {
        isClosing = true
        fail(error)
        context?.close(promise: nil)
    }

    /// Calls `body` when the connection has ended, or now if it has.
    func whenClosed(_ body: @escaping @Sendable () -> Void) {
        guard let context else { return body() }
        context.channel.closeFuture.whenComplete { _ in body() }
    }

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
        // The timer would keep the connection in memory for the certificate's life.
        endTimer?.cancel()
        endTimer = nil
        writer.close()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard case .established(let channel)? = event as? SecureChannelEvent else {
            return context.fireUserInboundEventTriggered(event)
        }
        info.peer = channel.peer?.spiffeID
        peerName = info.peer?.description ?? peerName
        // A server that chose no protocol is known by its first bytes.
        if let chosen = channel.applicationProtocol, chosen != ApplicationProtocol.mesh,
            chosen != ApplicationProtocol.join
        {
            return end(
                context,
                MeshError(.protocolViolation, "the server speaks \(chosen)", progress: .notSent, peer: peerName))
        }
        info.tlsVersion = channel.tlsVersion
        handshake = channel
        trustedBy = channel.bundle
        writer.open(context) { self.state.nextWrite() }
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
            end(context, MeshError(.protocolViolation, error.message, peer: peerName, cause: error))
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        guard isReading else { return }
        // Callers that were resumed send their next calls before the flush.
        executor.finishReading()
        isReading = false
        writer.flush()
        closeIfDone()
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if context.channel.isWritable { writer.flush() }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // A server that does not accept our certificate says so after its own half of the handshake.
        let failure =
            instance == nil
            ? MeshError(
                .connectFailed, "the server ended the connection before its hello", peer: peerName, cause: error)
            : MeshError(.connectionLost, "the connection failed", peer: peerName, cause: error)
        end(context, error as? MeshError ?? failure)
    }

    func channelInactive(context: ChannelHandlerContext) {
        if isReading { channelReadComplete(context: context) }
        var cause: WireError?
        do throws(WireError) { try state.end() } catch { cause = error }
        let code: MeshError.Code = instance == nil ? .connectFailed : .connectionLost
        end(context, MeshError(code, "the server closed the connection", peer: peerName, cause: cause))
        onClose(self)
    }

    private func handle(_ event: ClientConnectionState.Event) {
        switch event {
        case .established(let hello):
            instance = hello.instance
            established.succeed()
        case .response(let stream, let head, let payload):
            attempts.removeValue(forKey: stream)?.answered(head, payload, peer: peerName)
        case .unreadable(let stream, let error):
            attempts.removeValue(forKey: stream)?.finish(
                .failed(
                    MeshError(
                        .malformedMessage, error.message, progress: .answered, peer: peerName, cause: error), .final))
        case .metadata, .message, .pong:
            break
        case .goAway(let goAway, let notTaken):
            for stream in notTaken {
                attempts.removeValue(forKey: stream)?.finish(
                    .failed(
                        MeshError(.draining, goAway.reason, progress: .notSent, peer: peerName), .notRun))
            }
        }
    }

    private func schedule(in duration: Duration, _ body: @escaping @Sendable (ClientConnection) -> Void) {
        endTimer?.cancel()
        endTimer = executor.eventLoop.scheduleTask(in: .nanoseconds(max(0, duration.inNanoseconds))) {
            body(self)
        }
    }

    /// The number that the method has on this connection.
    private func number(of method: ClientMethod) -> UInt32 {
        if let known = methods[ObjectIdentifier(method)] { return known.number }
        let number = state.declare(
            path: method.path, requestName: method.requestName, responseName: method.responseName)
        methods[ObjectIdentifier(method)] = (method, number)
        return number
    }

    /// Gives a call up; its answer is ignored.
    func withdraw(_ stream: StreamID) {
        guard attempts.removeValue(forKey: stream) != nil else { return }
        state.cancel(stream)
        write()
        closeIfDone()
    }

    /// Sends what waits: at the end of the read that is under way; else at once if no other call could share the flush,
    /// or in the loop's next turn.
    private func write() {
        if isReading { return }
        if attempts.count > 1 { writer.scheduleFlush() } else { writer.flush() }
    }

    private func closeIfDone() {
        guard !takesCalls, instance != nil, state.openStreams == 0 else { return }
        context?.close(promise: nil)
    }

    private func end(_ context: ChannelHandlerContext, _ error: MeshError) {
        isClosing = true
        established.fail(error)
        fail(error)
        context.close(promise: nil)
    }

    private func fail(_ error: MeshError) {
        let open = attempts.sorted { $0.key < $1.key }
        attempts.removeAll()
        for (_, attempt) in open {
            var failure = error
            failure.progress = .mayHaveRun
            attempt.finish(.failed(failure, .mayHaveRun))
        }
    }
}
