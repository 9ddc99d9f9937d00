import Tensor
import Testing

@Suite("Bits as another type")
struct BitCastTests {
    @Test("types of one width show the same bits, without a copy and in any layout")
    func sameWidth() throws {
        let x = Tensor<Float>([1, -2, .infinity, 0.1, -0.0, .nan], shape: [2, 3])
        let bits = x.scalars.map(\.bitPattern)
        #expect(x.bitCast(to: UInt32.self).scalars == bits)
        #expect(x.bitCast(to: Int32.self).bitCast(to: Float.self).scalars.map(\.bitPattern) == bits)
        let turned = try x.core.transposed().bitCast(to: .uint32)
        #expect(turned.shape == [3, 2])
        #expect(turned.sharesStorage(with: x.core))
        #expect(try turned.scalars(as: UInt32.self) == [0, 3, 1, 4, 2, 5].map { bits[$0] })
        #expect(Tensor<BFloat16>([1]).bitCast(to: Float16.self).scalars == [Float16(bitPattern: 0x3f80)])
        #expect(Tensor<Double>(-0.0).bitCast(to: UInt64.self).scalar == 1 << 63)
        var changed = x.bitCast(to: Int32.self)
        changed[0, 0] = Tensor<Int32>(7)
        #expect(x.scalars[0] == 1, "a write to the other type copies")
    }

    @Test("another width changes the last axis, as NumPy's view does")
    func otherWidths() throws {
        // numpy.array([[1, -2], [0.5, 3]]).view("<i4"), .view("<u2") and .view("u1")
        let x = Tensor<Double>([1, -2, 0.5, 3], shape: [2, 2])
        #expect(x.bitCast(to: Int32.self).shape == [2, 4])
        #expect(
            x.bitCast(to: Int32.self).scalars
                == [0, 1_072_693_248, 0, -1_073_741_824, 0, 1_071_644_672, 0, 1_074_266_112])
        #expect(x[1, 1].core.sharesStorage(with: x.core))
        #expect(x[1].bitCast(to: UInt16.self).scalars == [0, 0, 0, 16352, 0, 0, 0, 16392])
        #expect(x[1].bitCast(to: UInt8.self).scalars == [0, 0, 0, 0, 0, 0, 224, 63, 0, 0, 0, 0, 0, 0, 8, 64])
        #expect(x.transposed().bitCast(to: UInt8.self).bitCast(to: Double.self).scalars == [1, 0.5, -2, 3])
        #expect(try x.core.bitCast(to: .uint8).sharesStorage(with: x.core))
        #expect(try AnyTensor.zeros([0, 8], dtype: .uint8).bitCast(to: .float64).shape == [0, 1])
        #expect(try AnyTensor.abstract(shape: [3, 6], dtype: .int16).bitCast(to: .float32).shape == [3, 3])
    }

    @Test("parts that are not aligned for a wider type are copied")
    func alignment() throws {
        let bytes = Tensor<UInt8>((0..<9).map { UInt8($0) })
        let shifted = try bytes.core.sliced(axis: 0, 1..<9)
        #expect(try shifted.bitCast(to: .uint64).scalars(as: UInt64.self) == [0x0807_0605_0403_0201])
        #expect(try shifted.sliced(axis: 0, 0..<4).bitCast(to: .uint32).scalars(as: UInt32.self) == [0x0403_0201])
    }

    @Test("what fits no whole number of elements, and bytes that are no bools, throw")
    func mistakes() throws {
        expectError(.shapeMismatch, mentioning: "bitCast", "uint8[2, 3]", "int16") {
            _ = try AnyTensor.zeros([2, 3], dtype: .uint8).bitCast(to: .int16)
        }
        expectError(.shapeMismatch, mentioning: "bitCast", "float32[]") {
            _ = try AnyTensor.scalar(Float(1)).bitCast(to: .uint8)
        }
        #expect(Tensor<UInt8>([0, 1]).bitCast(to: Bool.self).scalars == [false, true])
        #expect(Tensor<Bool>([true, false]).bitCast(to: UInt16.self).scalars == [1])
        expectError(.valueOutOfRange, mentioning: "bitCast", "byte 1", "int8[3]") {
            _ = try AnyTensor([0, 2, 1] as [Int8], shape: [3]).bitCast(to: .bool)
        }
        expectError(.valueOutOfRange, mentioning: "bitCast", "byte 2") {
            _ = try AnyTensor([1] as [Float], shape: [1]).bitCast(to: .bool)
        }
    }
}
