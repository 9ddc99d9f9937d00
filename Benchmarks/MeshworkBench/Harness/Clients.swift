/// One side's client, as far as it makes round trips of 64 bytes.
protocol EchoClient: Sendable {
    /// Makes `calls` round trips, `depth` of them at a time, and returns how many microseconds each took.
    func echo(_ calls: Int, depth: Int) async throws -> [Double]
}

/// One side's client, as far as it sends large payloads.
protocol TransferClient: Sendable {
    /// Sends `count` payloads of `bytes`, `depth` of them at a time; each is answered when it has arrived.
    func send(_ bytes: Int, count: Int, depth: Int) async throws
}
