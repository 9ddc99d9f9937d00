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
public struct NamedTensors: Sendable {
    /// The names, in order.
    public private(set) var names: [String] = []
    private var tensors: [AnyTensor] = []
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

    /// The tensor called `name`, or nil. Setting one under a new name appends it; setting nil removes it, which moves
    /// those behind it forward.
    public subscript(name: String) -> AnyTensor? {
        get {
            places[name].map { tensors[$0] }
        }
        set {
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

    /// The tensor called `name`.
    ///
    /// - Throws: ``TensorError/Code/unknownName``.
    public func tensor(named name: String) throws(TensorError) -> AnyTensor {
        guard let tensor = self[name] else { throw unknown(name) }
        return tensor
    }

    /// Calls `body` with the tensor called `name`, where it lies: a body that holds the only reference to its storage
    /// writes in place.
    ///
    /// - Throws: ``TensorError/Code/unknownName``, and what `body` throws.
    public mutating func update<R>(
        _ name: String, _ body: (inout AnyTensor) throws(TensorError) -> R
    ) throws(TensorError) -> R {
        guard let place = places[name] else { throw unknown(name) }
        return try body(&tensors[place])
    }

    /// As many tensors under the same names, each made of the one here.
    public func mapValues<E>(_ transform: (String, AnyTensor) throws(E) -> AnyTensor) throws(E) -> NamedTensors {
        var mapped = self
        for place in names.indices { mapped.tensors[place] = try transform(names[place], tensors[place]) }
        return mapped
    }

    /// The bytes of all elements.
    public var byteCount: Int { tensors.reduce(0) { $0 + $1.byteCount } }

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

    /// The name and the tensor at a place of the order.
    public subscript(place: Int) -> (name: String, tensor: AnyTensor) {
        (names[place], tensors[place])
    }
}

extension NamedTensors: CustomStringConvertible {
    /// Each name with its type.
    public var description: String {
        "[" + map { "\($0.name): \($0.tensor.type)" }.joined(separator: ", ") + "]"
    }
}
