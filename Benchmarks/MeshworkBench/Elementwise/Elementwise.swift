import MachinePeaks
import Tensor

/// Operations on each of many f32 numbers, or along rows of them, beside other libraries', and beside plain loops where
/// memory bounds them.
///
/// Ours make their results anew in each call; PyTorch and NumPy are given a place for theirs. Arguments are normal, and
/// those of the logarithm their magnitudes. On two threads time is the wall's, of the best batch of each round
/// (``StepTimer``).
enum Elementwise: Benchmark {
    static let name = "elementwise"
    static let summary =
        "f32 arithmetic, functions, softmax and layer norm beside loops in C, PyTorch and NumPy, one and two threads"

    /// Rows of numbers, as many as columns: 4 MiB, which caches hold.
    private static let side = 1_024
    /// Numbers that no cache holds: 64 MiB.
    private static let many = 16 << 20

    static func run(isQuick: Bool, into report: inout Report) async throws {
        for threads in TensorPeer.threadCounts {
            // NumPy has one thread for these.
            let peers = try TensorPeer.start(threads == 1 ? [.torch, .numpy] : [.torch], threads: threads)
            defer { peers.forEach { $0.stop() } }
            let operations =
                arithmetic(count: side * side, "1 M", calls: 90, threads: threads) + functions(threads: threads)
                + rows(threads: threads)
                + arithmetic(count: many, "64 MiB", calls: 3, threads: threads)
            for operation in operations {
                try operation.measure(
                    of: name, threads: threads, beside: peers, rounds: isQuick ? 3 : 15, into: &report)
            }
        }
    }

    /// What memory bounds. A loop in C has one thread.
    private static func arithmetic(count: Int, _ size: String, calls: Int, threads: Int) -> [ComparedOperation] {
        let arrays = threads == 1 ? PlainArrays(count: count) : nil
        let (x, y) = (normal([count], 1), normal([count], 2))
        func operation(
            _ name: String, _ ours: @escaping () -> Void, loop: @escaping (PlainArrays) -> () -> Void
        ) -> ComparedOperation {
            ComparedOperation(
                name: "\(name), \(size)", peerCase: name, sizes: [count], calls: calls,
                loop: arrays.map { ComparedOperation.Loop(name: "a loop in C", target: 1 / 0.9, run: loop($0)) },
                ours: ours)
        }
        return [
            operation("add", { _ = x + y }, loop: PlainArrays.add),
            operation("multiply", { _ = x * y }, loop: PlainArrays.multiply),
            operation("sum", { _ = x.sum() }, loop: PlainArrays.read),
        ]
    }

    private static func functions(threads: Int) -> [ComparedOperation] {
        let x = normal([side * side], 1)
        let magnitudes = x.abs()
        // So many times as fast as PyTorch's, each on one thread.
        func operation(_ name: String, _ speedup: Double, _ ours: @escaping () -> Void) -> ComparedOperation {
            ComparedOperation(
                name: "\(name), 1 M", peerCase: name, sizes: [side * side], calls: 90,
                target: threads == 1 ? 1 / speedup : nil, ours: ours)
        }
        return [
            operation("exp", 3) { _ = x.exp() },
            operation("log", 3) { _ = magnitudes.log() },
            operation("erf", 3) { _ = x.erf() },
            operation("sin", 3) { _ = x.sin() },
            operation("tanh", 8) { _ = x.tanh() },
            operation("sigmoid", 1.3) { _ = x.sigmoid() },
            operation("silu", 1.3) { _ = x.silu() },
            operation("gelu", 1) { _ = x.gelu() },
        ]
    }

    private static func rows(threads: Int) -> [ComparedOperation] {
        let x = normal([side, side], 1)
        let (weight, bias) = (normal([side], 2), normal([side], 3))
        func operation(_ name: String, _ speedup: Double, _ ours: @escaping () -> Void) -> ComparedOperation {
            ComparedOperation(
                name: "\(name), \(side) rows of \(side)", peerCase: name, sizes: [side, side], calls: 90,
                target: threads == 1 ? 1 / speedup : nil, ours: ours)
        }
        return [
            operation("softmax", 2) { _ = x.softmax() },
            operation("layer-norm", 3) { _ = x.layerNorm(weight: weight, bias: bias) },
        ]
    }

    private static func normal(_ shape: Shape, _ seed: UInt64) -> Tensor<Float> {
        .normal(shape, key: RandomKey(seed: seed))
    }
}

/// Operands and a result of the loops in C.
private struct PlainArrays {
    private let a: AlignedElements<Float>
    private let b: AlignedElements<Float>
    private let out: AlignedElements<Float>

    init(count: Int) {
        a = AlignedElements(repeating: 0.5, count: count)
        b = AlignedElements(repeating: 0.25, count: count)
        out = AlignedElements(repeating: 0, count: count)
    }

    // Each of the three blocks has that many elements.
    func add() { unsafe bench_add(out.pointer, a.pointer, b.pointer, out.count) }
    func multiply() { unsafe bench_multiply(out.pointer, a.pointer, b.pointer, out.count) }
    func read() { _ = unsafe bench_read(a.pointer, a.count) }
}
