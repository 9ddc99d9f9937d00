import CTensorKernels

// Shape rules and kernels that the elementwise primitives share.

extension Primitive {
    /// The rule of an operation on each element of a float tensor.
    static func floatRule(_ operation: StaticString) -> UnaryRule { unaryRule(operation, .floats) }

    /// The rule of an operation on each element that keeps the type, which is one of these.
    static func unaryRule(_ operation: StaticString, _ allowed: DTypeSet) -> UnaryRule {
        { type, _ throws(TensorError) in
            try type.require(allowed, in: operation)
            return type
        }
    }

    /// The rule of arithmetic on two tensors of one of these types that broadcast to each other.
    static func arithmeticRule(_ operation: StaticString, _ allowed: DTypeSet) -> BinaryRule {
        { left, right, _ throws(TensorError) in
            try left.require(allowed, in: operation)
            try left.requireSameType(as: right, in: operation)
            return TensorType(left.dtype, try Shape.broadcast(left.shape, right.shape, in: operation))
        }
    }

    /// Applies a float operation to each element, in place where the operand allows it.
    static func elementwise(_ operation: mw_unary_operation) -> UnaryKernel {
        { operand, _, type throws(TensorError) in
            if operand.layout.isContiguous {
                // One run of elements, without the walk, which takes longer than a small operation.
                var (count, stride) = (type.shape.elementCount, 1)
                // Safe: the address of the first element, which the operand or the result keeps alive.
                let source = unsafe operand.firstByte
                let result =
                    operand.ownsStorage() ? operand.take() : try AnyTensor(uninitialized: type.shape, dtype: type.dtype)
                // Safe: as below.
                unsafe mw_active_kernels().pointee.elementwise.unary(
                    operation, type.dtype.kernel, 1, &count, result.firstByte, source, &stride)
                return result
            }
            let result =
                operand.isReusable(for: type)
                ? ElementwiseResult(reusing: &operand, as: type) : try ElementwiseResult(new: type)
            result.withStrides(of: operand) { shape, strides in
                // Safe: the result holds as many elements as the shape says, and the operand's strides stay in its
                // storage; the rule lets those types through that the kernel has.
                unsafe mw_active_kernels().pointee.elementwise.unary(
                    operation, type.dtype.kernel, result.rank, shape, result.tensor.firstByte, operand.firstByte,
                    strides)
            }
            return result.tensor
        }
    }

    /// Applies arithmetic to each pair of elements, in place where an operand allows it.
    static func elementwise(_ operation: mw_binary_operation) -> BinaryKernel {
        { left, right, _, type throws(TensorError) in
            let result = try ElementwiseResult(of: &left, &right, as: type)
            result.withStrides(of: left) { shape, leftStrides in
                result.withStrides(of: right) { _, rightStrides in
                    // Safe: as for one operand.
                    unsafe mw_active_kernels().pointee.elementwise.binary(
                        operation, type.dtype.kernel, result.rank, shape, result.tensor.firstByte, left.firstByte,
                        leftStrides, right.firstByte, rightStrides)
                }
            }
            return result.tensor
        }
    }

    /// As ``elementwise(_:)`` for an operation that no integer of the second operand with the trait allows.
    static func elementwise(
        _ operation: mw_binary_operation, refusing trait: mw_integer_trait, _ mistake: StaticString
    ) -> BinaryKernel {
        let kernel = elementwise(operation)
        return { left, right, attributes, type throws(TensorError) in
            if type.dtype.isInteger, type.shape.elementCount > 0 {
                let isUnfit = right.layout.shape.dimensions.withPointer { shape in
                    right.layout.strides.withPointer { strides in
                        // Safe: the strides stay in the operand's storage.
                        unsafe mw_active_kernels().pointee.elementwise.contains(
                            trait, right.dtype.kernel, right.rank, shape, right.firstByte, strides)
                    }
                }
                guard !isUnfit else {
                    throw TensorError(.valueOutOfRange, "\(mistake): \(left.type) and \(right.type)")
                }
            }
            return try kernel(&left, &right, attributes, type)
        }
    }
}

extension ElementwiseResult {
    /// A result in the storage of the first operand that allows it, else in new storage.
    init(of left: inout AnyTensor, _ right: inout AnyTensor, as type: TensorType) throws(TensorError) {
        if left.isReusable(for: type) {
            self.init(reusing: &left, as: type)
        } else if right.isReusable(for: type) {
            self.init(reusing: &right, as: type)
        } else {
            try self.init(new: type)
        }
    }
}

extension AnyTensor {
    /// The address of the first element, for a kernel that knows the element type from the shape rule.
    func elements<Element: BitwiseCopyable>(as type: Element.Type = Element.self) -> UnsafeMutablePointer<Element> {
        // Safe: storage is aligned for its elements, and kernels read it as the type that it holds.
        unsafe firstByte.assumingMemoryBound(to: Element.self)
    }

    /// As ``elements(as:)``, for reading.
    func elements<Element: BitwiseCopyable>(as type: Element.Type = Element.self) -> UnsafePointer<Element> {
        unsafe UnsafePointer(firstByte.assumingMemoryBound(to: Element.self))
    }
}
