import Tensor
import Testing

@Suite("Description")
struct DescriptionTests {
    private func text<Scalar: TensorScalar>(_ values: [Scalar], _ shape: Shape) throws -> String {
        "\(try AnyTensor(values, shape: shape))"
    }

    @Test("few values stand on one line")
    func oneLine() throws {
        #expect(try text([1, 2.5, 3, 4] as [Float], [2, 2]) == "[[1.0, 2.5], [3.0, 4.0]] float32[2, 2]")
        #expect(try text([-3] as [Int32], []) == "-3 int32[]")
        #expect(try text([true, false], [2]) == "[true, false] bool[2]")
        #expect(try text([] as [Float], [0, 3]) == "[] float32[0, 3]")
        #expect(try text([] as [Float], [2, 0]) == "[[], []] float32[2, 0]")
        #expect(try text(Array(0..<12) as [UInt8], [12]) == "[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11] uint8[12]")
    }

    @Test("rows stand on lines of their own, in columns; matrices are kept apart")
    func columns() throws {
        let matrix = try text([1, -22, 3, 4, 5, 600, 7, 8, 9] as [Int64], [3, 3])
        #expect(
            matrix == """
                [[  1, -22,   3],
                 [  4,   5, 600],
                 [  7,   8,   9]] int64[3, 3]
                """)
        let stack = try text((0..<12).map { Float($0) / 4 }, [3, 2, 2])
        #expect(
            stack == """
                [[[0.00, 0.25],
                  [0.50, 0.75]],

                 [[1.00, 1.25],
                  [1.50, 1.75]],

                 [[2.00, 2.25],
                  [2.50, 2.75]]] float32[3, 2, 2]
                """)
    }

    @Test("floats have the shortest digits that do for all of them")
    func floats() throws {
        #expect(try text([0.1, 2, -3.25] as [Float], [3]) == "[0.10, 2.00, -3.25] float32[3]")
        #expect(try text([1.0 / 3, 100] as [Double], [2]) == "[0.33333333, 100.00000000] float64[2]")
        #expect(try text([0.999999999, 1] as [Double], [2]) == "[1.00000000, 1.00000000] float64[2]")
        #expect(try text([0.1, 1.0 / 3] as [BFloat16], [2]) == "[0.100, 0.334] bfloat16[2]")
        #expect(try text([0.1, 2_048] as [Float16], [2]) == "[0.1, 2048.0] float16[2]")
        #expect(try text([0, -0.0, 5] as [Float], [3]) == "[0.0, -0.0, 5.0] float32[3]")
        #expect(try text([.nan, -.infinity, .infinity, 1.5] as [Float], [4]) == "[nan, -inf, inf, 1.5] float32[4]")
    }

    @Test("very large and very small numbers have exponents")
    func exponents() throws {
        #expect(try text([1e10, 2.5] as [Float], [2]) == "[1.0e+10, 2.5e+00] float32[2]")
        #expect(try text([0.00001, 1] as [Double], [2]) == "[1.0e-05, 1.0e+00] float64[2]")
        #expect(try text([0.0001, 0] as [Double], [2]) == "[0.0001, 0.0000] float64[2]")
        #expect(try text([99_999_999, 0] as [Double], [2]) == "[99999999.0, 0.0] float64[2]")
        #expect(try text([.greatestFiniteMagnitude] as [Double], [1]) == "[1.79769313e+308] float64[1]")
        #expect(try text([.leastNonzeroMagnitude] as [Float], [1]) == "[1.0e-45] float32[1]")
    }

    @Test("a large tensor shows the ends of its long axes, of a view those of the view")
    func abbreviated() throws {
        let long = Tensor<Int32>.stride(from: 0, to: 2_000)
        #expect(
            "\(long)" == "[   0,    1,    2, …, 1997, 1998, 1999] int32[2000]")
        let matrix = long.reshaped(to: [4, 500]).transposed()[.stride(by: -1), .all]
        #expect(
            "\(matrix)" == """
                [[ 499,  999, 1499, 1999],
                 [ 498,  998, 1498, 1998],
                 [ 497,  997, 1497, 1997],
                 …,
                 [   2,  502, 1002, 1502],
                 [   1,  501, 1001, 1501],
                 [   0,  500, 1000, 1500]] int32[500, 4]
                """)
    }

    @Test("long rows go on in the next line")
    func wrapped() throws {
        let lines = "\(Tensor<Int32>.stride(from: 0, to: 100))".split(separator: "\n")
        #expect(lines.count == 4)
        #expect(lines.dropLast().allSatisfy { $0.count <= 100 && $0.hasSuffix(",") })
        #expect(lines[1].hasPrefix(" 25, 26,"), "\(lines)")
    }
}
