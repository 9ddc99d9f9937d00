public import MeshWire
import Synchronization

/// What happened in a simulation, a line an event, in order: two runs of one seed write the same bytes.
public final class EventTrace: Sendable {
    private let state = Mutex<(lines: [String], isClosed: Bool)>(([], false))

    /// Makes an empty trace.
    public init() {}

    /// Adds an event at `instant`.
    public func record(_ event: String, at instant: RuntimeInstant) {
        state.withLock { state in
            if !state.isClosed { state.lines.append("\(instant.nanoseconds) \(event)") }
        }
    }

    /// The number of events.
    public var count: Int { state.withLock { $0.lines.count } }

    /// The events whose line contains `text`.
    public func events(containing text: String) -> [String] {
        state.withLock { $0.lines.filter { $0.contains(text) } }
    }

    /// All lines, each ended by a line feed.
    public var text: String { state.withLock { $0.lines.map { $0 + "\n" }.joined() } }

    /// Takes no more events: the simulation has its result.
    func close() { state.withLock { $0.isClosed = true } }
}
