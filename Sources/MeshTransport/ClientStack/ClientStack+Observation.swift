import MeshWire
import Telemetry

/// What is told of a call and of its attempts when they have ended.
extension ClientStack {
    /// What an attempt of the call hands on, if the call is traced.
    var attemptTrace: CallTrace? {
        request.trace.flatMap { core.tracer?.child(request.method.path, of: $0, by: pool.shard) }
    }

    /// Measures an attempt.
    func measured(_ attempt: Attempt, _ outcome: AttemptOutcome, since start: RuntimeInstant, to now: RuntimeInstant) {
        // One that was outrun has no answer of its own.
        let status = attempt.outrunSince == nil ? outcome.status : .cancelled
        let nanoseconds = start.nanoseconds(to: now)
        series.attempts.ended(status.classification, nanoseconds: nanoseconds, on: pool.shard.here)
        guard let trace = attempt.trace, trace.isRecorded else { return }
        recordAttempt(
            attempt.number, trace, status, outcome.error, at: attempt.placement?.endpoint.server,
            nanoseconds: nanoseconds)
    }

    /// Records the span of an attempt of a trace that is recorded.
    func recordAttempt(
        _ number: Int, _ trace: CallTrace, _ status: CallStatus, _ error: MeshError?, at server: ServerAddress?,
        nanoseconds: Int64
    ) {
        // An answer is no error of ours, and of the attempt it is.
        let failure: (any Error)? = error ?? (status == .ok ? nil : CallFailure(status, status.description))
        core.tracer?.record(request.method.path, .client, trace, nanoseconds: nanoseconds, error: failure) { span in
            span.set(status, message: error?.message)
            span.set("meshwork.attempt", .int(Int64(number)))
            if let server { span.set("server.address", .string("\(server)")) }
            if let peer = error?.peer { span.set("meshwork.peer", .string(peer)) }
        }
    }

    /// Measures a call with one response that has succeeded.
    func measured(
        _ answer: Attempt.Answer, from start: RuntimeInstant, firstByte: RuntimeInstant, to now: RuntimeInstant,
        attempts: Int
    ) {
        let (series, shard) = (series, pool.shard.here)
        let nanoseconds = start.nanoseconds(to: now)
        let exemplar = request.trace?.exemplar
        series.requests.ended(.success, nanoseconds: nanoseconds, on: shard, exemplar: exemplar)
        series.traffic.firstByte.record(nanoseconds: start.nanoseconds(to: firstByte), on: shard)
        series.traffic.requestBytes.increment(by: UInt64(request.payload.count), on: shard)
        series.traffic.responseBytes.increment(by: UInt64(answer.payload.count), on: shard)
        guard request.trace?.isRecorded == true || core.tap.isWatched else { return }
        show(
            .ok, nil, nanoseconds, requestBytes: request.payload.count, responseBytes: answer.payload.count,
            attempts: attempts, now)
    }

    /// Measures a call that has failed, whatever its kind.
    func measured(_ error: MeshError, from start: RuntimeInstant) {
        let now = runtime.now
        let nanoseconds = start.nanoseconds(to: now)
        let status = error.outcome
        let exemplar = request.trace?.exemplar
        series.requests.ended(
            status.classification, nanoseconds: nanoseconds, on: pool.shard.here, exemplar: exemplar)
        guard request.trace?.isRecorded == true || core.tap.isWatched else { return }
        show(status, error, nanoseconds, requestBytes: request.payload.count, responseBytes: 0, attempts: nil, now)
    }

    /// Measures a call of several messages that has not failed, or has been ended by its caller.
    func measured(_ status: CallStatus, _ call: ClientStreamCall, from start: RuntimeInstant) async {
        let now = runtime.now
        let nanoseconds = start.nanoseconds(to: now)
        let exemplar = request.trace?.exemplar
        series.requests.ended(
            status.classification, nanoseconds: nanoseconds, on: pool.shard.here, exemplar: exemplar)
        guard request.trace?.isRecorded == true || core.tap.isWatched else { return }
        let carried = await call.stream.carried()
        show(
            status, nil, nanoseconds, requestBytes: request.payload.count + carried.written,
            responseBytes: carried.arrived, attempts: call.number, now)
    }

    /// Tells those who asked: the tap's watchers, and the tracer.
    private func show(
        _ status: CallStatus, _ error: MeshError?, _ nanoseconds: Int64, requestBytes: Int, responseBytes: Int,
        attempts: Int?, _ now: RuntimeInstant
    ) {
        let trace = request.trace
        if core.tap.isWatched {
            let status = status.description
            core.tap.show(
                .outbound, status: status, nanoseconds: nanoseconds, now: now.nanoseconds, chance: { chance }
            ) {
                TapEvent(
                    direction: .outbound, method: request.method.path, peer: error?.peer ?? request.method.destination,
                    status: status, nanoseconds: nanoseconds, requestBytes: Int64(requestBytes),
                    responseBytes: Int64(responseBytes), context: trace?.context)
            }
        }
        guard let trace else { return }
        core.tracer?.record(request.method.path, .client, trace, nanoseconds: nanoseconds, error: error) { span in
            span.set(status, message: error?.message)
            span.set("meshwork.destination", .string(request.method.destination))
            if let way { span.set("meshwork.route", .string(way.route.name)) }
            if let attempts { span.set("meshwork.attempts", .int(Int64(attempts))) }
            span.set("meshwork.request_bytes", .int(Int64(requestBytes)))
            span.set("meshwork.response_bytes", .int(Int64(responseBytes)))
        }
    }
}

extension AttemptOutcome {
    /// What it counts as.
    var status: CallStatus {
        switch self {
        case .replied(let answer): answer.head.status
        case .failed(let error, _): error.outcome
        }
    }

    /// Why there is no answer.
    var error: MeshError? {
        if case .failed(let error, _) = self { error } else { nil }
    }
}
