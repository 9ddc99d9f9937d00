/// Under which names metrics are written.
public struct MetricNames: Sendable {
    /// Other names of some families.
    let aliases: [MetricAlias]

    /// The names that the program gave them.
    public static let own = MetricNames(aliases: [])

    /// The names, labels and buckets of Linkerd's proxy where it measures the same, so that its dashboards and alerts carry
    /// over; the program's own where it does not.
    ///
    /// | ours | Linkerd's |
    /// |---|---|
    /// | `request_total`, `response_total` | the same |
    /// | `response_latency_seconds` | `response_latency_ms`, at Linkerd's 25 bounds, exactly; ours is to the end, Linkerd's to the first byte |
    /// | `response_first_byte_seconds` | none: Linkerd's name goes to the time to the end, which every call has |
    /// | `tcp_open_total`, `tcp_close_total`, `tcp_open_connections`, `tcp_read_bytes_total`, `tcp_write_bytes_total` | the same |
    /// | `tcp_connection_duration_seconds` | `tcp_connection_duration_ms` |
    /// | `mesh_calls_waiting{service}` | `outbound_http_balancer_queue_length{backend_name}` |
    /// | `mesh_retries_total{method}` | `outbound_grpc_route_retry_requests_total{route_name}` |
    /// | `mesh_retry_overflow_total{method}` | `outbound_grpc_route_retry_overflow_total{route_name}` |
    /// | `mesh_endpoints{service,state}` | `outbound_http_balancer_endpoints{backend_name,endpoint_state}`; `ejected` is a third state |
    /// | `mesh_authorization_denied_total{peer}` | `inbound_http_authz_deny_total{client_id}` |
    public static let linkerd = MetricNames(aliases: [
        MetricAlias("response_latency_seconds", "response_latency_ms"),
        MetricAlias("tcp_connection_duration_seconds", "tcp_connection_duration_ms"),
        MetricAlias(
            "mesh_calls_waiting", "outbound_http_balancer_queue_length", labels: ["service": "backend_name"]),
        MetricAlias(
            "mesh_retries_total", "outbound_grpc_route_retry_requests_total", labels: ["method": "route_name"]),
        MetricAlias(
            "mesh_retry_overflow_total", "outbound_grpc_route_retry_overflow_total", labels: ["method": "route_name"]),
        MetricAlias(
            "mesh_endpoints", "outbound_http_balancer_endpoints",
            labels: ["service": "backend_name", "state": "endpoint_state"]),
        MetricAlias("mesh_authorization_denied_total", "inbound_http_authz_deny_total", labels: ["peer": "client_id"]),
    ])

    /// The same with another alias, for families of rooms above.
    package func adding(_ alias: MetricAlias) -> MetricNames { MetricNames(aliases: aliases + [alias]) }

    /// What a family is written as; nil: as itself.
    func alias(of family: String) -> MetricAlias? { aliases.last { $0.family == family } }
}

/// Another name of a family, with other names of its labels.
package struct MetricAlias: Sendable {
    let family: String
    let name: String
    private let labels: [String: String]

    /// - Parameters:
    ///   - name: ends in `_total` for a counter. A histogram whose name ends in `_ms` is written in milliseconds, at
    ///     Linkerd's bounds.
    ///   - labels: the new names of labels that change theirs.
    package init(_ family: String, _ name: String, labels: [String: String] = [:]) {
        precondition(MetricName.isMetric(name), "metric \(name): expected letters, digits, '_' and ':'")
        self.family = family
        self.name = name
        self.labels = labels
    }

    /// The names of a family's labels.
    func renamed(_ names: [String]) -> [String] { names.map { labels[$0] ?? $0 } }
}
