import CTensorKernels
import Tensor

/// Sums of a MiB whose results are made anew, two of them alive at once, beside the kernel that writes into one buffer
/// over and over. (With one at a time, any allocator hands out the block that was just released.)
enum TemporaryCosts {
    private static let elements = 1 << 18
    private static let calls = 100

    static func run(rounds count: Int, into report: inout Report) {
        let a = Tensor<Float>.normal([elements], key: RandomKey(seed: 1))
        let b = Tensor<Float>.normal([elements], key: RandomKey(seed: 2))
        let out = AlignedElements<Float>(repeating: 0, count: elements)
        Progress.say("temporaries")
        var rounds = Rounds(count: count)
        for round in 0...count {
            let temporaries = StepTimer.nanoseconds(calls, by: .processor) {
                let first = a + b
                let second = a + b
                withExtendedLifetime((first, second)) {}
            }
            let reused = nanosecondsOfReusing(out, a.core, b.core)
            // Round 0 warms up.
            if round > 0 {
                rounds.add(temporaries / 2, to: "temporaries")
                rounds.add(reused, to: "reused")
            }
        }
        report.add(
            TensorOverhead.figure(
                "add of 1 MiB, two temporaries alive", "ns", rounds.median("temporaries"),
                peer: (rounds.median("reused"), "into a reused buffer"), target: 1.2))
    }

    private static func nanosecondsOfReusing(
        _ out: AlignedElements<Float>, _ a: AnyTensor, _ b: AnyTensor
    ) -> Double {
        // The table lives as long as the process.
        let binary = unsafe mw_active_kernels().pointee.elementwise.binary
        let (shape, stride) = ([elements], [1])
        return a.withBytes { a in
            b.withBytes { b in
                // Never nil: the tensors have elements. All three have `elements` of them.
                guard let a = a.baseAddress, let b = b.baseAddress else { preconditionFailure("no elements") }
                return StepTimer.nanoseconds(calls, by: .processor) {
                    unsafe binary(MW_BINARY_ADD, MW_DTYPE_F32, 1, shape, out.pointer, a, stride, b, stride)
                }
            }
        }
    }
}
