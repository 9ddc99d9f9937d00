// The typed face of arithmetic with one number that is a variable. (A literal is a tensor without axes already.) Disfavored
// overloads, so that a literal, which could be either, is not ambiguous.

extension Tensor where Scalar: NumericTensorScalar {
    /// The sum of each element and a number.
    @_disfavoredOverload
    public static func + (left: consuming Tensor, right: Scalar) -> Tensor { (consume left) + Tensor(right) }

    /// The sum of a number and each element.
    @_disfavoredOverload
    public static func + (left: Scalar, right: consuming Tensor) -> Tensor { Tensor(left) + (consume right) }

    /// The difference of each element and a number.
    @_disfavoredOverload
    public static func - (left: consuming Tensor, right: Scalar) -> Tensor { (consume left) - Tensor(right) }

    /// The difference of a number and each element.
    @_disfavoredOverload
    public static func - (left: Scalar, right: consuming Tensor) -> Tensor { Tensor(left) - (consume right) }

    /// The product of each element and a number.
    @_disfavoredOverload
    public static func * (left: consuming Tensor, right: Scalar) -> Tensor { (consume left) * Tensor(right) }

    /// The product of a number and each element.
    @_disfavoredOverload
    public static func * (left: Scalar, right: consuming Tensor) -> Tensor { Tensor(left) * (consume right) }
}

extension Tensor where Scalar: FloatingTensorScalar {
    /// The quotient of each element and a number.
    @_disfavoredOverload
    public static func / (left: consuming Tensor, right: Scalar) -> Tensor { (consume left) / Tensor(right) }

    /// The quotient of a number and each element.
    @_disfavoredOverload
    public static func / (left: Scalar, right: consuming Tensor) -> Tensor { Tensor(left) / (consume right) }
}

extension Tensor {
    /// Whether each element equals a number.
    @_disfavoredOverload
    public static func .== (left: consuming Tensor, right: Scalar) -> Tensor<Bool> { (consume left) .== Tensor(right) }

    /// Whether each element differs from a number.
    @_disfavoredOverload
    public static func .!= (left: consuming Tensor, right: Scalar) -> Tensor<Bool> { (consume left) .!= Tensor(right) }

    /// Whether each element is less than a number.
    @_disfavoredOverload
    public static func .< (left: consuming Tensor, right: Scalar) -> Tensor<Bool> { (consume left) .< Tensor(right) }

    /// Whether each element is at most a number.
    @_disfavoredOverload
    public static func .<= (left: consuming Tensor, right: Scalar) -> Tensor<Bool> { (consume left) .<= Tensor(right) }

    /// Whether each element is greater than a number.
    @_disfavoredOverload
    public static func .> (left: consuming Tensor, right: Scalar) -> Tensor<Bool> { (consume left) .> Tensor(right) }

    /// Whether each element is at least a number.
    @_disfavoredOverload
    public static func .>= (left: consuming Tensor, right: Scalar) -> Tensor<Bool> { (consume left) .>= Tensor(right) }
}
