import NIOCore

/// What a client's calls took, told by itself: to name the latency of each call would cost more than many a call.
struct LoadReport: Codable {
    /// How long all of them took.
    var seconds: Double
    /// The processor time that the client used for them.
    var processorSeconds: Double
    /// Percentiles of the calls' latencies, in microseconds.
    var p50: Double
    var p99: Double

    /// Makes `calls` round trips, `depth` of them at a time.
    static func of(_ client: (any EchoClient)?, _ calls: Int, depth: Int) async throws -> LoadReport {
        guard let client else { throw BenchmarkFailure("this process makes no calls") }
        let processor = ProcessReport.processorSeconds()
        let start = NIODeadline.now()
        let latencies = try await client.echo(calls, depth: depth)
        let seconds = Double((NIODeadline.now() - start).nanoseconds) / 1e9
        let used = ProcessReport.processorSeconds() - processor
        let sorted = latencies.sorted()
        return LoadReport(
            seconds: seconds, processorSeconds: used, p50: Statistics.percentile(0.5, ofSorted: sorted),
            p99: Statistics.percentile(0.99, ofSorted: sorted))
    }
}
