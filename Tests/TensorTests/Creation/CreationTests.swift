import Tensor
import Testing

@Suite("Creation")
struct CreationTests {
    @Test("zeros and ones exist in every type", arguments: DType.allCases)
    func everyType(dtype: DType) throws {
        let zeros = try AnyTensor.zeros([2, 3], dtype: dtype)
        let ones = try AnyTensor.ones([2, 3], dtype: dtype)
        #expect(zeros.dtype == dtype && ones.dtype == dtype && ones.shape == [2, 3])
        zeros.withBytes { bytes in
            let isZero = unsafe bytes.allSatisfy { $0 == 0 }
            #expect(isZero)
        }
        let text = dtype.isFloatingPoint ? "1.0" : dtype == .bool ? "true" : "1"
        #expect("\(ones)" == "[[\(text), \(text), \(text)], [\(text), \(text), \(text)]] \(dtype)[2, 3]")
        let eye = try AnyTensor.eye(2, 3, diagonal: 1, dtype: dtype)
        #expect(try eye.diagonal(offset: 1).description == AnyTensor.ones([2], dtype: dtype).description)
        #expect(try eye.diagonal().description == AnyTensor.zeros([2], dtype: dtype).description)
        #expect(try AnyTensor([0, 1] as [Int32], shape: [2]).oneHot(depth: 3, dtype: dtype).dtype == dtype)
    }

    @Test("a number that a type cannot hold throws")
    func numbers() throws {
        #expect(try AnyTensor.full([2], number: 255, dtype: .uint8).scalars(as: UInt8.self) == [255, 255])
        #expect(try AnyTensor.full([], number: 0.5, dtype: .bfloat16).scalars(as: BFloat16.self) == [0.5])
        for (number, dtype) in [(256, DType.uint8), (0.5, .int32), (-1, .uint64), (.nan, .int8), (0x1p63, .int64)] {
            expectError(.dtypeMismatch, mentioning: "full", "\(number)") {
                _ = try AnyTensor.full([1], number: number, dtype: dtype)
            }
        }
    }

    @Test("a stride of integers has NumPy's elements")
    func integerStride() throws {
        #expect(Tensor<Int32>.stride(from: 0, to: 5).scalars == [0, 1, 2, 3, 4])
        #expect(Tensor<Int64>.stride(from: 5, to: -4, by: -3).scalars == [5, 2, -1])
        #expect(Tensor<Int8>.stride(from: -128, to: 128, by: 85).scalars == [-128, -43, 42, 127])
        #expect(Tensor<UInt8>.stride(from: 0, to: 256, by: 255).scalars == [0, 255])
        #expect(Tensor<Int32>.stride(from: 3, to: 3).shape == [0])
        #expect(Tensor<Int32>.stride(from: 3, to: 1).shape == [0])
        #expect(try AnyTensor.stride(from: .min, to: .max, by: .max).scalars(as: Int64.self) == [.min, -1, .max - 1])
        #expect(try AnyTensor.stride(from: 0, to: 3, dtype: .bfloat16).scalars(as: BFloat16.self) == [0, 1, 2])
        expectError(.shapeMismatch, mentioning: "stride", "step of 0") {
            _ = try AnyTensor.stride(from: 0, to: 3, by: 0)
        }
        expectError(.dtypeMismatch, mentioning: "int8", "128") {
            _ = try AnyTensor.stride(from: 0, to: 129, dtype: .int8)
        }
        expectError(.dtypeMismatch, mentioning: "uint8") { _ = try AnyTensor.stride(from: -1, to: 1, dtype: .uint8) }
        expectError(.dtypeMismatch) { _ = try AnyTensor.stride(from: 0, to: 2, dtype: .bool) }
        expectError(.outOfMemory) { _ = try AnyTensor.stride(from: .min, to: .max) }
    }

    @Test("a stride of floats has NumPy's count and bits")
    func floatStride() throws {
        // numpy.arange(0, 1, 0.1, dtype=numpy.float32) and the others, by their bits.
        #expect(
            Tensor<Float>.stride(from: 0, to: 1, by: 0.1).scalars.map(\.bitPattern) == [
                0x0000_0000, 0x3dcc_cccd, 0x3e4c_cccd, 0x3e99_999a, 0x3ecc_cccd, 0x3f00_0000, 0x3f19_999a, 0x3f33_3333,
                0x3f4c_cccd, 0x3f66_6667,
            ])
        #expect(
            Tensor<Double>.stride(from: 1, to: 1.3, by: 0.1).scalars == [
                1, 1.1, 1.2000000000000002, 1.3000000000000003,
            ])
        #expect(Tensor<Float>.stride(from: 2, to: -1, by: -1.5).scalars == [2, 0.5])
        #expect(
            Tensor<Float16>.stride(from: 0, to: 0.4, by: 0.1).scalars.map(\.bitPattern) == [0, 0x2e66, 0x3266, 0x34cc])
        #expect(Tensor<Double>.stride(from: 0, to: Double.leastNonzeroMagnitude, by: 1e300).scalars == [0])
        #expect(Tensor<Double>.stride(from: 0, to: -Double.leastNonzeroMagnitude, by: 1e300).scalars == [])
        expectError(.shapeMismatch, mentioning: "stride", "inf") {
            _ = try AnyTensor.stride(from: 0, to: .infinity, by: 1)
        }
        expectError(.shapeMismatch) { _ = try AnyTensor.stride(from: 0, to: 1.5, by: 0) }
        expectError(.outOfMemory) { _ = try AnyTensor.stride(from: 0, to: 1e300, by: 1) }
        expectError(.dtypeMismatch) { _ = try AnyTensor.stride(from: 0, to: 1.5, by: 1, dtype: .int32) }
    }

    @Test("numbers at equal distances reach their end exactly")
    func linspace() throws {
        #expect(Tensor<Float>.linspace(from: 0, through: 1, count: 5).scalars == [0, 0.25, 0.5, 0.75, 1])
        #expect(Tensor<Float>.linspace(from: 0, to: 1, count: 4).scalars == [0, 0.25, 0.5, 0.75])
        #expect(Tensor<Double>.linspace(from: 1, through: -1, count: 3).scalars == [1, 0, -1])
        #expect(Tensor<Double>.linspace(from: 0.1, through: 0.7, count: 4).scalars.last == 0.7)
        #expect(Tensor<Double>.linspace(from: 2, through: 9, count: 1).scalars == [2])
        #expect(Tensor<Double>.linspace(from: 2, through: 9, count: 0).scalars == [])
        // The step underflows to 0; the elements do not.
        #expect(
            Tensor<Double>.linspace(from: 0, through: Double.leastNonzeroMagnitude, count: 3).scalars == [
                0, 0, Double.leastNonzeroMagnitude,
            ])
        #expect(Tensor<Float>.logspace(from: 0, through: 3, count: 4).scalars == [1, 10, 100, 1_000])
        #expect(Tensor<Double>.logspace(from: 0, through: 4, count: 3, base: 2).scalars == [1, 4, 16])
        expectError(.shapeMismatch, mentioning: "linspace", "-1") {
            _ = try AnyTensor.linspace(from: 0, through: 1, count: -1)
        }
        expectError(.dtypeMismatch, mentioning: "int32") {
            _ = try AnyTensor.linspace(from: 0, through: 1, count: 2, dtype: .int32)
        }
    }

    @Test("triangles and identities have their ones where NumPy has")
    func matrices() throws {
        #expect(Tensor<Int32>.identity(2).scalars == [1, 0, 0, 1])
        #expect(Tensor<Int32>.eye(2, 3, diagonal: -1).scalars == [0, 0, 0, 1, 0, 0])
        #expect(Tensor<Int32>.eye(2, 2, diagonal: 5).scalars == [0, 0, 0, 0])
        #expect(Tensor<Int32>.eye(0, 3).shape == [0, 3])
        #expect(Tensor<Bool>.triangle(2, 3).scalars == [true, false, false, true, true, false])
        #expect(Tensor<Bool>.triangle(2, 3, diagonal: -1).scalars == [false, false, false, true, false, false])
        #expect(Tensor<Bool>.triangle(2, 2, diagonal: .max).scalars == [true, true, true, true])
        #expect(Tensor<Bool>.triangle(2, 2, diagonal: .min).scalars == [false, false, false, false])
        let matrix: Tensor<Float> = [[1, 2, 3], [4, 5, 6], [7, 8, 9]]
        #expect(matrix.lowerTriangle().scalars == [1, 0, 0, 4, 5, 0, 7, 8, 9])
        #expect(matrix.lowerTriangle(diagonal: 1).scalars == [1, 2, 0, 4, 5, 6, 7, 8, 9])
        #expect(matrix.upperTriangle().scalars == [1, 2, 3, 0, 5, 6, 0, 0, 9])
        #expect(matrix.upperTriangle(diagonal: -1).scalars == [1, 2, 3, 4, 5, 6, 0, 8, 9])
        #expect(matrix.upperTriangle(diagonal: .min).scalars == matrix.scalars)
        #expect(Tensor.stack([matrix, matrix]).lowerTriangle(diagonal: -2).scalars.suffix(3) == [7, 0, 0])
        expectError(.shapeMismatch, mentioning: "lowerTriangle", "[3]") { _ = try matrix[0].core.lowerTriangle() }
        expectError(.shapeMismatch) { _ = try AnyTensor.eye(-1, 2) }
    }

    @Test("one-hot rows are 1 where their index says, and nowhere for a wrong one")
    func oneHot() throws {
        let labels: Tensor<Int32> = [[2, 0], [1, 1]]
        let rows: Tensor<Float> = labels.oneHot(depth: 3)
        #expect(rows.shape == [2, 2, 3])
        #expect(rows.scalars == [0, 0, 1, 1, 0, 0, 0, 1, 0, 0, 1, 0])
        #expect(Tensor<Int64>(1).oneHot(depth: 2, as: Bool.self).scalars == [false, true])
        expectError(.indexOutOfRange, mentioning: "oneHot", "element 0", "2", "0..<2") {
            _ = try labels.core.oneHot(depth: 2)
        }
        expectError(.dtypeMismatch, mentioning: "float32") { _ = try AnyTensor.zeros([1]).oneHot(depth: 2) }
    }

    @Test("the coordinates of a grid vary along their own axes")
    func meshgrid() throws {
        let grids = Tensor<Int32>.meshgrid([[1, 2], [3, 4, 5]])
        #expect(grids[0].scalars == [1, 1, 1, 2, 2, 2])
        #expect(grids[1].scalars == [3, 4, 5, 3, 4, 5])
        let pictures = Tensor<Int32>.meshgrid([[1, 2], [3, 4, 5]], isMatrixOrder: false)
        #expect(pictures[0].shape == [3, 2])
        #expect(pictures[0].scalars == [1, 2, 1, 2, 1, 2])
        #expect(pictures[1].scalars == [3, 3, 4, 4, 5, 5])
        expectError(.shapeMismatch, mentioning: "meshgrid", "[1, 1]") {
            _ = try AnyTensor.meshgrid([.zeros([1, 1])])
        }
    }

    @Test("nested arrays are rows and matrices, and ragged ones throw")
    func nested() throws {
        #expect(Tensor<Int32>(rows: [[1, 2, 3], [4, 5, 6]]).shape == [2, 3])
        #expect(Tensor<Int32>(matrices: [[[1], [2]], [[3], [4]], [[5], [6]]]).shape == [3, 2, 1])
        #expect(Tensor<Int32>(rows: []).shape == [0, 0])
        expectError(.shapeMismatch, mentioning: "row 1", "1", "2") {
            _ = try AnyTensor(rows: [[1, 2], [3]] as [[Float]])
        }
        expectError(.shapeMismatch, mentioning: "matrix 1") {
            _ = try AnyTensor(matrices: [[[1], [2]], [[3]]] as [[[Float]]])
        }
    }
}
