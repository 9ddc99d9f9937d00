import Identity
import MeshWire
import NIOCore
import Telemetry

/// A client's connection to one server, from the handshake to its end: picks the wire that the server speaks, keeps the
/// calls that are open on it, and says how they ended.
///
/// Sendable: everything mutable is touched on the channel's event loop alone.
final class ClientConnection: ChannelInboundHandler, ClientWireDelegate, @unchecked Sendable {
    typealias InboundIn = ByteBuffer

    /// The server's process, if it said which.
    private(set) var server: ServerInstance?
    private(set) var info: ConnectionInfo
    /// Who is at the other end, for errors.
    private(set) var peerName: String
    let authority: String
    /// What the server is taken to speak if the handshake does not say.
    private let applicationProtocol: String
    let isSecure: Bool
    /// What the server has shown in the handshake, and what it was judged by.
    private(set) var handshake: SecureChannel?
    /// What the server was last found trustworthy by.
    var trustedBy: TrustBasis?
    /// The generation of our own identity that the connection was made with, or last found to be as good as.
    var identityGeneration: UInt64
    /// What we have shown.
    let ownIdentity: WorkloadIdentity?

    private let core: ClientCore
    private let executor: LoopExecutor
    private let established: EventLoopPromise<Void>
    private let onClose: (ClientConnection) -> Void
    private var wire: (any ClientWire)?
    private var attempts = StreamTable<Attempt>()
    private var streams = StreamTable<CallStream>()
    private var context: ChannelHandlerContext?
    private var isReady = false
    /// True once no more calls are taken and the connection is on its way to its end.
    private(set) var isClosing = false
    private var onRoom: (() -> Void)?
    private var endTimer: Scheduled<Void>?
    private var keepAlive: KeepAliveTimer?
    /// When the handshake began, until it has ended.
    private var handshakeStart: RuntimeInstant?

    init(
        _ core: ClientCore, _ server: ServerAddress, executor: LoopExecutor, established: EventLoopPromise<Void>,
        onClose: @escaping (ClientConnection) -> Void
    ) {
        self.core = core
        info = ConnectionInfo(peer: nil, tlsVersion: "", remoteAddress: "\(server)")
        peerName = "\(server)"
        authority = server.authority
        isSecure = server.security == .mutualTLS
        applicationProtocol = server.applicationProtocol ?? core.applicationProtocol
        identityGeneration = core.identityGeneration
        ownIdentity = core.identity?.current.svid
        self.executor = executor
        self.established = established
        self.onClose = onClose
    }

    // MARK: Calls

    /// False once the connection goes away: a new one is needed.
    var takesCalls: Bool { isReady && !isClosing && wire?.takesCalls == true }

    /// Whether the server takes another call now, beside those that are open.
    var hasRoom: Bool { wire?.hasRoom == true }

    /// Calls `body` once, when there is room on a connection that has none, or it takes no more calls at all.
    func whenRoom(_ body: @escaping () -> Void) { onRoom = body }

    private func tellOfRoom() {
        guard let body = onRoom, hasRoom || !takesCalls else { return }
        onRoom = nil
        body()
    }

    /// What time it is where the connection is.
    var now: RuntimeInstant { core.runtime.now }

    /// Whether the server knows calls of this kind.
    func takes(_ kind: CallKind) -> Bool { wire?.takes(kind) == true }

    /// Sends a call; its attempt is finished when the answer arrives. False if the connection takes no calls; throws for
    /// one that it cannot carry.
    func send(_ attempt: Attempt, now: RuntimeInstant) throws(MeshError) -> Bool {
        guard let stream = try open(attempt.request, attempt.facts, until: attempt.deadline, now) else { return false }
        attempts[stream] = attempt
        attempt.wasSent(on: self, stream)
        return true
    }

    private func open(
        _ request: CallRequest, _ attempt: AttemptFacts, until deadline: RuntimeInstant, _ now: RuntimeInstant
    ) throws(MeshError) -> StreamID? {
        guard takesCalls, let wire else { return nil }
        do throws(WireError) {
            let stream = try wire.open(request.outbound(attempt, until: deadline, now: now))
            keepAlive?.watch()
            return stream
        } catch {
            throw MeshError(
                error.code == .tooLarge ? .callTooLarge : .invalidMetadata, "\(request.method.path): \(error.message)",
                progress: .notSent, peer: peerName, cause: error)
        }
    }

    /// Opens a call of several messages, which go to and come from `messages`. False if the connection takes no calls;
    /// throws for one that it cannot carry.
    func open(
        _ request: CallRequest, _ attempt: AttemptFacts, _ messages: CallStream, until deadline: RuntimeInstant,
        now: RuntimeInstant
    ) throws(MeshError) -> Bool {
        guard let stream = try open(request, attempt, until: deadline, now) else { return false }
        streams[stream] = messages
        messages.attach(to: self, stream)
        return true
    }

    // MARK: The connection's life

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
        // Nobody but the clock ends what is not a connection yet.
        handshakeEnded(error.code == .connectFailed ? .timeout : .closed)
        isClosing = true
        fail(error)
        context?.close(promise: nil)
    }

    /// Calls `body` when the connection has ended, or now if it has.
    func whenClosed(_ body: @escaping @Sendable () -> Void) {
        guard let context else { return body() }
        context.channel.closeFuture.whenComplete { _ in body() }
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        if isSecure { handshakeStart = now }
    }

    private func handshakeEnded(_ result: HandshakeResult) {
        guard let start = handshakeStart.take() else { return }
        let metrics = core.metrics
        metrics.connections.handshakeEnded(
            .outbound, result, since: start, to: now, on: metrics.shards.shard(of: executor.eventLoop).here)
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
        // The timers would keep the connection in memory for the certificate's life.
        endTimer?.cancel()
        endTimer = nil
        keepAlive?.cancel()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard case .established(let channel)? = event as? SecureChannelEvent else {
            return context.fireUserInboundEventTriggered(event)
        }
        info.peer = channel.peer?.spiffeID
        peerName = info.peer?.description ?? peerName
        info.tlsVersion = channel.tlsVersion
        handshake = channel
        handshakeEnded(.ok)
        trustedBy = channel.basis
        do {
            wire = try makeWire(channel.applicationProtocol, on: context.channel)
        } catch {
            end(error as? MeshError ?? MeshError(.connectFailed, "the connection could not be set up", cause: error))
        }
    }

    /// The wire that the server chose; one that chose none is known by its first bytes, which each wire expects.
    private func makeWire(_ chosen: String?, on channel: any Channel) throws -> any ClientWire {
        let chosen = chosen ?? applicationProtocol
        guard chosen != core.applicationProtocol else {
            let wire = MeshClientWire(
                instance: core.instance, limits: core.configuration.limits, keepAlive: core.configuration.keepAlive,
                sharesSegments: core.runtime.network.security.sharesSegments, executor: executor, runtime: core.runtime,
                delegate: self)
            try channel.pipeline.syncOperations.addHandler(wire, position: .before(self))
            return wire
        }
        guard let other = core.wire(named: chosen) else {
            throw MeshError(.protocolViolation, "the server speaks \(chosen)", progress: .notSent, peer: peerName)
        }
        return try other.connect(channel, self, before: self)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        handshakeEnded(HandshakeResult(error))
        // A server that does not accept our certificate says so after its own half of the handshake.
        let failure =
            isReady
            ? MeshError(.connectionLost, "the connection failed", peer: peerName, cause: error)
            : MeshError(
                .connectFailed, "the server ended the connection before its hello", peer: peerName, cause: error)
        end(error as? MeshError ?? failure)
    }

    func channelInactive(context: ChannelHandlerContext) {
        handshakeEnded(.closed)
        let code: MeshError.Code = isReady ? .connectionLost : .connectFailed
        end(MeshError(code, "the server closed the connection", peer: peerName))
        onClose(self)
    }

    private func schedule(in duration: Duration, _ body: @escaping @Sendable (ClientConnection) -> Void) {
        endTimer?.cancel()
        endTimer = executor.eventLoop.scheduleTask(in: .nanoseconds(max(0, duration.inNanoseconds))) {
            body(self)
        }
    }

    private func closeIfDone() {
        guard isReady, !takesCalls, wire?.openCalls == 0 else { return }
        context?.close(promise: nil)
    }

    private func end(_ error: MeshError) {
        isClosing = true
        var error = error
        if !isReady, error.code == .connectionLost { error.code = .connectFailed }
        established.fail(error)
        fail(error)
        context?.close(promise: nil)
    }

    private func fail(_ error: MeshError) {
        var failure = error
        failure.progress = .mayHaveRun
        let (open, streaming) = (attempts.inOrder, streams.inOrder)
        attempts.removeAll()
        streams.removeAll()
        for (_, attempt) in open { attempt.finish(.failed(failure, .mayHaveRun)) }
        for (_, messages) in streaming { finish(messages, .failed(failure)) }
        tellOfRoom()
    }

    /// Ends a call of several messages.
    private func finish(_ messages: CallStream, _ end: CallStream.End) {
        messages.finish(end)
        messages.stopWriting(MeshError(.draining, "the call has ended", progress: .answered, peer: peerName))
    }

    // MARK: What the wire tells

    func established(_ server: ServerInstance?) {
        self.server = server
        isReady = true
        keepAlive = wire?.keepAlive.map(makeKeepAlive)
        keepAlive?.watch()
        established.succeed()
    }

    func answered(_ stream: StreamID, _ head: ReplyHead, _ payload: Payload) {
        if let attempt = attempts.removeValue(forKey: stream) {
            attempt.answered(head, payload, peer: peerName)
        } else if let messages = streams.removeValue(forKey: stream) {
            finish(messages, .finished(head, payload))
        }
    }

    func delivered(_ stream: StreamID, _ payload: Payload) { streams[stream]?.deliver(payload) }

    func delivered(_ stream: StreamID, _ metadata: Metadata) {
        guard let attempt = attempts[stream] else { return streams[stream]?.deliver(metadata) ?? () }
        attempt.metadata = metadata
        answering(stream)
    }

    func answering(_ stream: StreamID) {
        guard let attempt = attempts[stream], attempt.firstByte == nil else { return }
        attempt.firstByte = now
    }

    func lost(_ stream: StreamID, _ status: CallStatus, _ message: String) {
        let failure = MeshError(.status, message, progress: .mayHaveRun, status: status, peer: peerName)
        attempts.removeValue(forKey: stream)?.finish(.failed(failure, .mayHaveRun))
        if let messages = streams.removeValue(forKey: stream) { finish(messages, .failed(failure)) }
    }

    func unreadable(_ stream: StreamID, _ error: WireError) {
        let failure = MeshError(.malformedMessage, error.message, progress: .answered, peer: peerName, cause: error)
        attempts.removeValue(forKey: stream)?.finish(.failed(failure, .final))
        if let messages = streams.removeValue(forKey: stream) { finish(messages, .failed(failure)) }
    }

    func notTaken(_ streams: [StreamID], reason: String) {
        let error = MeshError(.draining, reason, progress: .notSent, peer: peerName)
        for stream in streams {
            attempts.removeValue(forKey: stream)?.finish(.failed(error, .notRun))
            if let messages = self.streams.removeValue(forKey: stream) { finish(messages, .failed(error)) }
        }
    }

    func relieved(_ stream: StreamID) { streams[stream]?.relieved() }

    func heard() { keepAlive?.heard() }

    func failed(_ error: MeshError) { end(error) }

    func isQuiet() {
        keepAlive?.heard()
        closeIfDone()
        tellOfRoom()
    }
}

/// A server that is quiet is asked whether it is still there.
extension ClientConnection {
    private func makeKeepAlive(_ configuration: KeepAliveConfiguration) -> KeepAliveTimer {
        KeepAliveTimer(configuration, runtime: core.runtime, on: executor.eventLoop) { [unowned self] in
            (wire?.openCalls ?? 0) > 0
        } ask: { [unowned self] in
            // A server of the first version does not know the question.
            wire?.ping() == true
        } silent: { [unowned self] in
            close(
                MeshError(
                    .connectionLost,
                    "the server has said nothing for \(configuration.interval) and did not answer within "
                        + "\(configuration.timeout)",
                    peer: peerName))
        }
    }
}

/// What leaves on a call of several messages goes through the connection, so that it knows when a call is over.
extension ClientConnection: StreamWire {
    func send(_ payload: Payload, on stream: StreamID) throws(WireError) { try wire?.send(payload, on: stream) }
    func send(_ metadata: Metadata, on stream: StreamID) {}
    func takesMessages(of stream: StreamID) -> Bool { wire?.takesMessages(of: stream) == true }
    func taken(from stream: StreamID) { wire?.taken(from: stream) }
    func endRequests(of stream: StreamID) { wire?.endRequests(of: stream) }

    /// Gives a call up; its answer is ignored.
    func withdraw(_ stream: StreamID) {
        guard attempts.removeValue(forKey: stream) != nil || streams.removeValue(forKey: stream) != nil else { return }
        wire?.withdraw(stream)
        closeIfDone()
        tellOfRoom()
    }
}
