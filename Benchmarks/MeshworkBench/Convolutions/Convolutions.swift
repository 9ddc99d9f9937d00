import Tensor

/// 3×3 convolutions of f32 images, padded to the images' size, beside PyTorch's: with the channels first and last, of one
/// image and of sixteen.
///
/// Every side makes its result anew in each call. On two threads time is the wall's, of the best batch of each round
/// (``StepTimer``).
enum Convolutions: Benchmark {
    static let name = "convolution"
    static let summary = "3×3 convolutions, channels first and last, beside PyTorch, one and two threads"

    private static let channels = [(1, 32), (32, 64), (64, 128)]
    private static let sides = [28, 56]
    private static let batches = [1, 16]

    static func run(isQuick: Bool, into report: inout Report) async throws {
        for threads in TensorPeer.threadCounts {
            let peers = try TensorPeer.start([.torch], threads: threads)
            defer { peers.forEach { $0.stop() } }
            for batch in isQuick ? [1] : batches {
                for side in sides {
                    for (from, to) in channels {
                        for layout in [SpatialLayout.channelsFirst, .channelsLast] {
                            try operation(layout, batch: batch, side: side, from: from, to: to).measure(
                                of: name, threads: threads, beside: peers, rounds: isQuick ? 3 : 11, into: &report)
                        }
                    }
                }
            }
        }
    }

    private static func operation(
        _ layout: SpatialLayout, batch: Int, side: Int, from: Int, to: Int
    ) -> ComparedOperation {
        let isFirst = layout == .channelsFirst
        let images = Tensor<Float>.normal(
            isFirst ? [batch, from, side, side] : [batch, side, side, from], key: RandomKey(seed: 1))
        let weights = Tensor<Float>.normal([to, from, 3, 3], key: RandomKey(seed: 2))
        let operations = 2 * 9 * batch * side * side * from * to
        return ComparedOperation(
            name: "\(isFirst ? "NCHW" : "NHWC"), \(from) → \(to) channels, \(batch) × \(side)²",
            peerCase: isFirst ? "convolution-nchw" : "convolution-nhwc", sizes: [batch, side, from, to],
            // About 10 ms at 100 GFLOP/s.
            calls: max(1, 1_000_000_000 / operations), target: 1
        ) { _ = images.convolution(weights, padding: .symmetric([1, 1]), layout: layout) }
    }
}
