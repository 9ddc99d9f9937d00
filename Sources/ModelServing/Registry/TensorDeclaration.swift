public import Tensor

/// A tensor that a model takes or makes.
public struct TensorDeclaration: Sendable, Hashable {
    /// The name in requests and answers.
    public var name: String
    /// The element type.
    public var dtype: DType
    /// The number of elements along each axis. The first may be -1, the batch: the number of examples in a request,
    /// the same for all tensors that have it.
    public var shape: [Int]

    /// Declares a tensor.
    public init(_ name: String, dtype: DType = .float32, shape: [Int]) {
        self.name = name
        self.dtype = dtype
        self.shape = shape
    }

    /// Whether the first axis is the batch.
    public var isBatched: Bool { shape.first == -1 }

    /// The shape for a batch of `count` examples.
    func shape(batch count: Int) throws(TensorError) -> Shape {
        try Shape(isBatched ? [count] + shape.dropFirst() : shape)
    }

    /// Whether a tensor of `found` is one of these.
    func accepts(_ found: some Collection<Int>) -> Bool {
        guard found.count == shape.count else { return false }
        return zip(shape, found).enumerated().allSatisfy { axis, lengths in
            axis == 0 && isBatched ? lengths.1 >= 1 : lengths.0 == lengths.1
        }
    }
}

/// What a model takes and what it makes.
public struct ModelSignature: Sendable, Hashable {
    /// The tensors of a request, all of which are needed.
    public var inputs: [TensorDeclaration]
    /// The tensors of an answer.
    public var outputs: [TensorDeclaration]
    /// The most examples in one request. Default 4,096: what a model makes on the way is often much larger than its
    /// input, and a request must not decide how much memory the server needs.
    public var maximumBatch = 4_096

    /// Declares a model's tensors.
    public init(inputs: [TensorDeclaration], outputs: [TensorDeclaration], maximumBatch: Int = 4_096) {
        self.inputs = inputs
        self.outputs = outputs
        self.maximumBatch = maximumBatch
    }

    /// The longest name of a tensor in bytes.
    static let longestName = 256
    /// The most inputs, and the most outputs.
    static let mostTensors = 64

    /// Throws ``ServingError/Code/invalidDeclaration`` that names every problem.
    func validate() throws(ServingError) {
        var problems: [String] = []
        if maximumBatch < 1 { problems.append("maximumBatch must be at least 1, is \(maximumBatch)") }
        for (role, tensors) in [("input", inputs), ("output", outputs)] {
            if tensors.isEmpty || tensors.count > Self.mostTensors {
                problems.append("expected 1 to \(Self.mostTensors) \(role)s, found \(tensors.count)")
            }
            var names: Set<String> = []
            for tensor in tensors {
                let place = "\(role) '\(tensor.name)'"
                if tensor.name.isEmpty || tensor.name.utf8.count > Self.longestName {
                    problems.append("\(place): a name has 1 to \(Self.longestName) bytes")
                }
                if !names.insert(tensor.name).inserted { problems.append("\(place) is declared twice") }
                if tensor.shape.dropFirst(tensor.isBatched ? 1 : 0).contains(where: { $0 < 1 }) {
                    problems.append("\(place): in \(tensor.shape) an axis is neither positive nor a leading -1")
                } else {
                    do throws(TensorError) {
                        _ = try tensor.shape(batch: max(1, maximumBatch))
                    } catch {
                        problems.append("\(place): \(error.message)")
                    }
                }
            }
        }
        guard problems.isEmpty else { throw ServingError(.invalidDeclaration, problems.joined(separator: "; ")) }
    }
}
