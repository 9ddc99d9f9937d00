import MeshWire
import NIOCore
import Telemetry

/// One call of several messages, as its client sees it: waits for its connection, ends at its deadline, and is measured.
///
/// Sendable: everything mutable is touched on the client's event loop alone.
@safe final class ClientStreamCall: DeadlineBound, @unchecked Sendable {
    let request: CallRequest
    /// Which of its call's attempts it is, from 1 on.
    let number: Int
    private let stack: ClientStack
    /// Where it stands in its trace, from then on.
    private var trace: CallTrace?
    /// When it was given to a connection.
    private var start: RuntimeInstant?
    let stream: CallStream
    let deadline: RuntimeInstant
    var position = -1
    private let deadlines: DeadlineTimer
    private(set) var peer: String
    /// True once a server may have seen it.
    private var wasSent = false
    private var opening: UnsafeContinuation<MeshError?, Never>?
    /// Where the balancer has put it, if there was a choice.
    private let placement: EndpointPlacement?
    /// Its place among the calls under way, where their number is limited.
    private let permit: AdmissionPermit?
    /// Is told how it ended.
    private let interception: AttemptInterception?
    /// How long it may have no message.
    private let idleTimeout: Duration?
    private var idleCheck: Scheduled<Void>?
    /// A response that is read a second time, on purpose. In the task that reads.
    private var doubled: Payload?

    init(
        _ stack: ClientStack, _ request: CallRequest, number: Int, _ executor: LoopExecutor, _ deadlines: DeadlineTimer,
        deadline: RuntimeInstant,
        _ interception: AttemptInterception? = nil, _ placement: EndpointPlacement? = nil,
        _ permit: AdmissionPermit? = nil,
        idleTimeout: Duration? = nil
    ) {
        self.stack = stack
        self.idleTimeout = idleTimeout
        self.interception = interception
        self.placement = placement
        self.permit = permit
        self.number = number
        self.request = request
        self.deadlines = deadlines
        self.deadline = deadline
        stream = CallStream(executor)
        peer = request.method.destination
    }

    /// Its first response has come.
    func answered() { placement?.answered() }

    // MARK: On the event loop

    /// Starts to wait for a connection; `continuation` is resumed when the call is on it, or cannot be.
    @unsafe
    func begin(_ continuation: UnsafeContinuation<MeshError?, Never>, _ now: RuntimeInstant) {
        guard isOpen else {
            // Cancelled before it began.
            let error = MeshError(
                .cancelled, "\(request.method.path): the caller was cancelled", progress: .notSent, peer: peer)
            placement?.ended(.unknown)
            permit?.ended(request, tellsTime: false, at: now)
            interception?.failed(error)
            return unsafe continuation.resume(returning: error)
        }
        unsafe opening = continuation
        stream.onEnd = { [unowned self] in ended($0) }
        deadlines.add(self, now)
        (start, trace) = (now, stack.attemptTrace)
        stack.series.attempts.began(on: stack.pool.shard.here)
        stream.onFirstArrival = { [unowned self] in
            stack.series.traffic.firstByte.record(
                nanoseconds: now.nanoseconds(to: stack.runtime.now), on: stack.pool.shard.here)
        }
    }

    /// Whether somebody still waits for it.
    var isOpen: Bool { !stream.isOver }

    /// Opens the call on a connection.
    func open(on connection: ClientConnection, now: RuntimeInstant) {
        let method = request.method
        guard connection.takes(method.kind) else {
            return fail(
                MeshError(
                    .unsupportedByPeer, "\(method.path) streams, which the server is too old for", progress: .notSent,
                    peer: connection.peerName))
        }
        do throws(MeshError) {
            guard
                try connection.open(
                    request, AttemptFacts(number: number, trace: trace), stream, until: deadline, now: now)
            else {
                throw MeshError(
                    .draining, "the connection takes no calls", progress: .notSent, peer: method.destination)
            }
        } catch {
            return fail(error)
        }
        wasSent = true
        peer = connection.peerName
        if let idleTimeout { watch(idleTimeout, connection, activity: stream.activity, since: now) }
        opened(nil)
    }

    /// Looks eight times in `limit` whether there has been a message.
    private func watch(
        _ limit: Duration, _ connection: ClientConnection, activity: Int, since last: RuntimeInstant
    ) {
        let loop = stream.executor.eventLoop.assumeIsolated()
        idleCheck = loop.scheduleTask(in: .nanoseconds(max(1, limit.inNanoseconds / 8))) { [weak self] in
            guard let self, isOpen else { return }
            let now = connection.now
            guard stream.activity == activity else {
                return watch(limit, connection, activity: stream.activity, since: now)
            }
            guard last.duration(to: now) < limit else {
                return abandon(.deadlineExceeded, "no message for \(limit)")
            }
            watch(limit, connection, activity: activity, since: last)
        }
    }

    /// Ends the call before a server has seen it.
    func fail(_ error: MeshError) { stream.cancel(error) }

    func deadlinePassed() { abandon(.deadlineExceeded, "no answer in time") }

    func stopped(_ error: MeshError) { stream.cancel(error) }

    /// Gives the call up.
    func abandon(_ code: MeshError.Code, _ message: String) {
        stream.cancel(
            MeshError(
                code, "\(request.method.path): \(message)", progress: wasSent ? .mayHaveRun : .notSent, peer: peer))
    }

    private func ended(_ end: CallStream.End) {
        deadlines.remove(self)
        idleCheck?.cancel()
        if case .failed(let error) = end { opened(error) }
        measured(end)
        permit?.ended(request, tellsTime: false, at: stack.runtime.now)
        switch end {
        case .finished(let head, _): placement?.ended(EndpointOutcome(head))
        // Many streams go on until their deadline.
        case .failed(let error) where error.code == .deadlineExceeded: placement?.ended(.unknown)
        case .failed(let error): placement?.ended(EndpointOutcome(error))
        }
        guard let interception else { return }
        switch end {
        case .finished(let head, _): interception.ended(head, stream.responseMetadata ?? Metadata(), peer: peer)
        case .failed(let error): interception.failed(error)
        }
    }

    /// Measures the attempt. One that its caller has ended because it needs no more is no failure.
    private func measured(_ end: CallStream.End) {
        guard let start else { return }
        let nanoseconds = start.nanoseconds(to: stack.runtime.now)
        let (series, shard) = (stack.series, stack.pool.shard.here)
        let (status, error): (CallStatus, MeshError?) =
            switch end {
            case .finished(let head, _): (head.status, nil)
            case .failed(let error): (error.outcome, error)
            }
        series.attempts.ended(status.classification, nanoseconds: nanoseconds, on: shard)
        series.traffic.requestBytes.increment(by: UInt64(request.payload.count + stream.writtenBytes), on: shard)
        series.traffic.responseBytes.increment(by: UInt64(stream.arrivedBytes), on: shard)
        guard let trace, trace.isRecorded else { return }
        stack.recordAttempt(
            number, trace, status, error, at: placement?.endpoint.server, nanoseconds: nanoseconds)
    }

    private func opened(_ error: MeshError?) {
        guard let waiting = unsafe opening else { return }
        unsafe opening = nil
        unsafe waiting.resume(returning: error)
    }

    // MARK: In the caller's task

    /// The next response, or `nil` after the last of a call that succeeded.
    func next<Message: MeshMessage>() async throws(MeshError) -> Message? {
        if let payload = doubled {
            doubled = nil
            return try decode(payload)
        }
        while true {
            switch await stream.next() {
            case .message(let payload):
                request.method.laneRule.carried(payload.count)
                switch faults?.fate(ofStreamedResponse: request.method.path) ?? .deliver {
                case .deliver: break
                case .lose: continue
                case .duplicate: doubled = payload
                }
                return try decode(payload)
            case .end(let end):
                _ = try outcome(end)
                return nil
            }
        }
    }

    private var faults: (any FaultInjector)? { stack.core.configuration.faults }

    /// The response of a call that has but one.
    func response<Message: MeshMessage>() async throws(MeshError) -> Message {
        guard case .end(let end) = await stream.next() else {
            throw MeshError(
                .protocolViolation, "\(request.method.path): a message came before the response", progress: .answered,
                peer: peer)
        }
        let payload = try outcome(end)
        request.method.laneRule.carried(payload.count)
        return try decode(payload)
    }

    /// Sends the next of several requests.
    func send(_ message: some MeshMessage) async throws(MeshError) {
        let payload = Payload(message)
        request.method.laneRule.carried(payload.count)
        let fate = faults?.fate(ofStreamedRequest: request.method.path) ?? .deliver
        // Lost on the way, on purpose.
        guard fate != .lose else { return }
        try await stream.send(payload)
        if fate == .duplicate { try await stream.send(payload) }
    }

    /// What a call that succeeded ended with; throws what another one did.
    private func outcome(_ end: CallStream.End) throws(MeshError) -> Payload {
        switch end {
        case .finished(let head, let payload):
            guard head.status == .ok else { throw MeshError(head, progress: .answered, peer: peer) }
            return payload
        case .failed(let error):
            throw error
        }
    }

    private func decode<Message: MeshMessage>(_ payload: Payload) throws(MeshError) -> Message {
        do throws(WireError) {
            return try payload.decode()
        } catch {
            let failure = MeshError(
                .malformedMessage,
                "\(request.method.path) answered what is no \(Message.messageName): \(error.message)",
                progress: .answered, peer: peer, cause: error)
            stream.cancel(failure)
            throw failure
        }
    }
}
