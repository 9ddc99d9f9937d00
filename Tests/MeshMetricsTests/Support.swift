import CoreMetrics
import Synchronization

/// A back end of swift-metrics that keeps everything.
final class KeptMetrics: MetricsFactory {
    final class Instrument: CounterHandler, FloatingPointCounterHandler, MeterHandler, RecorderHandler, TimerHandler {
        let value = Mutex(0.0)
        func increment(by amount: Int64) { value.withLock { $0 += Double(amount) } }
        func increment(by amount: Double) { value.withLock { $0 += amount } }
        func decrement(by amount: Double) { value.withLock { $0 -= amount } }
        func set(_ value: Int64) { set(Double(value)) }
        func set(_ value: Double) { self.value.withLock { $0 = value } }
        func record(_ value: Int64) { set(Double(value)) }
        func record(_ value: Double) { set(value) }
        func recordNanoseconds(_ duration: Int64) { set(Double(duration)) }
        func reset() { set(Double.zero) }
    }

    private let instruments = Mutex<[String: Instrument]>([:])
    private let made = Mutex(0)

    /// How many have been made, ever.
    var count: Int { made.withLock { $0 } }

    /// `counter name{k=v,…}` and so on, with their values.
    var all: [String: Double] { instruments.withLock { $0.mapValues { $0.value.withLock { $0 } } } }

    private func make(_ kind: String, _ label: String, _ dimensions: [(String, String)]) -> Instrument {
        made.withLock { $0 += 1 }
        let labels = dimensions.map { "\($0.0)=\($0.1)" }.joined(separator: ",")
        return instruments.withLock { instruments in
            let instrument = Instrument()
            instruments["\(kind) \(label){\(labels)}"] = instrument
            return instrument
        }
    }

    private func destroy(_ handler: AnyObject) {
        instruments.withLock { instruments in instruments = instruments.filter { $0.value !== handler } }
    }

    func makeCounter(label: String, dimensions: [(String, String)]) -> any CounterHandler {
        make("counter", label, dimensions)
    }
    func makeFloatingPointCounter(
        label: String, dimensions: [(String, String)]
    ) -> any FloatingPointCounterHandler { make("sum", label, dimensions) }
    func makeMeter(label: String, dimensions: [(String, String)]) -> any MeterHandler {
        make("meter", label, dimensions)
    }
    func makeRecorder(label: String, dimensions: [(String, String)], aggregate: Bool) -> any RecorderHandler {
        make("recorder", label, dimensions)
    }
    func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler {
        make("timer", label, dimensions)
    }
    func destroyCounter(_ handler: any CounterHandler) { destroy(handler) }
    func destroyFloatingPointCounter(_ handler: any FloatingPointCounterHandler) { destroy(handler) }
    func destroyMeter(_ handler: any MeterHandler) { destroy(handler) }
    func destroyRecorder(_ handler: any RecorderHandler) { destroy(handler) }
    func destroyTimer(_ handler: any TimerHandler) { destroy(handler) }
}
