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

    @Test("windows of images add up where they overlap, as PyTorch's fold has it")
    func images() throws {
        #expect(
            try AnyTensor.ones([1, 4, 4]).foldingImages(to: [3, 3], kernel: [2, 2]).scalars(as: Float.self)
                == [1, 2, 1, 2, 4, 2, 1, 2, 1])
        // F.fold(torch.arange(48.).reshape(1, 12, 4), (5, 4), (3, 2), dilation=(1, 2), padding=(0, 1), stride=(2, 2))
        let columns = Tensor<Double>((0..<48).map(Double.init), shape: [1, 12, 4])
        let folded = columns.foldingImages(
            to: [5, 4], kernel: [3, 2], strides: [2, 2], padding: [0, 1], dilations: [1, 2])
        #expect(folded.shape == [1, 2, 5, 4])
        #expect(
            folded.scalars
                == [
                    0, 5, 0, 5, 0, 21, 0, 13, 0, 46, 0, 28, 0, 25, 0, 15, 0, 41, 0, 23, 0, 53, 0, 29, 0, 69, 0, 37, 0,
                    142, 0, 76, 0, 73, 0, 39, 0, 89, 0, 47,
                ])
        for dtype in [DType.float16, .bfloat16, .int16, .uint64] {
            let narrow = try columns.core.cast(to: dtype).foldingImages(
                to: [5, 4], kernel: [3, 2], strides: [2, 2], padding: [0, 1], dilations: [1, 2])
            #expect(try narrow.cast(to: .float64).scalars(as: Double.self) == folded.scalars, "\(dtype)")
        }
        // A channel that is not a number stays with itself.
        let strange = try AnyTensor.stack(
            [.ones([1, 4, 4]), .full([1, 4, 4], number: .nan, dtype: .float32)], axis: 1
        )
        .reshaped(to: [1, 8, 4]).foldingImages(to: [3, 3], kernel: [2, 2])
        #expect(try strange.sliced(axis: 1, 0..<1).sum().scalars(as: Float.self) == [16])
        let volumes = Tensor<Float>.zeros([2, 3 * 8, 2 * 3 * 4]).foldingImages(to: [3, 4, 5], kernel: [2, 2, 2])
        #expect(volumes.shape == [2, 3, 3, 4, 5])
        #expect(
            Tensor<Int32>([1, 2, 3, 4, 5, 6], shape: [1, 2, 3]).foldingImages(to: [4], kernel: [2]).scalars == [
                1, 6, 8, 6,
            ])
    }

    @Test("images whose windows do not fit throw")
    func imageMistakes() throws {
        let columns = try AnyTensor.zeros([1, 8, 4])
        for (lengths, kernel) in [
            ([3, 4], [2, 2]), ([3, 3], [3, 2]), ([3, 3], [2]), ([1, 1], [2, 2]), ([3, 3], [0, 2]),
        ] {
            expectError(.shapeMismatch, mentioning: "foldingImages", "[1, 8, 4]", "\(kernel)") {
                _ = try columns.foldingImages(to: lengths, kernel: kernel)
            }
        }
        expectError(.shapeMismatch, mentioning: "foldingImages", "strides") {
            _ = try columns.foldingImages(to: [3, 3], kernel: [2, 2], strides: [0, 1])
        }
        expectError(.dtypeMismatch, mentioning: "foldingImages", "bool") {
            _ = try AnyTensor.zeros([1, 4, 4], dtype: .bool).foldingImages(to: [3, 3], kernel: [2, 2])
        }
    }
}
