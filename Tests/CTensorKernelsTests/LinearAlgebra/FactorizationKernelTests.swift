import CTensorKernels
import Testing

/// What the kernels promise beside the algebra, which the tests of `Tensor` check.
@Suite struct FactorizationKernelTests {
    @Test("the first matrix of a batch that fails is named, whichever thread comes to it first")
    func firstFailure() {
        // More matrices than one group has.
        let (count, n) = (3_000, 4)
        let identity = (0..<n * n).map { $0 % (n + 1) == 0 ? 1.0 : 0 }
        var batch = (0..<count).flatMap { _ in identity }
        var result = [Double](repeating: .nan, count: batch.count)
        var outcome = unsafe mw_inverse(MW_DTYPE_F64, count, n, &result, batch)
        #expect(outcome.status == MW_FACTORIZATION_DONE && result == batch)
        for (index, first) in [(2_999, 2_999), (1_777, 1_777), (1_778, 1_777), (5, 5)] {
            batch[index * n * n] = 0
            outcome = unsafe mw_inverse(MW_DTYPE_F64, count, n, &result, batch)
            #expect(outcome.status == MW_FACTORIZATION_SINGULAR)
            #expect(outcome.matrix == first)
            outcome = unsafe mw_cholesky(MW_DTYPE_F64, count, n, &result, batch)
            #expect(outcome.status == MW_FACTORIZATION_NOT_POSITIVE_DEFINITE && outcome.matrix == first)
        }
    }

    @Test("a result in f32 is that of f64, rounded once")
    func roundedOnce() {
        var values = SeededValues(seed: 55)
        let n = 6
        let single = values.floats(n * n)
        let double = single.map { Double($0) }
        var (x, wide) = ([Float](repeating: .nan, count: n * n), [Double](repeating: .nan, count: n * n))
        _ = unsafe mw_inverse(MW_DTYPE_F32, 1, n, &x, single)
        _ = unsafe mw_inverse(MW_DTYPE_F64, 1, n, &wide, double)
        #expect(x == wide.map { Float($0) }, "seed 55")
        var (s, wideS) = ([Float](repeating: .nan, count: n), [Double](repeating: .nan, count: n))
        _ = unsafe mw_singular_values(MW_DTYPE_F32, 1, n, n, false, nil, &s, nil, single)
        _ = unsafe mw_singular_values(MW_DTYPE_F64, 1, n, n, false, nil, &wideS, nil, double)
        #expect(s == wideS.map { Float($0) }, "seed 55")
    }

    @Test("a determinant keeps its digits through a subnormal pivot")
    func subnormalPivot() {
        var determinant = Double.nan
        // 3 · 2^-1074 · 2^1000; the matrix is diagonal, its pivots in this order.
        let matrix = [3, 0, 0, 0, 0x1p-1074, 0, 0, 0, 0x1p1000]
        _ = unsafe mw_determinant(MW_DTYPE_F64, 1, 3, &determinant, matrix)
        #expect(determinant == 3 * 0x1p-74)
    }

    @Test("subnormal and huge matrices have eigenvalues and singular values", arguments: [0x1p-1060, 0x1p1010])
    func extremeScale(scale: Double) {
        // Eigenvalues 1 and 3.
        let matrix = [2, 1, 1, 2].map { $0 * scale }
        var w = [Double](repeating: .nan, count: 2)
        var outcome = unsafe mw_symmetric_eigen(MW_DTYPE_F64, 1, 2, &w, nil, matrix)
        #expect(outcome.status == MW_FACTORIZATION_DONE)
        #expect(abs(w[0] / scale - 1) < 1e-3 && abs(w[1] / scale - 3) < 1e-3)
        outcome = unsafe mw_singular_values(MW_DTYPE_F64, 1, 2, 2, false, nil, &w, nil, matrix)
        #expect(outcome.status == MW_FACTORIZATION_DONE)
        #expect(abs(w[0] / scale - 3) < 1e-3 && abs(w[1] / scale - 1) < 1e-3)
        var norm = [Double.nan]
        outcome = unsafe mw_matrix_norm(MW_DTYPE_F64, 1, 2, 2, MW_NORM_FROBENIUS, &norm, matrix)
        #expect(abs(norm[0] / scale - 10.0.squareRoot()) < 1e-3)
    }
}
