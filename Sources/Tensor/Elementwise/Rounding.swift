import CTensorKernels

// Rounded numbers are constant almost everywhere, so they have no derivative; floats stay floats.

extension Primitive {
    /// The least whole number that is not less.
    package static let ceiling: Primitive = Primitive(
        id: 1105, name: "ceil",
        .unary(rule: floatRule("ceil"), kernel: elementwise(MW_UNARY_CEIL)),
        derivative: .notDifferentiable)

    /// The greatest whole number that is not greater.
    package static let floor: Primitive = Primitive(
        id: 1106, name: "floor",
        .unary(rule: floatRule("floor"), kernel: elementwise(MW_UNARY_FLOOR)),
        derivative: .notDifferentiable)

    /// The nearest whole number, ties to even.
    package static let round: Primitive = Primitive(
        id: 1107, name: "round",
        .unary(rule: floatRule("round"), kernel: elementwise(MW_UNARY_ROUND)),
        derivative: .notDifferentiable)

    /// The whole part.
    package static let truncate: Primitive = Primitive(
        id: 1108, name: "trunc",
        .unary(rule: floatRule("trunc"), kernel: elementwise(MW_UNARY_TRUNC)),
        derivative: .notDifferentiable)
}

extension AnyTensor {
    /// The least whole number that is not less than each float.
    ///
    /// - Throws: ``TensorError/Code/dtypeMismatch`` unless the elements are floats.
    public consuming func ceil() throws(TensorError) -> AnyTensor { try Primitive.ceiling.apply(&self) }

    /// The greatest whole number that is not greater than each float.
    ///
    /// - Throws: ``TensorError/Code/dtypeMismatch`` unless the elements are floats.
    public consuming func floor() throws(TensorError) -> AnyTensor { try Primitive.floor.apply(&self) }

    /// The nearest whole number to each float; ties go to the even one.
    ///
    /// - Throws: ``TensorError/Code/dtypeMismatch`` unless the elements are floats.
    public consuming func rounded() throws(TensorError) -> AnyTensor { try Primitive.round.apply(&self) }

    /// The whole part of each float: toward zero.
    ///
    /// - Throws: ``TensorError/Code/dtypeMismatch`` unless the elements are floats.
    public consuming func truncated() throws(TensorError) -> AnyTensor { try Primitive.truncate.apply(&self) }
}

extension Tensor where Scalar: FloatingTensorScalar {
    /// The least whole number that is not less than each element.
    public consuming func ceil() -> Tensor {
        Tensor { () throws(TensorError) in try Primitive.ceiling.apply(&self.core) }
    }

    /// The greatest whole number that is not greater than each element.
    public consuming func floor() -> Tensor {
        Tensor { () throws(TensorError) in try Primitive.floor.apply(&self.core) }
    }

    /// The nearest whole number to each element; ties go to the even one.
    public consuming func rounded() -> Tensor {
        Tensor { () throws(TensorError) in try Primitive.round.apply(&self.core) }
    }

    /// The whole part of each element: toward zero.
    public consuming func truncated() -> Tensor {
        Tensor { () throws(TensorError) in try Primitive.truncate.apply(&self.core) }
    }
}
