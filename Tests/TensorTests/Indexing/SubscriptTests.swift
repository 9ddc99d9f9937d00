import Tensor
import Testing

@Suite("Subscripts")
struct SubscriptTests {
    private let cube = Tensor<Int32>.stride(from: 0, to: 24).reshaped(to: [2, 3, 4])

    @Test("places, ranges, steps, new axes and the ellipsis read as they look")
    func reading() {
        #expect(cube[1].shape == [3, 4])
        #expect(cube[-1, -1, -1].scalar == 23)
        #expect(cube[1, 0..<2].shape == [2, 4])
        #expect(cube[.all, 1].scalars == [4, 5, 6, 7, 16, 17, 18, 19])
        #expect(cube[.all, 1...2, 3].scalars == [7, 11, 19, 23])
        #expect(cube[0, 0, 2...].scalars == [2, 3])
        #expect(cube[0, 0, ..<(-1)].scalars == [0, 1, 2])
        #expect(cube[0, 0, ...1].scalars == [0, 1])
        #expect(cube[0, 0, ...(-2)].scalars == [0, 1, 2])
        #expect(cube[0, 0, ...(-1)].scalars == [0, 1, 2, 3])
        #expect(cube[0, 0, (-3)...].scalars == [1, 2, 3])
        #expect(cube[0, 0, -3 ..< -1].scalars == [1, 2])
        #expect(cube[0, 0, .stride(by: -1)].scalars == [3, 2, 1, 0])
        #expect(cube[0, 0, .stride(from: 1, by: 2)].scalars == [1, 3])
        #expect(cube[0, 0, .stride(from: -1, to: 0, by: -2)].scalars == [3, 1])
        #expect(cube[0, 0, stride(from: 3, to: -1, by: -1)].scalars == [3, 2, 1, 0])
        #expect(cube[0, 0, stride(from: 0, through: 3, by: 3)].scalars == [0, 3])
        #expect(cube[0, 0, stride(from: 2, to: 2, by: 1)].shape == [0])
        #expect(cube[.ellipsis, 0].scalars == [0, 4, 8, 12, 16, 20])
        #expect(cube[0, .ellipsis, .newAxis, 1].scalars == [1, 5, 9])
        #expect(cube[0, .ellipsis, .newAxis, 1].shape == [3, 1])
        #expect(cube[0, 1, 2, .ellipsis].shape == [])
        #expect(cube[.newAxis, .all, .newAxis, 0, .newAxis].shape == [1, 2, 1, 1, 4])
        #expect(cube[2..<2].shape == [2 - 2, 3, 4])
        #expect(cube[indices: [0, .all, .range(1..<3)]].scalars == [1, 2, 5, 6, 9, 10])
    }

    @Test("a read copies nothing")
    func withoutCopies() throws {
        #expect(cube[1, .stride(by: -1), .newAxis, 0..<2].core.sharesStorage(with: cube.core))
    }

    @Test("assignment changes what is named and nothing else, for nobody else")
    func writing() {
        var x = cube
        let before = x
        x[0, 1..<3, .stride(by: -2)] = [[100, 101], [102, 103]]
        #expect(x[0].scalars == [0, 1, 2, 3, 4, 101, 6, 100, 8, 103, 10, 102])
        #expect(x[1].scalars == before[1].scalars)
        #expect(before.scalars == cube.scalars)
        x[.ellipsis] = 7
        #expect(x.scalars == [Int32](repeating: 7, count: 24))
        x[-1] += 1
        #expect(x[1].scalars == [Int32](repeating: 8, count: 12))
        var row: Tensor<Int32> = [1, 2, 3, 4]
        row[.all] = row[.stride(by: -1)]
        #expect(row.scalars == [4, 3, 2, 1])
        row[1...] = row[..<3]
        #expect(row.scalars == [4, 4, 3, 2])
        row[2..<2] = 9
        #expect(row.scalars == [4, 4, 3, 2])
        var transposed = cube[0].transposed()
        transposed[0, .all] = [-1, -2, -3]
        #expect(transposed.shape == [4, 3])
        #expect(transposed[.all, 0].scalars == [-1, 1, 2, 3])
    }

    @Test("the only holder of a tensor is written in place, in every build")
    func inPlace() async {
        await #expect(processExitsWith: .success) {
            var tensor = try AnyTensor.zeros([100, 100])
            let value = try AnyTensor.scalar(Float(1))
            let before = StorageStatistics.current.allocations
            for row in 0..<100 { try tensor.assign(value, at: [.at(row), .stride(from: 3, by: 1)]) }
            let taken = StorageStatistics.current.allocations - before
            precondition(taken == 0, "\(taken)")
        }
    }

    @Test("a mask reads and writes the places where it holds")
    func masks() throws {
        var x: Tensor<Float> = [[1, -2], [-3, 4]]
        let negative = x .< Tensor<Float>(0)
        #expect(x[negative].scalars == [-2, -3])
        x[negative] = 0
        #expect(x.scalars == [1, 0, 0, 4])
        x[x .== Tensor<Float>(0)] = [7, 8]
        #expect(x.scalars == [1, 7, 8, 4])
        let rows: Tensor<Bool> = [false, true]
        #expect(x[rows].shape == [1, 2])
        x[rows] = [5, 6]
        #expect(x.scalars == [1, 7, 5, 6])
        expectError(.shapeMismatch, mentioning: "taking where", "[2, 2]", "[3]") {
            _ = try x.core.taking(where: .zeros([3], dtype: .bool))
        }
        expectError(.shapeMismatch, mentioning: "assigning where", "[3]") {
            _ = try x.core.assigning(.zeros([3]), where: negative.core)
        }
        expectError(.dtypeMismatch, mentioning: "bool") { _ = try x.core.taking(where: .zeros([2, 2])) }
    }

    @Test("what lies outside throws with the index, the axis and the shape, and changes nothing")
    func mistakes() throws {
        var core = cube.core
        let wrong: [([TensorIndex], String)] = [
            ([2], "index 2 on axis 0"), ([.at(-3)], "index -3 on axis 0"),
            ([.all, (1..<4).tensorIndex], "1..<4 on axis 1"),
            ([.all, (3...).tensorIndex, .at(4)], "index 4 on axis 2"), ([(4...).tensorIndex], "4... on axis 0"),
            ([.range(-3 ..< -1)], "-3..<-1 on axis 0"), ([.range(-1..<0)], "-1..<0 on axis 0"),
            ([.stride(by: 0)], "by: 0"), ([.stride(by: .min)], "axis 0"), ([.stride(from: 2, by: -1)], "axis 0"),
            ([.all, .all, .all, 0], "4 axes"), ([.at(.min)], "axis 0"), ([(...Int.max).tensorIndex], "axis 0"),
            ([stride(from: -1, to: 1, by: 1).tensorIndex], "2 places from -1"),
        ]
        for (indices, text) in wrong {
            expectError(.indexOutOfRange, mentioning: "subscript", text, "[2, 3, 4]") {
                _ = try core.indexed(by: indices)
            }
            expectError(.indexOutOfRange) { try core.assign(.scalar(Int32(0)), at: indices) }
        }
        expectError(.shapeMismatch, mentioning: "ellipsis") { _ = try core.indexed(by: [.ellipsis, .ellipsis]) }
        expectError(.rankTooLarge) { _ = try core.indexed(by: .init(repeating: .newAxis, count: 6)) }
        expectError(.shapeMismatch, mentioning: "[2]", "[3, 4]") {
            try core.assign(.zeros([2], dtype: .int32), at: [0])
        }
        expectError(.dtypeMismatch, mentioning: "float32") { try core.assign(.scalar(Float(0)), at: [0]) }
        #expect(try core.scalars(as: Int32.self) == cube.scalars)
    }
}
