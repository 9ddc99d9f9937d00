import Tensor
import Testing

@Suite("Folding of windows")
struct FoldingTests {
    @Test("windows add up where they overlap")
    func folding() throws {
        let x = Tensor<Float>([1, 2, 3, 4])
        #expect(x.windows(axis: 0, size: 3).foldingWindows(axis: 0, length: 4).scalars == [1, 4, 6, 4])
        #expect(
            x.windows(axis: 0, size: 2, step: 2).foldingWindows(axis: 0, step: 2, length: 5).scalars == [1, 2, 3, 4, 0])
        expectError(.indexOutOfRange, mentioning: "foldingWindows", "[2, 3]") {
            _ = try AnyTensor.zeros([2, 3]).foldingWindows(axis: 0, length: 5)
        }
        expectError(.shapeMismatch, mentioning: "foldingWindows") {
            _ = try AnyTensor.zeros([2]).foldingWindows(axis: 0, length: 5)
        }
    }
}
