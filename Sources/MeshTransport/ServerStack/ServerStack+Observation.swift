import Identity
import MeshWire
import Telemetry

/// What is told of a call when it has been answered.
extension ServerStack {
    /// A call as it is measured.
    struct CallFacts: Sendable {
        /// When it came.
        let start: RuntimeInstant
        /// Where it stands in its trace, if calls are traced.
        let trace: CallTrace?
        /// The bytes of a request that came with it.
        var requestBytes = 0
        /// The rule that let it in, or what the policy is called that kept it out; `nil` if neither was asked.
        var policy: String?
        /// When its answer began, if it did before it was whole.
        var firstByte: RuntimeInstant?

        /// Runs a handler where the calls that it makes find the trace that they are part of.
        func around(_ handler: @Sendable () async -> Reply) async -> Reply {
            guard let trace else { return await handler() }
            return await trace.around(handler)
        }

        /// The same for a handler that waits for nothing, and so makes no calls, but may have spans of the host's.
        func around(inline handler: () -> Reply) -> Reply {
            guard let host = trace?.host else { return handler() }
            return host.span.around(handler)
        }
    }

    /// Counts a call that has come.
    func begins(_ route: Route, _ head: CallHead, now: RuntimeInstant) -> CallFacts {
        route.series.requests.began(on: shard.here)
        return CallFacts(start: now, trace: trace(route, head))
    }

    private func trace(_ route: Route, _ head: CallHead) -> CallTrace? {
        guard let tracer = core.tracer else { return nil }
        return tracer.accept(route.method.path, head.trace, head.metadata, isOurs: core.isOurs(info), by: shard)
    }

    /// Step 8, before the reply is sent.
    ///
    /// - Parameter stream: the messages of a call that has several.
    /// - Returns: when that was.
    @discardableResult
    func finished(
        _ route: Route, _ reply: Reply, _ facts: CallFacts, _ stream: CallStream?
    ) -> RuntimeInstant {
        let now = core.runtime.now
        let nanoseconds = facts.start.nanoseconds(to: now)
        let (series, shard) = (route.series, shard.here)
        let exemplar = facts.trace?.exemplar
        var (requestBytes, responseBytes) = (facts.requestBytes, reply.payload.count)
        if let stream {
            requestBytes = stream.arrivedBytes
            responseBytes += stream.writtenBytes
        }
        series.requests.ended(reply.status.classification, nanoseconds: nanoseconds, on: shard, exemplar: exemplar)
        series.traffic.firstByte.record(nanoseconds: facts.start.nanoseconds(to: facts.firstByte ?? now), on: shard)
        series.traffic.requestBytes.increment(by: UInt64(requestBytes), on: shard)
        series.traffic.responseBytes.increment(by: UInt64(responseBytes), on: shard)
        logFailure(route, reply)
        if facts.trace?.isRecorded == true || core.accessLog != nil || core.tap.isWatched {
            tell(route, reply, facts, nanoseconds, (requestBytes, responseBytes), now)
        }
        return now
    }

    private func tell(
        _ route: Route, _ reply: Reply, _ facts: CallFacts, _ nanoseconds: Int64,
        _ bytes: (request: Int, response: Int),
        _ now: RuntimeInstant
    ) {
        let (path, status) = (route.method.path, reply.status.description)
        if core.tap.isWatched {
            core.tap.show(
                .inbound, status: status, nanoseconds: nanoseconds, now: now.nanoseconds, chance: { shard.chance }
            ) {
                TapEvent(
                    direction: .inbound, method: path, peer: info.peer?.description, status: status,
                    nanoseconds: nanoseconds, requestBytes: Int64(bytes.request), responseBytes: Int64(bytes.response),
                    context: facts.trace?.context)
            }
        }
        if let log = core.accessLog {
            let record = AccessRecord(
                unixNanoseconds: core.runtime.timeSince1970.inNanoseconds - nanoseconds,
                peerAddress: info.remoteAddress, peer: info.peer?.description, httpMethod: "POST", path: "/\(path)",
                version: protocolName == "h2" ? "HTTP/2.0" : protocolName, httpStatus: reply.status.httpStatus,
                status: status, requestBytes: Int64(bytes.request),
                responseBytes: Int64(bytes.response), nanoseconds: nanoseconds,
                traceID: facts.trace?.context.traceID,
                policy: facts.policy)
            log.write(log.format.line(record))
        }
        guard let trace = facts.trace else { return }
        let error = reply.status == .ok ? nil : CallFailure(reply.status, reply.detail ?? reply.message)
        core.tracer?.record(path, .server, trace, nanoseconds: nanoseconds, error: error) { span in
            span.set(reply.status, message: reply.detail ?? reply.message)
            span.set("client.address", .string(info.remoteAddress))
            if let peer = info.peer { span.set("meshwork.peer", .string(peer.description)) }
            if let policy = facts.policy { span.set("meshwork.policy", .string(policy)) }
            span.set("meshwork.request_bytes", .int(Int64(bytes.request)))
            span.set("meshwork.response_bytes", .int(Int64(bytes.response)))
        }
    }
}
