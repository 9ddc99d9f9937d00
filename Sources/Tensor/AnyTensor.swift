/// A typed n-dimensional array whose element type is known at run time: the untyped core.
///
/// Files, wires, partitions, imported graphs and traces see this type only. It is a value: immutable to its readers,
/// `Sendable`, copied on write. Its operations throw ``TensorError`` for shapes, types and indices that do not fit, so
/// that nothing which comes from outside can trap; ``Tensor`` is the typed face for a program's own arithmetic.
///
/// ```swift
/// let weights = try AnyTensor([1, 2, 3, 4, 5, 6] as [Float], shape: [2, 3])
/// let product = try features.matmul(weights) + bias
/// ```
///
/// Operators and operations take their operands `consuming`: where an operand is not used again, a release build
/// writes the result into its storage instead of allocating another.
public struct AnyTensor: Sendable {
    package var layout: Layout
    /// The element type.
    public let dtype: DType
    /// Where the first element lies, in bytes from the storage's base.
    var byteOffset: Int
    /// Nil for an abstract tensor, of which only the type is known.
    var storage: Storage?
    /// The trace that carries this value, if any.
    package var trace: (any Trace)?
    /// This value's number in its trace.
    package var node: Int

    /// Storage that holds the elements as `layout` says.
    init(_ storage: Storage, byteOffset: Int = 0, layout: Layout, dtype: DType) {
        self.dtype = dtype
        self.layout = layout
        self.byteOffset = byteOffset
        self.storage = storage
        self.trace = nil
        self.node = 0
    }

    /// A tensor without values, carried by the abstract trace.
    package init(abstract type: TensorType) {
        self.dtype = type.dtype
        self.layout = Layout(contiguous: type.shape)
        self.byteOffset = 0
        self.storage = nil
        self.trace = AbstractTrace.shared
        self.node = 0
    }

    /// A tensor of which only the shape and the element type are known.
    ///
    /// Operations on it run their shape rules and compute nothing; that is how a model's parameters are found before
    /// any exist. Its values cannot be read.
    public static func abstract(shape: Shape, dtype: DType) -> AnyTensor {
        AnyTensor(abstract: TensorType(dtype, shape))
    }

    /// The number of elements along each axis.
    public var shape: Shape { layout.shape }
    /// The number of axes.
    public var rank: Int { layout.rank }
    /// The number of elements.
    public var elementCount: Int { layout.elementCount }
    /// The bytes of the elements, not counting what a view hides or repeats.
    public var byteCount: Int { elementCount &* dtype.byteWidth }
    /// Whether only the type is known.
    public var isAbstract: Bool { storage == nil }
    /// Whether the elements follow each other in row-major order.
    public var isContiguous: Bool { layout.isContiguous }

    /// Whether two tensors show the same storage, so that one of them would have to be copied for the other's write.
    package func sharesStorage(with other: AnyTensor) -> Bool { storage != nil && storage === other.storage }

    package var type: TensorType { TensorType(dtype, shape) }

    /// Moves the value out, so that whoever receives it may hold its storage alone. What remains has no values and no
    /// trace, and must not be used.
    package mutating func take() -> AnyTensor {
        let taken = self
        storage = nil
        trace = nil
        return taken
    }

    /// Puts what `operation` makes of the value, and perhaps of one with `otherTrace`, in its place, in its storage where
    /// that allows it. Where it throws, the value is what it was.
    mutating func replace(
        beside otherTrace: (any Trace)?, by operation: (inout AnyTensor) throws(TensorError) -> AnyTensor
    ) throws(TensorError) {
        // A trace takes its operands away also when it throws.
        let tracked = trace == nil && otherTrace == nil ? nil : self
        var own = take()
        do throws(TensorError) {
            self = try operation(&own)
        } catch {
            self = tracked ?? own
            throw error
        }
    }

    /// The value without its trace: a constant to every tape.
    public consuming func withoutTrace() -> AnyTensor {
        guard storage != nil else { return self }
        trace = nil
        node = 0
        return self
    }
}

extension AnyTensor {
    /// Whether a result of this type may overwrite the elements in place.
    ///
    /// Only if nothing else refers to the storage, it may be written, and the elements fill all of it once, in some
    /// order of the axes: a broadcast view, a read-only mapping of a file, and a small slice that pins a large block
    /// can each be the only reference and must not be reused.
    package mutating func isReusable(for type: TensorType) -> Bool {
        dtype.byteWidth == type.dtype.byteWidth && layout.shape == type.shape && ownsStorage() && layout.isDense
    }

    /// Whether this value is the only one that refers to its storage, the storage may be written, and has no bytes
    /// beside this value's.
    mutating func ownsStorage() -> Bool {
        guard isKnownUniquelyReferenced(&storage), let storage else { return false }
        return storage.isWritable && storage.byteCount == byteCount
    }
}
