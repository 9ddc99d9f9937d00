import Autodiff
import Tensor
import Testing

@Suite("Row-sparse gradients")
struct RowSparseGradientTests {
    private static let table = Tensor<Float>([1, 2, 3, 4, 5, 6, 7, 8, 9, 10], shape: [5, 2])

    private func parameters() throws -> NamedTensors { try NamedTensors([("table", Self.table.core)]) }

    /// The rows of a gradient that has to be row-sparse, each once and in ascending order.
    private func rows(
        _ gradient: NamedTensors, sourceLocation: SourceLocation = #_sourceLocation
    ) throws -> (indices: [Int64], values: [Float]) {
        guard case .rowSparse(let rows)? = gradient[gradient: "table"] else {
            Issue.record("not row-sparse: \(gradient)", sourceLocation: sourceLocation)
            return ([], [])
        }
        #expect(rows.isCoalesced && rows.values.isContiguous, sourceLocation: sourceLocation)
        return try (rows.indices.scalars(), rows.values.scalars())
    }

    private func isDense(_ gradient: NamedTensors) -> Bool {
        if case .dense? = gradient[gradient: "table"] { true } else { false }
    }

    @Test("the gradient of a look-up is of the rows that were named, each once")
    func lookup() throws {
        let indices = try AnyTensor([3, 0, 3, 2] as [Int32], shape: [2, 2])
        let weights = try AnyTensor([1, 2, 3, 4, 5, 6, 7, 8] as [Float], shape: [2, 2, 2])
        let gradient = try valueAndGradient(at: parameters()) { p in
            try Tensor((p.tensor(named: "table").gatherRows(indices) * weights).sum())
        }.gradient
        let found = try rows(gradient)
        #expect(found.indices == [0, 2, 3])
        #expect(found.values == [3, 4, 7, 8, 6, 8])
        #expect(try gradient.toDense().tensor(named: "table").scalars() == [3, 4, 0, 0, 7, 8, 6, 8, 0, 0] as [Float])
    }

    @Test(
        "the gradient of a bag has the bits of the dense one",
        arguments: [BagReduction.sum, .mean, .maximum], [false, true])
    func bags(reduction: BagReduction, isWeighted: Bool) throws {
        for seed: UInt64 in 0..<20 {
            var generator = SeededGenerator(seed: seed)
            func random(_ shape: Shape) throws -> AnyTensor {
                try AnyTensor(
                    (0..<shape.elementCount).map { _ in Float.random(in: -1...1, using: &generator) }, shape: shape)
            }
            let indices = (0..<12).map { _ in Int64.random(in: 0..<9, using: &generator) }
            let bags = try AnyTensor(indices, shape: [12])
            let cotangent = try random([4, 3])
            let parameters = try NamedTensors([("table", random([9, 3])), ("weights", random([12]))])
            func gradient(_ through: (AnyTensor) throws -> AnyTensor) throws -> NamedTensors {
                try valueAndGradient(at: parameters) { p in
                    let weights = reduction == .sum && isWeighted ? try p.tensor(named: "weights") : nil
                    let reduced = try through(p.tensor(named: "table")).embeddingBag(
                        bags, starts: [0, 3, 3, 7], reduction: reduction, weights: weights)
                    return try Tensor((reduced * cotangent).sum())
                }.gradient
            }
            let sparse = try gradient { $0 }
            // What is computed of the table first has a gradient at every element.
            let dense = try gradient { try $0 * .scalar(Float(1)) }
            #expect(isDense(dense))
            let found = try rows(sparse)
            #expect(found.indices == Array(Set(indices)).sorted(), "seed \(seed)")
            #expect(try bits(sparse.toDense()) == bits(dense), "seed \(seed)")
        }
    }

    private func bits(_ gradient: NamedTensors) throws -> [[UInt32]] {
        // A row that nothing reached is 0 here, and where it was multiplied -0 may be.
        try gradient.map { try $0.tensor.scalars(as: Float.self).map { ($0 + 0).bitPattern } }
    }

    @Test("several look-ups of a table give one set of rows, summed in the order of the look-ups")
    func order() throws {
        for seed: UInt64 in 0..<50 {
            var generator = SeededGenerator(seed: seed)
            var expected: [Int64: Float] = [:]
            // Far apart in size, so that another order has other bits.
            let lookups = try (0..<Int.random(in: 1...6, using: &generator)).map { _ in
                let indices = (0..<Int.random(in: 0...5, using: &generator)).map { _ in
                    Int64.random(in: 0..<4, using: &generator)
                }
                let weights = indices.map { _ in
                    Float.random(in: -1...1, using: &generator) * [1, 1e4, 1e8].randomElement(using: &generator)!
                }
                for (index, weight) in zip(indices, weights) { expected[index, default: 0] += weight }
                return (
                    try AnyTensor(indices, shape: [indices.count]), try AnyTensor(weights, shape: [weights.count])
                )
            }
            let parameters = try NamedTensors([("table", .ones([4]))])
            var finals = 0
            let gradient = try valueAndGradient(at: parameters, onFinal: { _, _ in finals += 1 }) { p in
                var sum = try AnyTensor.scalar(Float(0))
                for (indices, weights) in lookups {
                    sum = try sum + (p.tensor(named: "table").gatherRows(indices) * weights).sum()
                }
                return try Tensor(sum)
            }.gradient
            let found = try rows(gradient)
            #expect(found.indices == expected.keys.sorted(), "seed \(seed)")
            #expect(
                found.values.map(\.bitPattern) == expected.keys.sorted().map { expected[$0]!.bitPattern },
                "seed \(seed)")
            #expect(finals == 1)
        }
    }

    @Test("a table that is looked up and used as a whole has a dense gradient, whichever comes first")
    func both() throws {
        let indices = try AnyTensor([1, 1] as [Int32], shape: [2])
        for wholeFirst in [true, false] {
            let gradient = try valueAndGradient(at: parameters()) { p in
                let table = try p.tensor(named: "table")
                let terms: [() throws -> AnyTensor] = [
                    { try table.sum() }, { try table.gatherRows(indices).sum() * .scalar(Float(3)) },
                ]
                let sums = try (wholeFirst ? terms : terms.reversed()).map { try $0() }
                return try Tensor(sums[0] + sums[1])
            }.gradient
            #expect(isDense(gradient))
            #expect(try gradient.tensor(named: "table").scalars() == [1, 1, 7, 7, 1, 1, 1, 1, 1, 1] as [Float])
        }
    }

    @Test("a look-up of no rows gives none, and one that does not reach the value a gradient of zeros")
    func nothing() throws {
        let none = try AnyTensor.zeros([0], dtype: .int64)
        let empty = try valueAndGradient(at: parameters()) { p in
            try Tensor(p.tensor(named: "table").gatherRows(none).sum())
        }.gradient
        #expect(try rows(empty).indices == [])
        #expect(try empty.toDense().tensor(named: "table").scalars() == [Float](repeating: 0, count: 10))
        let unused = try valueAndGradient(at: parameters()) { p in
            _ = try p.tensor(named: "table").gatherRows(.zeros([1], dtype: .int64))
            return Tensor(1)
        }.gradient
        #expect(try unused.tensor(named: "table").scalars() == [Float](repeating: 0, count: 10))
    }

    @Test("a gradient within a gradient is dense, and the outer one of its rows is right")
    func secondOrder() throws {
        let indices = try AnyTensor([4, 1, 4] as [Int32], shape: [3])
        var innerIsDense = false
        let curvature = try valueAndGradient(at: parameters()) { outer in
            // d/dx of the sum of x³ over the rows named: 3 x² as often as a row is named.
            let slope = try valueAndGradient(at: outer) { p in
                let rows = try p.tensor(named: "table").gatherRows(indices)
                return try Tensor((rows * rows * rows).sum())
            }.gradient
            innerIsDense = isDense(slope)
            return try Tensor(slope.tensor(named: "table").sum())
        }
        #expect(innerIsDense)
        let slopes = 3 * (9 + 16) + 2 * 3 * (81 + 100)
        #expect(curvature.value.scalar == Float(slopes))
        let found = try curvature.gradient.toDense().tensor(named: "table").scalars(as: Float.self)
        // 6 x as often as a row is named.
        #expect(found == [0, 0, 18, 24, 0, 0, 0, 0, 108, 120])
    }

    @Test("rows whose cotangent another gradient follows are dense, and that gradient reaches through them")
    func outerFactor() throws {
        let indices = try AnyTensor([2, 0] as [Int32], shape: [2])
        let inner = try parameters()
        let result = try valueAndGradient(at: NamedTensors([("factor", .scalar(Float(3)))])) { outer in
            let factor = try outer.tensor(named: "factor")
            let slope = try valueAndGradient(at: inner) { p in
                let table = try p.tensor(named: "table")
                // One look-up that the outer gradient sees, and one that it does not.
                return try Tensor(
                    (table.gatherRows(indices) * factor * factor).sum() + table.gatherRows(indices).sum())
            }.gradient
            return try Tensor(slope.tensor(named: "table").sum())
        }
        #expect(result.value.scalar == 4 * 9 + 4)
        #expect(try result.gradient.tensor(named: "factor").scalars() == [4 * 2 * 3] as [Float])
    }

    @Test("abstract tables and abstract indices have dense gradients of which the shape is known")
    func abstract() throws {
        let indices = AnyTensor.abstract(shape: [7], dtype: .int32)
        for table in [AnyTensor.abstract(shape: [5, 2], dtype: .float32), Self.table.core] {
            let gradient = try valueAndGradient(at: NamedTensors([("table", table)])) { p in
                try Tensor(p.tensor(named: "table").gatherRows(indices).sum())
            }.gradient
            #expect(isDense(gradient))
            #expect(gradient["table"]?.shape == [5, 2])
        }
    }

    @Test("the gradient of one tensor has all elements")
    func single() throws {
        let gradient = valueAndGradient(at: Self.table) { $0.gatherRows([3, 3]).sum() }.gradient
        #expect(gradient.scalars == [0, 0, 0, 0, 0, 0, 2, 2, 0, 0])
    }

    @Test("256 rows of a table of a million have a gradient that takes the memory of rows, not of the table")
    func memory() async {
        await #expect(processExitsWith: .success) {
            let parameters = try NamedTensors([("table", .zeros([1_000_000, 32]))])
            let indices = try AnyTensor((0..<256).map { Int32($0 * 3_907 % 1_000_000) }, shape: [256])
            func gradient(_ reduce: (AnyTensor) throws -> AnyTensor) throws {
                let before = StorageStatistics.current
                let gradient = try valueAndGradient(at: parameters) { p in
                    try Tensor(reduce(p.tensor(named: "table")).sum())
                }.gradient
                let taken = StorageStatistics.current.peakLiveBytes - before.liveBytes
                // The table has 128 MB, its rows 32 KiB.
                precondition(taken < 1 << 20, "\(taken) bytes")
                guard case .rowSparse(let rows)? = gradient[gradient: "table"], rows.values.shape == [256, 32] else {
                    fatalError("\(gradient)")
                }
            }
            try gradient { try $0.gatherRows(indices).squared() }
            try gradient { try $0.gatherRows(indices) + $0.gatherRows(indices) }
            try gradient { try $0.embeddingBag(indices, starts: [0, 100], reduction: .mean) }
        }
    }
}
