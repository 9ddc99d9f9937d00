public import MeshTransport
import MeshWire
import Synchronization

/// `grpc.health.v1.Health`: tells balancers and orchestrators whether this process and its services take calls.
///
/// Made by ``/MeshTransport/Mesh/serveHealth()``. The process as a whole is `serving` until it is said otherwise,
/// while nothing is missing that ``/MeshTransport/Mesh/setReady(_:_:)`` has named; a
/// service is unknown until its status is set.
///
/// ```swift
/// let health = mesh.serveHealth()
/// health.setStatus(.notServing, of: Scoring.name)
/// let model = try await load()
/// health.setStatus(.serving, of: Scoring.name)
/// ```
/// Guarded by a mutex.
public final class HealthService: Sendable {
    /// Whether calls are taken.
    public enum Status: Sendable, Hashable {
        /// They are.
        case serving
        /// They are not, for now.
        case notServing
    }

    private struct State {
        var registry = HealthRegistry()
        var watchers: [HealthRegistry.Watcher: AsyncStream<HealthRegistry.Status>.Continuation] = [:]
    }

    private let state = Mutex(State())

    init() {}

    /// Sets the status of a service, or of the process as a whole, and tells those who watch it.
    public func setStatus(_ status: Status, of service: ServiceName? = nil) {
        tell {
            $0.setStatus(status == .serving ? .serving : .notServing, of: service?.description ?? HealthRegistry.server)
        }
    }

    /// Whether the process has all that it needs: see ``/MeshTransport/Mesh/setReady(_:_:)``.
    func setReady(_ isReady: Bool) { tell { $0.setReady(isReady) } }

    /// Forgets a service: it is unknown again.
    public func remove(_ service: ServiceName) {
        tell { $0.remove(service.description) }
    }

    func currentStatus(of service: String) -> HealthRegistry.Status? {
        state.withLock { $0.registry.status(of: service) }
    }

    /// Sets everything to `notServing`, for good: the process is about to stop.
    public func shutDown() {
        tell { $0.shutDown() }
    }

    private func tell(_ change: (inout HealthRegistry) -> [HealthRegistry.Notification]) {
        state.withLock { state in
            for notification in change(&state.registry) {
                state.watchers[notification.watcher]?.yield(notification.status)
            }
        }
    }

    /// The statuses of a service from now on; `nil` if too many watch already.
    private func watch(_ service: String) -> (HealthRegistry.Watcher, AsyncStream<HealthRegistry.Status>)? {
        state.withLock { state in
            guard let (watcher, first) = state.registry.watch(service) else { return nil }
            // Who is slow learns the newest status, which is the one that counts.
            let (statuses, continuation) = AsyncStream.makeStream(
                of: HealthRegistry.Status.self, bufferingPolicy: .bufferingNewest(1))
            continuation.yield(first)
            state.watchers[watcher] = continuation
            return (watcher, statuses)
        }
    }

    private func unwatch(_ watcher: HealthRegistry.Watcher) {
        state.withLock { state in
            state.registry.unwatch(watcher)
            state.watchers[watcher] = nil
        }
    }
}

extension HealthService: Grpc_Health_V1_Health.Handler {
    package func check(
        _ request: Grpc_Health_V1_HealthCheckRequest, _ call: CallContext
    ) async throws -> Grpc_Health_V1_HealthCheckResponse {
        guard let status = currentStatus(of: request.service) else {
            throw CallFailure(.notFound, "the service \"\(request.service.prefix(256))\" is not known here")
        }
        return Grpc_Health_V1_HealthCheckResponse(status)
    }

    package func watch(
        _ request: Grpc_Health_V1_HealthCheckRequest,
        _ responses: ResponseSender<Grpc_Health_V1_HealthCheckResponse>, _ call: CallContext
    ) async throws {
        guard let (watcher, statuses) = watch(request.service) else {
            throw CallFailure(.resourceExhausted, "too many watch already", hasNotRun: true)
        }
        defer { unwatch(watcher) }
        for await status in statuses { try await responses.send(Grpc_Health_V1_HealthCheckResponse(status)) }
        throw CallFailure(.cancelled, "the watch has ended")
    }
}

extension Grpc_Health_V1_HealthCheckResponse {
    fileprivate init(_ status: HealthRegistry.Status) {
        self.init()
        self.status = status
    }
}
