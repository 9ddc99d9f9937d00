import CoreMetrics
import Telemetry

/// A series of a registry in a back end of swift-metrics, and what that has been told already.
struct ExportedSeries {
    /// The quantiles of the calls since the last export that a back end is told.
    static let quantiles = [0.5, 0.9, 0.99]

    private enum Handlers {
        case counter(any CounterHandler, told: UInt64)
        case gauge(any MeterHandler)
        case histogram(
            count: any CounterHandler, sum: any FloatingPointCounterHandler, quantiles: [any MeterHandler],
            told: HistogramSnapshot)
        case values(
            count: any CounterHandler, sum: any FloatingPointCounterHandler, told: (count: UInt64, sum: Double))
    }

    private var handlers: Handlers

    static func counter(
        _ factory: any MetricsFactory, _ name: String, _ dimensions: [(String, String)]
    ) -> ExportedSeries {
        ExportedSeries(handlers: .counter(factory.makeCounter(label: name, dimensions: dimensions), told: 0))
    }

    static func gauge(
        _ factory: any MetricsFactory, _ name: String, _ dimensions: [(String, String)]
    ) -> ExportedSeries {
        ExportedSeries(handlers: .gauge(factory.makeMeter(label: name, dimensions: dimensions)))
    }

    static func histogram(
        _ factory: any MetricsFactory, _ name: String, _ dimensions: [(String, String)]
    ) -> ExportedSeries {
        ExportedSeries(
            handlers: .histogram(
                count: factory.makeCounter(label: name + "_count", dimensions: dimensions),
                sum: factory.makeFloatingPointCounter(label: name + "_sum", dimensions: dimensions),
                quantiles: quantiles.map {
                    factory.makeMeter(label: name, dimensions: dimensions + [("quantile", "\($0)")])
                }, told: HistogramSnapshot()))
    }

    static func values(
        _ factory: any MetricsFactory, _ name: String, _ dimensions: [(String, String)]
    ) -> ExportedSeries {
        ExportedSeries(
            handlers: .values(
                count: factory.makeCounter(label: name + "_count", dimensions: dimensions),
                sum: factory.makeFloatingPointCounter(label: name + "_sum", dimensions: dimensions), told: (0, 0)))
    }

    /// Tells what was counted since the last time.
    mutating func update(_ counter: Telemetry.Counter) {
        guard case .counter(let handler, let told) = handlers else { return }
        let value = counter.value
        if value > told { handler.increment(by: Int64(clamping: value - told)) }
        handlers = .counter(handler, told: max(value, told))
    }

    /// Tells the value.
    mutating func update(_ gauge: Telemetry.Gauge) {
        if case .gauge(let handler) = handlers { handler.set(gauge.value) }
    }

    /// Tells what was counted since the last time.
    mutating func update(_ histogram: LatencyHistogram) {
        guard case .histogram(let count, let sum, let quantiles, let told) = handlers else { return }
        let snapshot = histogram.snapshot()
        let news = snapshot.since(told)
        guard news.count > 0 else { return }
        count.increment(by: Int64(clamping: news.count))
        sum.increment(by: news.sum)
        for (quantile, handler) in zip(Self.quantiles, quantiles) {
            if let value = news.quantile(quantile) { handler.set(value) }
        }
        handlers = .histogram(count: count, sum: sum, quantiles: quantiles, told: snapshot)
    }

    /// Tells what was counted since the last time.
    mutating func update(_ histogram: ValueHistogram) {
        guard case .values(let count, let sum, let told) = handlers else { return }
        let now = (count: histogram.count, sum: histogram.sum)
        if now.count > told.count { count.increment(by: Int64(clamping: now.count - told.count)) }
        if now.sum > told.sum { sum.increment(by: now.sum - told.sum) }
        handlers = .values(count: count, sum: sum, told: now)
    }

    /// Gives the back end's instruments back.
    func destroy(_ factory: any MetricsFactory) {
        switch handlers {
        case .counter(let handler, _):
            factory.destroyCounter(handler)
        case .gauge(let handler):
            factory.destroyMeter(handler)
        case .histogram(let count, let sum, let quantiles, _):
            factory.destroyCounter(count)
            factory.destroyFloatingPointCounter(sum)
            for handler in quantiles { factory.destroyMeter(handler) }
        case .values(let count, let sum, _):
            factory.destroyCounter(count)
            factory.destroyFloatingPointCounter(sum)
        }
    }
}
