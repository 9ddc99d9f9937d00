import Tensor
import Testing

@Suite("Bags of embeddings")
struct EmbeddingBagTests {
    private let table = Tensor<Float>([0, 1, 2, 3, 4, 5, 6, 7], shape: [4, 2])
    private let indices = Tensor<Int64>([1, 3, 0])

    @Test("sums, means and maxima of bags, one of which is empty")
    func reductions() {
        #expect(table.embeddingBag(indices, starts: [0, 2, 2]).scalars == [8, 10, 0, 0, 0, 1])
        #expect(table.embeddingBag(indices, starts: [0, 2, 2], reduction: .mean).scalars == [4, 5, 0, 0, 0, 1])
        #expect(table.embeddingBag(indices, starts: [0, 2, 2], reduction: .maximum).scalars == [6, 7, 0, 0, 0, 1])
        let weighted = table.embeddingBag(indices, starts: [0], weights: Tensor([0.5, 2, 1]))
        #expect(weighted.scalars == [13, 16.5])
        #expect(table.embeddingBag(Tensor<Int32>([]), starts: []).shape == [0, 2])
    }

    @Test("starts and indices that do not fit throw")
    func mistakes() {
        for starts in [[1], [0, 2, 1], [0, 4], []] {
            expectError(.indexOutOfRange, mentioning: "embeddingBag", "\(starts)") {
                _ = try table.core.embeddingBag(indices.core, starts: starts)
            }
        }
        expectError(.indexOutOfRange) {
            _ = try table.core.embeddingBag(AnyTensor([4] as [Int32], shape: [1]), starts: [0])
        }
        expectError(.shapeMismatch, mentioning: "embeddingBag", "mean") {
            _ = try table.core.embeddingBag(indices.core, starts: [0], reduction: .mean, weights: .ones([3]))
        }
    }
}
