import Tensor

extension TableSet {
    /// Throws unless there is one gradient for each table, of its shape and type, with all elements, or of a row table
    /// with any rows or none: `unknownParameter`, `shapeMismatch`, `dtypeMismatch` or `rowOutOfRange`, with the
    /// parameter's name.
    func check(_ gradients: NamedTensors, rows: [String: KeyedRows] = [:]) throws(ParameterServerError) {
        for name in gradients.names + rows.keys.sorted() where !names.contains(name) {
            throw ParameterServerError(.unknownParameter, "there is a gradient of \(name), which is not declared")
        }
        for table in tables { try check(gradients[gradient: table.name], rows[table.name], of: table) }
    }

    /// Throws as ``check(_:rows:)`` does, for the gradient of one table.
    func check(
        _ gradient: Gradient?, _ keyed: KeyedRows?, of table: TableDeclaration
    ) throws(ParameterServerError) {
        if let settings = table.rows { return try check(gradient, keyed, of: table, settings) }
        guard keyed == nil else {
            throw ParameterServerError(
                .shapeMismatch, "the gradient of \(table.name) has keys of rows, and the table is dense")
        }
        if case .rowSparse(let rows)? = gradient {
            throw ParameterServerError(
                .shapeMismatch,
                "the gradient of \(table.name) is row-sparse, \(rows), and the table takes all elements: push "
                    + "toDense() of the gradients")
        }
        guard case .dense(let gradient)? = gradient, !gradient.isAbstract else {
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

    /// Throws unless the gradient of a row table, if there is one, has rows of the table.
    private func check(
        _ gradient: Gradient?, _ keyed: KeyedRows?, of table: TableDeclaration, _ settings: TableDeclaration.RowSettings
    ) throws(ParameterServerError) {
        func wrong(_ code: ParameterServerError.Code, _ message: String) -> ParameterServerError {
            ParameterServerError(code, "the gradient of \(table.name) \(message)")
        }
        let (width, dtype, last): (Shape, DType, UInt64?)
        switch (gradient, keyed) {
        case (nil, nil): return
        case (nil, let rows?):
            (width, dtype, last) = (rows.values.shape, rows.values.dtype, rows.keys.last)
        case (.rowSparse(let rows)?, nil):
            (width, dtype) = (rows.values.shape, rows.values.dtype)
            last = (try? rows.indices.scalars(as: Int64.self))?.max().map(UInt64.init)
        case (.dense?, nil):
            throw wrong(.shapeMismatch, "has all elements, and the table is of rows: push those that a batch names")
        case (_?, _?): throw wrong(.malformedRequest, "is there twice, among the gradients and among the rows")
        }
        guard dtype == .float32 else { throw wrong(.dtypeMismatch, "is \(dtype), expected float32") }
        guard width.dropFirst().elementsEqual(table.shape) else {
            throw wrong(.shapeMismatch, "has rows of \(width.dropFirst().map { $0 }), expected \(table.shape)")
        }
        if let limit = settings.keyLimit, let last, last >= limit {
            throw wrong(.rowOutOfRange, "names row \(last), and keys are below \(limit)")
        }
    }

    /// Throws `nonFinite`, with the parameter's name, for a gradient with a NaN or an infinity; where the table skips
    /// those, its partitions see to them.
    func checkFinite(
        _ gradients: NamedTensors, rows: [String: KeyedRows] = [:]
    ) throws(ParameterServerError) {
        var values = gradients.names.compactMap { name in gradients[gradient: name].map { (name, $0.stored) } }
        values += rows.sorted { $0.key < $1.key }.map { ($0.key, $0.value.values) }
        let skipping = Set(tables.lazy.filter { $0.nonFinitePolicy == .skip }.map(\.name))
        for (name, gradient) in values where !skipping.contains(name) {
            // Only abstract tensors have no values to look at, and those are refused before.
            guard let index = try? gradient.firstNonFinite() else { continue }
            throw ParameterServerError(
                .nonFinite, "element \(index) of the gradient of \(name) is not finite; nothing of the step was sent")
        }
    }

    /// Each table's gradient with one axis, in the order of the tables. Contiguous gradients are not copied, but for
    /// rows of several partitions.
    func flatten(
        _ gradients: NamedTensors, rows: [String: KeyedRows] = [:]
    ) throws(ParameterServerError) -> [StepGradient] {
        var flat: [StepGradient] = []
        for table in tables {
            flat.append(try flatten(gradients[gradient: table.name], rows[table.name], of: table))
        }
        return flat
    }

    /// The gradient of one table, which was checked, with one axis.
    func flatten(
        _ gradient: Gradient?, _ keyed: KeyedRows?, of table: TableDeclaration
    ) throws(ParameterServerError) -> StepGradient {
        do throws(TensorError) {
            if let keyed { return .rows(try keyed.split(table)) }
            switch gradient {
            case .dense(let tensor)?:
                return .dense(try tensor.withoutTrace().reshaped(to: Shape([table.shape.elementCount])))
            case .rowSparse(let rows)?: return .rows(try KeyedRows(rows).split(table))
            case nil: return .nothing
            }
        } catch {
            throw ParameterServerError(
                .shapeMismatch, "the gradient of \(table.name) cannot be sent: \(error.message)", cause: error)
        }
    }
}

extension Gradient {
    /// The elements that are stored.
    fileprivate var stored: AnyTensor {
        switch self {
        case .dense(let tensor): tensor
        case .rowSparse(let rows): rows.values
        }
    }
}
