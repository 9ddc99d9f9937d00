import Identity
import Logging
import MeshWire
import NIOCore
import Telemetry

/// What happens to a call on the server's side, outermost first:
///
/// 1. the method is looked up, and the message types that the client declared are compared with ours;
/// 2. **the host's interceptors, before authorization** (``ServerInterceptor/willAuthorize(_:)``): they see every call of
///    a method that is served, may add to what its caller is told, shorten the deadline, refuse, and are told of the
///    outcome;
/// 3. the policy decides whether this peer may call it, from where it does, with the claims that an interceptor has
///    verified; the rate limits, whether it is too early;
/// 4. the deadline is checked: work that nobody waits for is not begun;
/// 5. **the host's interceptors, after authorization** (``ServerInterceptor/willHandle(_:)``): the same, for calls that are
///    about to run;
///    then the server's limit on calls at a time decides whether it takes one more;
/// 6. **the host's interceptors, around the handler** (``AsyncServerInterceptor/handle(_:_:)``), in its task: they may
///    wait;
/// 7. the handler runs: at once if it waits for nothing, else in a task where the method says: on the runtime's pool, on
///    the loop, on the compute pool; the watchdog measures how long it holds the loop;
/// 8. the outcome is measured, traced, logged and shown to those who watch (`ServerStack+Observation.swift`), told to
///    the interceptors, the innermost first, and sent.
///
/// 1 to 5 and 8 run on the connection's event loop, without a thread hop. A call that 3 or 4 refuse when its head has been
/// read passes 2 then; any other does when it is complete.
package final class ServerStack: Sendable {
    let core: ServerCore
    /// What the connection's loop records on.
    let shard: LoopShard
    private let caller: CallContext.Caller

    /// What the connection speaks, by its name in the TLS handshake.
    let protocolName: String

    init(_ core: ServerCore, _ info: ConnectionInfo, over protocolName: String, on loop: any EventLoop) {
        self.core = core
        self.protocolName = protocolName
        shard = core.metrics.shards.shard(of: loop)
        caller = CallContext.Caller(info, core.runtime)
    }

    var info: ConnectionInfo { caller.info }

    /// What a declared method turned out to be.
    package enum Resolution {
        case served(Route)
        case refused(Reply)
    }

    /// A served method on one connection.
    ///
    /// Confined to the connection's event loop.
    package final class Route {
        package let method: ServedMethod
        let series: ServerSeries
        /// The policy and limits, by their number, that the two below were found by.
        fileprivate var judgedBy: UInt64?
        /// Set if the policy allows the peer this method.
        fileprivate var permission: ServerCore.Permission?
        /// What the calls count in, if there are limits.
        fileprivate var buckets: RateLimits.Buckets?
        /// Runs the method's handlers on the loop, under the watchdog.
        fileprivate var executor: HandlerExecutor?

        fileprivate init(_ method: ServedMethod, _ series: ServerSeries) {
            self.method = method
            self.series = series
        }
    }

    /// Step 1, once for each method of a connection.
    func resolve(_ declaration: MethodDeclaration) -> Resolution {
        guard let method = core.registry.method(at: declaration.path) else {
            return .refused(unknown(declaration.path))
        }
        guard method.requestName == declaration.requestName, method.responseName == declaration.responseName else {
            return .refused(
                Reply(
                    status: .unimplemented,
                    message: "\(method.path) takes \(method.requestName) and answers \(method.responseName), "
                        + "the caller means \(declaration.requestName) and \(declaration.responseName)",
                    hasNotRun: true))
        }
        guard method.kind == declaration.kind else {
            return .refused(
                Reply(
                    status: .unimplemented,
                    message: "\(method.path) is \(method.kind), the caller means \(declaration.kind)", hasNotRun: true))
        }
        return .served(route(method))
    }

    /// Step 1 on a wire whose callers say no more of a method than its path.
    func resolve(path: String) -> Resolution {
        guard let method = core.registry.method(at: path) else { return .refused(unknown(path)) }
        return .served(route(method))
    }

    private func unknown(_ path: String) -> Reply {
        core.metrics.unknownMethods.increment()
        return Reply(status: .unimplemented, message: "\(path) is not served here", hasNotRun: true)
    }

    private func route(_ method: ServedMethod) -> Route {
        Route(method, core.metrics.series(method.path, peer: info.peer))
    }

    /// Steps 3 and 4 of a call whose head has been read: an answer if it will not run whatever follows. It counts nowhere.
    func preview(_ route: Route, _ head: CallHead, now: RuntimeInstant) -> Reply? {
        // What an interceptor verifies is not known yet.
        let isAllowed =
            core.mayAllow(route.method.path, info) ?? permission(route, [:], now, counts: false).isAllowed
        guard isAllowed else { return notAllowed(route) }
        return isLate(head) ? tooLate(route) : nil
    }

    private func tooMany(_ route: Route, _ excess: RateLimits.Excess) -> Reply {
        var reply = Reply(
            status: .resourceExhausted, message: "\(route.method.path): too many calls, come again later",
            hasNotRun: true)
        reply.pushback = .after(excess.wait)
        return reply
    }

    private func isLate(_ head: CallHead) -> Bool { head.timeRemaining <= .zero }

    private func tooLate(_ route: Route) -> Reply {
        Reply(
            status: .deadlineExceeded, message: "\(route.method.path): the deadline passed on the way", hasNotRun: true)
    }

    /// Steps 3 and 4: an answer if the call is not to run, or what its handler is told.
    ///
    /// - Parameter claims: what an interceptor has verified of the caller.
    func admit(
        _ route: Route, _ head: CallHead, _ facts: inout CallFacts, claims: [String: [String]]
    ) -> Result<CallContext, Refusal> {
        let now = facts.start
        let method = route.method
        let permission = permission(route, claims, now, counts: true)
        facts.policy = permission.isAllowed ? permission.rule : core.policyName
        guard permission.isAllowed else { return .failure(Refusal(reply: notAllowed(route))) }
        if let excess = route.buckets?.take(now: now) {
            core.tell(of: excess, method.path, info)
            return .failure(Refusal(reply: tooMany(route, excess)))
        }
        if isLate(head) { return .failure(Refusal(reply: tooLate(route))) }
        return .success(
            CallContext(
                caller, method: method.path, deadline: now.advanced(by: head.timeRemaining),
                deduplication: head.deduplication, metadata: head.metadata, trace: facts.trace?.context))
    }

    /// Asks the policy once for as long as it stays in force, where that is enough.
    private func permission(
        _ route: Route, _ claims: [String: [String]], _ now: RuntimeInstant, counts: Bool
    ) -> ServerCore.Permission {
        let number = core.policyNumber
        if route.judgedBy != number {
            route.judgedBy = number
            route.permission = nil
            route.buckets = core.rateBuckets(route.method.path, info, now: now)
        }
        if let known = route.permission {
            if counts { known.series?.increment(on: shard.here) }
            return known
        }
        let permission = core.permission(route.method.path, info, claims: claims)
        if permission.isAllowed, permission.isLasting { route.permission = permission }
        if counts { permission.series?.increment(on: shard.here) }
        return permission
    }

    /// Whether the policy in force still allows a call that runs.
    func mayGoOn(_ route: Route, claims: [String: [String]]) -> Bool {
        core.permission(route.method.path, info, claims: claims).isAllowed
    }

    /// What a caller is told that may not call a method.
    func notAllowed(_ route: Route) -> Reply {
        Reply(
            status: .permissionDenied, message: "\(route.method.path): not allowed for this caller", hasNotRun: true)
    }

    /// Step 5, at its end: an answer if as many calls run as may.
    ///
    /// - Parameter isCounted: set if the call counts, until it has ``left(_:from:isTelling:)``.
    func enter(_ route: Route, _ isCounted: inout Bool) -> Reply? {
        guard core.concurrency.counts(route.method.kind) else { return nil }
        isCounted = core.concurrency.enter()
        guard !isCounted else { return nil }
        core.metrics.overloads.increment()
        return Reply(
            status: .resourceExhausted, message: "\(route.method.path): as many calls run here as may", hasNotRun: true)
    }

    /// A call that counts has ended, and was given up by its caller or not.
    func left(_ route: Route, from start: RuntimeInstant, isTelling: Bool) {
        // How long a stream takes says nothing, whatever it was counted by.
        core.concurrency.leave(
            from: isTelling && route.method.kind == .unary ? start : nil, to: core.runtime.now)
    }

    /// Steps 2, 5 and 6 of a call, if there are any.
    func interception(_ route: Route, _ head: CallHead, now: RuntimeInstant) -> ServerInterception? {
        if core.interceptors.isEmpty { return nil }
        return ServerInterception(ServerCall(route.method, caller, head, now: now), core, from: now)
    }

    /// Step 7: the executor that the handler's task prefers.
    func executor(for execution: HandlerExecution, of route: Route, loop: LoopExecutor) -> (any TaskExecutor)? {
        switch execution {
        case .task: return core.runtime.taskExecutor
        case .compute: return core.runtime.computeExecutor
        case .onLoop:
            guard let watchdog = core.watchdog else { return loop }
            let executor =
                route.executor ?? HandlerExecutor(loop, watchdog, method: route.method.path, peer: caller.name)
            route.executor = executor
            return executor
        }
    }

    /// Step 7 of a handler that ran at once: has the watchdog look how long that took.
    func ranInline(_ route: Route, from start: RuntimeInstant, to end: RuntimeInstant) {
        core.watchdog?.ran(route.method.path, caller.name, from: start, to: end)
    }

    func logFailure(_ route: Route, _ reply: Reply) {
        guard let detail = reply.detail else { return }
        core.logger.error(
            "handler failed",
            metadata: [
                "method": "\(route.method.path)", "peer": "\(info.peer?.description ?? "none")", "error": "\(detail)",
            ])
    }

    /// A call that is answered before it runs.
    struct Refusal: Error {
        let reply: Reply
    }
}
