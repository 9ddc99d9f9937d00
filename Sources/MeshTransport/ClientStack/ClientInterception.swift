import MeshWire

/// A call that has passed the host's interceptors: what they have made of it, and who is told how it ends.
struct ClientInterception: Sendable {
    /// The call with the metadata that was added.
    let request: CallRequest
    let deadline: RuntimeInstant
    private let core: ClientCore
    private let start: RuntimeInstant
    private let observers: [CallObserver]

    /// Asks every interceptor whether it lets a call pass, in order.
    static func begin(
        _ core: ClientCore, _ request: CallRequest, from start: RuntimeInstant, until deadline: RuntimeInstant
    ) async throws(MeshError) -> ClientInterception {
        var call = ClientCall(request, deadline: deadline, runtime: core.runtime)
        var observers: [CallObserver] = []
        do throws(MeshError) {
            for passage in core.interceptors {
                if let waiting = passage.waiting { call = try await prepare(call, by: waiting) }
                do {
                    if let observer = try passage.interceptor.willCall(&call) { observers.append(observer) }
                } catch {
                    throw MeshError(error, refusing: call, by: passage.interceptor.name)
                }
            }
            return ClientInterception(
                request: try request.intercepted(call.metadata, within: core.configuration.limits),
                deadline: call.deadline,
                core: core, start: start, observers: observers)
        } catch {
            // Those that have let it pass are told that it went no further.
            observers.tell(
                CallOutcome(
                    error, elapsed: start.duration(to: core.runtime.now), peer: request.method.destination))
            throw error
        }
    }

    /// Lets an interceptor wait for what it needs, at most until the deadline.
    private static func prepare(
        _ call: ClientCall, by interceptor: any AsyncClientInterceptor
    ) async throws(MeshError) -> ClientCall {
        // What ends first decides; the other is cancelled.
        let prepared = await withTaskGroup(of: Result<ClientCall, any Error>?.self) { group in
            group.addTask {
                var call = call
                do {
                    try await interceptor.prepare(&call)
                    return .success(call)
                } catch {
                    return .failure(error)
                }
            }
            group.addTask {
                try? await call.runtime.sleep(until: call.deadline)
                return nil
            }
            defer { group.cancelAll() }
            return await group.next() ?? nil
        }
        switch prepared {
        case .success(let call): return call
        case _ where Task.isCancelled:
            throw MeshError(
                .cancelled, "\(call.method): the caller was cancelled", progress: .notSent, peer: call.destination)
        case .failure(let error): throw MeshError(error, refusing: call, by: interceptor.name)
        case nil:
            throw MeshError(
                .deadlineExceeded, "\(call.method): the deadline passed in the interceptor \(interceptor.name)",
                progress: .notSent, peer: call.destination)
        }
    }

    /// Asks every interceptor whether it lets an attempt pass, in order.
    func attempt(_ number: Int, until deadline: RuntimeInstant) -> AttemptInterception {
        let now = core.runtime.now
        var call = ClientCall(request, deadline: deadline, runtime: core.runtime)
        call.attempt = number
        var observers: [CallObserver] = []
        do throws(MeshError) {
            for passage in core.interceptors {
                do {
                    if let observer = try passage.interceptor.willAttempt(&call) { observers.append(observer) }
                } catch {
                    throw MeshError(error, refusing: call, by: passage.interceptor.name)
                }
            }
            return AttemptInterception(
                try request.intercepted(call.metadata, within: core.configuration.limits), call.deadline, core, now,
                observers)
        } catch {
            return AttemptInterception(request, deadline, core, now, observers, refusal: error)
        }
    }

    /// The call has succeeded.
    func succeeded(_ metadata: Metadata, _ trailers: Metadata, peer: String) {
        observers.tell(
            CallOutcome(
                status: .ok, metadata: metadata, trailers: trailers, elapsed: start.duration(to: core.runtime.now),
                peer: peer, error: nil))
    }

    /// The call has failed.
    func failed(_ error: MeshError) {
        observers.tell(
            CallOutcome(error, elapsed: start.duration(to: core.runtime.now), peer: request.method.destination))
    }
}

/// The same for one of a call's attempts.
struct AttemptInterception: Sendable {
    let request: CallRequest
    let deadline: RuntimeInstant
    /// Why the attempt is not made.
    let refusal: MeshError?
    private let core: ClientCore
    private let start: RuntimeInstant
    private let observers: [CallObserver]

    fileprivate init(
        _ request: CallRequest, _ deadline: RuntimeInstant, _ core: ClientCore, _ start: RuntimeInstant,
        _ observers: [CallObserver], refusal: MeshError? = nil
    ) {
        self.request = request
        self.deadline = deadline
        self.core = core
        self.start = start
        self.observers = observers
        self.refusal = refusal
    }

    /// Whether another attempt may follow one that was refused.
    var refusalMayPass: Bool {
        guard let failure = refusal?.cause as? CallFailure else { return false }
        return failure.hasNotRun && failure.status.mayPass
    }

    /// The attempt has ended.
    func ended(_ outcome: AttemptOutcome) {
        switch outcome {
        case .replied(let answer): ended(answer.head, answer.metadata, peer: answer.peer)
        case .failed(let error, _): failed(error)
        }
    }

    /// The server has answered.
    func ended(_ head: ReplyHead, _ metadata: Metadata, peer: String) {
        let progress: MeshError.Progress = head.hasNotRun && head.status.mayPass ? .notSent : .answered
        observers.tell(
            CallOutcome(
                status: head.status, metadata: metadata, trailers: head.metadata,
                elapsed: start.duration(to: core.runtime.now), peer: peer,
                error: head.status == .ok ? nil : MeshError(head, progress: progress, peer: peer)))
    }

    /// There is no answer.
    func failed(_ error: MeshError) {
        observers.tell(
            CallOutcome(error, elapsed: start.duration(to: core.runtime.now), peer: request.method.destination))
    }
}

/// A client's interceptor, and whether calls wait for it: asked once, not for each call.
struct ClientPassage: Sendable {
    let interceptor: any ClientInterceptor
    let waiting: (any AsyncClientInterceptor)?

    init(_ interceptor: any ClientInterceptor) {
        self.interceptor = interceptor
        waiting = interceptor as? any AsyncClientInterceptor
    }
}

extension CallRequest {
    /// The same call with the metadata that its interceptors have made of it.
    fileprivate func intercepted(_ metadata: Metadata, within limits: WireLimits) throws(MeshError) -> CallRequest {
        guard metadata != self.metadata else { return self }
        do throws(MeshError) {
            return try with(metadata, within: limits)
        } catch {
            var error = error
            error.message += ", with what the interceptors have added"
            throw error
        }
    }
}

extension MeshError {
    /// What an interceptor's error means to the caller.
    fileprivate init(_ error: any Error, refusing call: ClientCall, by name: String) {
        let reason = (error as? CallFailure)?.message ?? (error as? MeshError)?.message ?? "\(error)"
        self.init(
            .refusedByInterceptor, "\(call.method): the interceptor \(name) refused the call: \(reason)",
            progress: .notSent, status: (error as? CallFailure)?.status ?? (error as? MeshError)?.status,
            peer: call.destination, cause: error)
        if let failure = error as? CallFailure {
            details = failure.details
            trailers = failure.trailers
        }
    }
}
