public import Tensor

/// The value of a scalar function of named parameters, and its gradient with respect to each of them, by reverse-mode
/// differentiation.
///
/// ```swift
/// let (loss, gradients) = try valueAndGradient(at: parameters) { p in
///     let logits = try images.matmul(p.tensor(named: "weight")) + p.tensor(named: "bias")
///     return try Tensor(logits.crossEntropy(labels: labels).mean())
/// }
/// ```
///
/// The gradient of a table of which only rows are looked up (`gatherRows`, `embeddingBag`) is row-sparse: those rows, each
/// once and in ascending order, and no memory for the others. `gradients[gradient: name]` has either kind,
/// `gradients.toDense()` all elements. It is dense where the table is used otherwise too, and where it is a value of a
/// gradient around this one.
///
/// Calls nest: the gradient within may be part of the value around it, to any order. The closure runs at once, on the
/// calling thread, and what it computes from its parameters may be used by that task only.
///
/// - Parameters:
///   - parameters: What to differentiate by. Tensors that are not float32 are passed on as constants, and have no
///     gradient.
///   - onFinal: Called once for each parameter, as soon as nothing more will be added to its gradient, while the
///     gradients of others are still being computed: a trainer sends it then. The order is that of the computation
///     backwards; a parameter that the value does not depend on comes first, with a gradient of zeros.
///   - body: The function; its result has one element.
/// - Returns: The value, and a gradient of the parameter's shape under each name, in the order of `parameters`.
/// - Throws: What `body` throws. Traps if the value has more than one element, and where memory runs out on the way
///   back.
public func valueAndGradient<E>(
    at parameters: NamedTensors, onFinal: ((String, Gradient) -> Void)? = nil,
    _ body: (NamedTensors) throws(E) -> Tensor<Float>
) throws(E) -> (value: Tensor<Float>, gradient: NamedTensors) {
    let tape = Tape()
    defer { tape.end() }
    let names = parameters.names.filter { parameters[$0]?.dtype == .float32 }
    var tracked = parameters
    for name in names { tracked[name] = tape.leaf(parameters[name]!) }

    let output = try body(tracked).core
    guard output.elementCount == 1 else {
        // The host's mistake, not data's; not `precondition`, whose text a release build leaves out.
        fatalError("valueAndGradient: the value must have one element, but its shape is \(output.shape)")
    }

    var gradients = [Gradient?](repeating: nil, count: names.count)
    do throws(TensorError) {
        try tape.differentiate(output) { leaf, gradient throws(TensorError) in
            let final =
                if let gradient { try gradient.packed() } else {
                    try Gradient.dense(.zeros(parameters[names[leaf]]!.shape))
                }
            gradients[leaf] = final
            onFinal?(names[leaf], final)
        }
        let value = try Tensor<Float>(tape.untracked(output))
        var gradient = NamedTensors()
        for (name, final) in zip(names, gradients) { gradient[gradient: name] = final }
        return (value, gradient)
    } catch {
        // The shapes fitted on the way there, so they fit on the way back: only memory can have run out.
        fatalError("valueAndGradient: \(error)")
    }
}

/// The value of a scalar function of one tensor, and its gradient, which has the tensor's shape and all its elements.
///
/// ```swift
/// let (_, slope) = valueAndGradient(at: x) { x in (x * x * x).sum() }     // 3x²
/// ```
///
/// - Throws: What `body` throws. Traps as for named parameters.
public func valueAndGradient<E>(
    at parameter: Tensor<Float>, _ body: (Tensor<Float>) throws(E) -> Tensor<Float>
) throws(E) -> (value: Tensor<Float>, gradient: Tensor<Float>) {
    var parameters = NamedTensors()
    parameters["parameter"] = parameter.core
    let (value, gradient) = try valueAndGradient(at: parameters) { tracked throws(E) in
        try body(Tensor(known: tracked["parameter"]!))
    }
    do throws(TensorError) {
        return (value, Tensor(known: try gradient.toDense()["parameter"]!))
    } catch {
        fatalError("valueAndGradient: \(error)")
    }
}

extension Gradient {
    /// The elements row-major and contiguous, as whoever sends a gradient wants them and as coalesced rows are; unchanged
    /// where another trace is to see what becomes of them.
    fileprivate func packed() throws(TensorError) -> Gradient {
        guard case .dense(let tensor) = self, tensor.trace == nil else { return self }
        return .dense(try tensor.contiguous())
    }
}
