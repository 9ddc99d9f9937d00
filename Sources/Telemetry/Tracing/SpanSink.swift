/// Takes the pieces of work that have ended: a ring in memory, or what sends them to a collector.
///
/// Called where the work ended, an event loop often enough: it must return at once, and drop what it has no room for.
public protocol SpanSink: Sendable {
    /// Takes a piece of work of a trace that is recorded.
    func record(_ span: SpanRecord)
}
