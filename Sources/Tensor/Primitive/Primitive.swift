import CTensorKernels

/// One operation on tensors: an integer id, a shape rule, a kernel and a derivative.
///
/// Primitives are static values, each declared in one file with the spellings that apply it (`Elementwise/Add.swift`).
/// Whatever a model does is a sequence of primitives, and a ``Trace`` sees each one; derivatives are written with the
/// same primitives, so the derivative of a derivative needs nothing more.
package struct Primitive: Sendable {
    /// A number that no other primitive has: 1 to 29 for the first ones, a thousand of its own for each family
    /// (``all``).
    package let id: Int
    /// The operation's name in error messages.
    package let name: StaticString
    package let form: Form
    package let derivative: Derivative
    /// The short way for two contiguous operands of one type, where the primitive has one.
    let pairwise: Pairwise?

    package init(id: Int, name: StaticString, _ form: Form, derivative: Derivative) {
        self.id = id
        self.name = name
        self.form = form
        self.derivative = derivative
        self.pairwise = nil
    }

    /// A binary operation on each pair of elements of `allowed` types, broadcasting, with the operands' type.
    init(
        id: Int, name: StaticString, pairwise operation: mw_binary_operation, of allowed: DTypeSet,
        derivative: Derivative
    ) {
        self.id = id
        self.name = name
        self.form = .binary(
            rule: Self.arithmeticRule(name, allowed), kernel: Self.elementwise(operation))
        self.derivative = derivative
        self.pairwise = Pairwise(operation: operation, allowed: allowed)
    }

    /// A shape rule and a kernel for a number of operands.
    ///
    /// A rule says what type the result has, or throws with the operation and the operands' types; it sees no values.
    /// A kernel is called only with what the rule accepted. It may move an operand's storage into its result when
    /// ``AnyTensor/isReusable(for:)`` holds; whoever applies a primitive has given its operands away. A check of
    /// values that come from data (labels, row indices) is the kernel's, and throws.
    package enum Form: Sendable {
        case unary(rule: UnaryRule, kernel: UnaryKernel)
        case binary(rule: BinaryRule, kernel: BinaryKernel)
        case ternary(rule: TernaryRule, kernel: TernaryKernel)
        case variadic(rule: VariadicRule, kernel: VariadicKernel)
    }

    package typealias UnaryRule = @Sendable (TensorType, Attributes) throws(TensorError) -> TensorType
    package typealias BinaryRule = @Sendable (TensorType, TensorType, Attributes) throws(TensorError) -> TensorType
    package typealias TernaryRule =
        @Sendable (TensorType, TensorType, TensorType, Attributes) throws(TensorError) -> TensorType
    package typealias VariadicRule = @Sendable ([TensorType], Attributes) throws(TensorError) -> TensorType

    package typealias UnaryKernel =
        @Sendable (inout AnyTensor, Attributes, TensorType) throws(TensorError) -> AnyTensor
    package typealias BinaryKernel =
        @Sendable (inout AnyTensor, inout AnyTensor, Attributes, TensorType) throws(TensorError) -> AnyTensor
    package typealias TernaryKernel =
        @Sendable (inout AnyTensor, inout AnyTensor, inout AnyTensor, Attributes, TensorType) throws(TensorError) ->
        AnyTensor
    package typealias VariadicKernel =
        @Sendable (inout [AnyTensor], Attributes, TensorType) throws(TensorError) -> AnyTensor
}
