import Identity
import MeshWire

/// A call on its way through a server's interceptors: what they have made of it, and who is told how it ends.
///
/// Sendable: it is changed on the connection's event loop until the handler starts, and only read afterwards.
final class ServerInterception: @unchecked Sendable {
    private(set) var call: ServerCall
    private let core: ServerCore
    private let start: RuntimeInstant
    private var observers: [CallObserver] = []

    init(_ call: ServerCall, _ core: ServerCore, from start: RuntimeInstant) {
        self.call = call
        self.core = core
        self.start = start
    }

    private var peer: String { call.peer?.description ?? call.remoteAddress }

    /// Asks every interceptor before the policy is; the answer if one refuses.
    func willAuthorize() -> Reply? { ask { try $0.willAuthorize(&$1) } }

    /// Asks every interceptor before the handler is started; the answer if one refuses.
    func willHandle() -> Reply? { ask { try $0.willHandle(&$1) } }

    private func ask(_ pass: (any ServerInterceptor, inout ServerCall) throws -> CallObserver?) -> Reply? {
        for interceptor in core.interceptors {
            do {
                if let observer = try pass(interceptor, &call) { observers.append(observer) }
            } catch {
                return Reply(to: error, of: interceptor.name)
            }
        }
        return nil
    }

    /// Runs a handler within the interceptors that wait.
    func around(_ handler: @Sendable () async -> Reply) async -> Reply { await pass(0, handler) }

    private func pass(_ position: Int, _ handler: @Sendable () async -> Reply) async -> Reply {
        guard position < core.waitingInterceptors.count else { return await handler() }
        let interceptor = core.waitingInterceptors[position]
        var reply: Reply?
        do {
            try await interceptor.handle(call) {
                if let reply { return outcome(reply) }
                let made = await pass(position + 1, handler)
                reply = made
                return outcome(made)
            }
        } catch {
            guard var answered = reply else { return Reply(to: error, of: interceptor.name) }
            answered.detail = answered.detail ?? "the interceptor \(interceptor.name) failed afterwards: \(error)"
            return answered
        }
        return reply
            ?? Reply(
                status: .internalError,
                message: "the interceptor \(interceptor.name) neither ran the handler nor refused the call",
                hasNotRun: true)
    }

    /// Adds what the interceptors say to the answer, and tells them how the call ended. On the event loop.
    func ended(_ reply: inout Reply) {
        // A call of several messages has been given it beforehand.
        if !call.responseMetadata.isEmpty, call.kind == .unary {
            reply.metadata = call.responseMetadata + reply.metadata
        }
        reply.trailers = reply.trailers + call.trailers
        observers.tell(outcome(reply))
    }

    private func outcome(_ reply: Reply) -> CallOutcome {
        var error: MeshError?
        if reply.status != .ok {
            error = MeshError(
                .status, reply.message, progress: reply.hasNotRun ? .notSent : .answered, status: reply.status,
                peer: peer)
            error?.details = reply.details
            error?.trailers = reply.trailers
        }
        return CallOutcome(
            status: reply.status, metadata: reply.metadata, trailers: reply.trailers,
            elapsed: start.duration(to: core.runtime.now), peer: peer, error: error)
    }
}

extension Reply {
    /// What an interceptor's error means to the caller of a method whose handler has not run.
    fileprivate init(to error: any Error, of name: String) {
        self.init(to: error)
        hasNotRun = true
        if detail == nil {
            message = "the interceptor \(name) refused the call: \(message)"
        } else {
            message = "the interceptor \(name) failed"
            detail = "the interceptor \(name): \(error)"
        }
    }
}

extension Metadata {
    /// The entries of `left`, then those of `right`.
    static func + (left: Metadata, right: Metadata) -> Metadata {
        if right.isEmpty { return left }
        var all = left
        for entry in right { all.append(entry) }
        return all
    }
}
