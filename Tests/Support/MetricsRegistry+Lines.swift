package import Telemetry

extension MetricsRegistry {
    /// The lines of the metrics' page that begin with `name`, which are its samples.
    package func lines(of name: String) -> [Substring] {
        String(decoding: PrometheusText.render(self), as: UTF8.self)
            .split(separator: "\n").filter { $0.hasPrefix(name) }
    }
}
