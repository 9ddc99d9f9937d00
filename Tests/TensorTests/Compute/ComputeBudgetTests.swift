import CTensorKernels
import Tensor
import Testing

@Suite("ComputeBudget")
struct ComputeBudgetTests {
    private struct Failure: Error {}

    @Test("a bound holds inside, nests, and is gone when its closure has returned or thrown")
    func nesting() {
        let all = mw_pool_width()
        #expect(ComputeBudget.threads == all)
        ComputeBudget.withThreads(1) {
            #expect(ComputeBudget.threads == 1)
            ComputeBudget.withThreads(0) { #expect(ComputeBudget.threads == all) }
            #expect(ComputeBudget.threads == 1)
            do {
                try ComputeBudget.withThreads(all + 5) { () throws(Failure) in
                    #expect(ComputeBudget.threads == all)
                    throw Failure()
                }
            } catch {
                #expect(ComputeBudget.threads == 1)
            }
        }
        #expect(ComputeBudget.threads == all)
    }

    @Test("the bound belongs to its thread")
    func otherThreads() async {
        let elsewhere = await withTaskGroup(of: Int.self) { group in
            group.addTask(executorPreference: ComputeExecutor.shared) { ComputeBudget.threads }
            return await group.next()!
        }
        let here = ComputeBudget.withThreads(1) { ComputeBudget.threads }
        #expect(here == 1)
        #expect(elsewhere == mw_pool_width())
    }

    @Test("results have the same bits for every bound")
    func sameBits() throws {
        // More multiply-adds than a product that stays on one thread.
        let left = Tensor<Float>((0..<150 * 140).map { Float($0 % 61) / 7 }, shape: [150, 140])
        let right = Tensor<Float>((0..<140 * 150).map { Float($0 % 53) / 11 }, shape: [140, 150])
        let alone = ComputeBudget.withThreads(1) { left.matmul(right) }
        for threads in [2, 0] {
            let shared = ComputeBudget.withThreads(threads) { left.matmul(right) }
            #expect(shared.scalars == alone.scalars, "\(threads) threads")
        }
    }
}
