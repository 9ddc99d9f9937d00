import Synchronization
public import Tensor

/// A model's view of its parameters: those whose names begin with the scope's.
///
/// Scopes nest by ``subscript(_:)``; `p["encoder"]["hidden"]` holds the parameters `encoder/hidden/…`. In training and
/// serving a scope reads `NamedTensors` and changes nothing; during initialisation it takes down which
/// parameters the model asks for.
public struct ParameterScope: Sendable {
    /// The name of this scope, empty for the whole model's.
    public let name: String
    private let source: Source

    private enum Source: Sendable {
        case values(NamedTensors)
        case recording(ParameterRecorder)
    }

    /// A model's whole scope, which reads these parameters.
    public init(_ parameters: NamedTensors) {
        name = ""
        source = .values(parameters)
    }

    /// A model's whole scope, which takes down what the model asks for.
    init(_ recorder: ParameterRecorder) {
        name = ""
        source = .recording(recorder)
    }

    private init(name: String, source: Source) {
        self.name = name
        self.source = source
    }

    /// The scope called `name` inside this one. Traps for a name that is empty or holds a slash.
    public subscript(name: String) -> ParameterScope {
        ParameterScope(name: path(to: name), source: source)
    }

    /// The parameter called `name` in this scope; what layers are made of.
    ///
    /// Two calls with one name give one parameter, so that layers can share it.
    ///
    /// - Parameters:
    ///   - name: Its name in this scope. Traps if it is empty or holds a slash.
    ///   - shape: Its shape, which must follow from the input's shape and the model alone.
    ///   - initializer: How its first values are made.
    /// - Throws: `TensorError.Code.unknownName` for a parameter that is not there,
    ///   `TensorError.Code.shapeMismatch` and `TensorError.Code.dtypeMismatch` for one that is
    ///   something else than the model expects; ``NeuralNetworkError/Code/parameterConflict``, while parameters are
    ///   being found, for one that the model asked for before with another shape or initializer.
    public func parameter(_ name: String, shape: Shape, initializer: Initializer) throws -> Tensor<Float> {
        try read(.init(name: path(to: name), shape: shape, initializer: initializer), as: shape)
    }

    /// The rows of the row table called `name` that the input looks up, in the order of the look-up's keys; what layers
    /// with tables of any size are made of.
    ///
    /// A table has one look-up in a step: a model that looks several things up in it makes one look-up of all their
    /// keys.
    ///
    /// - Parameters:
    ///   - name: Its name in this scope. Traps if it is empty or holds a slash.
    ///   - lookup: What is looked up.
    ///   - features: The elements of a row.
    ///   - initializer: How the first values of a row are made.
    /// - Returns: Of shape `[keys, features]`.
    /// - Throws: As ``parameter(_:shape:initializer:)``; `TensorError.Code.shapeMismatch` also where the rows are not
    ///   those of the look-up.
    public func rows(
        _ name: String, of lookup: RowLookup, features: Int, initializer: Initializer
    ) throws -> Tensor<Float> {
        try read(
            .init(name: path(to: name), shape: Shape([features]), initializer: initializer, isRowTable: true),
            as: Shape([lookup.keys.count, features]))
    }

    private func read(_ request: ParameterRecorder.Request, as shape: Shape) throws -> Tensor<Float> {
        switch source {
        case .recording(let recorder):
            try recorder.record(request)
            return try Tensor(.abstract(shape: shape, dtype: .float32))
        case .values(let parameters):
            let parameter = try parameters.tensor(named: request.name)
            guard parameter.shape == shape else {
                throw TensorError(
                    .shapeMismatch,
                    "parameter \"\(request.name)\": the model expects \(shape), found \(parameter.shape)")
            }
            guard parameter.dtype == .float32 else {
                throw TensorError(
                    .dtypeMismatch,
                    "parameter \"\(request.name)\": the model expects float32, found \(parameter.dtype)")
            }
            return try Tensor(parameter)
        }
    }

    private func path(to child: String) -> String {
        precondition(
            !child.isEmpty && !child.contains("/"),
            "a parameter's name must not be empty nor hold a slash: \"\(child)\" in scope \"\(name)\"")
        return name.isEmpty ? child : "\(name)/\(child)"
    }
}

/// What a model has asked for so far, in the order in which it first asked. Guarded by its mutex.
final class ParameterRecorder: Sendable {
    struct Request: Hashable {
        var name: String
        var shape: Shape
        var initializer: Initializer
        /// Whether it is a table of rows of that shape.
        var isRowTable = false
    }

    private let state = Mutex<(requests: [Request], places: [String: Int])>(([], [:]))

    var requests: [Request] { state.withLock { $0.requests } }

    func record(_ request: Request) throws(NeuralNetworkError) {
        let earlier = state.withLock { state -> Request? in
            if let place = state.places[request.name] { return state.requests[place] }
            state.places[request.name] = state.requests.count
            state.requests.append(request)
            return nil
        }
        guard let earlier, earlier != request else { return }
        throw NeuralNetworkError(
            .parameterConflict,
            "the model asks for the parameter \"\(request.name)\" as \(request), and before as \(earlier)")
    }
}

extension ParameterRecorder.Request: CustomStringConvertible {
    var description: String { "\(isRowTable ? "rows of " : "")\(shape), \(initializer)" }
}
