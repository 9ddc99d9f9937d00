public import Telemetry

extension TraceContext {
    /// Where the running task stands in a trace: set while a mesh's handler answers a call, and taken up by the calls
    /// that it makes.
    ///
    /// A host with tracing of its own sets it around its calls:
    /// ```swift
    /// try await TraceContext.$current.withValue(context) { try await client.call(Orders.place, order) }
    /// ```
    @TaskLocal public static var current: TraceContext?
}
