/// The metrics of requests and their answers, under Linkerd's names where it has them, so that dashboards carry over.
///
/// | name | kind | labels |
/// |---|---|---|
/// | `request_total` | counter | `direction`, `method`, `client_id` or `server_id` |
/// | `response_total` | counter | the same and `classification` (`success`, `failure`) |
/// | `response_latency_seconds` | histogram | as `request_total` |
///
/// A call that is repeated is one request and several attempts; attempts are counted alike under names of their own
/// (``Subject/attempts``): `attempt_total`, `attempt_response_total` and `attempt_latency_seconds`. Linkerd calls the two
/// "effective" and "actual".
///
/// Linkerd's `response_latency_ms` is in milliseconds; this is in seconds, as Prometheus asks of new names, unless a
/// page is written with ``MetricNames/linkerd``. `client_id` is the peer of an inbound request, `server_id` of an
/// outbound one; both are SPIFFE IDs.
public struct RequestMetrics: Sendable {
    /// Which way requests go, seen from this process.
    public enum Direction: String, Sendable, Hashable {
        /// Requests that this process answers.
        case inbound
        /// Requests that this process makes.
        case outbound
    }

    /// What is counted.
    public enum Subject: Sendable, Hashable {
        /// Requests, as their caller sees them.
        case requests
        /// The attempts that they take.
        case attempts
    }

    /// How a request ended.
    public enum Classification: String, Sendable, Hashable, CaseIterable {
        /// The answer is what the method is for.
        case success
        /// There was no answer, or an error.
        case failure
    }

    private let requests: MetricFamily<Counter>
    private let responses: MetricFamily<Counter>
    private let latencies: MetricFamily<LatencyHistogram>

    /// Finds or makes the three families in a registry.
    public init(_ registry: MetricsRegistry, of subject: Subject = .requests) {
        let (name, answer, latency, what, which) =
            switch subject {
            case .requests: ("request_total", "response_total", "response_latency_seconds", "Requests", "a request's")
            case .attempts:
                ("attempt_total", "attempt_response_total", "attempt_latency_seconds", "Attempts", "an attempt's")
            }
        self.requests = registry.counter(
            name, help: "\(what) begun.", labels: "direction", "method", "client_id", "server_id")
        self.responses = registry.counter(
            answer, help: "\(what) ended, by how.", labels: "direction", "method", "client_id",
            "server_id", "classification")
        self.latencies = registry.histogram(
            latency, help: "Time from \(which) begin to its end.",
            labels: "direction", "method", "client_id", "server_id")
    }

    /// The instruments of one method and peer; keep them with the connection or route.
    ///
    /// - Parameter peer: the verified peer's SPIFFE ID, or what is known of it.
    public func series(_ direction: Direction, method: String, peer: String) -> RequestSeries {
        let (client, server) = direction == .inbound ? (peer, "") : ("", peer)
        func answers(_ classification: Classification) -> Counter {
            responses.series(direction.rawValue, method, client, server, classification.rawValue)
        }
        return RequestSeries(
            requests: requests.series(direction.rawValue, method, client, server), successes: answers(.success),
            failures: answers(.failure), latency: latencies.series(direction.rawValue, method, client, server))
    }
}

/// The instruments of the requests of one method with one peer.
public final class RequestSeries: Sendable {
    let requests: Counter
    let successes: Counter
    let failures: Counter
    /// The latencies so far, for quantiles without a scrape.
    public let latency: LatencyHistogram

    init(requests: Counter, successes: Counter, failures: Counter, latency: LatencyHistogram) {
        self.requests = requests
        self.successes = successes
        self.failures = failures
        self.latency = latency
    }

    /// Counts a request that begins.
    ///
    /// - Parameter shard: the caller's own, which makes it cheaper; nil from anywhere.
    public func began(on shard: MetricsShard? = nil) {
        requests.increment(on: shard)
    }

    /// Counts a request that ended. One that ran into its deadline counts as a failure with the time it had.
    ///
    /// - Parameters:
    ///   - shard: the caller's own, which makes it cheaper; nil from anywhere.
    ///   - exemplar: the request's trace, if it is sampled.
    public func ended(
        _ classification: RequestMetrics.Classification, after duration: Duration, on shard: MetricsShard? = nil,
        exemplar: Exemplar? = nil
    ) {
        count(classification, on: shard, exemplar)
        latency.record(duration, on: shard, exemplar: exemplar)
    }

    /// Counts a request that ended after `duration` nanoseconds.
    public func ended(
        _ classification: RequestMetrics.Classification, nanoseconds duration: Int64, on shard: MetricsShard? = nil,
        exemplar: Exemplar? = nil
    ) {
        count(classification, on: shard, exemplar)
        latency.record(nanoseconds: duration, on: shard, exemplar: exemplar)
    }

    private func count(
        _ classification: RequestMetrics.Classification, on shard: MetricsShard?, _ exemplar: Exemplar?
    ) {
        switch classification {
        case .success: successes.increment(on: shard, exemplar: exemplar)
        case .failure: failures.increment(on: shard, exemplar: exemplar)
        }
    }
}
