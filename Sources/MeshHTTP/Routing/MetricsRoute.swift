import HTTPTypes
public import Hummingbird
import NIOCore
public import Telemetry

extension RouterMethods where Context == MeshRequestContext {
    /// Serves `registry` at `/metrics`: as OpenMetrics, with exemplars, to those who ask for it, and else in
    /// Prometheus' text format. The page is written where the handler runs, which is on no event loop.
    ///
    /// - Parameter names: what the metrics are called; Linkerd's names with ``/Telemetry/MetricNames/linkerd``.
    public func addMetrics(_ registry: MetricsRegistry, names: MetricNames = .own) {
        answerOnly("/metrics", .get) { request, _ in
            let format = ExpositionFormat.negotiate(accept: request.headers[.accept])
            let page = PrometheusText.render(registry, as: format, names: names)
            return Response(
                status: .ok, headers: [.contentType: format.contentType],
                body: ResponseBody(byteBuffer: ByteBuffer(bytes: page)))
        }
    }
}
