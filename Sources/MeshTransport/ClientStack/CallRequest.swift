import MeshWire
import Telemetry

/// A method as the calls of one client share it.
final class ClientMethod: Sendable {
    /// `service/method`.
    let path: String
    let requestName: String
    let responseName: String
    let retry: RetrySafety
    let series: RequestSeries
    /// For errors: whom the calls are for.
    let destination: String

    init(
        path: String, requestName: String, responseName: String, retry: RetrySafety, series: RequestSeries,
        destination: String
    ) {
        self.path = path
        self.requestName = requestName
        self.responseName = responseName
        self.retry = retry
        self.series = series
        self.destination = destination
    }
}

/// A call as connections see it: encoded once, sent as often as it takes.
final class CallRequest: Sendable {
    let method: ClientMethod
    let deduplication: Deduplication?
    let metadata: Metadata
    let payload: Payload

    /// Throws for a call over the limits: the server's are the same by default, and would refuse it or end the
    /// connection with all other calls.
    init(
        _ method: ClientMethod, _ payload: Payload, _ metadata: Metadata, _ deduplication: Deduplication?,
        within limits: WireLimits
    ) throws(MeshError) {
        self.method = method
        self.payload = payload
        self.metadata = metadata
        self.deduplication = deduplication
        let head = CallHead(
            method: 1, timeRemaining: .zero, deduplication: deduplication, metadata: metadata, layout: payload.layout)
        do throws(WireError) {
            _ = try head.totalBytes(within: limits)
        } catch {
            throw MeshError(
                .callTooLarge, "\(method.path): \(error.message)", progress: .notSent, peer: method.destination,
                cause: error)
        }
    }
}
