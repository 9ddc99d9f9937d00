import Tensor
import Testing

@Suite("Factorization errors")
struct FactorizationErrorTests {
    /// A batch of three matrices of which the last but one is `matrix`.
    private func batch(_ matrix: Matrix, _ dtype: DType) throws -> AnyTensor {
        try Matrix.tensor([.identity(matrix.rows), matrix, .identity(matrix.rows)], dtype)
    }

    @Test("a singular matrix is named", arguments: [DType.float32, .float64])
    func singular(dtype: DType) throws {
        let singular = Matrix(3, 3) { row, column in [[1, 2, 3], [2, 4, 6], [1, 0, 1]][row][column] }
        let values = try AnyTensor.zeros([3, 1], dtype: dtype)
        expectError(.singularMatrix, mentioning: "inverse", "matrix 1 of 3", "[3, 3, 3]") {
            _ = try batch(singular, dtype).inverse()
        }
        expectError(.singularMatrix, mentioning: "solve", "the matrix", "\(dtype)") {
            _ = try singular.tensor(dtype).solve(values)
        }
        let triangle = Matrix(3, 3) { $0 == 2 && $1 == 2 ? 0 : 1 }
        expectError(.singularMatrix, mentioning: "triangularSolve") {
            _ = try triangle.tensor(dtype).triangularSolve(values, lower: true)
        }
        _ = try triangle.tensor(dtype).triangularSolve(values, lower: true, hasUnitDiagonal: true)
    }

    @Test("a matrix that is not positive definite is named, and so is one with a NaN", arguments: [0, -1, Double.nan])
    func notPositiveDefinite(pivot: Double) throws {
        let matrix = Matrix(3, 3) { $0 == $1 ? ($0 == 1 ? pivot : 1) : 0 }
        expectError(.notPositiveDefinite, mentioning: "cholesky", "matrix 1 of 3") {
            _ = try batch(matrix, .float64).cholesky()
        }
    }

    @Test("a NaN or an infinity ends an iteration at once", arguments: [Double.nan, .infinity, -.infinity])
    func notFinite(value: Double) throws {
        for dtype in [DType.float32, .float64] {
            let batch = try batch(Matrix(3, 3) { $0 == 2 && $1 == 1 ? value : $0 == $1 ? 3 : 1 }, dtype)
            expectError(.notConverged, mentioning: "svd", "matrix 1 of 3") { _ = try batch.svd() }
            expectError(.notConverged, mentioning: "singularValues") { _ = try batch.singularValues() }
            expectError(.notConverged, mentioning: "symmetricEigen", "matrix 1 of 3") { _ = try batch.symmetricEigen() }
            expectError(.notConverged, mentioning: "pseudoInverse") { _ = try batch.pseudoInverse() }
            expectError(.notConverged, mentioning: "leastSquares") {
                _ = try batch.leastSquares(.zeros([3, 1], dtype: dtype))
            }
            expectError(.notConverged, mentioning: "matrixRank") { _ = try batch.matrixRank() }
            expectError(.notConverged, mentioning: "matrixNorm") { _ = try batch.matrixNorm(.spectral) }
            expectError(.notConverged, mentioning: "conditionNumber") { _ = try batch.conditionNumber() }
            // Elimination and reflections go on with what they find.
            #expect(try batch.inverse().element(1).doubles().contains { $0.isNaN } == value.isNaN)
            #expect(try batch.qr().q.element(1).doubles().contains { $0.isNaN })
            #expect(try batch.lu().upper.element(1).doubles().contains { !$0.isFinite })
        }
    }

    @Test("shapes and types that do not fit throw")
    func mistakes() throws {
        let wide = try AnyTensor.zeros([2, 3])
        for operation: (AnyTensor) throws -> Void in [
            { _ = try $0.cholesky() }, { _ = try $0.inverse() }, { _ = try $0.determinant() },
            { _ = try $0.signAndLogDeterminant() }, { _ = try $0.symmetricEigen() },
            { _ = try $0.symmetricEigenvalues() },
            { _ = try $0.solve(.zeros([2, 1])) }, { _ = try $0.matrixPower(2) }, { _ = try $0.matrixPower(0) },
            { _ = try $0.triangularSolve(.zeros([2, 1]), lower: true) },
        ] {
            expectError(.shapeMismatch, mentioning: "[2, 3]") { try operation(wide) }
            expectError(.shapeMismatch, mentioning: "[3]") { try operation(.zeros([3])) }
        }
        for operation: (AnyTensor) throws -> Void in [
            { _ = try $0.qr() }, { _ = try $0.lu() }, { _ = try $0.svd() }, { _ = try $0.singularValues() },
            { _ = try $0.pseudoInverse() }, { _ = try $0.matrixRank() }, { _ = try $0.matrixNorm() },
            { _ = try $0.leastSquares($0) }, { _ = try $0.cholesky() }, { _ = try $0.conditionNumber() },
        ] {
            expectError(.shapeMismatch, mentioning: "[3]") { try operation(.zeros([3])) }
            expectError(.dtypeMismatch, mentioning: "int32") { try operation(.zeros([2, 2], dtype: .int32)) }
            expectError(.dtypeMismatch, mentioning: "float16") { try operation(.zeros([2, 2], dtype: .float16)) }
        }
        let square = try AnyTensor.zeros([2, 2])
        expectError(.shapeMismatch, mentioning: "solve", "[2, 2]", "[3, 1]") { _ = try square.solve(.zeros([3, 1])) }
        expectError(.dtypeMismatch, mentioning: "float64") { _ = try square.solve(.zeros([2, 1], dtype: .float64)) }
        expectError(.shapeMismatch, mentioning: "leastSquares") { _ = try square.leastSquares(.zeros([3, 1])) }
        expectError(.shapeMismatch, mentioning: "conditionNumber") {
            _ = try AnyTensor.zeros([0, 2]).conditionNumber()
        }
        expectError(.shapeMismatch, mentioning: "[2]", "[3]") {
            _ = try AnyTensor.zeros([2, 2, 2]).solve(.zeros([3, 2, 1]))
        }
    }

    @Test("the type of an abstract tensor's results is that of a concrete one's")
    func abstract() throws {
        let concrete = try Matrix.tensor((0..<2).map { HardMatrix.all(3, 3, seed: $0)[0].matrix }, .float64)
        let abstract = AnyTensor.abstract(shape: concrete.shape, dtype: .float64)
        let operations: [(AnyTensor) throws -> [AnyTensor]] = [
            { [try $0.inverse(), try $0.determinant(), try $0.matrixNorm(), try $0.matrixRank()] },
            { [try $0.signAndLogDeterminant().sign, try $0.svd(complete: true).u, try $0.svd().vTransposed] },
            { [try $0.lu().permutation, try $0.lu().lower, try $0.qr().q, try $0.symmetricEigen().vectors] },
            { [try $0.solve($0), try $0.pseudoInverse(), try $0.leastSquares($0), try $0.matrixPower(3)] },
        ]
        for operation in operations {
            for (found, expected) in zip(try operation(abstract), try operation(concrete)) {
                #expect(found.isAbstract && found.shape == expected.shape && found.dtype == expected.dtype)
            }
        }
    }
}
