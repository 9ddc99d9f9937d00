/// The gradient of one parameter: every element of it, or the rows of a table that are not 0.
///
/// ```swift
/// switch gradients[gradient: "items"] {
/// case .dense(let tensor)?: send(tensor)
/// case .rowSparse(let rows)?: send(rows.indices, rows.values)
/// case nil: break
/// }
/// ```
public enum Gradient: Sendable {
    /// Every element.
    case dense(AnyTensor)
    /// The rows that a look-up named, each once and in ascending order where a tape made it; the others are 0.
    case rowSparse(RowSparse)

    /// The shape of the parameter.
    public var shape: Shape {
        switch self {
        case .dense(let tensor): tensor.shape
        case .rowSparse(let rows): rows.shape
        }
    }

    /// The element type.
    public var dtype: DType {
        switch self {
        case .dense(let tensor): tensor.dtype
        case .rowSparse(let rows): rows.values.dtype
        }
    }

    /// The bytes of what is stored; of rows, with those of their numbers.
    public var byteCount: Int {
        switch self {
        case .dense(let tensor): tensor.byteCount
        case .rowSparse(let rows): rows.values.byteCount + rows.indices.byteCount
        }
    }

    /// Every element: a dense gradient as it is, and a new table for rows.
    ///
    /// - Throws: ``TensorError/Code/outOfMemory``.
    public func toDense() throws(TensorError) -> AnyTensor {
        switch self {
        case .dense(let tensor): tensor
        case .rowSparse(let rows): try rows.toDense()
        }
    }
}

extension Gradient: CustomStringConvertible {
    /// The type of the parameter, and of rows how many are stored.
    public var description: String {
        switch self {
        case .dense(let tensor): "\(tensor.type)"
        case .rowSparse(let rows): "\(rows)"
        }
    }
}
