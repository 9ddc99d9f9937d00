import MeshWire
import NIOCore

/// The attempts that wait for their places although there may be nowhere to go. On the event loop.
extension EndpointPool {
    /// Runs `body` on the event loop, at once if this is it.
    func execute(_ body: @escaping @Sendable () -> Void) {
        let loop = executor.eventLoop
        if loop.inEventLoop { body() } else { loop.execute(body) }
    }

    /// An attempt waits; it is told when that is no use.
    func holds(_ wait: AdmissionWait) {
        guard !wait.hasEnded else { return }
        // Nothing else of this client may have asked for an endpoint.
        if !isClosed { start() }
        if let error = hopelessness { return fail(wait, error) }
        wait.position = held.count
        held.append(wait)
        if only == nil, balancer.readyCount == 0 { watchTheClock() }
    }

    /// An attempt waits no more.
    func letsGo(_ wait: AdmissionWait) {
        let position = wait.position
        guard position >= 0 else { return }
        wait.position = -1
        let last = held.removeLast()
        guard position < held.count else { return }
        last.position = position
        held[position] = last
    }

    /// Tells all that it is no use.
    func failHeld(_ error: MeshError) {
        let failing = held
        held = []
        for wait in failing {
            wait.position = -1
            fail(wait, error)
        }
    }

    private func fail(_ wait: AdmissionWait, _ error: MeshError) {
        // A client that its host closes sheds nothing.
        admission.end(wait, .failed(error), as: isClosed ? nil : .failfast)
    }
}
