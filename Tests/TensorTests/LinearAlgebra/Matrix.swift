import Tensor

/// A matrix of doubles, row-major: what the tests of linear algebra measure with.
struct Matrix {
    let rows: Int
    let columns: Int
    var elements: [Double]

    init(_ rows: Int, _ columns: Int, _ element: (Int, Int) -> Double) {
        self.rows = rows
        self.columns = columns
        elements = (0..<rows * columns).map { element($0 / columns, $0 % columns) }
    }

    /// The matrix that a float32 or float64 tensor of two axes holds.
    init(_ tensor: AnyTensor) throws {
        rows = tensor.shape[0]
        columns = tensor.shape[1]
        elements = try tensor.doubles()
    }

    subscript(row: Int, column: Int) -> Double { elements[row * columns + column] }

    static func identity(_ count: Int) -> Matrix { Matrix(count, count) { $0 == $1 ? 1 : 0 } }

    var transposed: Matrix { Matrix(columns, rows) { self[$1, $0] } }

    static func * (left: Matrix, right: Matrix) -> Matrix {
        Matrix(left.rows, right.columns) { row, column in
            (0..<left.columns).reduce(0) { $0 + left[row, $1] * right[$1, column] }
        }
    }

    /// Each column times a number.
    func scalingColumns(by factors: [Double]) -> Matrix { Matrix(rows, columns) { self[$0, $1] * factors[$1] } }

    /// The largest absolute value; 0 of none.
    var magnitude: Double { elements.reduce(0) { max($0, abs($1)) } }

    /// The largest difference from another, which must have the same shape.
    func distance(to other: Matrix) -> Double {
        precondition(rows == other.rows && columns == other.columns)
        return zip(elements, other.elements).reduce(0) { $1.0 == $1.1 ? $0 : max($0, abs($1.0 - $1.1)) }
    }

    func tensor(_ dtype: DType) throws -> AnyTensor {
        try Self.tensor([self], dtype)
    }

    /// A batch of matrices of one shape.
    static func tensor(_ matrices: [Matrix], _ dtype: DType) throws -> AnyTensor {
        let shape = try Shape((matrices.count == 1 ? [] : [matrices.count]) + [matrices[0].rows, matrices[0].columns])
        let elements = matrices.flatMap(\.elements)
        return dtype == .float64
            ? try AnyTensor(elements, shape: shape) : try AnyTensor(elements.map { Float($0) }, shape: shape)
    }
}

extension AnyTensor {
    /// The elements of a float32 or float64 tensor.
    func doubles() throws -> [Double] {
        dtype == .float64 ? try scalars(as: Double.self) : try scalars(as: Float.self).map(Double.init)
    }
}

extension DType {
    /// The distance from 1 to the next number.
    var epsilon: Double { self == .float64 ? Double.ulpOfOne : Double(Float.ulpOfOne) }
}

/// Matrices on which a careless algorithm fails.
enum HardMatrix {
    static func all(_ rows: Int, _ columns: Int, seed: UInt64) -> [(name: String, matrix: Matrix)] {
        var generator = SeededGenerator(seed: seed)
        func random(_ rows: Int, _ columns: Int) -> Matrix {
            Matrix(rows, columns) { _, _ in Double.random(in: -1...1, using: &generator) }
        }
        let dense = random(rows, columns)
        return [
            ("random", dense),
            ("Hilbert", Matrix(rows, columns) { 1 / Double($0 + $1 + 1) }),
            ("graded columns", Matrix(rows, columns) { dense[$0, $1] * power(of: 10, -3 * $1) }),
            ("graded rows", Matrix(rows, columns) { dense[$0, $1] * power(of: 10, -3 * $0) }),
            ("rank one", random(rows, 1) * random(1, columns)),
            ("ones", Matrix(rows, columns) { _, _ in 1 }),
            ("zero", Matrix(rows, columns) { _, _ in 0 }),
            ("a zero column", Matrix(rows, columns) { $1 == 0 ? 0 : dense[$0, $1] }),
            ("identity", Matrix(rows, columns) { $0 == $1 ? 1 : 0 }),
            ("large", Matrix(rows, columns) { dense[$0, $1] * 1e30 }),
            ("small", Matrix(rows, columns) { dense[$0, $1] * 1e-30 }),
        ]
    }

    /// An integer power by multiplication, which needs no library of functions.
    private static func power(of base: Double, _ exponent: Int) -> Double {
        let power = (0..<abs(exponent)).reduce(1.0) { product, _ in product * base }
        return exponent < 0 ? 1 / power : power
    }
}
