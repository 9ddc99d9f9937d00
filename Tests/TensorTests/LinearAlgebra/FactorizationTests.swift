import Tensor
import Testing

/// What every factorisation promises, on matrices of both types on which a careless algorithm fails.
@Suite("Factorizations")
struct FactorizationTests {
    static let shapes = [(1, 1), (2, 2), (5, 5), (7, 3), (3, 7), (1, 4), (4, 1), (9, 9)]
    static let types: [DType] = [.float64, .float32]

    /// How far a product of factors may lie from a matrix of this size.
    private func tolerance(_ matrix: Matrix, _ dtype: DType) -> Double {
        8 * dtype.epsilon * Double(max(matrix.rows, matrix.columns) + 2) * matrix.magnitude
    }

    /// How far the columns are from being orthonormal.
    private func defect(_ matrix: Matrix) -> Double {
        (matrix.transposed * matrix).distance(to: .identity(matrix.columns))
    }

    private func forEach(_ body: (Matrix, DType, String) throws -> Void) throws {
        for dtype in Self.types {
            for (rows, columns) in Self.shapes {
                for (name, matrix) in HardMatrix.all(rows, columns, seed: 11) {
                    // What the type can hold, so that the comparison is with the matrix that is factorised.
                    let held = try Matrix(matrix.tensor(dtype))
                    try body(held, dtype, "\(name) \(rows) × \(columns) \(dtype), seed 11")
                }
            }
        }
    }

    @Test("U · diag(s) · Vᵀ is the matrix, U and V are orthogonal, and s descends")
    func singularValues() throws {
        try forEach { matrix, dtype, name in
            for complete in [false, true] {
                let (u, s, vTransposed) = try matrix.tensor(dtype).svd(complete: complete)
                let (left, right) = (try Matrix(u), try Matrix(vTransposed).transposed)
                let values = try s.doubles()
                #expect(defect(left) <= 40 * dtype.epsilon && defect(right) <= 40 * dtype.epsilon, "\(name)")
                #expect(zip(values, values.dropFirst()).allSatisfy { $0 >= $1 } && values.allSatisfy { $0 >= 0 })
                let k = values.count
                let narrow = Matrix(left.rows, k) { left[$0, $1] }
                let wide = Matrix(k, right.rows) { right[$1, $0] }
                let product = narrow.scalingColumns(by: values) * wide
                #expect(product.distance(to: matrix) <= tolerance(matrix, dtype), "\(name)")
                #expect(
                    left.columns == (complete ? matrix.rows : k) && right.columns == (complete ? matrix.columns : k))
                if !complete { #expect(try matrix.tensor(dtype).singularValues().doubles() == values, "\(name)") }
            }
        }
    }

    @Test("Q · R is the matrix, Q is orthogonal, and R is upper triangular")
    func qr() throws {
        try forEach { matrix, dtype, name in
            for complete in [false, true] {
                let (q, r) = try matrix.tensor(dtype).qr(complete: complete)
                let (left, right) = (try Matrix(q), try Matrix(r))
                #expect(defect(left) <= 40 * dtype.epsilon, "\(name)")
                #expect((left * right).distance(to: matrix) <= tolerance(matrix, dtype), "\(name)")
                #expect(left.columns == (complete ? matrix.rows : min(matrix.rows, matrix.columns)))
                for row in 0..<right.rows {
                    for column in 0..<min(row, right.columns) { #expect(right[row, column] == 0, "\(name)") }
                }
            }
        }
    }

    @Test("L · U is the matrix with its rows in the order of the permutation, and no element of L is beyond 1")
    func lu() throws {
        try forEach { matrix, dtype, name in
            let (permutation, lower, upper) = try matrix.tensor(dtype).lu()
            let order = try permutation.scalars(as: Int32.self).map(Int.init)
            #expect(order.sorted() == Array(0..<matrix.rows), "\(name)")
            let (left, right) = (try Matrix(lower), try Matrix(upper))
            let permuted = Matrix(matrix.rows, matrix.columns) { matrix[order[$0], $1] }
            #expect((left * right).distance(to: permuted) <= tolerance(matrix, dtype), "\(name)")
            for row in 0..<left.rows {
                for column in 0..<left.columns {
                    #expect(row > column ? abs(left[row, column]) <= 1 : left[row, column] == (row == column ? 1 : 0))
                }
            }
            for row in 0..<right.rows {
                for column in 0..<min(row, right.columns) { #expect(right[row, column] == 0, "\(name)") }
            }
        }
    }

    @Test("V · diag(w) · Vᵀ is the symmetric matrix, V is orthogonal, w ascends, and the upper triangle is not read")
    func symmetricEigen() throws {
        try forEach { matrix, dtype, name in
            guard matrix.rows == matrix.columns else { return }
            let count = matrix.rows
            let symmetric = Matrix(count, count) { matrix[max($0, $1), min($0, $1)] }
            let lower = Matrix(count, count) { $0 >= $1 ? matrix[$0, $1] : .nan }
            let (values, vectors) = try lower.tensor(dtype).symmetricEigen()
            let found = try values.doubles()
            let v = try Matrix(vectors)
            #expect(defect(v) <= 40 * dtype.epsilon, "\(name)")
            #expect(zip(found, found.dropFirst()).allSatisfy { $0 <= $1 }, "\(name)")
            let product = v.scalingColumns(by: found) * v.transposed
            #expect(product.distance(to: symmetric) <= tolerance(symmetric, dtype), "\(name)")
            #expect(try lower.tensor(dtype).symmetricEigenvalues().doubles() == found, "\(name)")
        }
    }

    @Test("L · Lᵀ is the positive definite matrix, and the upper triangle is not read")
    func cholesky() throws {
        try forEach { matrix, dtype, name in
            guard matrix.rows == matrix.columns, matrix.magnitude > 0 else { return }
            let count = matrix.rows
            let scaled = Matrix(count, count) { matrix[$0, $1] / matrix.magnitude }
            let product = scaled * scaled.transposed
            let positive = try Matrix(
                Matrix(count, count) { product[$0, $1] + ($0 == $1 ? 0.125 : 0) }.tensor(dtype))
            let lower = Matrix(count, count) { $0 >= $1 ? positive[$0, $1] : .nan }
            let factor = try Matrix(lower.tensor(dtype).cholesky())
            #expect((factor * factor.transposed).distance(to: positive) <= tolerance(positive, dtype), "\(name)")
            for row in 0..<count {
                for column in row + 1..<max(count, row + 1) { #expect(factor[row, column] == 0, "\(name)") }
            }
        }
    }

    @Test("the pseudo-inverse has the four properties of Moore and Penrose")
    func pseudoInverse() throws {
        try forEach { matrix, dtype, name in
            guard !name.hasPrefix("graded"), !name.hasPrefix("Hilbert"), matrix.magnitude > 0 else { return }
            let scaled = Matrix(matrix.rows, matrix.columns) { matrix[$0, $1] / matrix.magnitude }
            let inverse = try Matrix(scaled.tensor(dtype).pseudoInverse())
            let bound = 100 * dtype.epsilon * max(inverse.magnitude, 1) * Double(max(matrix.rows, matrix.columns))
            let (left, right) = (scaled * inverse, inverse * scaled)
            #expect((left * scaled).distance(to: scaled) <= bound, "\(name)")
            #expect((right * inverse).distance(to: inverse) <= bound * max(inverse.magnitude, 1), "\(name)")
            #expect(left.transposed.distance(to: left) <= bound, "\(name)")
            #expect(right.transposed.distance(to: right) <= bound, "\(name)")
        }
    }

    @Test("solutions satisfy their equations: of square, triangular and transposed systems, and of one vector")
    func solutions() throws {
        for dtype in Self.types {
            for count in [1, 2, 6, 9] {
                let dense = HardMatrix.all(count, count, seed: 12)[0].matrix
                let matrix = try Matrix(
                    Matrix(count, count) { dense[$0, $1] + ($0 == $1 ? 3 : 0) }.tensor(dtype))
                let values = try Matrix(HardMatrix.all(count, 3, seed: 13)[0].matrix.tensor(dtype))
                let bound = 50 * dtype.epsilon * Double(count)
                let x = try Matrix(matrix.tensor(dtype).solve(values.tensor(dtype)))
                #expect((matrix * x).distance(to: values) <= bound)
                let inverse = try Matrix(matrix.tensor(dtype).inverse())
                #expect((matrix * inverse).distance(to: .identity(count)) <= bound)
                #expect((inverse * matrix).distance(to: .identity(count)) <= bound)
                for (lower, unit) in [(true, false), (true, true), (false, false), (false, true)] {
                    let triangle = Matrix(count, count) {
                        $0 == $1 ? (unit ? 1 : matrix[$0, $1]) : ($0 > $1) == lower ? matrix[$0, $1] : 0
                    }
                    let x = try Matrix(
                        matrix.tensor(dtype).triangularSolve(values.tensor(dtype), lower: lower, hasUnitDiagonal: unit))
                    #expect((triangle * x).distance(to: values) <= bound * 50)
                }
                let turned = try Matrix(matrix.tensor(dtype).transposed().solve(values.tensor(dtype)))
                #expect((matrix.transposed * turned).distance(to: values) <= bound)
                let vector = try values.tensor(dtype).transposed().element(1)
                let solution = try matrix.tensor(dtype).solve(vector)
                #expect(solution.shape == [count])
                let alone = Matrix(count, 1) { row, _ in x[row, 1] }
                #expect(try solution.doubles() == alone.elements)
            }
        }
    }

    @Test(
        "a matrix of a batch has the results that it has alone, whatever its layout",
        arguments: [DType.float32, .float64])
    func batches(dtype: DType) throws {
        let matrices = (0..<60).map { HardMatrix.all(5, 5, seed: $0)[0].matrix }
        let batch = try Matrix.tensor(matrices, dtype)
        // Columns of a wider tensor, so that no matrix is contiguous.
        let strided = try AnyTensor.concatenate([batch, batch], axis: 2).sliced(axis: 2, 0..<5)
        let sides = matrices.map { matrix in Matrix(5, 2) { row, column in matrix[column, row] } }
        let values = try Matrix.tensor(sides, dtype)
        let solutions = try strided.solve(values)
        let factors = try strided.svd()
        let logarithms = try strided.signAndLogDeterminant().logarithm
        for index in matrices.indices {
            let alone = try batch.element(index)
            #expect(try solutions.element(index).doubles() == alone.solve(values.element(index)).doubles())
            #expect(try factors.u.element(index).doubles() == alone.svd().u.doubles())
            #expect(try factors.vTransposed.element(index).doubles() == alone.svd().vTransposed.doubles())
            #expect(try logarithms.element(index).doubles() == alone.signAndLogDeterminant().logarithm.doubles())
        }
        // One matrix for many right sides is factorised once, and gives what each would alone.
        let shared = try batch.element(3).solve(values)
        #expect(shared.shape == [60, 5, 2])
        for index in [0, 17, 59] {
            #expect(try shared.element(index).doubles() == batch.element(3).solve(values.element(index)).doubles())
        }
        #expect(try batch.reshaped(to: [5, 12, 5, 5]).inverse().shape == [5, 12, 5, 5])
        #expect(try batch.solve(values.element(0)).shape == [60, 5, 2])
    }

    @Test("matrices without elements have results without elements", arguments: [DType.float32, .float64])
    func empty(dtype: DType) throws {
        func zeros(_ shape: Shape) throws -> AnyTensor { try .zeros(shape, dtype: dtype) }
        #expect(try zeros([0, 0]).determinant().doubles() == [1])
        #expect(try zeros([2, 0, 0]).signAndLogDeterminant().sign.doubles() == [1, 1])
        #expect(try zeros([2, 0, 0]).signAndLogDeterminant().logarithm.doubles() == [0, 0])
        #expect(try zeros([0, 0]).inverse().shape == [0, 0])
        #expect(try zeros([0, 3, 3]).inverse().shape == [0, 3, 3])
        #expect(try zeros([0, 0]).solve(zeros([0, 4])).shape == [0, 4])
        #expect(try zeros([0, 0]).cholesky().shape == [0, 0])
        let (u, s, v) = try zeros([3, 0]).svd(complete: true)
        #expect(u.shape == [3, 3] && s.shape == [0] && v.shape == [0, 0])
        #expect(try u.doubles() == Matrix.identity(3).elements)
        #expect(try zeros([0, 3]).qr().r.shape == [0, 3])
        #expect(try zeros([0, 0]).symmetricEigen().values.shape == [0])
        #expect(try zeros([2, 0]).pseudoInverse().shape == [0, 2])
        #expect(try zeros([0, 2]).leastSquares(zeros([0, 1])).doubles() == [0, 0])
        #expect(try zeros([2, 3, 0]).matrixRank().scalars(as: Int64.self) == [0, 0])
        #expect(try zeros([3, 0]).matrixNorm(.nuclear).doubles() == [0])
        #expect(try zeros([0, 0]).matrixPower(0).shape == [0, 0])
    }

    @Test("determinants that no float holds have logarithms, and products do not overflow on the way")
    func determinants() throws {
        let large = Matrix(4, 4) { $0 == $1 ? ($0 < 2 ? 1e200 : 1e-200) : 0 }
        #expect(abs(try large.tensor(.float64).determinant().doubles()[0] - 1) < 1e-12)
        let huge = Matrix(6, 6) { $0 == $1 ? -1e200 : 0 }
        let (sign, logarithm) = try huge.tensor(.float64).signAndLogDeterminant()
        #expect(try sign.doubles() == [1])
        #expect(abs(try logarithm.doubles()[0] - 1200 * 2.302585092994046) < 1e-9)
        #expect(try huge.tensor(.float64).determinant().doubles() == [.infinity])
        let swapped = Matrix(3, 3) { $0 == [1, 0, 2][$1] ? 2 : 0 }
        #expect(try swapped.tensor(.float32).determinant().doubles() == [-8])
        let singular = Matrix(3, 3) { row, _ in Double(row) }
        #expect(try singular.tensor(.float64).determinant().doubles() == [0])
        let (zero, infinite) = try singular.tensor(.float64).signAndLogDeterminant()
        #expect(try zero.doubles() == [0] && infinite.doubles() == [-.infinity])
        let unknown = Matrix(2, 2) { _, _ in .nan }
        #expect(try unknown.tensor(.float32).determinant().doubles()[0].isNaN)
        #expect(try unknown.tensor(.float32).signAndLogDeterminant().sign.doubles()[0].isNaN)
    }

    @Test("norms, ranks and condition numbers of known matrices, of both types", arguments: [DType.float32, .float64])
    func measures(dtype: DType) throws {
        let matrix = try Matrix(2, 3) { [[3, 0, 0], [0, -4, 0]][$0][$1] }.tensor(dtype)
        #expect(try matrix.matrixNorm().doubles() == [5])
        #expect(try matrix.matrixNorm(.nuclear).doubles() == [7])
        #expect(try matrix.matrixNorm(.one).doubles() == [4] && matrix.matrixNorm(.infinity).doubles() == [4])
        #expect(try matrix.matrixNorm(.spectral).doubles() == [4])
        #expect(abs(try matrix.conditionNumber().doubles()[0] - 4.0 / 3) < 1e-6)
        #expect(try matrix.matrixNorm(.minusOne).doubles() == [0] && matrix.matrixNorm(.minusInfinity).doubles() == [3])
        #expect(try matrix.matrixNorm(.minusTwo).doubles() == [3])
        #expect(abs(try matrix.conditionNumber(.minusTwo).doubles()[0] - 0.75) < 1e-6)
        // As NumPy has it, the smallest sum of no elements is 0, and the smallest of no sums an error.
        let (low, flat) = (try AnyTensor.zeros([0, 3], dtype: dtype), try AnyTensor.zeros([3, 0], dtype: dtype))
        #expect(try low.matrixNorm(.minusOne).doubles() == [0] && flat.matrixNorm(.minusInfinity).doubles() == [0])
        for (empty, norm) in [(low, MatrixNorm.minusInfinity), (flat, .minusOne), (low, .minusTwo), (flat, .minusTwo)] {
            expectError(.shapeMismatch, mentioning: "matrixNorm", "\(norm)", "\(empty.shape)") {
                _ = try empty.matrixNorm(norm)
            }
        }
        let square = try Matrix(2, 2) { [[1, 2], [3, 4]][$0][$1] }.tensor(dtype)
        let product = try square.matrixNorm(.one).doubles()[0] * square.inverse().matrixNorm(.one).doubles()[0]
        #expect(abs(product - 21) < 1e-4)
        if dtype == .float32 { #expect(abs(try square.conditionNumber(.one).doubles()[0] - 21) < 1e-4) }
        #expect(try Matrix(2, 2) { _, _ in 0 }.tensor(dtype).conditionNumber().doubles() == [.infinity])
        #expect(try Matrix(2, 2) { _, _ in 0 }.tensor(dtype).conditionNumber(.minusTwo).doubles() == [.infinity])
        #expect(try matrix.matrixRank().scalars(as: Int64.self) == [2])
        #expect(try matrix.matrixRank(tolerance: 0.8).scalars(as: Int64.self) == [1])
        let withNaN = try Matrix(2, 2) { [[1, .nan], [3, 4]][$0][$1] }.tensor(dtype)
        for norm in [MatrixNorm.frobenius, .one, .infinity, .minusOne, .minusInfinity] {
            #expect(try withNaN.matrixNorm(norm).doubles()[0].isNaN)
        }
        let large = try Matrix(3, 3) { _, _ in 1e30 }.tensor(dtype)
        #expect(abs(try large.matrixNorm().doubles()[0] / 3e30 - 1) < 1e-6)
    }
}
