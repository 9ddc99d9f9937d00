import Foundation
import Identity

/// TensorFlow's ParameterServerStrategy, whose processes `Peers/tensorflow_peer.py` starts and ends.
struct TensorFlowPeer {
    static let title = "TensorFlow's parameter servers"

    private let process: PeerProcess

    /// A cluster of one server and some workers; `nil`, which is said, where TensorFlow is not installed.
    static func start(_ peers: Peers, workers: Int) throws -> TensorFlowPeer? {
        guard let python = Programs.python(importing: "tensorflow") else {
            Progress.say("skipping TensorFlow: \(GRPCIOPeer.missing)")
            return nil
        }
        let script = Programs.package.appendingPathComponent("Peers/tensorflow_peer.py").path
        return TensorFlowPeer(
            process: peers.keep(
                try PeerProcess(
                    python, [script, "--workers", "\(workers)"], role: "TensorFlow", as: peers.identities.client.current
                )))
    }

    /// The seconds that its workers take for so many steps together, each closure making `stride` of them.
    func train(_ steps: Int, stride: Int) throws -> Double { try process.ask("train \(steps) \(stride)") }

    /// The seconds that a worker takes to add a tensor of `bytes` to a variable `count` times.
    func push(_ bytes: Int, count: Int) throws -> Double { try process.ask("push \(bytes) \(count)") }

    /// The seconds that a worker takes to read a variable of `bytes` `count` times.
    func pull(_ bytes: Int, count: Int) throws -> Double { try process.ask("pull \(bytes) \(count)") }
}
