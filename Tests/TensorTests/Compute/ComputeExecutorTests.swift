import Tensor
import Testing

@Suite("ComputeExecutor")
struct ComputeExecutorTests {
    @Test("tasks that prefer the compute pool run there and return")
    func runs() async throws {
        let sums = await withTaskGroup(of: Float.self) { group in
            for index in 0..<50 {
                group.addTask(executorPreference: ComputeExecutor.shared) {
                    let onPool = ComputeExecutor.shared.isCurrent
                    let sum = Tensor<Float>(repeating: Float(index), shape: [100]).sum().scalar
                    return onPool ? sum : -1
                }
            }
            return await group.reduce(into: [Float]()) { $0.append($1) }
        }
        #expect(sums.sorted() == (0..<50).map { Float($0 * 100) })
    }
}
