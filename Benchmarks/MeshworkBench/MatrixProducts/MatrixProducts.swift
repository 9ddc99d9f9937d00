import CTensorKernels
import Foundation
import MachinePeaks

/// Products of matrices beside PyTorch's and OpenBLAS's, and beside what the machine can do at most.
///
/// On two threads time is the wall's, of the best batch of each round (``StepTimer``).
enum MatrixProducts: Benchmark {
    static let name = "gemm"
    static let summary =
        "products of matrices in GFLOP/s beside PyTorch, OpenBLAS and the peak: f32, f64, bf16, bytes, one and two threads"

    private static let squares = [64, 128, 256, 512, 1024, 2048].map { MatrixSize(m: $0, k: $0, n: $0) }
    private static let skinny = [
        MatrixSize(m: 32, k: 784, n: 512), MatrixSize(m: 128, k: 784, n: 512), MatrixSize(m: 64, k: 768, n: 3072),
        MatrixSize(m: 512, k: 64, n: 512), MatrixSize(m: 1, k: 1024, n: 1024),
    ]

    static func run(isQuick: Bool, into report: inout Report) async throws {
        let rounds = isQuick ? 3 : 11
        let sizes = isQuick ? squares.filter { $0.m <= 512 } + skinny : squares + skinny
        for threads in TensorPeer.threadCounts {
            let peers = try TensorPeer.start(threads: threads)
            defer { peers.forEach { $0.stop() } }
            if threads > 1 { addScaling(threads: threads, rounds: rounds, into: &report) }
            for size in sizes where threads == 1 || size.isSquare && size.m >= 256 {
                Progress.say("\(size), \(threads) thread\(threads == 1 ? "" : "s")")
                try measure(size, threads: threads, beside: peers, rounds: rounds, into: &report)
            }
        }
    }

    /// The figures of one size.
    private static func measure(
        _ size: MatrixSize, threads: Int, beside peers: [TensorPeer], rounds count: Int, into report: inout Report
    ) throws {
        let ours = OurProducts(size)
        var rounds = Rounds(count: count)
        for round in 0...count {
            var found: [String: Double] = ["peak": peak()]
            for (type, nanoseconds) in ours.measure(threads: threads) { found[type] = size.rate(nanoseconds) }
            for peer in peers {
                for type in ["f32", "f64", "bf16"] {
                    let time = try peer.nanoseconds(
                        "gemm-\(type)", [size.m, size.n, size.k], smallest: [1, 1, 1], repetitions: size.calls)
                    if let time { found["\(type) \(peer.name)"] = size.rate(time) }
                }
            }
            // Round 0 warms up.
            if round > 0 { found.forEach { rounds.add($0.value, to: $0.key) } }
        }
        func add(
            _ name: String, _ side: String, beside peer: (side: String, name: String)?, target: Double?
        ) {
            report.add(
                Figure(
                    benchmark: Self.name, name: "\(name) \(size)" + (threads == 1 ? "" : ", \(threads) threads"),
                    unit: "GFLOP/s", ours: rounds.median(side),
                    peer: peer.map { rounds.median($0.side) }, peerName: peer?.name, better: .higher, target: target,
                    threads: threads))
        }
        for type in ["f32", "f64", "bf16"] {
            let sides = peers.map { (side: "\(type) \($0.name)", name: $0.name) }
                .filter { rounds.median($0.side).isFinite }
                .sorted { rounds.median($0.side) > rounds.median($1.side) }
            // The better of the peers is the bar.
            for (rank, peer) in sides.enumerated() {
                add(type, type, beside: peer, target: rank == 0 && type == "f32" && threads == 1 ? 0.97 : nil)
            }
            if sides.isEmpty { add(type, type, beside: nil, target: nil) }
        }
        if threads == 1 {
            let isBound = size.isSquare && size.m >= 128
            add("f32", "f32", beside: ("peak", "FMA peak"), target: isBound ? 0.9 : nil)
            let active = unsafe mw_active_kernels().pointee.isa.rawValue
            add(
                "bf16", "bf16", beside: ("f32", "our f32"),
                target: isBound && active >= MW_ISA_AVX512_BF16.rawValue ? 1.5 : nil)
            add(
                "u8 by i8", "u8i8", beside: ("f32", "our f32"),
                target: isBound && active >= MW_ISA_AVX512_VNNI.rawValue ? 3 : nil)
            if size.m == 1 { add("f32", "f32", beside: ("reading", "a loop that reads b"), target: 0.9) }
        } else {
            add("f32", "f32", beside: ("f32 alone", "our one thread"), target: 1.85)
        }
    }

    /// What more threads can bring at most: less than as many times one thread's rate where the machine is busy, or its
    /// threads share a core.
    private static func addScaling(threads: Int, rounds count: Int, into report: inout Report) {
        func rate(threads: Int) -> Double {
            let time = StepTimer.nanoseconds(9, by: .wall) {
                unsafe mw_parallel_for(threads, threads, multiplyAddsOfPeak, nil)
            }
            return Double(threads) * bench_fma_operations(roundsOfPeak) / time
        }
        var rounds = Rounds(count: count)
        for _ in 0..<count {
            rounds.add(rate(threads: 1), to: "one")
            rounds.add(rate(threads: threads), to: "all")
        }
        report.add(
            Figure(
                benchmark: name, name: "FMA peak, \(threads) threads", unit: "GFLOP/s", ours: rounds.median("all"),
                peer: rounds.median("one"), peerName: "one thread", better: .higher, target: nil, threads: threads))
    }

    /// GFLOP/s of fused multiply-adds on registers.
    private static func peak() -> Double {
        var operations = 0.0
        return 1 / (StepTimer.nanoseconds(1) { _ in operations = bench_fma_operations(roundsOfPeak) } / operations)
    }
}

/// Rounds of independent multiply-adds that a peak is measured with: a few milliseconds.
private let roundsOfPeak = 2_000_000

/// What each thread does where the peak of several is measured.
private func multiplyAddsOfPeak(_: UnsafeMutableRawPointer?, _: Int) { _ = bench_fma_operations(roundsOfPeak) }

/// Our products of one size, with every kind of element.
private struct OurProducts {
    private let size: MatrixSize
    private let f32: MatrixOperands<Float, Float, Float>
    private let f64: MatrixOperands<Double, Double, Double>
    private let bf16: MatrixOperands<UInt16, UInt16, Float>
    private let u8i8: MatrixOperands<UInt8, Int8, Int32>

    init(_ size: MatrixSize) {
        self.size = size
        f32 = MatrixOperands(size, 0.5, 0.25, 0)
        f64 = MatrixOperands(size, 0.5, 0.25, 0)
        // One half and a quarter.
        bf16 = MatrixOperands(size, 0x3f00, 0x3e80, 0)
        u8i8 = MatrixOperands(size, 3, -2, 0)
    }

    /// Nanoseconds of a call for each side.
    func measure(threads: Int) -> [(String, Double)] {
        let clock = StepTimer.Clock(threads: threads)
        // The table lives as long as the process.
        let kernels = unsafe mw_active_kernels().pointee.matrix
        var times = [
            ("f32", unsafe f32.nanoseconds(kernels.gemm_f32, threads: threads, by: clock)),
            ("f64", unsafe f64.nanoseconds(kernels.gemm_f64, threads: threads, by: clock)),
            ("bf16", unsafe bf16.nanoseconds(kernels.gemm_bf16, threads: threads, by: clock)),
            ("u8i8", unsafe u8i8.nanoseconds(kernels.gemm_u8i8, threads: threads, by: clock)),
        ]
        if threads > 1 {
            times.append(("f32 alone", unsafe f32.nanoseconds(kernels.gemm_f32, threads: 1, by: clock)))
        }
        if size.m == 1 {
            let reading = unsafe f32.nanosecondsOfReading { values, count in _ = unsafe bench_read(values, count) }
            times.append(("reading", reading))
        }
        return times
    }
}
