import Identity
import MeshWire
import NIOCore
import Telemetry

/// What happens to a call on the client's side, outermost first:
///
/// 1. a route may choose another method and another service, make faults, and send a copy elsewhere
///    (``MeshClient/stack``, `ClientStack+Route.swift`); the deadline is set: nothing below waits past it;
/// 2. the call is measured, as its caller sees it, traced, and shown to those who watch (`ClientStack+Observation.swift`);
/// 3. **the host's interceptors, around the call** (``AsyncClientInterceptor/prepare(_:)`` and
///    ``ClientInterceptor/willCall(_:)``): they may wait, add metadata to every attempt, shorten the deadline, refuse, and
///    are told of the outcome;
/// 4. failed attempts are repeated, if the method bears it, the server does not forbid it, and time and the destination's
///    budget are left;
///    idempotent calls that take long are sent to a second server as well (`AttemptRace.swift`);
/// 5. where the destination has a limit, each attempt has a place among those under way, waits for one, or is not made
///    (`ClientStack+Admission.swift`);
/// 6. each attempt gets its own deadline, and is measured and traced by itself;
/// 7. **the host's interceptors, around each attempt** (``ClientInterceptor/willAttempt(_:)``): the same, for this attempt
///    alone, and without waiting; whatever they do, each attempt sends the same message;
/// 8. of a service's servers, the balancer picks one that is connected and not left out; an attempt waits while there is
///    none, and prefers one that earlier attempts have not been to;
/// 9. the keeper of the call's lane gives a connection to the server; where it has none and none can be made, the other
///    lane's does if it has one;
/// 10. a deduplicated call goes to the server instance of its first attempt, to one that shares its store, or nowhere;
/// 11. its messages meet their fates, if a fault injector decides them;
/// 12. the connection sends it and waits.
struct ClientStack: Sendable {
    let core: ClientCore
    let pool: EndpointPool
    let request: CallRequest
    /// The route that has decided about the pool, if one has.
    let way: ClientRoute?

    init(_ core: ClientCore, _ pool: EndpointPool, _ request: CallRequest, on way: ClientRoute? = nil) {
        self.core = core
        self.pool = pool
        self.request = request
        self.way = way
    }

    var runtime: any Runtime { core.runtime }
    var series: ClientSeries { request.method.series }
    /// Uniform in 0 ..< 1.
    var chance: Double { pool.shard.chance }

    /// Steps 1 to 7. Runs where its caller does: a call hops to its connection's loop and back, and nowhere else.
    nonisolated(nonsending) func run(timeout: Duration) async throws(MeshError) -> Attempt.Answer {
        series.requests.began(on: pool.shard.here)
        let start = runtime.now
        var deadline = start.advanced(by: self.timeout(timeout))
        if let way { try await follow(way, since: start, until: deadline) }
        var interception: ClientInterception?
        if !core.interceptors.isEmpty {
            let passed = try await intercepted(from: start, until: deadline)
            deadline = passed.deadline
            interception = passed
        }
        if Task.isCancelled { throw ended(cancelledBefore, since: start, interception) }
        var course = CallCourse(
            self, interception, until: deadline,
            now: interception == nil && way == nil ? start : runtime.now)
        while true {
            var permit: AdmissionPermit?
            if pool.admission.isLimiting {
                do throws(MeshError) {
                    permit = try await admitted(&course, until: deadline)
                } catch {
                    throw ended(error, since: start, interception)
                }
            }
            let attempt = attempt(&course)
            let isMade = attempt.isOpen
            if isMade {
                series.attempts.began(on: pool.shard.here)
                if let lane = course.lane {
                    await send(attempt, on: lane, isDetour: course.isDetour, course.now)
                } else {
                    await send(attempt, avoiding: course.tried, course.now)
                    course.tookPlace(attempt.winner ?? attempt.placement, attempt.route)
                }
            }
            let outcome = attempt.outcome
            course.passage?.ended(outcome)
            let now = runtime.now
            permit?.ended(request, outcome, at: now)
            if isMade { measured(attempt, outcome, since: course.now, to: now) }
            let next: CallCourse.Next
            switch outcome {
            case .replied(let answer) where answer.head.status == .ok:
                request.method.laneRule.carried(answer.payload.count)
                if let hedging = retry.hedging, isMade {
                    // Of a call that was rescued, the time of the attempt that did.
                    let begin = attempt.outrunSince ?? course.now
                    request.method.latencies.record(nanoseconds: begin.nanoseconds(to: now), hedging)
                }
                measured(answer, from: start, firstByte: attempt.firstByte ?? now, to: now, attempts: course.attempts)
                course.succeeded()
                interception?.succeeded(answer.metadata, answer.head.metadata, peer: answer.peer)
                return answer
            case .replied(let answer): next = course.failed(answer, at: attempt.server)
            case .failed(let error, let failure): next = course.failed(error, failure, at: attempt.server)
            }
            do throws(MeshError) {
                try await follow(next, &course)
            } catch {
                throw ended(error, since: start, interception)
            }
        }
    }

    /// Steps 6 and 7: the next attempt; one that an interceptor refuses has ended.
    private func attempt(_ course: inout CallCourse) -> Attempt {
        let (request, deadline) = course.begin()
        let attempt = Attempt(
            request, number: course.attempts, deadline: deadline, boundTo: course.bound,
            trace: course.refusal == nil ? attemptTrace : nil, faults: core.configuration.faults)
        if let (error, failure) = course.refusal { attempt.finish(.failed(error, failure)) }
        return attempt
    }

    /// Step 4: returns when another attempt is to begin; throws where none follows.
    nonisolated(nonsending) func follow(_ next: CallCourse.Next, _ course: inout CallCourse) async throws(MeshError) {
        switch next {
        case .again:
            return
        case .failed(let error):
            throw error
        case .retry(let time, let error):
            guard (try? await runtime.sleep(until: time)) != nil else {
                course.wasCancelled()
                throw cancelled(after: error)
            }
            course.retries(now: runtime.now)
            series.retries.increment(on: pool.shard.here)
        }
    }

    /// Step 3, for calls that have interceptors.
    func intercepted(
        from start: RuntimeInstant, until deadline: RuntimeInstant
    ) async throws(MeshError) -> ClientInterception {
        do throws(MeshError) {
            return try await ClientInterception.begin(core, request, from: start, until: deadline)
        } catch {
            throw ended(error, since: start)
        }
    }

    /// Measures a call that failed.
    func ended(
        _ error: MeshError, since start: RuntimeInstant, _ interception: ClientInterception? = nil
    ) -> MeshError {
        var error = error
        error.peer = error.peer ?? request.method.destination
        measured(error, from: start)
        interception?.failed(error)
        return error
    }

    /// What a caller is told that was cancelled before it called.
    var cancelledBefore: MeshError {
        MeshError(
            .cancelled, "\(request.method.path): the caller was cancelled", progress: .notSent,
            peer: request.method.destination)
    }

    private func cancelled(after error: MeshError) -> MeshError {
        MeshError(
            .cancelled, "\(request.method.path): the caller was cancelled between two attempts",
            progress: error.progress, peer: error.peer, cause: error)
    }

    /// Steps 8 to 12; the attempt has ended when it returns.
    nonisolated(nonsending) private func send(
        _ attempt: Attempt, avoiding tried: Balancer.Tried, _ now: RuntimeInstant
    ) async {
        let loop = pool.executor.eventLoop
        await withTaskCancellationHandler {
            await unsafe withUnsafeContinuation { continuation in
                if loop.inEventLoop {
                    unsafe begin(attempt, avoiding: tried, continuation, now)
                } else {
                    loop.execute { unsafe begin(attempt, avoiding: tried, continuation, runtime.now) }
                }
            }
        } onCancel: {
            loop.execute {
                let abandon: @Sendable () -> Void = {
                    attempt.abandon(.cancelled, "the caller was cancelled", .final)
                }
                if let other = attempt.other { other.execute(abandon) } else { abandon() }
            }
        }
    }

    private func begin(
        _ attempt: Attempt, avoiding tried: Balancer.Tried, _ continuation: UnsafeContinuation<Void, Never>,
        _ now: RuntimeInstant
    ) {
        unsafe attempt.begin(continuation, until: pool.deadlines, now)
        guard attempt.isOpen else { return }
        guard attempt.deadline > now else { return attempt.deadlinePassed() }
        place(attempt, avoiding: tried, now)
    }

    /// Step 8: sends the attempt to an endpoint, now or when one takes calls.
    private func place(_ attempt: Attempt, avoiding tried: Balancer.Tried, _ now: RuntimeInstant) {
        let placement = pool.place(
            affinity: request.affinity, avoiding: tried, isTimed: !attempt.request.isBulk, now: now)
        guard let placement else {
            return pool.wait { error in
                guard attempt.isOpen else { return }
                guard let error else { return place(attempt, avoiding: tried, runtime.now) }
                attempt.finish(.failed(error, error.code.mayPass ? .notRun : .final))
            }
        }
        let route = LaneRoute(placement.endpoint.lanes, attempt.request, now: now)
        attempt.place(placement, route)
        if attempt.number == 1, let delay = hedgingDelay() { AttemptRace.begin(self, attempt, after: delay, now: now) }
        let (lane, isDetour) = (route.lane, route.isDetour)
        let loop = lane.executor.eventLoop
        guard !loop.inEventLoop else { return send(attempt, on: lane, isDetour, now) }
        attempt.move(to: loop)
        loop.execute {
            attempt.moved(lane.deadlines, runtime.now)
            send(attempt, on: lane, isDetour, runtime.now)
        }
    }

    /// Steps 9 to 12 of an attempt whose server is known; the attempt has ended when it returns.
    nonisolated(nonsending) private func send(
        _ attempt: Attempt, on lane: ConnectionKeeper, isDetour: Bool, _ now: RuntimeInstant
    ) async {
        let loop = lane.executor.eventLoop
        await withTaskCancellationHandler {
            // The attempt resumes it once: when it is finished, or at once if it was before.
            await unsafe withUnsafeContinuation { continuation in
                if loop.inEventLoop {
                    unsafe begin(attempt, on: lane, isDetour, continuation, now)
                } else {
                    loop.execute { unsafe begin(attempt, on: lane, isDetour, continuation, runtime.now) }
                }
            }
        } onCancel: {
            loop.execute { attempt.abandon(.cancelled, "the caller was cancelled", .final) }
        }
    }

    private func begin(
        _ attempt: Attempt, on lane: ConnectionKeeper, _ isDetour: Bool,
        _ continuation: UnsafeContinuation<Void, Never>, _ now: RuntimeInstant
    ) {
        unsafe attempt.begin(continuation, until: lane.deadlines, now)
        guard attempt.isOpen else { return }
        guard attempt.deadline > now else { return attempt.deadlinePassed() }
        send(attempt, on: lane, isDetour, now)
    }

    private func send(_ attempt: Attempt, on lane: ConnectionKeeper, _ isDetour: Bool, _ now: RuntimeInstant) {
        guard attempt.isOpen else { return }
        if let connection = lane.ready, !isDetour || attempt.mayGo(to: connection.server) {
            return send(attempt, on: connection, now)
        }
        if isDetour { return attempt.finish(.failed(noConnection, .notRun)) }
        lane.withConnection { connection, error in
            guard attempt.isOpen else { return }
            if let connection { return send(attempt, on: connection, runtime.now) }
            let error = error ?? noConnection
            attempt.finish(.failed(error, error.code.mayPass ? .notRun : .final))
        }
    }

    var noConnection: MeshError {
        MeshError(.connectFailed, "no connection", progress: .notSent, peer: request.method.destination)
    }

    private func send(_ attempt: Attempt, on connection: ClientConnection, _ now: RuntimeInstant) {
        guard attempt.isOpen else { return }
        guard attempt.mayGo(to: connection.server) else {
            let error = MeshError(
                .instanceChanged,
                "\(request.method.path): this server does not know what that of the first attempt has applied",
                progress: .mayHaveRun, peer: connection.peerName)
            // Of a service's servers another may share the first one's store.
            return attempt.finish(.failed(error, attempt.mayGoElsewhere ? .mayHaveRun : .final))
        }
        let fate = core.configuration.faults?.fate(ofRequest: request.method.path) ?? .deliver
        // Lost on the way, on purpose: nothing is sent, and nobody knows.
        guard fate != .lose else { return attempt.wasLost() }
        do throws(MeshError) {
            if try connection.send(attempt, now: now) {
                // The copy comes second: a server that did not take the call has not taken its copy either.
                if fate == .duplicate {
                    _ = try connection.send(.unheard(attempt), now: now)
                }
                return
            }
        } catch {
            return attempt.finish(.failed(error, .final))
        }
        attempt.finish(
            .failed(
                MeshError(
                    .draining, "the connection takes no calls", progress: .notSent, peer: request.method.destination),
                .notRun))
    }
}

extension MeshError.Code {
    /// Whether there may be a connection a moment later although there is none now: not if it is the destination, its
    /// server or a closed client that rules it out.
    var mayPass: Bool {
        self != .peerNotTrusted && self != .noExpectedIdentity && self != .draining && self != .invalidConfiguration
            && self != .unsupportedByPeer
    }
}

extension CallStatus {
    /// Whether a refusal with this status may not be repeated a moment later.
    var mayPass: Bool { self == .unavailable || self == .resourceExhausted }
}
