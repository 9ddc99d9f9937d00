/// Tensors by name, in the order in which they were added.
///
/// It is what gradients, parameters, optimizer states, checkpoints and safetensors files exchange. Names are those of
/// the model's parameters (`hidden/weight`), everywhere the same.
///
/// ```swift
/// var parameters = NamedTensors()
/// parameters["bias"] = try .zeros([10])
/// for (name, tensor) in parameters { print(name, tensor.shape) }
/// ```
/// Gradients of tables may be row-sparse: ``subscript(gradient:)`` has either kind, and ``toDense()`` is the way to tensors
/// of all elements. Elsewhere such a gradient shows as an abstract tensor, of which the type is known and no value can be
/// read.
public struct NamedTensors: Sendable {
    /// The names, in order.
    public private(set) var names: [String] = []
    /// Abstract where the name is that of a row-sparse one.
    private var tensors: [AnyTensor] = []
    private var rows: [String: RowSparse] = [:]
    private var places: [String: Int] = [:]

    /// No tensors.
    public init() {}

    /// Tensors in this order.
    ///
    /// - Throws: ``TensorError/Code/duplicateName``.
    public init(_ pairs: some Sequence<(String, AnyTensor)>) throws(TensorError) {
        for (name, tensor) in pairs {
            guard places[name] == nil else {
                throw TensorError(.duplicateName, "two tensors are called \"\(name)\"")
            }
            self[name] = tensor
        }
    }

    /// The tensor called `name`, or nil; abstract if it is row-sparse. Setting one under a new name appends it; setting nil
    /// removes it, which moves those behind it forward.
    public subscript(name: String) -> AnyTensor? {
        get {
            places[name].map { tensors[$0] }
        }
        set {
            rows[name] = nil
            switch (places[name], newValue) {
            case (let place?, let tensor?):
                tensors[place] = tensor
            case (nil, let tensor?):
                places[name] = tensors.count
                names.append(name)
                tensors.append(tensor)
            case (let place?, nil):
                names.remove(at: place)
                tensors.remove(at: place)
                places[name] = nil
                for later in place..<names.count { places[names[later]] = later }
            case (nil, nil):
                break
            }
        }
    }

    /// What is called `name`, dense or row-sparse, or nil. Setting appends, replaces and removes as the subscript of tensors.
    public subscript(gradient name: String) -> Gradient? {
        get {
            rows[name].map { .rowSparse($0) } ?? self[name].map { .dense($0) }
        }
        set {
            switch newValue {
            case .dense(let tensor)?:
                self[name] = tensor
            case .rowSparse(let sparse)?:
                self[name] = .abstract(shape: sparse.shape, dtype: sparse.values.dtype)
                rows[name] = sparse
            case nil:
                self[name] = nil
            }
        }
    }

    /// What is called `name`, dense or row-sparse.
    ///
    /// - Throws: ``TensorError/Code/unknownName``.
    public func gradient(named name: String) throws(TensorError) -> Gradient {
        guard let gradient = self[gradient: name] else { throw unknown(name) }
        return gradient
    }

    /// The tensor called `name`.
    ///
    /// - Throws: ``TensorError/Code/unknownName``; ``TensorError/Code/notDense`` for a row-sparse one.
    public func tensor(named name: String) throws(TensorError) -> AnyTensor {
        guard let tensor = self[name] else { throw unknown(name) }
        try requireDense(name)
        return tensor
    }

    /// As many tensors under the same names, with all elements of those that are row-sparse.
    ///
    /// - Throws: ``TensorError/Code/outOfMemory``.
    public func toDense() throws(TensorError) -> NamedTensors {
        var dense = self
        for name in names {
            if let sparse = rows[name] { dense[name] = try sparse.toDense() }
        }
        return dense
    }

    /// Throws ``TensorError/Code/notDense`` if what is called `name` is row-sparse.
    package func requireDense(_ name: String) throws(TensorError) {
        guard let sparse = rows[name] else { return }
        throw TensorError(
            .notDense,
            "\"\(name)\" is row-sparse, \(sparse), and a tensor of all elements is needed: take toDense() first")
    }

    /// Calls `body` with the tensor called `name`, where it lies: a body that holds the only reference to its storage
    /// writes in place.
    ///
    /// - Throws: ``TensorError/Code/unknownName``, ``TensorError/Code/notDense`` for a row-sparse one, and what `body`
    ///   throws.
    public mutating func update<R>(
        _ name: String, _ body: (inout AnyTensor) throws(TensorError) -> R
    ) throws(TensorError) -> R {
        guard let place = places[name] else { throw unknown(name) }
        try requireDense(name)
        return try body(&tensors[place])
    }

    /// As many tensors under the same names, each made of the one here, which is abstract if it is row-sparse.
    public func mapValues<E>(_ transform: (String, AnyTensor) throws(E) -> AnyTensor) throws(E) -> NamedTensors {
        var mapped = self
        mapped.rows = [:]
        for place in names.indices { mapped.tensors[place] = try transform(names[place], tensors[place]) }
        return mapped
    }

    /// The bytes of all elements; of row-sparse ones, those that are stored.
    public var byteCount: Int { names.reduce(0) { $0 + self[gradient: $1]!.byteCount } }

    private func unknown(_ name: String) -> TensorError {
        let known = names.isEmpty ? "there are none" : "known are \(names.joined(separator: ", "))"
        return TensorError(.unknownName, "no tensor is called \"\(name)\"; \(known)")
    }
}

extension NamedTensors: RandomAccessCollection {
    /// Always 0.
    public var startIndex: Int { 0 }
    /// The number of tensors.
    public var endIndex: Int { names.count }

    /// The name and the tensor at a place of the order; an abstract tensor if it is row-sparse.
    public subscript(place: Int) -> (name: String, tensor: AnyTensor) {
        (names[place], tensors[place])
    }
}

extension NamedTensors: CustomStringConvertible {
    /// Each name with its type, and of row-sparse ones how many rows are stored.
    public var description: String {
        "[" + names.map { "\($0): \(self[gradient: $0]!)" }.joined(separator: ", ") + "]"
    }
}
