import MeshWire
import Telemetry

/// What a mesh counts of its TCP connections and of those to Unix domain sockets, TLS included, under Linkerd's names.
struct ConnectionMetrics: Sendable {
    private let opened: MetricFamily<Counter>
    private let closed: MetricFamily<Counter>
    private let open: MetricFamily<Gauge>
    private let durations: MetricFamily<LatencyHistogram>
    private let read: MetricFamily<Counter>
    private let written: MetricFamily<Counter>
    private let handshakes: MetricFamily<Counter>
    private let handshakeDurations: MetricFamily<LatencyHistogram>

    init(_ registry: MetricsRegistry) {
        opened = registry.counter(
            "tcp_open_total", help: "Connections opened.", labels: "direction", "tls")
        closed = registry.counter(
            "tcp_close_total", help: "Connections closed.", labels: "direction", "tls")
        open = registry.gauge(
            "tcp_open_connections", help: "Connections that are open.", labels: "direction", "tls")
        durations = registry.histogram(
            "tcp_connection_duration_seconds", help: "How long connections were open.", labels: "direction", "tls")
        read = registry.counter(
            "tcp_read_bytes_total", help: "Bytes read from connections, those of TLS included.", labels: "direction",
            "tls")
        written = registry.counter(
            "tcp_write_bytes_total", help: "Bytes written to connections, those of TLS included.", labels: "direction",
            "tls")
        handshakes = registry.counter(
            "mesh_handshakes_total",
            help:
                "Handshakes by what they came to: ok, untrusted, tls, timeout, closed by the peer, or failed otherwise.",
            labels: "direction", "result")
        handshakeDurations = registry.histogram(
            "mesh_handshake_duration_seconds", help: "How long the handshakes took that ended well.",
            labels: "direction")
    }

    /// The instruments of one direction, with or without TLS.
    func series(_ direction: RequestMetrics.Direction, _ security: TransportSecurity) -> ConnectionSeries {
        let labels = [direction.rawValue, security == .mutualTLS ? "true" : "disabled"]
        return ConnectionSeries(
            opened: opened.series(labels), closed: closed.series(labels), open: open.series(labels),
            durations: durations.series(labels), read: read.series(labels), written: written.series(labels))
    }

    /// Counts a handshake, which began at `start`.
    func handshakeEnded(
        _ direction: RequestMetrics.Direction, _ result: HandshakeResult, since start: RuntimeInstant,
        to now: RuntimeInstant, on shard: MetricsShard?
    ) {
        handshakes.series(direction.rawValue, result.rawValue).increment(on: shard)
        guard result == .ok else { return }
        handshakeDurations.series(direction.rawValue).record(nanoseconds: start.nanoseconds(to: now), on: shard)
    }
}

/// The instruments of the connections of one direction.
final class ConnectionSeries: Sendable {
    let opened: Counter
    let closed: Counter
    let open: Gauge
    let durations: LatencyHistogram
    let read: Counter
    let written: Counter

    init(
        opened: Counter, closed: Counter, open: Gauge, durations: LatencyHistogram, read: Counter, written: Counter
    ) {
        self.opened = opened
        self.closed = closed
        self.open = open
        self.durations = durations
        self.read = read
        self.written = written
    }
}
