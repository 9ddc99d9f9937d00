public import MeshTransport
public import MeshWire
import Synchronization
public import Telemetry

/// The models that a process serves, by name and version.
///
/// ```swift
/// let registry = ModelRegistry(metrics: mesh.metrics)
/// try registry.load(
///     "digits", version: 3, from: .safetensors("digits-3.safetensors"), as: Classifier(),
///     input: TensorDeclaration("image", shape: [-1, 784]), output: "logits")
/// let answer = try registry.predict(PredictRequest(model: "digits", inputs: images))
/// ```
/// A prediction in the same process is a function call: it computes on the caller's thread, without a hop.
///
/// Safe to use from any task; guarded by one mutex, which is not held while a model computes. A prediction that is
/// under way when its model is unloaded is finished.
public final class ModelRegistry: Sendable {
    /// The longest name of a model in bytes.
    static let longestName = 128

    let runtime: any Runtime
    private let metrics: MetricsRegistry
    private let models = Mutex<[String: [Int: LoadedModel]]>([:])

    /// Makes a registry without models.
    ///
    /// - Parameter metrics: where predictions are counted and timed.
    public init(runtime: any Runtime = SystemRuntime.shared, metrics: MetricsRegistry = MetricsRegistry()) {
        self.runtime = runtime
        self.metrics = metrics
    }

    /// Adds a model that is any function of named tensors.
    ///
    /// - Parameters:
    ///   - name: letters, digits, `.`, `_` and `-`; it stands in paths.
    ///   - version: from 1.
    ///   - evaluate: gets every declared input, with its declared type and shape, and returns every declared output.
    ///     It must not trap whatever the values are: what depends on values uses the throwing core (`AnyTensor`).
    /// - Throws: ``ServingError/Code/invalidDeclaration``, ``ServingError/Code/alreadyLoaded``.
    public func add(
        _ name: String, version: Int, signature: ModelSignature, evaluate: @escaping LoadedModel.Evaluation
    ) throws(ServingError) {
        guard Self.isName(name) else {
            throw ServingError(
                .invalidDeclaration,
                "expected a model's name of 1 to \(Self.longestName) letters, digits, '.', '_' and '-', found '\(name)'"
            )
        }
        guard version >= 1 else {
            throw ServingError(.invalidDeclaration, "model '\(name)': versions begin with 1, found \(version)")
        }
        do throws(ServingError) {
            try signature.validate()
        } catch {
            throw ServingError(error.code, "model '\(name)': \(error.message)")
        }
        let model = LoadedModel(
            name: name, version: version, signature: signature, evaluate: evaluate,
            metrics: ModelMetrics(metrics, model: name, version: version))
        let isNew = models.withLock { models in
            guard models[name]?[version] == nil else { return false }
            models[name, default: [:]][version] = model
            return true
        }
        guard isNew else {
            throw ServingError(.alreadyLoaded, "model '\(name)' version \(version) is loaded already")
        }
    }

    /// Removes a version of a model.
    ///
    /// - Throws: ``ServingError/Code/unknownModel``.
    public func unload(_ name: String, version: Int) throws(ServingError) {
        let removed = models.withLock { models in
            let removed = models[name]?.removeValue(forKey: version)
            if models[name]?.isEmpty == true { models[name] = nil }
            return removed
        }
        guard removed != nil else { throw Self.unknown(name, version: version) }
    }

    /// A model by name, in the version that is asked for or, without one, the highest that is loaded.
    ///
    /// - Throws: ``ServingError/Code/unknownModel``.
    public func model(_ name: String, version: Int? = nil) throws(ServingError) -> LoadedModel {
        let found = models.withLock { models -> LoadedModel? in
            guard let versions = models[name] else { return nil }
            if let version { return versions[version] }
            return versions.max { $0.key < $1.key }?.value
        }
        guard let found else { throw Self.unknown(name, version: version) }
        return found
    }

    /// The loaded versions of a model in ascending order; none for a name that is not known.
    public func versions(of name: String) -> [Int] {
        models.withLock { $0[name]?.keys.sorted() ?? [] }
    }

    /// The names of the models in ascending order.
    public var names: [String] {
        models.withLock { $0.keys.sorted() }
    }

    private static func unknown(_ name: String, version: Int?) -> ServingError {
        let version = version.map { " version \($0)" } ?? ""
        return ServingError(.unknownModel, "Request for unknown model: '\(name)'\(version) is not found")
    }

    private static func isName(_ name: String) -> Bool {
        let bytes = name.utf8
        guard (1...longestName).contains(bytes.count), name != ".", name != ".." else { return false }
        return bytes.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"):
                true
            default: false
            }
        }
    }
}
