import Tensor
import Testing

@Suite("Layout")
struct LayoutTests {
    @Test("row-major strides, and what counts as contiguous and as dense")
    func kinds() throws {
        let matrix = Layout(contiguous: [3, 4])
        #expect((matrix.strides[0], matrix.strides[1]) == (4, 1))
        #expect(matrix.isContiguous && matrix.isDense)

        let transposed = matrix.permuted(.swapping(0, 1))
        #expect(!transposed.isContiguous && transposed.isDense)

        let broadcast = Layout(contiguous: [4]).broadcast(to: [3, 4])
        #expect(!broadcast.isContiguous && !broadcast.isDense)

        var bounds = SliceBounds(whole: [3, 4])
        try bounds.narrow(axis: 1, to: 0..<2, step: 1, in: "test")
        #expect(!matrix.sliced(bounds).layout.isDense, "a slice has gaps")

        var reversed = SliceBounds(whole: [3, 4])
        try reversed.narrow(axis: 0, to: 0..<3, step: -1, in: "test")
        #expect(!matrix.sliced(reversed).layout.isDense, "the first element of a reversed axis is not its base")
    }

    @Test("strides of axes of length 1 do not matter, and nothing is contiguous where nothing is")
    func degenerate() {
        #expect(Layout(shape: [1, 5], strides: AxisValues(repeating: 1)).isContiguous)
        #expect(Layout(shape: [0, 5], strides: AxisValues(repeating: 7)).isContiguous)
        #expect(Layout(shape: .scalar, strides: AxisValues(repeating: 0)).isDense)
    }

    @Test("a reshape is a view exactly where the merged axes have one stride")
    func reshape() {
        let matrix = Layout(contiguous: [4, 6])
        let transposed = matrix.permuted(.swapping(0, 1))
        #expect(transposed.reshaped(to: [24]) == nil)
        #expect(transposed.reshaped(to: [2, 3, 4]) != nil, "splitting an axis always works")
        #expect(transposed.reshaped(to: [6, 1, 4, 1]) != nil)
        #expect(Layout(contiguous: [1]).broadcast(to: [5]).reshaped(to: [5, 1]) != nil)
        #expect(Layout(contiguous: [3, 1]).broadcast(to: [3, 2]).reshaped(to: [6]) == nil)
    }
}
