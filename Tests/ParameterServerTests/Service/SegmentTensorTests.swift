import MeshWire
import Tensor
import Testing

@testable import ParameterServer

@Suite struct SegmentTensorTests {
    @Test("a tensor and its segment share their bytes")
    func sharesBytes() throws {
        let tensor = try AnyTensor([1, -2, .pi, 0] as [Float], shape: [2, 2])
        let segment = Segment(tensor)
        let back = try segment.floats()
        #expect(back.shape == [4])
        #expect(try back.scalars(as: Float.self) == [1, -2, .pi, 0])
        // Only the addresses are compared; nothing is read through them.
        let there = unsafe segment.withUnsafeBytes { Int(bitPattern: $0.baseAddress) }
        let here = tensor.withBytes { Int(bitPattern: $0.baseAddress) }
        #expect(there == here)
    }

    @Test("a slice of a tensor leaves as that slice")
    func slices() throws {
        let tensor = try AnyTensor([0, 1, 2, 3, 4] as [Float], shape: [5])
        let segment = Segment(try tensor.sliced(axis: 0, 1..<3))
        #expect(segment.count == 8)
        #expect(try segment.floats().scalars(as: Float.self) == [1, 2])
    }

    @Test("no bytes are no elements")
    func empty() throws {
        #expect(try Segment(copying: []).floats().elementCount == 0)
        #expect(Segment(try AnyTensor.zeros([0])).count == 0)
    }

    @Test("bytes that are no whole number of elements are an error")
    func cutShort() {
        let error = #expect(throws: TensorError.self) { try Segment(copying: [1, 2, 3, 4, 5]).floats() }
        #expect(error?.code == .shapeMismatch)
    }
}
