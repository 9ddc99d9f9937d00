import Telemetry

/// How often a version of a model was asked, and how long it took to answer.
///
/// | name | kind | labels |
/// |---|---|---|
/// | `inference_requests_total` | counter | `model`, `version`, `outcome`: `success`, `rejected` (the request was wrong), `failure` |
/// | `inference_examples_total` | counter | `model`, `version`; successful predictions, each counted with its batch |
/// | `inference_compute_seconds` | histogram | `model`, `version`; the time in the model itself |
///
/// The time that a call waits before it computes is the difference to the mesh's own latency of the method or route.
struct ModelMetrics: Sendable {
    let succeeded: Counter
    let rejected: Counter
    let failed: Counter
    let examples: Counter
    let compute: LatencyHistogram

    init(_ registry: MetricsRegistry, model: String, version: Int) {
        let requests = registry.counter(
            "inference_requests_total", help: "Predictions asked for, by outcome.", labels: "model", "version",
            "outcome")
        let version = String(version)
        succeeded = requests.series(model, version, "success")
        rejected = requests.series(model, version, "rejected")
        failed = requests.series(model, version, "failure")
        examples = registry.counter(
            "inference_examples_total", help: "Examples predicted.", labels: "model", "version"
        ).series(model, version)
        compute = registry.histogram(
            "inference_compute_seconds", help: "Time in the model for one request.", labels: "model", "version"
        ).series(model, version)
    }
}
