package import MeshWire
package import Telemetry

/// A tracing system of the host's, which makes the spans of calls, and with them their identifiers, and says what travels
/// with a call.
///
/// `MeshTracing` implements it over swift-distributed-tracing; a host that has no such system never compiles that.
package protocol HostTracing: Sendable {
    /// Begins the span of a call that the running task makes, as a part of what the task is about.
    func begin(_ name: String, at unixNanoseconds: Int64) -> any HostSpan

    /// Begins the span of a call that has arrived.
    ///
    /// - Parameter metadata: what its caller sent, under keys in lower case; `nil` for a caller that decides nothing here.
    func accept(_ name: String, at unixNanoseconds: Int64, with metadata: Metadata?) -> any HostSpan
}

/// A span of the host's tracing system. It is ended once.
package protocol HostSpan: Sendable {
    /// Begins the span of a part of this one's work: an attempt of a call, or a copy of it.
    func child(_ name: String, at unixNanoseconds: Int64) -> any HostSpan

    /// Adds what the next process is to be told, under keys in lower case.
    func inject(into metadata: inout Metadata)

    /// Runs `body` where the host finds this span as the current one.
    func around<Result>(_ body: () -> Result) -> Result

    /// The same in a task.
    func around<Result: Sendable>(_ body: () async -> Result) async -> Result

    /// Ends it.
    ///
    /// - Parameters:
    ///   - record: what it was and came to, with the identifiers that the host's system has given it where those are W3C's.
    ///   - error: why it failed, if that is known.
    func end(_ record: SpanRecord, _ error: (any Error)?)
}
