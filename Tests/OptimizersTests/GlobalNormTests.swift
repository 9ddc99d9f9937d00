import Tensor
import Testing

@testable import Optimizers

@Suite struct GlobalNormTests {
    private static func gradients() throws -> NamedTensors {
        var gradients = try NamedTensors([
            ("b", AnyTensor([3, -4] as [Float], shape: [2])), ("a", AnyTensor([12] as [Float], shape: [1, 1])),
        ])
        gradients[gradient: "rows"] = .rowSparse(
            try RowSparse(
                indices: AnyTensor([5, 2, 5] as [Int64], shape: [3]),
                values: AnyTensor([20, 0, 40, 0, 64, 0] as [Float], shape: [3, 2]), rowCount: 9))
        return gradients
    }

    @Test("the norm is that of all elements together, and of rows that occur twice that of their sum")
    func norm() throws {
        // Rows 5 and 2 sum to (84, 0) and (40, 0).
        let squares: Double = 9 + 16 + 144 + 7_056 + 1_600
        #expect(try Self.gradients().globalNorm() == squares.squareRoot())
    }

    @Test("what is within the limit stays bit-equal, and what is beyond is scaled to it by one factor")
    func clips() throws {
        let gradients = try Self.gradients()
        let same = try gradients.clipped(toGlobalNorm: 1_000)
        #expect(try same.tensor(named: "b").scalars(as: Float.self) == [3, -4])
        let clipped = try gradients.clipped(toGlobalNorm: 1)
        #expect(abs(try clipped.globalNorm() - 1) < 1e-6)
        let b = try clipped.tensor(named: "b").scalars(as: Float.self)
        #expect(abs(b[0] / b[1] + 0.75) < 1e-6)
        guard case .rowSparse(let rows) = try clipped.gradient(named: "rows") else {
            Issue.record("dense")
            return
        }
        #expect(rows.isCoalesced && rows.indices.elementCount == 2)
    }

    @Test("the norm of many elements is exact to the last digits of a float, and does not overflow")
    func large() throws {
        let ones = try NamedTensors([("a", AnyTensor.full([300_000], Float(2)))])
        #expect(try ones.globalNorm() == (1_200_000.0).squareRoot())
        let huge = try NamedTensors([("a", AnyTensor.full([4], Float.greatestFiniteMagnitude))])
        #expect(try huge.globalNorm() == 2 * Double(Float.greatestFiniteMagnitude))
    }

    @Test("a gradient that is not finite stays as it is, and the others are scaled without it")
    func notFinite() throws {
        let gradients = try NamedTensors([
            ("good", AnyTensor([3, 4] as [Float], shape: [2])), ("bad", AnyTensor([.nan, 1] as [Float], shape: [2])),
        ])
        let clipped = try gradients.clipped(toGlobalNorm: 2.5)
        #expect(try clipped.tensor(named: "good").scalars(as: Float.self) == [1.5, 2])
        let bad = try clipped.tensor(named: "bad").scalars(as: Float.self)
        #expect(bad[0].isNaN)
    }
}
