import CTensorKernels

/// A scalar whose matrices can be factorised: `Float` or `Double`.
///
/// Factorisations compute in double precision whatever the type, and round their result once.
public protocol LinearAlgebraScalar: FloatingTensorScalar {}

extension Float: LinearAlgebraScalar {}
extension Double: LinearAlgebraScalar {}

/// What a factorisation is asked for; each reads what concerns it.
package struct FactorizationOptions: Sendable {
    /// Square orthogonal factors instead of those with as many columns as the other factor needs.
    var isComplete = false
    /// The lower triangle instead of the upper.
    var isLower = true
    /// A triangle with ones on its diagonal, whatever is stored there.
    var hasUnitDiagonal = false
    /// Singular values of at most this times the largest count as 0.
    var tolerance = 0.0
    var norm = MatrixMeasure.frobenius
}

extension Attributes {
    /// The options of a factorisation.
    var factorization: FactorizationOptions {
        guard case .factorization(let options) = self else { preconditionFailure("no options of a factorisation") }
        return options
    }
}

extension TensorType {
    /// Throws unless these are float32 or float64 matrices.
    func requireMatrices(in operation: StaticString) throws(TensorError) {
        try require(.float32, .float64, in: operation)
        guard shape.rank >= 2 else {
            throw TensorError(.shapeMismatch, "\(operation): \(shape) has fewer than the two axes of a matrix")
        }
    }

    /// Throws unless these are square float32 or float64 matrices.
    func requireSquareMatrices(in operation: StaticString) throws(TensorError) {
        try requireMatrices(in: operation)
        guard rowCount == columnCount else {
            throw TensorError(.shapeMismatch, "\(operation): the matrices of \(shape) are not square")
        }
    }

    /// The length of the last but one axis.
    var rowCount: Int { shape[shape.rank - 2] }
    /// The length of the last axis.
    var columnCount: Int { shape[shape.rank - 1] }
    /// The length of the shorter of the last two axes.
    var diagonalCount: Int { Swift.min(rowCount, columnCount) }

    /// The type of a matrix or a vector for each of these matrices.
    func replacingMatrices(with dimensions: Int...) throws(TensorError) -> TensorType {
        TensorType(dtype, try Shape(shape.dropLast(2) + dimensions))
    }
}

/// Several tensors of one type in the storage of one, as the only result that a primitive has: each follows the one
/// before it, row-major.
struct PackedResults {
    let shapes: [Shape]

    /// The type of the tensor that holds them all.
    func type(_ dtype: DType) throws(TensorError) -> TensorType {
        TensorType(dtype, try Shape([shapes.reduce(0) { $0 + $1.elementCount }]))
    }

    /// Where each begins in a result of that type.
    func addresses(in packed: AnyTensor) -> [UnsafeMutableRawPointer] {
        var offset = 0
        return unsafe shapes.map { shape in
            defer { offset += shape.elementCount * packed.dtype.byteWidth }
            // Safe: within the result, which has room for all of them.
            return unsafe packed.firstByte + offset
        }
    }

    /// A view of each.
    func views(of packed: AnyTensor) throws(TensorError) -> [AnyTensor] {
        var views: [AnyTensor] = []
        var start = 0
        for shape in shapes {
            let end = start + shape.elementCount
            views.append(try packed.sliced(axis: 0, start..<end).reshaped(to: shape))
            start = end
        }
        return views
    }
}

extension mw_factorization_outcome {
    /// Throws what a batch of these matrices failed of, naming the first that did.
    func check(_ operation: StaticString, _ type: TensorType) throws(TensorError) {
        let place = type.shape.rank == 2 ? "the matrix" : "matrix \(matrix) of \(type.shape.batch.elementCount)"
        switch status {
        case MW_FACTORIZATION_DONE: return
        case MW_FACTORIZATION_SINGULAR:
            throw TensorError(.singularMatrix, "\(operation): \(place) in \(type) is singular")
        case MW_FACTORIZATION_NOT_POSITIVE_DEFINITE:
            throw TensorError(.notPositiveDefinite, "\(operation): \(place) in \(type) is not positive definite")
        case MW_FACTORIZATION_NOT_CONVERGED:
            throw TensorError(
                .notConverged, "\(operation): \(place) in \(type) holds a NaN or an infinity, or needs too many steps")
        default:
            throw TensorError(.outOfMemory, "\(operation): no memory for the work on \(type)")
        }
    }
}

extension AnyTensor {
    /// A square matrix made element by element, for the constants of a derivative: float32 or float64.
    static func matrix(
        _ count: Int, dtype: DType, _ element: (_ row: Int, _ column: Int) -> Double
    ) throws(TensorError) -> AnyTensor {
        let elements = (0..<count * count).map { element($0 / count, $0 % count) }
        if dtype == .float64 { return try AnyTensor(elements, shape: Shape([count, count])) }
        return try AnyTensor(elements.map { Float($0) }, shape: Shape([count, count]))
    }

    /// A number for each matrix of a batch, as matrices of one element.
    consuming func asMatrices() throws(TensorError) -> AnyTensor {
        let shape = try Shape(self.shape + [1, 1])
        return try self.reshaped(to: shape)
    }
}
