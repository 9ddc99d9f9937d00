import MeshWire
import NIOCore
import Telemetry

/// What happens to a call of several messages: the same as to any other, but that it is repeated only before its first
/// response, and only if its requests are still there: one that streams them has none to repeat.
extension ClientStack {
    /// Opens a call and hands it to `body`; the call ends when `body` does.
    func stream<Result>(
        timeout: Duration, _ body: (ClientStreamCall) async throws -> Result
    ) async throws -> Result {
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
        let call: ClientStreamCall
        do throws(MeshError) {
            call = try await opened(until: deadline, interception)
        } catch {
            throw ended(error, since: start, interception)
        }
        do {
            let result = try await body(call)
            abandonIfOpen(call)
            await measured(.ok, call, from: start)
            if let interception { await tell(interception, of: call) }
            return result
        } catch {
            abandonIfOpen(call)
            // An error of the host's own ends the call as well, and is no failure of the server's.
            guard let failure = error as? MeshError else {
                await measured(.cancelled, call, from: start)
                interception?.failed(
                    MeshError(
                        .cancelled, "\(request.method.path): the caller has ended it", progress: .mayHaveRun,
                        peer: request.method.destination, cause: error))
                throw error
            }
            throw ended(failure, since: start, interception)
        }
    }

    /// Tells the interceptors of a call that succeeded.
    private func tell(_ interception: ClientInterception, of call: ClientStreamCall) async {
        let said = await call.stream.said()
        interception.succeeded(said.before, said.after, peer: call.peer)
    }

    private func abandonIfOpen(_ call: ClientStreamCall) {
        let loop = call.stream.executor.eventLoop
        let abandon: @Sendable () -> Void = { if call.isOpen { call.abandon(.cancelled, "the caller has ended it") } }
        if loop.inEventLoop { abandon() } else { loop.execute(abandon) }
    }

    /// A call that a server has: one of several responses has sent the first of them, or ended.
    private func opened(
        until deadline: RuntimeInstant, _ interception: ClientInterception?
    ) async throws(MeshError) -> ClientStreamCall {
        var course = CallCourse(self, interception, until: deadline, now: runtime.now)
        if Task.isCancelled { throw cancelledBefore }
        while true {
            var placement: EndpointPlacement?
            var permit: AdmissionPermit?
            if pool.admission.isLimiting { permit = try await admitted(&course, until: deadline) }
            if course.lane == nil {
                do throws(MeshError) {
                    placement = try await endpoint(avoiding: course.tried, until: deadline)
                    course.tookPlace(placement)
                } catch {
                    permit?.ended(self.request, tellsTime: false, at: runtime.now)
                    let failure: AttemptFailure = error.code.mayPass ? .notRun : .final
                    try await follow(course.failed(error, failure, at: nil), &course)
                    continue
                }
            }
            guard let lane = course.lane else {
                permit?.ended(self.request, tellsTime: false, at: runtime.now)
                throw noConnection
            }
            let isDetour = course.isDetour
            let (request, limit) = course.begin(until: deadline)
            let call = ClientStreamCall(
                self, request, number: course.attempts, lane.executor, lane.deadlines, deadline: limit, course.passage,
                placement, permit, idleTimeout: way?.route.idleTimeout)
            let found: StreamFailure?
            if let refusal = course.refusal {
                course.passage?.failed(refusal.error)
                placement?.ended(.unknown)
                permit?.ended(request, tellsTime: false, at: runtime.now)
                found = (refusal.error, refusal.failure, nil)
            } else {
                found = await firstFailure(of: call, on: lane, isDetour: isDetour)
            }
            guard let (error, failure, pushback) = found else {
                course.succeeded()
                return call
            }
            try await follow(course.failed(error, failure, at: nil, pushback), &course)
        }
    }

    /// Opens a call; what was wrong with it if there was nothing to read, and what that means for another attempt.
    private func firstFailure(
        of call: ClientStreamCall, on lane: ConnectionKeeper, isDetour: Bool
    ) async -> StreamFailure? {
        if let error = await open(call, on: lane, isDetour) {
            return (error, error.progress == .mayHaveRun ? .mayHaveRun : error.code.mayPass ? .notRun : .final, nil)
        }
        guard !request.method.kind.streamsRequests else { return nil }
        switch await call.stream.first() {
        case nil:
            call.answered()
            return nil
        case .failed(let error):
            // A deadline or a cancellation would end the next attempt as well.
            let isFinal = error.code == .deadlineExceeded || error.code == .cancelled
            return (error, isFinal ? .final : error.progress == .notSent ? .notRun : .mayHaveRun, nil)
        case .finished(let head, _):
            guard head.status != .ok else { return nil }
            let failure = CallCourse.failure(head, retry)
            guard failure != .final else { return nil }
            let progress: MeshError.Progress = failure == .notRun ? .notSent : .answered
            return (MeshError(head, progress: progress, peer: request.method.destination), failure, head.pushback)
        }
    }

    /// Why there is nothing to read, what that means for another attempt, and what the server says about it.
    private typealias StreamFailure = (MeshError, AttemptFailure, RetryPushback?)

    /// An endpoint that takes calls, when there is one.
    private func endpoint(
        avoiding tried: Balancer.Tried, until deadline: RuntimeInstant
    ) async throws(MeshError) -> EndpointPlacement {
        let loop = pool.executor.eventLoop
        let search = EndpointSearch(self, avoiding: tried, until: deadline)
        return try await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                if loop.inEventLoop { search.begin(continuation) } else { loop.execute { search.begin(continuation) } }
            }
        } onCancel: {
            loop.execute { search.cancel() }
        }.get()
    }

    private func open(_ call: ClientStreamCall, on lane: ConnectionKeeper, _ isDetour: Bool) async -> MeshError? {
        let loop = lane.executor.eventLoop
        return await withTaskCancellationHandler {
            await unsafe withUnsafeContinuation { continuation in
                if loop.inEventLoop {
                    unsafe begin(call, on: lane, isDetour, continuation)
                } else {
                    loop.execute { unsafe self.begin(call, on: lane, isDetour, continuation) }
                }
            }
        } onCancel: {
            loop.execute { call.abandon(.cancelled, "the caller was cancelled") }
        }
    }

    private func begin(
        _ call: ClientStreamCall, on lane: ConnectionKeeper, _ isDetour: Bool,
        _ continuation: UnsafeContinuation<MeshError?, Never>
    ) {
        unsafe call.begin(continuation, runtime.now)
        guard call.isOpen else { return }
        guard call.deadline > runtime.now else { return call.deadlinePassed() }
        if let connection = lane.ready { return call.open(on: connection, now: runtime.now) }
        if isDetour { return call.fail(noConnection) }
        lane.withConnection { connection, error in
            guard call.isOpen else { return }
            if let connection { return call.open(on: connection, now: self.runtime.now) }
            call.fail(error ?? self.noConnection)
        }
    }
}
