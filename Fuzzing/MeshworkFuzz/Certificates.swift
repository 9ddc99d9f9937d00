import Dispatch
import MeshTransport
import MeshworkTesting

@testable import Identity

/// A chain as a peer shows it, and a request as a workload sends it. The first byte says what the others are: odd, the
/// certificates themselves; even, places and values to change in a chain that is good.
enum Certificates {
    private static let good = try? TestAuthority(runtime: SystemRuntime.shared).identity("/peer").current
    private static let now = SystemRuntime.shared.timeSince1970.components.seconds

    static func read(_ bytes: [UInt8]) {
        guard let good, let verifier = try? PeerVerifier() else { fatalError("there is no chain to change") }
        guard let first = bytes.first else { return }
        let rest = Array(bytes.dropFirst())
        var chain = good.svid.chain
        if first % 2 == 0 {
            for patch in stride(from: 0, to: rest.count - 2, by: 3) {
                let place = (Int(rest[patch]) << 8 | Int(rest[patch + 1])) % chain[0].count
                chain[0][place] = rest[patch + 2]
            }
        } else {
            _ = try? VerifiedCertificateRequest(der: rest)
            let split = min(rest.count, Int(first) * 8)
            chain = split < rest.count ? [Array(rest[..<split]), Array(rest[split...])] : [rest]
        }
        let shown = chain
        let done = DispatchSemaphore(value: 0)
        Task {
            _ = try? await verifier.verify(shown, against: good.bundle, now: UnixTime(seconds: now))
            done.signal()
        }
        done.wait()
    }

    /// A good chain, whole, cut in two, and with a place changed.
    static func seeds() -> [[UInt8]] {
        guard let good else { return [] }
        let chain = good.svid.chain.flatMap { $0 }
        return [[255] + chain, [UInt8(good.svid.chain[0].count / 8 | 1)] + chain, [0, 0, 9, 1], [0]]
    }
}
