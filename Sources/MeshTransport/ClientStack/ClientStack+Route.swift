import MeshWire
import Telemetry

/// Step 1 of a call that has a route.
extension ClientStack {
    /// How its attempts are repeated.
    var retry: RetryConfiguration { way?.compiled.retry ?? request.snapshot.configuration.retry }

    /// How long the call may take whose caller does not say.
    var callTimeout: Duration { request.snapshot.configuration.callTimeout }

    /// How long the call may take, given how long its caller would wait.
    func timeout(_ timeout: Duration) -> Duration { way?.route.timeout.map { min($0, timeout) } ?? timeout }

    /// Makes what the route is to go wrong, and sends the copy that its mirror is to get.
    nonisolated(nonsending) func follow(
        _ way: ClientRoute, since start: RuntimeInstant, until deadline: RuntimeInstant
    ) async throws(MeshError) {
        if let faults = way.route.faults {
            if chance < faults.delayShare {
                way.faults.increment()
                let end = min(deadline, start.advanced(by: faults.delay))
                guard (try? await runtime.sleep(until: end)) != nil else { throw ended(cancelledBefore, since: start) }
                guard runtime.now < deadline else {
                    throw ended(
                        MeshError(
                            .deadlineExceeded,
                            "\(request.method.path): the route \"\(way.route.name)\" held it back on purpose",
                            progress: .notSent, peer: request.method.destination), since: start)
                }
            }
            if chance < faults.abortShare {
                way.faults.increment()
                throw ended(
                    MeshError(
                        .status, "\(request.method.path): the route \"\(way.route.name)\" fails it on purpose",
                        progress: .notSent, status: faults.abort, peer: request.method.destination), since: start)
            }
        }
        if let mirror = way.mirror, request.method.kind == .unary { copy(to: mirror, of: way.route, until: deadline) }
    }

    private func copy(to mirror: ClientRoute.Mirror, of route: Route, until deadline: RuntimeInstant) {
        guard chance < mirror.configuration.share, mirror.begin() else { return }
        let copy = CallRequest(
            copying: request, to: mirror.method,
            adding: Metadata.Entry(key: RouteMirror.metadataKey, value: route.name),
            trace: request.trace.flatMap { core.tracer?.child(mirror.method.path, of: $0, by: pool.shard) })
        let stack = ClientStack(core, mirror.place.pool, copy)
        // Ends at the call's deadline; nobody waits for it.
        runtime.spawn(on: runtime.taskExecutor) { [runtime] in
            _ = try? await stack.run(timeout: max(.nanoseconds(1), runtime.now.duration(to: deadline)))
            mirror.ended()
        }
    }
}
