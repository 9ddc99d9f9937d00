import Identity
import NIOCore
import Optimizers
import ParameterServer
import Tensor

/// `push-pull`: dense pushes, which the server adds, and pulls over mutual TLS, one worker and one server, beside what
/// a bare NIO + NIOSSL stream and the kernel that adds allow, in the same run.
///
/// The limit of a push, one at a time, is a bare payload's time and the kernel's. With several in flight the kernel
/// runs while others are on their way: the limit is the bare payload's time, or what the server's processor needs for
/// the bytes and the kernel if that is more. A pull's limit is a bare payload's time in the other direction. Pushes of
/// tables that have a follower, in a process of its own, are beside those of tables that have none.
enum PushPull: Benchmark {
    static let name = "push-pull"
    static let summary = "pushes and pulls of 4 and 16 MiB, 1 and 4 in flight, beside a bare stream and the kernel"

    private static let sizes = [4, 16]
    private static let windows = [4, 1]

    static func run(isQuick: Bool, into report: inout Report) async throws {
        let total = (isQuick ? 128 : 640) << 20
        var rounds = Rounds(count: isQuick ? 3 : 7)
        var hasTensorFlow = false
        try await Peers.with { peers in
            let identity = peers.identities.client
            let (sink, source) = (try peers.server("bare-sink"), try peers.server("bare-source"))
            let bareSink = try await BareSinkClient(port: sink.port, as: identity.current)
            let bareSource = try await BareSourceClient(port: source.port, as: identity.current)
            let server = try peers.server(ParameterSide.role())
            var (workers, followed): ([Int: ParameterWorker], [Int: ParameterWorker]) = ([:], [:])
            for (slot, size) in sizes.enumerated() {
                workers[size] = try await ParameterWorker(
                    port: server.port, identity: identity, slot: slot, elements: size << 18, .sgd(learningRate: 1),
                    isOnExecutor: true)
                followed[size] = try await ParameterWorker(
                    port: server.port, identity: identity, slot: sizes.count + 1 + slot, elements: size << 18,
                    .sgd(learningRate: 1), isOnExecutor: true, replicas: 1)
            }
            let tensorFlow = try TensorFlowPeer.start(peers, workers: 1)
            hasTensorFlow = tensorFlow != nil
            let adam = try await ParameterWorker(
                port: server.port, identity: identity, slot: sizes.count, elements: 16 << 18,
                .adam(learningRate: 1e-3), isOnExecutor: true)
            // The first server heads all that was declared before the second came.
            let follower = try peers.server(ParameterSide.role(isFollower: true), before: server)
            for worker in followed.values { try await worker.waitForFollowers() }

            for round in 0...rounds.count {
                for (size, window) in sizes.flatMap({ size in windows.map { (size, $0) } }) {
                    Progress.round(round, of: rounds.count, "\(name): \(size) MiB, \(window) in flight")
                    guard let worker = workers[size], let replicated = followed[size] else { continue }
                    let (bytes, count) = (size << 20, max(window, total / (size << 20)))
                    let kernel = try Self.kernelSeconds(elements: size << 18)
                    let stream = try await Cost.of(sink) {
                        try await bareSink.send(bytes, count: count, depth: window)
                    }
                    let push = try await Cost.of(server) { _ = try await worker.push(count, depth: window) }
                    let (replicatedPush, followerSeconds) = try await Self.cost(server, follower) {
                        _ = try await replicated.push(count, depth: window)
                    }
                    let backward = try await Cost.of(source) {
                        try await bareSource.fetch(bytes, count: count, depth: window)
                    }
                    let pull = try await Cost.of(server) { _ = try await worker.pull(count, depth: window) }
                    let withAdam = try await Cost.of(server) {
                        guard size == 16, window == 4 else { return }
                        _ = try await adam.push(count, depth: window)
                    }
                    // It makes one transfer after the other, whatever we do.
                    let (theirPush, theirPull) = (
                        try tensorFlow?.push(bytes, count: count), try tensorFlow?.pull(bytes, count: count)
                    )
                    // The first round warms every side up.
                    guard round > 0 else { continue }
                    let kernels = kernel * Double(count)
                    let limit =
                        window == 1
                        ? stream.seconds + kernels : max(stream.seconds, (stream.server ?? 0) + kernels)
                    let (key, gigabytes) = ("\(size) \(window)", Double(count * bytes) / 1e9)
                    rounds.add(gigabytes / limit, to: "limit \(key)")
                    rounds.add(gigabytes / stream.seconds, to: "stream \(key)")
                    rounds.add(gigabytes / push.seconds, to: "push \(key)")
                    rounds.add(gigabytes / replicatedPush.seconds, to: "replicated \(key)")
                    rounds.add(
                        ((replicatedPush.processor ?? .nan) + followerSeconds) / gigabytes,
                        to: "replicated processor \(key)")
                    rounds.add(gigabytes / backward.seconds, to: "backward \(key)")
                    rounds.add(gigabytes / pull.seconds, to: "pull \(key)")
                    if let theirPush { rounds.add(gigabytes / theirPush, to: "tensorflow push \(key)") }
                    if let theirPull { rounds.add(gigabytes / theirPull, to: "tensorflow pull \(key)") }
                    if withAdam.seconds > 0.01 { rounds.add(gigabytes / withAdam.seconds, to: "adam \(key)") }
                    for (side, cost) in [
                        ("stream", stream), ("push", push), ("backward", backward), ("pull", pull),
                    ] {
                        rounds.add((cost.processor ?? .nan) / gigabytes, to: "\(side) processor \(key)")
                    }
                }
            }
            for worker in Array(workers.values) + Array(followed.values) { try await worker.close() }
            try await adam.close()
        }
        for (size, window) in sizes.flatMap({ size in windows.map { (size, $0) } }) {
            add(size, window, rounds, isBesideTensorFlow: hasTensorFlow, to: &report)
        }
        report.add(
            Figure(
                benchmark: name, name: "pushes of 16 MiB that Adam takes, 4 in flight", unit: "GB/s",
                ours: rounds.median("adam 16 4"), peer: nil, peerName: nil, better: .higher, target: nil, threads: 1))
    }

    private static func add(
        _ size: Int, _ window: Int, _ rounds: Rounds, isBesideTensorFlow: Bool, to report: inout Report
    ) {
        let (key, label) = ("\(size) \(window)", "of \(size) MiB, \(window) in flight")
        func figure(
            _ name: String, _ unit: String, _ side: String, beside peer: String, _ peerName: String,
            _ better: Figure.Better, target: Double?
        ) {
            report.add(
                Figure(
                    benchmark: Self.name, name: name, unit: unit, ours: rounds.median("\(side) \(key)"),
                    peer: rounds.median("\(peer) \(key)"), peerName: peerName, better: better, target: target,
                    threads: 1))
        }
        let target = window == 4 ? 0.9 : nil
        figure("pushes \(label)", "GB/s", "push", beside: "limit", "the composed limit", .higher, target: target)
        figure("pushes \(label)", "GB/s", "push", beside: "stream", "NIO + NIOSSL", .higher, target: nil)
        figure(
            "pushes with a follower, \(label)", "GB/s", "replicated", beside: "push", "without", .higher,
            target: window == 4 ? 0.4 : nil)
        figure("pulls \(label)", "GB/s", "pull", beside: "backward", "NIO + NIOSSL", .higher, target: target)
        if isBesideTensorFlow {
            for verb in ["push", "pull"] {
                figure(
                    "\(verb == "push" ? "pushes" : "pulls") \(label)", "GB/s", verb, beside: "tensorflow \(verb)",
                    TensorFlowPeer.title, .higher, target: size == 16 ? 1.3 : nil)
            }
        }
        figure(
            "processor time of both processes, pushes \(label)", "s/GB", "push processor", beside: "stream processor",
            "NIO + NIOSSL", .lower, target: nil)
        figure(
            "processor time of all three processes, pushes with a follower, \(label)", "s/GB", "replicated processor",
            beside: "push processor", "without", .lower, target: nil)
        figure(
            "processor time of both processes, pulls \(label)", "s/GB", "pull processor", beside: "backward processor",
            "NIO + NIOSSL", .lower, target: nil)
    }

    /// What something takes, and the processor time of a second server.
    private static func cost(
        _ server: PeerProcess, _ follower: PeerProcess, _ body: () async throws -> Void
    ) async throws -> (Cost, Double) {
        let before = try follower.report().processorSeconds
        let cost = try await Cost.of(server, body)
        return (cost, try follower.report().processorSeconds - before)
    }

    /// How long the kernel alone takes to add so many elements in place.
    private static func kernelSeconds(elements: Int) throws -> Double {
        let rule = UpdateRule.sgd(learningRate: 1)
        var parameters = Tensor<Float>.zeros([elements]).core
        let gradient = Tensor<Float>(repeating: 0.5, shape: [elements]).core
        var state = try rule.makeState([elements])
        return try StepTimer.nanoseconds(9, by: .processor) {
            try rule.apply(to: &parameters, gradient: gradient, state: &state)
        } / 1e9
    }
}
