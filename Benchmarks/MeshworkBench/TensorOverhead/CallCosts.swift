import CTensorKernels
import Tensor

/// Nanoseconds of calls whose arithmetic takes next to nothing, or is known. A peer's are those of a call from Python.
enum CallCosts {
    private static let calls = 20_000
    private static let product = MatrixSize(m: 64, k: 64, n: 64)

    static func run(beside peers: [TensorPeer], rounds count: Int, into report: inout Report) throws {
        let tiny = Tensor<Float>.normal([10], key: RandomKey(seed: 1))
        let left = Tensor<Float>.normal([product.m, product.k], key: RandomKey(seed: 2))
        let right = Tensor<Float>.normal([product.k, product.n], key: RandomKey(seed: 3))
        let kernel = MatrixOperands<Float, Float, Float>(product, 0.5, 0.25, 0)
        // The table lives as long as the process.
        let kernels = unsafe mw_active_kernels().pointee.matrix
        Progress.say("calls")
        var rounds = Rounds(count: count)
        for round in 0...count {
            var found = [
                "any": try anyTensorAdd(tiny.core),
                "typed": StepTimer.nanoseconds(calls, by: .processor) { _ = tiny + tiny },
            ]
            for peer in peers {
                found[peer.name] = try peer.nanoseconds("fresh-add", [10], repetitions: calls)
            }
            found["kernel"] = unsafe kernel.nanoseconds(kernels.gemm_f32, threads: 1, by: .processor)
            found["tensor"] = StepTimer.nanoseconds(product.calls, by: .processor) { _ = left.matmul(right) }
            // Round 0 warms up.
            if round > 0 { found.forEach { rounds.add($0.value, to: $0.key) } }
        }
        for (side, type) in [("any", "AnyTensor"), ("typed", "Tensor")] {
            let name = "add of 10 elements, \(type)"
            report.add(TensorOverhead.figure(name, "ns", rounds.median(side), target: 150))
            for peer in peers {
                report.add(
                    TensorOverhead.figure(
                        name, "ns", rounds.median(side), peer: (rounds.median(peer.name), peer.name)))
            }
        }
        report.add(
            TensorOverhead.figure(
                "product \(product) through Tensor, beyond the kernel", "ns",
                rounds.medianAddition("tensor", to: "kernel"), target: 150))
    }

    private static func anyTensorAdd(_ tiny: AnyTensor) throws(TensorError) -> Double {
        try StepTimer.nanoseconds(calls, by: .processor) { () throws(TensorError) in _ = try tiny + tiny }
    }
}
