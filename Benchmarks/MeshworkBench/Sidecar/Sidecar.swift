/// `sidecar`: what the mesh adds to a call in its own process, beside what pairs of proxies add to one between processes.
///
/// Every application is a process of its own, every proxy another. A plain echo over NIO is called directly and through
/// pairs that pass bytes on; calls of HTTP/2 are made directly and through a pair that knows calls. Ours has all switched
/// on that the last step of `mesh-tax` has: a policy of a thousand rules, retries, balancing over a hundred endpoints,
/// metrics, a tap, and tracing of one call in a hundred; its callers run on the mesh's executor. What is told of one
/// connection of others' is told of one endpoint, with everything else on, of ours.
enum Sidecar: Benchmark {
    static let name = "sidecar"
    static let summary = "calls and 16 MiB transfers beside pairs of Envoy and HAProxy, with everything on"

    static func run(isQuick: Bool, into report: inout Report) async throws {
        try requirePrograms()
        try await SidecarCalls.run(isQuick: isQuick, into: &report)
        try await SidecarTransfers.run(isQuick: isQuick, into: &report)
    }

    /// A figure beside a part of the peers would say that the rest had been beaten.
    private static func requirePrograms() throws {
        var missing = SidecarProxy.allCases.filter { $0.program == nil }.map(\.label)
        if GRPCIOPeer.python() == nil { missing.append("grpcio") }
        guard missing.isEmpty else {
            throw BenchmarkFailure(
                """
                the case \(name) needs what is not installed: \(missing.joined(separator: ", ")). \
                Run Scripts/install-prerequisites.sh bench
                """)
        }
    }
}

/// A way that calls or transfers take, and the processes that carry them.
struct SidecarPath {
    /// What rounds know it by.
    let key: String
    /// As figures name it.
    let label: String
    let client: PeerProcess
    /// None where it is direct.
    let proxies: [PeerProcess]
    let server: PeerProcess
    /// How many are made one at a time in a round.
    var single: Int
    /// How many are made 64 at a time in a round.
    var many = 0

    /// What all processes have used that carry what this client asks for; the client tells its own.
    func processorSecondsBesideClient() throws -> Double {
        try (proxies + [server]).map { try $0.report().processorSeconds }.reduce(0, +)
    }
}
