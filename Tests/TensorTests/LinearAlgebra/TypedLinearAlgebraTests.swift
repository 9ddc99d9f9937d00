import Tensor
import Testing

/// The typed face: the same answers, and element types that are known at compile time.
@Suite("Typed linear algebra")
struct TypedLinearAlgebraTests {
    private let matrix: Tensor<Float> = [[4, 2], [2, 3]]

    @Test("factors, solutions and measures of a small matrix")
    func results() {
        #expect(matrix.solve([8, 8]).scalars == [1, 2])
        #expect(matrix.solve([[8, 4], [8, 2]]).scalars == [1, 1, 2, 0])
        #expect(matrix.triangularSolve([4, 8], lower: true).scalars == [1, 2])
        #expect(matrix.triangularSolve([4, 8], lower: false, hasUnitDiagonal: true).scalars == [-12, 8])
        #expect(matrix.inverse().scalars == [0.375, -0.25, -0.25, 0.5])
        #expect(matrix.determinant().scalar == 8)
        #expect(matrix.signAndLogDeterminant().sign.scalar == 1)
        #expect(matrix.cholesky().scalars == [2, 0, 1, Float(2).squareRoot()])
        #expect(matrix.matrixPower(2).scalars == [20, 14, 14, 13])
        #expect(matrix.matrixRank().scalar == 2)
        #expect(matrix.matrixNorm(.one).scalar == 6)
        #expect(matrix.pseudoInverse().shape == [2, 2])
        #expect(matrix.leastSquares([8, 8]).shape == [2])
        #expect(Tensor<Float>([2, 0, 0, -4], shape: [2, 2]).conditionNumber().scalar == 2)
        let (permutation, lower, upper) = matrix.lu()
        #expect(permutation.scalars == [0, 1] && lower.scalars == [1, 0, 0.5, 1] && upper.scalars == [4, 2, 0, 2])
        let diagonal = Tensor<Double>([3, 0, 0, 4, 0, 0], shape: [3, 2])
        #expect(diagonal.singularValues().scalars == [4, 3])
        #expect(diagonal.svd(complete: true).u.shape == [3, 3])
        #expect(diagonal.svd().s.scalars == [4, 3] && diagonal.svd().vTransposed.shape == [2, 2])
        #expect(diagonal.qr().r.scalars.map(abs) == [3, 0, 0, 4] && diagonal.qr(complete: true).q.shape == [3, 3])
        let symmetric = Tensor<Double>([0, 5, 5, 0], shape: [2, 2])
        #expect(symmetric.symmetricEigenvalues().scalars.map { $0.rounded() } == [-5, 5])
        #expect(symmetric.symmetricEigen().vectors.shape == [2, 2])
        #expect(symmetric.symmetricEigen().values.scalars == symmetric.symmetricEigenvalues().scalars)
    }

    @Test("products of integers, and sums of products by name")
    func products() {
        let counts = Tensor<Int64>([1, 2, 3, 4], shape: [2, 2])
        #expect(counts.matmul(counts).scalars == [7, 10, 15, 22])
        #expect(counts.addingProduct(of: counts, counts).scalars == [8, 12, 18, 26])
        #expect(Tensor.einsum("ij,jk->ki", counts, counts).scalars == [7, 15, 10, 22])
        #expect(Tensor.einsum("ij,kj->ik", matrix, matrix).scalars == [20, 14, 14, 13])
    }

    @Test("one matrix that is not square answers a batch of right sides, each as if it were alone")
    func leastSquaresOfABatch() {
        let matrix: Tensor<Double> = [[1, 2, 0], [0, 1, 3]]
        let values = Tensor<Double>.linspace(from: 1, through: 8, count: 8).reshaped(to: [2, 2, 2])
        for (high, right) in [
            (matrix, values), (matrix.transposed(), Tensor.concatenate([values, values[.all, ..<1]], axis: 1)),
        ] {
            let solutions = high.leastSquares(right)
            #expect(solutions.shape == [2, high.shape[1], 2])
            for index in 0..<2 {
                #expect(solutions[index].isClose(to: high.leastSquares(right[index])).all().scalar)
            }
        }
    }
}
