import MeshWire

/// The wait of a call of several messages for an endpoint: ends with one, with the reason why there is none, at the
/// deadline, or when its caller is cancelled.
///
/// Sendable: everything mutable is touched on the client's event loop alone.
final class EndpointSearch: DeadlineBound, @unchecked Sendable {
    typealias Found = Result<EndpointPlacement, MeshError>

    let deadline: RuntimeInstant
    var position = -1
    private let stack: ClientStack
    private let tried: Balancer.Tried
    private var continuation: CheckedContinuation<Found, Never>?
    private var isCancelled = false

    init(_ stack: ClientStack, avoiding tried: Balancer.Tried, until deadline: RuntimeInstant) {
        self.stack = stack
        self.tried = tried
        self.deadline = deadline
    }

    func begin(_ continuation: CheckedContinuation<Found, Never>) {
        guard !isCancelled else { return continuation.resume(returning: .failure(stack.cancelledBefore)) }
        self.continuation = continuation
        let now = stack.runtime.now
        guard deadline > now else { return deadlinePassed() }
        stack.pool.deadlines.add(self, now)
        look()
    }

    func cancel() {
        isCancelled = true
        end(.failure(stack.cancelledBefore))
    }

    func deadlinePassed() {
        let request = stack.request
        end(
            .failure(
                MeshError(
                    .deadlineExceeded, "\(request.method.path): no endpoint took the call in time",
                    progress: .notSent, peer: request.method.destination)))
    }

    func stopped(_ error: MeshError) { end(.failure(error)) }

    private func look() {
        guard continuation != nil else { return }
        let now = stack.runtime.now
        let placement = stack.pool.place(
            affinity: stack.request.affinity, avoiding: tried, isTimed: false, now: now)
        if let placement { return end(.success(placement)) }
        stack.pool.wait { error in
            if let error { self.end(.failure(error)) } else { self.look() }
        }
    }

    private func end(_ found: Found) {
        guard let waiting = continuation.take() else { return }
        stack.pool.deadlines.remove(self)
        waiting.resume(returning: found)
    }
}
