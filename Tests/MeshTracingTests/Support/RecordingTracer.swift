import Synchronization
import Tracing

/// A tracing back end in memory that speaks W3C Trace Context and Baggage.
final class RecordingTracer: Tracer {
    /// A span that has ended.
    struct Finished: Sendable {
        let name: String
        let kind: SpanKind
        let place: Place
        let parent: UInt64?
        let status: SpanStatus?
        let attributes: SpanAttributes
        let errors: [String]
        let start: UInt64
        let end: UInt64
    }

    /// Where a span stands.
    struct Place: Sendable, Hashable {
        let trace: UInt64
        let span: UInt64
    }

    private struct State {
        var next: UInt64
        var open = 0
        var finished: [Finished] = []
    }

    private let state: Mutex<State>

    /// - Parameter first: the first of its identifiers; processes do not share any.
    init(first: UInt64) { state = Mutex(State(next: first)) }

    /// Those that have ended, in that order.
    var finished: [Finished] { state.withLock { $0.finished } }
    /// How many have begun and not ended.
    var open: Int { state.withLock { $0.open } }

    /// A span of the host's own that begins and ends at once, below the current one.
    func mark(_ name: String) { startSpan(name).end() }

    /// The one span of a name and kind.
    func only(_ name: String, _ kind: SpanKind) -> Finished? {
        let found = finished.filter { $0.name == name && $0.kind == kind }
        return found.count == 1 ? found[0] : nil
    }

    func startSpan<Instant: TracerInstant>(
        _ operationName: String, context: @autoclosure () -> ServiceContext, ofKind kind: SpanKind,
        at instant: @autoclosure () -> Instant, function: String, file fileID: String, line: UInt
    ) -> RecordedSpan {
        var context = context()
        let parent = context.place
        let id = state.withLock { state in
            state.open += 1
            state.next += 1
            return state.next
        }
        context.place = Place(trace: parent?.trace ?? id, span: id)
        return RecordedSpan(operationName, kind, context, parent?.span, instant().nanosecondsSinceEpoch, self)
    }

    fileprivate func ended(_ span: Finished) {
        state.withLock { state in
            state.open -= 1
            state.finished.append(span)
        }
    }

    func forceFlush() {}

    func inject<Carrier, Inject: Injector>(
        _ context: ServiceContext, into carrier: inout Carrier, using injector: Inject
    ) where Inject.Carrier == Carrier {
        if let place = context.place {
            let text = "00-" + Self.hex(place.trace, 32) + "-" + Self.hex(place.span, 16) + "-01"
            injector.inject(text, forKey: "traceparent", into: &carrier)
        }
        // In a case of its own, as some have it: the metadata's keys are in lower case.
        if let tenant = context.tenant { injector.inject("tenant=\(tenant)", forKey: "Baggage", into: &carrier) }
    }

    func extract<Carrier, Extract: Extractor>(
        _ carrier: Carrier, into context: inout ServiceContext, using extractor: Extract
    ) where Extract.Carrier == Carrier {
        if let parts = extractor.extract(key: "traceparent", from: carrier)?.split(separator: "-"), parts.count == 4,
            let trace = UInt64(parts[1].suffix(16), radix: 16), let span = UInt64(parts[2], radix: 16)
        {
            context.place = Place(trace: trace, span: span)
        }
        if let text = extractor.extract(key: "Baggage", from: carrier), text.hasPrefix("tenant=") {
            context.tenant = String(text.dropFirst(7))
        }
    }

    private static func hex(_ number: UInt64, _ digits: Int) -> String {
        let text = String(number, radix: 16)
        return String(repeating: "0", count: digits - text.count) + text
    }
}

/// A span of a ``RecordingTracer``.
final class RecordedSpan: Tracing.Span {
    private struct State {
        var name: String
        var status: SpanStatus?
        var attributes: SpanAttributes = [:]
        var errors: [String] = []
        var hasEnded = false
    }

    let context: ServiceContext
    private let kind: SpanKind
    private let parent: UInt64?
    private let start: UInt64
    private let tracer: RecordingTracer
    private let state: Mutex<State>

    init(
        _ name: String, _ kind: SpanKind, _ context: ServiceContext, _ parent: UInt64?, _ start: UInt64,
        _ tracer: RecordingTracer
    ) {
        self.context = context
        self.kind = kind
        self.parent = parent
        self.start = start
        self.tracer = tracer
        state = Mutex(State(name: name))
    }

    var operationName: String {
        get { state.withLock { $0.name } }
        set { state.withLock { $0.name = newValue } }
    }
    var attributes: SpanAttributes {
        get { state.withLock { $0.attributes } }
        set { state.withLock { $0.attributes = newValue } }
    }
    var isRecording: Bool { state.withLock { !$0.hasEnded } }

    func setStatus(_ status: SpanStatus) { state.withLock { $0.status = status } }
    func addEvent(_ event: SpanEvent) {}
    func addLink(_ link: SpanLink) {}

    func recordError<Instant: TracerInstant>(
        _ error: any Error, attributes: SpanAttributes, at instant: @autoclosure () -> Instant
    ) {
        state.withLock { $0.errors.append("\(error)") }
    }

    func end<Instant: TracerInstant>(at instant: @autoclosure () -> Instant) {
        let state = state.withLock { state in
            precondition(!state.hasEnded, "the span \(state.name) has ended twice")
            state.hasEnded = true
            return state
        }
        tracer.ended(
            RecordingTracer.Finished(
                name: state.name, kind: kind, place: context.place ?? RecordingTracer.Place(trace: 0, span: 0),
                parent: parent, status: state.status, attributes: state.attributes, errors: state.errors, start: start,
                end: instant().nanosecondsSinceEpoch))
    }
}

private enum PlaceKey: ServiceContextKey { typealias Value = RecordingTracer.Place }
private enum TenantKey: ServiceContextKey { typealias Value = String }

extension ServiceContext {
    /// Where the current span stands.
    var place: RecordingTracer.Place? {
        get { self[PlaceKey.self] }
        set { self[PlaceKey.self] = newValue }
    }

    /// Baggage: what a host hands on with everything that it does.
    var tenant: String? {
        get { self[TenantKey.self] }
        set { self[TenantKey.self] = newValue }
    }
}
