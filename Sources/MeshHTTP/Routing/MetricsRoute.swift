import HTTPTypes
public import Hummingbird
import NIOCore
public import Telemetry

extension RouterMethods where Context == MeshRequestContext {
    /// Serves `registry` in Prometheus' text format at `/metrics`.
    public func addMetrics(_ registry: MetricsRegistry) {
        answerOnly("/metrics", .get) { _, _ in
            Response(
                status: .ok, headers: [.contentType: PrometheusText.contentType],
                body: ResponseBody(byteBuffer: ByteBuffer(bytes: PrometheusText.render(registry))))
        }
    }
}
