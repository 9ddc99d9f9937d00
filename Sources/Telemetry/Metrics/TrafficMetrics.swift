/// What goes with requests beside their outcome: how soon answers begin, and how much is carried.
///
/// | name | kind | labels |
/// |---|---|---|
/// | `response_first_byte_seconds` | histogram | `direction`, `method`, `client_id` or `server_id` |
/// | `request_bytes_total` | counter | the same; bytes of the requests' messages |
/// | `response_bytes_total` | counter | the same; bytes of the responses' messages |
///
/// The labels are those of ``RequestMetrics``, so that one is divided by the other without a join.
public struct TrafficMetrics: Sendable {
    private let firstBytes: MetricFamily<LatencyHistogram>
    private let requestBytes: MetricFamily<Counter>
    private let responseBytes: MetricFamily<Counter>

    /// Finds or makes the three families in a registry.
    public init(_ registry: MetricsRegistry) {
        firstBytes = registry.histogram(
            "response_first_byte_seconds", help: "Time from a request's begin to its response's first byte.",
            labels: "direction", "method", "client_id", "server_id")
        requestBytes = registry.counter(
            "request_bytes_total", help: "Bytes of the messages of requests.", labels: "direction", "method",
            "client_id", "server_id")
        responseBytes = registry.counter(
            "response_bytes_total", help: "Bytes of the messages of responses.", labels: "direction", "method",
            "client_id", "server_id")
    }

    /// The instruments of one method and peer; keep them with the connection or route.
    ///
    /// - Parameter peer: the verified peer's SPIFFE ID, or what is known of it.
    public func series(_ direction: RequestMetrics.Direction, method: String, peer: String) -> TrafficSeries {
        let (client, server) = direction == .inbound ? (peer, "") : ("", peer)
        let labels = [direction.rawValue, method, client, server]
        return TrafficSeries(
            firstByte: firstBytes.series(labels), requestBytes: requestBytes.series(labels),
            responseBytes: responseBytes.series(labels))
    }
}

/// The instruments of what one method carries to or from one peer.
public final class TrafficSeries: Sendable {
    /// The time from a request's begin to its response's first byte.
    public let firstByte: LatencyHistogram
    /// The bytes of the requests' messages.
    public let requestBytes: Counter
    /// The bytes of the responses' messages.
    public let responseBytes: Counter

    init(firstByte: LatencyHistogram, requestBytes: Counter, responseBytes: Counter) {
        self.firstByte = firstByte
        self.requestBytes = requestBytes
        self.responseBytes = responseBytes
    }
}
