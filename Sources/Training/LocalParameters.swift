import MeshWire
public import NeuralNetwork
public import Optimizers
public import ParameterServer
import Synchronization
public import Tensor

/// Parameters in this process, for training on one machine.
///
/// The update rules are those that parameter servers apply, so that one trainer alone makes the same bits here and
/// there. A row-sparse gradient steps the rows that it names and leaves the others as they are, moments included; from
/// the first one on, a dense table's rows count their steps one by one. A row table is that of a server, in one
/// partition. Guarded by a mutex.
public final class LocalParameters: ParameterStore {
    private struct State {
        var parameters = NamedTensors()
        var optimizers: [String: Optimizer] = [:]
        var tables: [String: LocalRowTable] = [:]
        /// The updating functions that have run, by dense table.
        var calls: [String: UInt64] = [:]
    }

    private let rule: UpdateRule
    private let globalNormLimit: Double?
    private let state: Mutex<State>

    /// The first values of a model's parameters.
    ///
    /// - Parameters:
    ///   - rows: as of
    ///     ``/NeuralNetwork/ModelDeclaration/tables(updateRule:partitioning:consistency:rows:rowPartitions:replicas:)``.
    ///   - globalNormLimit: The most that the global norm of a step's gradients may be: a step with more is scaled to
    ///     it, as ``/ParameterServer/ParameterClientConfiguration/globalNormLimit`` does with the same bits. Default
    ///     `nil`: no limit.
    /// - Throws: ``/Tensor/TensorError/Code/outOfMemory``;
    ///   ``/ParameterServer/ParameterServerError/Code/invalidDeclaration`` for a row table that cannot be.
    public init(
        _ model: ModelDeclaration, updateRule: UpdateRule, rows: [String: TableDeclaration.RowSettings] = [:],
        globalNormLimit: Double? = nil
    ) throws {
        rule = updateRule
        self.globalNormLimit = globalNormLimit
        try model.check(rows)
        var first = State()
        for parameter in model.parameters {
            let name = parameter.name
            if parameter.isRowTable || rows[name] != nil {
                first.tables[name] = LocalRowTable(
                    try parameter.rowTable(updateRule, rows[name], partitionCount: 1, replicas: 0))
            } else {
                first.parameters[name] = try parameter.initialValues()
                first.optimizers[name] = try Optimizer(updateRule, of: parameter.shape)
            }
        }
        state = Mutex(first)
    }

    /// These parameters, of which the rule remembers nothing.
    init(_ parameters: NamedTensors, updateRule: UpdateRule) throws(TensorError) {
        rule = updateRule
        globalNormLimit = nil
        var first = State(parameters: parameters)
        for (name, tensor) in first.parameters {
            first.optimizers[name] = try Optimizer(updateRule, of: tensor.shape)
        }
        state = Mutex(first)
    }

    /// The dense parameters as they are now.
    public func pull() -> NamedTensors { state.withLock { $0.parameters } }

    /// Rows of row tables as they are now; those that do not exist as they would begin.
    ///
    /// - Throws: ``/ParameterServer/ParameterServerError`` with `unknownParameter` for a name that is not that of a row
    ///   table, and `rowOutOfRange`.
    public func pull(rows keys: [String: [UInt64]]) throws -> PulledRows {
        try state.withLock { state in
            var rows = NamedTensors()
            for (name, keys) in keys.sorted(by: { $0.key < $1.key }) {
                rows[name] = try Self.table(name, state.tables).rows(of: keys)
            }
            return PulledRows(rows)
        }
    }

    /// Takes one step of dense parameters alone: see ``push(_:rows:computedFrom:)``.
    public func push(_ gradients: NamedTensors) throws -> PushReport {
        try push(gradients, rows: [:], computedFrom: nil)
    }

    /// Goes on at other parameters of the same shapes, with what the rule remembers.
    func goOn(at parameters: NamedTensors) { state.withLock { $0.parameters = parameters } }

    /// Takes one step.
    ///
    /// - Returns: an empty report: there are no partitions that could fail by themselves.
    /// - Throws: ``/Tensor/TensorError`` for a gradient that is missing, or of another shape or type. Those before it
    ///   in the parameters' order have been applied. ``/ParameterServer/ParameterServerError`` for rows that a server
    ///   would refuse; nothing has been applied then.
    public func push(
        _ gradients: NamedTensors, rows: [String: KeyedRows], computedFrom pulled: PulledRows?
    ) throws -> PushReport {
        var (gradients, rows) = (gradients, rows)
        for name in state.withLock({ $0.tables.keys.sorted() }) where rows[name] == nil {
            guard case .rowSparse(let sparse)? = gradients[gradient: name] else { continue }
            rows[name] = try KeyedRows(sparse)
            gradients[gradient: name] = nil
        }
        if let globalNormLimit { try gradients.clip(toGlobalNorm: globalNormLimit, with: &rows) }
        try state.withLock { state in
            for (name, rows) in rows { try Self.table(name, state.tables).check(rows) }
            for name in state.parameters.names {
                let gradient = try gradients.gradient(named: name)
                guard var optimizer = state.optimizers.removeValue(forKey: name) else { continue }
                defer { state.optimizers[name] = optimizer }
                try state.parameters.update(name) { parameters throws(TensorError) in
                    try optimizer.apply(rule, to: &parameters, gradient)
                }
            }
            for (name, rows) in rows { try state.tables[name]?.apply(rows) }
        }
        return PushReport()
    }

    /// Runs a function on a table, or on rows of a row table, as
    /// ``/ParameterServer/ParameterClient/call(_:_:on:rows:isolation:)`` has parameter servers do: a dense table is one
    /// partition here, and an updating function that works element by element has the same bits. What it draws from its
    /// key it draws from another one than on servers.
    ///
    /// - Throws: ``/ParameterServer/ParameterServerError`` with `unknownParameter`, `shapeMismatch` for rows of a dense
    ///   table and for a row table without, `rowOutOfRange`, `malformedRequest`, `functionFailed` or `nonFinite`; nothing
    ///   has changed then.
    public func call<Argument, Answer>(
        _ function: ServerFunction<Argument, Answer>, _ argument: Argument, on table: String, rows keys: [UInt64]? = nil
    ) throws -> FunctionReport<Answer> {
        let argument = try CodableMessage(argument).encoded()
        let key = RandomKey(seed: 0).foldIn("function").foldIn(table)
        let (answer, version) = try state.withLock { state in
            var values = try Self.values(table, keys, key, of: state, rule)
            guard function.isUpdating else {
                return (try function.registered.read(values, argument), values.version)
            }
            let answer = try function.registered.update(&values, argument)
            if keys == nil {
                try Self.take(values, into: &state, rule)
            } else {
                try state.tables[table]?.take(values)
            }
            let before = values.version
            return (answer, PartitionVersion(epoch: before.epoch, applied: before.applied + 1))
        }
        return FunctionReport(
            try CodableMessage<Answer>(encoded: answer).value, of: table, version: version)
    }

    /// What a function sees of a table.
    private static func values(
        _ name: String, _ keys: [UInt64]?, _ key: RandomKey, of state: State, _ rule: UpdateRule
    ) throws -> PartitionValues {
        guard let parameters = state.parameters[name] else {
            let table = try table(name, state.tables)
            guard let keys else {
                throw ParameterServerError(
                    .shapeMismatch, "table \(name) is of rows: name those that the function is to run on")
            }
            return try table.values(ofRows: keys, key)
        }
        guard keys == nil else {
            throw ParameterServerError(.shapeMismatch, "table \(name) is dense: the function runs on all of it")
        }
        let count = parameters.shape.elementCount
        let (slots, steps) = state.optimizers[name]?.slots ?? ([], 0)
        var named: [String: Tensor<Float>] = [:]
        for (name, slot) in zip(rule.slotNames, slots) {
            named[name] = try Tensor(slot.reshaped(to: Shape([slot.elementCount])))
        }
        let calls = state.calls[name] ?? 0
        return PartitionValues(
            table: name, shape: parameters.shape, elements: 0..<count, keys: [],
            parameters: try Tensor(parameters.reshaped(to: Shape([count]))), slots: named, stepCount: steps,
            version: PartitionVersion(epoch: 1, applied: UInt64(steps) + calls), key: key.foldIn(calls))
    }

    /// Takes what a function has made of a dense table.
    private static func take(_ values: PartitionValues, into state: inout State, _ rule: UpdateRule) throws {
        let name = values.table
        let parameters = try values.parameters.core.reshaped(to: values.shape)
        try state.optimizers[name]?.take(rule.slotNames.compactMap { values.slots[$0]?.core })
        state.parameters[name] = parameters
        state.calls[name, default: 0] += 1
    }

    private static func table(
        _ name: String, _ tables: [String: LocalRowTable]
    ) throws(ParameterServerError) -> LocalRowTable {
        guard let table = tables[name] else {
            throw ParameterServerError(.unknownParameter, "the model has no row table \(name)")
        }
        return table
    }
}

/// What an update rule remembers of one parameter: of the whole of it until a gradient names rows, then of each row.
private struct Optimizer {
    private var whole: OptimizerState?
    private var rows: RowOptimizerState?

    init(_ rule: UpdateRule, of shape: Shape) throws(TensorError) {
        whole = try rule.makeState(shape)
    }

    /// What the rule remembers, and the steps that were taken: the most of a row's, where rows count theirs.
    var slots: ([AnyTensor], steps: Int) {
        if let whole { return (whole.slots, whole.stepCount) }
        return (rows?.slots ?? [], rows?.stepCounts.max() ?? 0)
    }

    /// Has the rule remember other values, in the shapes that they had.
    mutating func take(_ values: [AnyTensor]) throws(TensorError) {
        let shaped = try zip(values, slots.0).map { value, former throws(TensorError) in
            try value.reshaped(to: former.shape)
        }
        if whole != nil { whole?.slots = shaped } else { rows?.slots = shaped }
    }

    /// Takes one step. Nothing that a later step sees has changed when it throws.
    mutating func apply(
        _ rule: UpdateRule, to parameters: inout AnyTensor, _ gradient: Gradient
    ) throws(TensorError) {
        if case .dense(let gradient) = gradient, rows == nil {
            return try rule.apply(to: &parameters, gradient: gradient, state: &whole!)
        }
        guard gradient.shape == parameters.shape else {
            throw TensorError(.shapeMismatch, "a gradient \(gradient) for parameters \(parameters.shape)")
        }
        if let state = whole {
            rows = try RowOptimizerState(state, of: parameters.shape, rule)
            whole = nil
        }
        try rule.apply(to: &parameters, rows: try gradient.rows(), state: &rows!)
    }
}

extension RowOptimizerState {
    /// The state of rows that have all taken the steps of the whole.
    fileprivate init(_ whole: OptimizerState, of shape: Shape, _ rule: UpdateRule) throws(TensorError) {
        let slotShape = rule.scope == .row ? try Shape([shape[0]]) : shape
        let slots = try whole.slots.map { slot throws(TensorError) in try slot.reshaped(to: slotShape) }
        self.init(slots: slots, stepCounts: Array(repeating: whole.stepCount, count: shape[0]))
    }
}

extension Gradient {
    /// As rows: all of them where it is dense.
    fileprivate func rows() throws(TensorError) -> RowSparse {
        switch self {
        case .rowSparse(let rows): return rows
        case .dense(let tensor):
            let count = tensor.shape[0]
            return try RowSparse(
                indices: AnyTensor((0..<count).map(Int64.init), shape: [count]), values: tensor, rowCount: count)
        }
    }
}
