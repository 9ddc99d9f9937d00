/// A typed n-dimensional array: what a model and a training step compute with.
///
/// ```swift
/// let x: Tensor<Float> = [[1, 2], [3, 4]]
/// let y = x.matmul(x.transposed()) * 0.5 + 1
/// print(y.sum().scalar)        // 31.0
/// ```
///
/// It is a thin typed face over ``core``: its operations trap, with the text of the ``TensorError``, where the core's
/// throw, because shapes that do not fit are a mistake of the program. Data from outside belongs to the core.
///
/// Operators take both operands `consuming`: within one expression, and for `x = f(x)` on a `var`, a release build
/// writes the result into the storage of an operand that nothing else uses. In longer expressions `(consume x)` makes
/// sure of it.
public struct Tensor<Scalar: TensorScalar>: Sendable {
    /// The untyped value. Its element type is always `Scalar.dtype`.
    public package(set) var core: AnyTensor

    /// The typed face of `core`.
    ///
    /// - Throws: ``TensorError/Code/dtypeMismatch`` unless its elements are of type `Scalar`.
    public init(_ core: AnyTensor) throws(TensorError) {
        guard core.dtype == Scalar.dtype else {
            throw TensorError(.dtypeMismatch, "expected a tensor of \(Scalar.dtype), found \(core.type)")
        }
        self.core = core
    }

    /// The typed face of a core whose element type is known to be `Scalar.dtype`.
    package init(known core: AnyTensor) {
        precondition(core.dtype == Scalar.dtype)
        self.core = core
    }

    /// The result of an operation of the core that gives elements of type `Scalar`; traps where that throws.
    @inline(__always)
    init(_ operation: () throws(TensorError) -> AnyTensor) {
        core = trapping(operation)
        assert(core.dtype == Scalar.dtype)
    }

    /// The result of an operation of the core on two operands that are given away; traps where that throws.
    ///
    /// It moves the cores out at once: what handles a whole `Tensor` here, where its element type is not known, asks for
    /// its metadata and copies through that, which takes half as long as a small operation. (Inlining into the caller,
    /// where the type is known, would be no better: for `x = x + y` the optimiser then keeps `x` alive, and nothing is
    /// reused.)
    @inline(__always)
    init<Left, Right>(
        _ operation: (consuming AnyTensor, consuming AnyTensor) throws(TensorError) -> AnyTensor,
        _ left: consuming Tensor<Left>, _ right: consuming Tensor<Right>
    ) {
        do throws(TensorError) {
            core = try operation((consume left).core, (consume right).core)
        } catch {
            stop(error)
        }
    }

    /// The elements of an array, row-major; traps unless there are as many as the shape holds.
    public init(_ elements: [Scalar], shape: Shape) {
        self.init { () throws(TensorError) in try AnyTensor(elements, shape: shape) }
    }

    /// The elements of an array along one axis.
    public init(_ elements: [Scalar]) {
        self.init(elements, shape: [elements.count])
    }

    /// A tensor without axes that holds `value`.
    public init(_ value: Scalar) {
        self.init { () throws(TensorError) in try .scalar(value) }
    }

    /// A tensor of `shape` whose elements all equal `value`.
    public init(repeating value: Scalar, shape: Shape) {
        self.init { () throws(TensorError) in try .full(shape, value) }
    }

    /// A tensor of `shape` filled with 0, or false.
    public static func zeros(_ shape: Shape) -> Tensor {
        Tensor { () throws(TensorError) in try .zeros(shape, dtype: Scalar.dtype) }
    }

    /// The number of elements along each axis.
    public var shape: Shape { core.shape }
    /// The number of axes.
    public var rank: Int { core.rank }
    /// The number of elements.
    public var elementCount: Int { core.elementCount }

    /// The elements in row-major order. Traps for an abstract tensor, which has none.
    public var scalars: [Scalar] {
        trapping { () throws(TensorError) in try core.scalars() }
    }

    /// The only element. Traps unless there is exactly one.
    public var scalar: Scalar {
        precondition(elementCount == 1, "scalar: a tensor of shape \(shape) has \(elementCount) elements")
        return scalars[0]
    }

    /// The value without its trace: a constant to every tape.
    public consuming func withoutTrace() -> Tensor {
        Tensor { () throws(TensorError) in self.core.take().withoutTrace() }
    }
}
