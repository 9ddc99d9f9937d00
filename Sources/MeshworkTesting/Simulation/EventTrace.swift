public import MeshWire
import Synchronization

/// What happened in a simulation, a line an event, in order: two runs of one seed write the same bytes.
public final class EventTrace: Sendable {
    private let lines = Mutex<[String]>([])

    /// Makes an empty trace.
    public init() {}

    /// Adds an event at `instant`.
    public func record(_ event: String, at instant: RuntimeInstant) {
        lines.withLock { $0.append("\(instant.nanoseconds) \(event)") }
    }

    /// The number of events.
    public var count: Int { lines.withLock { $0.count } }

    /// The events whose line contains `text`.
    public func events(containing text: String) -> [String] {
        lines.withLock { $0.filter { $0.contains(text) } }
    }

    /// All lines, each ended by a line feed.
    public var text: String { lines.withLock { $0.map { $0 + "\n" }.joined() } }
}
