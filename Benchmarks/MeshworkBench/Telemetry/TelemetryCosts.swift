/// What it costs to count, beside reading the clock, which is what a measured latency takes anyway, and beside a mutex and
/// a scan of classic buckets, which is how the usual client does it; and what it costs to write the page.
enum TelemetryCosts: Benchmark {
    static let name = "telemetry"
    static let summary = "recording a latency and a count, and writing 2,000 series"

    static func run(isQuick: Bool, into report: inout Report) async throws {
        Recording.run(rounds: isQuick ? 5 : 15, steps: isQuick ? 100_000 : 1_000_000, into: &report)
        Scrape.run(rounds: isQuick ? 5 : 31, into: &report)
    }

    static func figure(
        _ name: String, _ unit: String, _ ours: Double, peer: (Double, String)? = nil, target: Double? = nil,
        threads: Int = 1
    ) -> Figure {
        Figure(
            benchmark: Self.name, name: name, unit: unit, ours: ours, peer: peer?.0, peerName: peer?.1, better: .lower,
            target: target, threads: threads)
    }
}
