import Tensor

extension TableSet {
    /// Throws unless there is one gradient for each table, of its shape and type, with all elements: `unknownParameter`,
    /// `shapeMismatch` or `dtypeMismatch`, with the parameter's name.
    func check(_ gradients: NamedTensors) throws(ParameterServerError) {
        for name in gradients.names where !names.contains(name) {
            throw ParameterServerError(.unknownParameter, "there is a gradient of \(name), which is not declared")
        }
        for table in tables {
            if case .rowSparse(let rows)? = gradients[gradient: table.name] {
                throw ParameterServerError(
                    .shapeMismatch,
                    "the gradient of \(table.name) is row-sparse, \(rows), and the table takes all elements: push "
                        + "toDense() of the gradients")
            }
            guard let gradient = gradients[table.name], !gradient.isAbstract else {
                throw ParameterServerError(.unknownParameter, "there is no gradient with values of \(table.name)")
            }
            guard gradient.dtype == .float32 else {
                throw ParameterServerError(
                    .dtypeMismatch, "the gradient of \(table.name) is \(gradient.dtype), expected float32")
            }
            guard gradient.shape == table.shape else {
                throw ParameterServerError(
                    .shapeMismatch, "the gradient of \(table.name) is \(gradient.shape), expected \(table.shape)")
            }
        }
    }

    /// Throws `nonFinite`, with the parameter's name, for a gradient with a NaN or an infinity.
    static func checkFinite(_ gradients: NamedTensors) throws(ParameterServerError) {
        for (name, gradient) in gradients {
            // Only abstract tensors have no values to look at, and those are refused before.
            guard let index = try? gradient.firstNonFinite() else { continue }
            throw ParameterServerError(
                .nonFinite, "element \(index) of the gradient of \(name) is not finite; nothing of the step was sent")
        }
    }

    /// Each table's gradient with one axis, in the order of the tables. Contiguous gradients are not copied.
    func flatten(_ gradients: NamedTensors) throws(ParameterServerError) -> [AnyTensor] {
        var flat: [AnyTensor] = []
        for table in tables {
            do throws(TensorError) {
                let gradient = try gradients.tensor(named: table.name).withoutTrace()
                flat.append(try gradient.reshaped(to: Shape([table.shape.elementCount])))
            } catch {
                throw ParameterServerError(
                    .shapeMismatch, "the gradient of \(table.name) cannot be sent: \(error.message)", cause: error)
            }
        }
        return flat
    }
}
