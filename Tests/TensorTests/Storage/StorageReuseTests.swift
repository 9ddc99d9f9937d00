import Tensor
import Testing

/// What `isKnownUniquelyReferenced` sees depends on the optimiser, so the counts are promised for release builds only.
#if DEBUG
    let isOptimised = false
#else
    let isOptimised = true
#endif

@Suite("Storage reuse")
struct StorageReuseTests {
    @Test("a*b + c and c + a*b take one allocation", .enabled(if: isOptimised))
    func expression() async {
        await #expect(processExitsWith: .success) {
            let a = Tensor<Float>(repeating: 2, shape: [1_000])
            let b = Tensor<Float>(repeating: 3, shape: [1_000])
            let c = Tensor<Float>(repeating: 4, shape: [1_000])
            let first = allocations { a * b + c }
            let second = allocations { c + a * b }
            let longer = allocations { ((a * b + c).relu() - b).squareRoot() }
            precondition(first == 1 && second == 1 && longer == 1, "\(first) \(second) \(longer)")
            precondition(a.scalars == .init(repeating: 2, count: 1_000))
            precondition(c.scalars == .init(repeating: 4, count: 1_000))
        }
    }

    @Test("x = f(x) on a var allocates nothing", .enabled(if: isOptimised))
    func assignment() async {
        await #expect(processExitsWith: .success) {
            let step = Tensor<Float>(repeating: 0.5, shape: [1_000])
            let result = walked(from: Tensor(repeating: 1, shape: [1_000]), by: step)
            precondition(result.scalars == .init(repeating: 11, count: 1_000))
        }
    }

    @Test("accumulation writes in place in every build")
    func accumulation() async {
        await #expect(processExitsWith: .success) {
            var total = try AnyTensor.zeros([1_000])
            let one = try AnyTensor.full([1_000], Float(1))
            let before = StorageStatistics.current.allocations
            for _ in 0..<10 { try total.accumulate(one) }
            let taken = StorageStatistics.current.allocations - before
            precondition(taken == 0, "\(taken)")
            let kept = total
            try total.accumulate(one)
            let (old, new) = (try kept.scalars(as: Float.self), try total.scalars(as: Float.self))
            precondition(old[0] == 10 && new[0] == 11)
        }
    }

    @Test("a broadcast view, a slice of something larger and a read-only mapping are not written")
    func notReusable() throws {
        var row = try AnyTensor([1, 2, 3] as [Float], shape: [3]).broadcast(to: [2, 3])
        #expect(!isReusable(&row))
        var part = try AnyTensor.zeros([100]).slice(elements: 0..<10)
        #expect(!isReusable(&part))
        var whole = try AnyTensor.zeros([100])
        #expect(isReusable(&whole))
        let other = whole
        #expect(!isReusable(&whole))
        extendLifetime(other)
        #expect(try (row + row).scalars(as: Float.self) == [2, 4, 6, 2, 4, 6])
    }

    @Test("a transposed temporary is overwritten in its own order")
    func transposedInPlace() throws {
        func transposed() throws -> AnyTensor {
            try AnyTensor([1, 2, 3, 4, 5, 6] as [Float], shape: [2, 3]).transposed()
        }
        let other = try AnyTensor([10, 20, 30, 40, 50, 60] as [Float], shape: [3, 2])
        #expect(try (transposed() + other).scalars(as: Float.self) == [11, 24, 32, 45, 53, 66])
        #expect(try (other - transposed()).scalars(as: Float.self) == [9, 16, 28, 35, 47, 54])
        #expect(try transposed().negated().scalars(as: Float.self) == [-1, -4, -2, -5, -3, -6])
    }
}

/// Steps on a local variable that take no storage.
private func walked(from start: Tensor<Float>, by step: Tensor<Float>) -> Tensor<Float> {
    var x = start + 0
    let before = StorageStatistics.current.allocations
    for _ in 0..<5 { x = x + step }
    for _ in 0..<5 { x = x.relu() }
    for _ in 0..<5 { x += step }
    // Where the optimiser does not see by itself that the old value is not needed, `consume` says so.
    for _ in 0..<5 { x = ((consume x) + step).relu() + step }
    let taken = StorageStatistics.current.allocations - before
    precondition(taken == 0, "\(taken)")
    return x
}

/// How many blocks of storage the evaluation of an expression takes. In a process of its own: the figure is global.
private func allocations(_ expression: () -> Tensor<Float>) -> UInt64 {
    let before = StorageStatistics.current.allocations
    let result = expression()
    let taken = StorageStatistics.current.allocations - before
    extendLifetime(result)
    return taken
}

/// Whether a result of the same type may overwrite a tensor.
private func isReusable(_ tensor: inout AnyTensor) -> Bool {
    tensor.isReusable(for: TensorType(tensor.dtype, tensor.shape))
}
