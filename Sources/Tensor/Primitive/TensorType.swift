/// What is known of a tensor without its values: what shape rules see.
package struct TensorType: Sendable, Hashable, CustomStringConvertible {
    package var dtype: DType
    package var shape: Shape

    package init(_ dtype: DType, _ shape: Shape) {
        self.dtype = dtype
        self.shape = shape
    }

    package var byteCount: Int { shape.elementCount &* dtype.byteWidth }

    package var description: String { "\(dtype)\(shape)" }
}

extension TensorType {
    /// Throws unless this is one of the element types for which `operation` is defined.
    func require(_ allowed: DType..., in operation: StaticString) throws(TensorError) {
        guard allowed.contains(dtype) else {
            let names = allowed.map(\.description).joined(separator: " or ")
            throw TensorError(.dtypeMismatch, "\(operation): expected \(names), found \(self)")
        }
    }

    /// Throws unless both have one element type.
    func requireSameType(as other: TensorType, in operation: StaticString) throws(TensorError) {
        guard dtype == other.dtype else {
            throw TensorError(.dtypeMismatch, "\(operation): \(self) and \(other) differ in element type")
        }
    }
}
