import Tensor
import Testing

/// Answers beside NumPy's (LAPACK's) on hard matrices: Scripts/generate-linear-algebra-goldens.py makes them.
@Suite("Linear algebra as NumPy has it")
struct LinearAlgebraGoldenTests {
    static let cases: [String] = {
        let names = (try? Goldens.read("linear-algebra.safetensors").names) ?? []
        return names.filter { $0.hasSuffix("/matrix") }.map { String($0.dropLast("/matrix".count)) }
    }()

    @Test("the file has its cases")
    func complete() { #expect(Self.cases.count == 16) }

    @Test("values, norms, factors and solutions agree", arguments: cases)
    func agrees(name: String) throws {
        let goldens = try Goldens.read("linear-algebra.safetensors")
        func golden(_ what: String) throws -> [Double] { try goldens.tensor(named: "\(name)/\(what)").doubles() }
        func isClose(_ found: AnyTensor, to what: String, within tolerance: Double) throws {
            let (found, expected) = (try found.doubles(), try golden(what))
            try #require(found.count == expected.count)
            for (found, expected) in zip(found, expected) {
                #expect(
                    found == expected || abs(found - expected) <= tolerance, "\(what): \(found), NumPy has \(expected)")
            }
        }
        let matrix = try goldens.tensor(named: "\(name)/matrix")
        let singularValues = try golden("singularValues")
        let largest = singularValues[0]
        let smallest = singularValues.last!
        let rounding = 64 * Double.ulpOfOne * Double(matrix.shape.max()!)
        try isClose(matrix.singularValues(), to: "singularValues", within: rounding * largest)
        #expect(try matrix.matrixRank().scalars(as: Int64.self) == goldens.tensor(named: "\(name)/rank").scalars())
        for (norm, what) in [
            (MatrixNorm.frobenius, "frobenius"), (.nuclear, "nuclear"), (.one, "one"), (.infinity, "infinity"),
            (.spectral, "spectral"), (.minusOne, "minusOne"), (.minusInfinity, "minusInfinity"),
            (.minusTwo, "minusTwo"),
        ] {
            try isClose(matrix.matrixNorm(norm), to: what, within: 10 * rounding * largest)
        }
        // Where singular values lie on both sides of the tolerance, inverses grow with those above it.
        let counted = singularValues.filter { $0 > 1e-10 * largest }
        let condition = counted.isEmpty ? 1 : largest / counted.last!
        let growth = counted.isEmpty ? 0 : 1 / counted.last!
        try isClose(
            matrix.pseudoInverse(tolerance: 1e-10), to: "pseudoInverse", within: rounding * growth * condition * 10)
        let values = try goldens.tensor(named: "\(name)/values")
        try isClose(
            matrix.leastSquares(values, tolerance: 1e-10), to: "leastSquares",
            within: rounding * growth * condition * 100)
        let isWellConditioned = smallest > 1e-6 * largest
        if isWellConditioned { try isClose(matrix.qr().r, to: "r", within: rounding * largest) }
        guard goldens["\(name)/eigenvalues"] != nil else { return }
        try isClose(matrix.symmetricEigenvalues(), to: "eigenvalues", within: rounding * largest)
        try isClose(matrix.symmetricEigen().values, to: "eigenvalues", within: rounding * largest)
        let (sign, logarithm) = try matrix.signAndLogDeterminant()
        if smallest > 1e-14 * largest || name == "graded diagonal" {
            #expect(try sign.doubles() == golden("sign"))
            try isClose(logarithm, to: "logarithm", within: 1e-12 * max(1, abs(golden("logarithm")[0])) + 1e-5)
        }
        if isWellConditioned {
            try isClose(matrix.solve(values), to: "solution", within: rounding * 1e3 * condition / smallest)
        }
    }

    @Test("the small singular values of a graded matrix are right to the last digits")
    func relativeAccuracy() throws {
        // Orthogonal columns of very different lengths: their lengths are the singular values.
        let scales = [1e3, 1, 1e-6, 1e-20]
        let hadamard = [[1, 1, 1, 1], [1, -1, 1, -1], [1, 1, -1, -1], [1, -1, -1, 1]] as [[Double]]
        let matrix = try Matrix(4, 4) { hadamard[$0][$1] * scales[$1] }.tensor(.float64)
        for (found, scale) in zip(try matrix.singularValues().doubles(), scales) {
            #expect(abs(found - 2 * scale) <= 1e-14 * scale)
        }
    }
}
