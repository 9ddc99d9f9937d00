extension Primitive {
    /// Products of matrices and what solves with them. Their ids are below 100, and 5,000 to 5,999.
    static let allMatrices: [Primitive] = [
        matrixProduct, matrixProductSum, cholesky, lu, rowNumbers, qr, symmetricEigen, symmetricEigenvalues,
        singularValueDecomposition, singularValues, solve, triangularSolve, inverse, determinant, signAndLogDeterminant,
        pseudoInverse, leastSquares, matrixRank, matrixNorm,
    ]
}
