import CTensorKernels

extension Primitive {
    /// `y = 1 / (1 + e⁻ˣ)`, with `∂y/∂x = y (1 - y)`.
    package static let sigmoid: Primitive = Primitive(
        id: 1129, name: "sigmoid",
        .unary(rule: floatRule("sigmoid"), kernel: elementwise(MW_UNARY_SIGMOID)),
        derivative: .reverse([
            OperandDerivative(saving: .result) { cotangent, step throws(TensorError) in
                try cotangent * step.result * (1 - step.result)
            }
        ]))

    /// `y = -ln(1 + e⁻ˣ)`, with `∂y/∂x = 1 / (1 + eˣ)`.
    package static let logSigmoid: Primitive = Primitive(
        id: 1130, name: "logSigmoid",
        .unary(rule: floatRule("logSigmoid"), kernel: elementwise(MW_UNARY_LOG_SIGMOID)),
        derivative: .reverse([
            OperandDerivative(saving: .first) { cotangent, step throws(TensorError) in
                try cotangent * step.operands[0].negated().sigmoid()
            }
        ]))

    /// `y = x Φ(x)` with the normal distribution `Φ` and its density `φ`: `∂y/∂x = Φ(x) + x φ(x)`.
    package static let gelu: Primitive = Primitive(
        id: 1131, name: "gelu",
        .unary(rule: floatRule("gelu"), kernel: elementwise(MW_UNARY_GELU)),
        derivative: .reverse([
            OperandDerivative(saving: .first) { cotangent, step throws(TensorError) in
                let x = step.operands[0]
                let distribution = try (x * -0.707106781186547524).erfc() * 0.5
                let density = try (x.squared() * -0.5).exp() * 0.398942280401432678
                return try cotangent * (x * density + distribution)
            }
        ]))

    /// `y = x/2 · (1 + tanh u)` with `u = √(2/π) (x + 0.044715 x³)`: `∂y/∂x = (1 + t)/2 + x/2 · (1 - t²) u′`, `t =
    /// tanh u`.
    package static let geluTanh: Primitive = Primitive(
        id: 1132, name: "geluTanh",
        .unary(rule: floatRule("geluTanh"), kernel: elementwise(MW_UNARY_GELU_TANH)),
        derivative: .reverse([
            OperandDerivative(saving: .first) { cotangent, step throws(TensorError) in
                let x = step.operands[0]
                let square = try x.squared()
                let t = try ((square * 0.035677408136300125 + 0.797884560802865356) * x).tanh()
                let slope = try square * 0.107032224408900375 + 0.797884560802865356
                return try cotangent * ((t + 1) * 0.5 + x * (1 - t.squared()) * slope * 0.5)
            }
        ]))

    /// `y = x σ(x)` with the logistic function `σ`: `∂y/∂x = σ(x) (1 + x (1 - σ(x)))`.
    package static let silu: Primitive = Primitive(
        id: 1133, name: "silu",
        .unary(rule: floatRule("silu"), kernel: elementwise(MW_UNARY_SILU)),
        derivative: .reverse([
            OperandDerivative(saving: .first) { cotangent, step throws(TensorError) in
                let x = step.operands[0]
                let sigmoid = try x.sigmoid()
                return try cotangent * sigmoid * (x * (1 - sigmoid) + 1)
            }
        ]))

    /// `y = x t` with `t = tanh(ln(1 + eˣ))`: `∂y/∂x = t + x (1 - t²) σ(x)`.
    package static let mish: Primitive = Primitive(
        id: 1134, name: "mish",
        .unary(rule: floatRule("mish"), kernel: elementwise(MW_UNARY_MISH)),
        derivative: .reverse([
            OperandDerivative(saving: .first) { cotangent, step throws(TensorError) in
                let x = step.operands[0]
                let t = try x.softplus().tanh()
                return try cotangent * (x * (1 - t.squared()) * x.sigmoid() + t)
            }
        ]))

    /// `y = ln(1 + eˣ)`, with `∂y/∂x = 1 / (1 + e⁻ˣ)`.
    package static let softplus: Primitive = Primitive(
        id: 1135, name: "softplus",
        .unary(rule: floatRule("softplus"), kernel: elementwise(MW_UNARY_SOFTPLUS)),
        derivative: .reverse([
            OperandDerivative(saving: .first) { cotangent, step throws(TensorError) in
                try cotangent * step.operands[0].sigmoid()
            }
        ]))

    /// `y = min(max(x + 3, 0), 6) / 6`, with `∂y/∂x = 1/6` between −3 and 3 and 0 elsewhere.
    package static let hardSigmoid: Primitive = Primitive(
        id: 1136, name: "hardSigmoid",
        .unary(rule: floatRule("hardSigmoid"), kernel: elementwise(MW_UNARY_HARD_SIGMOID)),
        derivative: .reverse([
            OperandDerivative(saving: .first) { cotangent, step throws(TensorError) in
                let x = step.operands[0]
                let isInside = try (x .> -3) & (x .< 3)
                return try AnyTensor.select(isInside, cotangent * (1.0 / 6), .scalar(0, dtype: x.dtype))
            }
        ]))

    /// `y = x min(max(x + 3, 0), 6) / 6`, with `∂y/∂x = x/3 + 1/2` between −3 and 3, 0 below and 1 above.
    package static let hardSwish: Primitive = Primitive(
        id: 1137, name: "hardSwish",
        .unary(rule: floatRule("hardSwish"), kernel: elementwise(MW_UNARY_HARD_SWISH)),
        derivative: .reverse([
            OperandDerivative(saving: .first) { cotangent, step throws(TensorError) in
                let x = step.operands[0]
                let zero = try AnyTensor.scalar(0, dtype: x.dtype)
                let inside = try cotangent * (x * (1.0 / 3) + 0.5)
                let upper = try AnyTensor.select(x .< 3, inside, cotangent)
                return try AnyTensor.select(x .> -3, upper, zero)
            }
        ]))
}

extension AnyTensor {
    /// The logistic function of each float, `1 / (1 + e⁻ˣ)`.
    ///
    /// - Throws: ``TensorError/Code/dtypeMismatch`` unless the elements are floats.
    public consuming func sigmoid() throws(TensorError) -> AnyTensor { try Primitive.sigmoid.apply(&self) }

    /// The logarithm of the logistic function of each float, without overflow on the way.
    ///
    /// - Throws: ``TensorError/Code/dtypeMismatch`` unless the elements are floats.
    public consuming func logSigmoid() throws(TensorError) -> AnyTensor { try Primitive.logSigmoid.apply(&self) }

    /// `x Φ(x)` of each float, with the normal distribution `Φ` (Hendrycks & Gimpel 2016).
    ///
    /// - Throws: ``TensorError/Code/dtypeMismatch`` unless the elements are floats.
    public consuming func gelu() throws(TensorError) -> AnyTensor { try Primitive.gelu.apply(&self) }

    /// ``gelu()`` by its approximation `x/2 · (1 + tanh(√(2/π) (x + 0.044715 x³)))`, which some models were trained
    /// with.
    ///
    /// - Throws: ``TensorError/Code/dtypeMismatch`` unless the elements are floats.
    public consuming func geluTanh() throws(TensorError) -> AnyTensor { try Primitive.geluTanh.apply(&self) }

    /// `x / (1 + e⁻ˣ)` of each float, also called swish.
    ///
    /// - Throws: ``TensorError/Code/dtypeMismatch`` unless the elements are floats.
    public consuming func silu() throws(TensorError) -> AnyTensor { try Primitive.silu.apply(&self) }

    /// `x tanh(ln(1 + eˣ))` of each float (Misra 2019).
    ///
    /// - Throws: ``TensorError/Code/dtypeMismatch`` unless the elements are floats.
    public consuming func mish() throws(TensorError) -> AnyTensor { try Primitive.mish.apply(&self) }

    /// `ln(1 + eˣ)` of each float, without overflow on the way.
    ///
    /// - Throws: ``TensorError/Code/dtypeMismatch`` unless the elements are floats.
    public consuming func softplus() throws(TensorError) -> AnyTensor { try Primitive.softplus.apply(&self) }

    /// `min(max(x + 3, 0), 6) / 6` of each float.
    ///
    /// - Throws: ``TensorError/Code/dtypeMismatch`` unless the elements are floats.
    public consuming func hardSigmoid() throws(TensorError) -> AnyTensor { try Primitive.hardSigmoid.apply(&self) }

    /// `x min(max(x + 3, 0), 6) / 6` of each float.
    ///
    /// - Throws: ``TensorError/Code/dtypeMismatch`` unless the elements are floats.
    public consuming func hardSwish() throws(TensorError) -> AnyTensor { try Primitive.hardSwish.apply(&self) }
}

extension Tensor where Scalar: FloatingTensorScalar {
    /// The logistic function of each element, `1 / (1 + e⁻ˣ)`.
    public consuming func sigmoid() -> Tensor {
        Tensor { () throws(TensorError) in try Primitive.sigmoid.apply(&self.core) }
    }

    /// The logarithm of the logistic function of each element, without overflow on the way.
    public consuming func logSigmoid() -> Tensor {
        Tensor { () throws(TensorError) in try Primitive.logSigmoid.apply(&self.core) }
    }

    /// `x Φ(x)` of each element, with the normal distribution `Φ` (Hendrycks & Gimpel 2016).
    public consuming func gelu() -> Tensor {
        Tensor { () throws(TensorError) in try Primitive.gelu.apply(&self.core) }
    }

    /// ``gelu()`` by its approximation `x/2 · (1 + tanh(√(2/π) (x + 0.044715 x³)))`, which some models were trained
    /// with.
    public consuming func geluTanh() -> Tensor {
        Tensor { () throws(TensorError) in try Primitive.geluTanh.apply(&self.core) }
    }

    /// `x / (1 + e⁻ˣ)` of each element, also called swish.
    public consuming func silu() -> Tensor {
        Tensor { () throws(TensorError) in try Primitive.silu.apply(&self.core) }
    }

    /// `x tanh(ln(1 + eˣ))` of each element (Misra 2019).
    public consuming func mish() -> Tensor {
        Tensor { () throws(TensorError) in try Primitive.mish.apply(&self.core) }
    }

    /// `ln(1 + eˣ)` of each element, without overflow on the way.
    public consuming func softplus() -> Tensor {
        Tensor { () throws(TensorError) in try Primitive.softplus.apply(&self.core) }
    }

    /// `min(max(x + 3, 0), 6) / 6` of each element.
    public consuming func hardSigmoid() -> Tensor {
        Tensor { () throws(TensorError) in try Primitive.hardSigmoid.apply(&self.core) }
    }

    /// `x min(max(x + 3, 0), 6) / 6` of each element.
    public consuming func hardSwish() -> Tensor {
        Tensor { () throws(TensorError) in try Primitive.hardSwish.apply(&self.core) }
    }
}
