import Tensor
import Testing

@Suite("AnyTensor: bytes")
struct AnyTensorBytesTests {
    /// Bytes at an address that a test chooses, with a note of whether anything still holds them.
    @safe private final class Buffer: @unchecked Sendable {
        let bytes: UnsafeMutableRawBufferPointer

        init(_ values: [UInt8], misalignment: Int = 0) {
            unsafe bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: values.count + misalignment, alignment: 64)
            for (index, value) in values.enumerated() { unsafe bytes[index + misalignment] = value }
        }

        deinit { unsafe bytes.deallocate() }
    }

    @Test("copied bytes are the elements, little-endian and row-major")
    func copying() throws {
        let bytes: [UInt8] = [0, 0, 128, 63, 0, 0, 0, 64]
        let tensor = unsafe try AnyTensor(copying: bytes.span.bytes, shape: [2], dtype: .float32)
        #expect(try tensor.scalars(as: Float.self) == [1, 2])
        expectError(.shapeMismatch, mentioning: "float32[3]", "12", "8") {
            _ = unsafe try AnyTensor(copying: bytes.span.bytes, shape: [3], dtype: .float32)
        }
    }

    @Test("a bool that is neither 0 nor 1 throws")
    func wrongBool() {
        let bytes: [UInt8] = [1, 0, 2]
        expectError(.dtypeMismatch, mentioning: "element 2", "byte 2") {
            _ = unsafe try AnyTensor(copying: bytes.span.bytes, shape: [3], dtype: .bool)
        }
    }

    @Test("adopted bytes are shown without a copy, kept while they are shown, and never written")
    func adopting() throws {
        weak var buffer: Buffer?
        do {
            let owner = Buffer([0, 0, 128, 63, 0, 0, 0, 64])
            buffer = owner
            var tensor = unsafe try AnyTensor.adopting(
                UnsafeRawBufferPointer(owner.bytes), owner: owner, shape: [2], dtype: .float32)
            tensor.withBytes { bytes in
                let isSame = unsafe bytes.baseAddress == UnsafeRawPointer(owner.bytes.baseAddress)
                #expect(isSame)
            }
            tensor.withMutableBytes { bytes in unsafe bytes.storeBytes(of: 9, as: Float.self) }
            #expect(try tensor.scalars(as: Float.self) == [9, 2])
            #expect(unsafe owner.bytes[3] == 63, "the owner's bytes are unchanged")

            let shared = unsafe try AnyTensor.adopting(
                UnsafeRawBufferPointer(owner.bytes), owner: owner, shape: [2], dtype: .float32)
            let negated = try shared.negated()
            #expect(try negated.scalars(as: Float.self) == [-1, -2])
            #expect(unsafe owner.bytes[3] == 63, "an operation does not write into adopted bytes either")
        }
        #expect(buffer == nil, "the tensors released their owner")
    }

    @Test("adopted bytes that are not aligned for their type are copied")
    func unaligned() throws {
        let owner = Buffer([0, 0, 128, 63], misalignment: 1)
        let tensor = unsafe try AnyTensor.adopting(
            UnsafeRawBufferPointer(rebasing: owner.bytes[1...]), owner: owner, shape: [1], dtype: .float32)
        #expect(try tensor.scalars(as: Float.self) == [1])
    }

    @Test("no bytes at all are a tensor without elements")
    func empty() throws {
        let owner = Buffer([])
        let tensor = unsafe try AnyTensor.adopting(
            UnsafeRawBufferPointer(start: nil, count: 0), owner: owner, shape: [0, 3], dtype: .float32)
        #expect(try tensor.scalars(as: Float.self) == [])
        #expect(try (tensor + tensor).shape == [0, 3])
        #expect(try tensor.firstNonFinite() == nil)
    }

    @Test("a write is seen by no other tensor")
    func copyOnWrite() throws {
        var tensor = try AnyTensor([1, 2, 3, 4] as [Float], shape: [2, 2])
        let before = tensor
        let row = try tensor.element(1)
        tensor.withMutableBytes { bytes in unsafe bytes.storeBytes(of: 9, toByteOffset: 8, as: Float.self) }
        #expect(try tensor.scalars(as: Float.self) == [1, 2, 9, 4])
        #expect(try before.scalars(as: Float.self) == [1, 2, 3, 4])
        #expect(try row.scalars(as: Float.self) == [3, 4])
    }

    @Test("a view's bytes are packed row-major")
    func views() throws {
        let matrix = try AnyTensor([1, 2, 3, 4, 5, 6] as [Float], shape: [2, 3])
        #expect(try matrix.transposed().scalars(as: Float.self) == [1, 4, 2, 5, 3, 6])
        var transposed = try matrix.transposed()
        transposed.withMutableBytes { bytes in unsafe bytes.storeBytes(of: 9, toByteOffset: 4, as: Float.self) }
        #expect(try transposed.scalars(as: Float.self) == [1, 9, 2, 5, 3, 6])
    }

    @Test("retained bytes stay as they are while their owner lives")
    func retained() throws {
        var tensor = try AnyTensor([1, 2] as [Float], shape: [2])
        let retained = unsafe tensor.retainedBytes()
        tensor.withMutableBytes { bytes in unsafe bytes.storeBytes(of: 9, as: Float.self) }
        #expect(try tensor.scalars(as: Float.self) == [9, 2])
        #expect(unsafe retained.bytes.load(as: Float.self) == 1)
        unsafe extendLifetime(retained.owner)
    }

    @Test("the first NaN or infinity is found, in row-major order of a view too")
    func firstNonFinite() throws {
        let tensor = try AnyTensor([1, .infinity, 3, 4, .nan, 6] as [Float], shape: [2, 3])
        #expect(try tensor.firstNonFinite() == 1)
        #expect(try tensor.transposed().firstNonFinite() == 2)
        #expect(try AnyTensor([1, 2] as [Float], shape: [2]).firstNonFinite() == nil)
        #expect(try AnyTensor([1, 2] as [Int32], shape: [2]).firstNonFinite() == nil)
    }
}
