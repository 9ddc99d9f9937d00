import Tensor
import Testing

/// Numbers at the ends of their range: refused before anything is computed or set aside by them.
@Suite("Extreme arguments")
struct ExtremeArgumentTests {
    @Test("sizes that nobody can allocate throw")
    func sizes() throws {
        let x = try AnyTensor.zeros([1, 2, 3])
        expectError(.shapeMismatch, mentioning: "linspace") {
            _ = try AnyTensor.linspace(from: 0, through: 1, count: .min)
        }
        expectError(.shapeMismatch, mentioning: "logspace") {
            _ = try AnyTensor.logspace(from: 0, through: 1, count: .min)
        }
        expectError(.outOfMemory) { _ = try AnyTensor([1] as [Int32], shape: [1]).binCounts(minimumCount: .max) }
        expectError(.outOfMemory) { _ = try AnyTensor.zeros([0], dtype: .int8).binCounts(minimumCount: .max) }
        expectError(.outOfMemory) { _ = try x.histogram(bins: .max, range: 0...1) }
        expectError(.outOfMemory) { _ = try x.padded([(0, 0), (0, 0), (1 << 58, 0)], mode: .edge) }
        expectError(.outOfMemory) { _ = try x.repeating([1 << 50, 1 << 50], axis: 1) }
        expectError(.outOfMemory, mentioning: "repeating") { _ = try x.repeating([.max, .max], axis: 1) }
        expectError(.shapeMismatch, mentioning: "split") { _ = try x.split(into: .max) }
        expectError(.shapeMismatch, mentioning: "adaptiveAveragePool") { _ = try x.adaptiveAveragePool(to: [1 << 58]) }
        expectError(.shapeMismatch, mentioning: "groupNorm") {
            _ = try AnyTensor.zeros([2, 0, 3]).groupNorm(groups: .max)
        }
        expectError(.outOfMemory, mentioning: "shuffled") {
            _ = try RandomKey(seed: 1).shuffled(x.broadcast(to: [1 << 50, 1, 2, 3]))
        }
        expectError(.outOfMemory) { _ = try AnyTensor.zeros([0, 0, 1 << 45]).pixelShuffled(by: 1 << 30) }
        #expect(try AnyTensor.triangle(1 << 50, 0).shape == [1 << 50, 0])
        #expect(try x.split(into: 5, axis: 2).map { $0.shape[2] } == [1, 1, 1, 0, 0])
    }

    @Test("places at the end of the integers throw")
    func places() throws {
        let x = try AnyTensor.zeros([4])
        expectError(.indexOutOfRange, mentioning: "subscript") {
            _ = try x.indexed(by: [.stride(to: .max, by: -1)])
        }
        expectError(.indexOutOfRange) { _ = try x.indexed(by: [.at(.min)]) }
        expectError(.indexOutOfRange) { _ = try x.sum(axes: [.min]) }
        #expect(try x.rolled(.min, axis: 0).shape == [4])
        #expect(try x.diagonalMatrix().diagonal(offset: .min).shape == [0])
    }

    @Test("a range of random numbers is finite in the element type, and so is its length")
    func ranges() throws {
        let key = RandomKey(seed: 1)
        expectError(.shapeMismatch, mentioning: "float32") { _ = try key.uniform([1], in: 0..<1e300) }
        expectError(.shapeMismatch, mentioning: "float32") { _ = try key.uniform([1], in: -3e38..<3e38) }
        expectError(.shapeMismatch, mentioning: "float64") {
            _ = try key.uniform([1], in: -1e308..<1e308, dtype: .float64)
        }
        expectError(.shapeMismatch, mentioning: "float16") { _ = try key.uniform([1], in: 0..<1e5, dtype: .float16) }
        let wide = try key.uniform([64], in: -60_000..<60_000, dtype: .float16)
        #expect(try wide.isFinite().all().scalars(as: Bool.self) == [true])
    }

    @Test("an accent in an expression is no label, and no character behind the end")
    func accents() throws {
        let x = try AnyTensor.zeros([2])
        expectError(.malformedExpression, mentioning: "character 2") { _ = try AnyTensor.einsum("i\u{301}", x) }
        expectError(.malformedExpression, mentioning: "character 3") { _ = try AnyTensor.einsum("i,\u{301}", x, x) }
    }

    @Test("a table without sense is refused when it is made")
    func tables() throws {
        let (indices, values) = (try AnyTensor.zeros([1], dtype: .int64), try AnyTensor.zeros([1, 100]))
        expectError(.outOfMemory) { _ = try RowSparse(indices: indices, values: values, rowCount: .max) }
        let nothing = try AnyTensor.zeros([0], dtype: .int64)
        expectError(.shapeMismatch) { _ = try RowSparse(indices: nothing, values: .zeros([0, 3]), rowCount: -1) }
    }

    @Test("a value that could not be changed is what it was")
    func unchanged() throws {
        var x = try AnyTensor([1, 2] as [Float], shape: [2])
        expectError(.dtypeMismatch) { try x.accumulate(.zeros([2], dtype: .int32)) }
        expectError(.dtypeMismatch) { try x.accumulate(.abstract(shape: [2], dtype: .int32)) }
        expectError(.shapeMismatch) { try x.assign(.zeros([3]), at: [.all]) }
        #expect(try x.scalars(as: Float.self) == [1, 2])
    }
}
