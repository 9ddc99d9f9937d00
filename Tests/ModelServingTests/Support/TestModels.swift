import ModelServing
import NeuralNetwork
import Tensor

/// Four features, three classes.
struct SmallClassifier: Model {
    var hidden = 8

    func callAsFunction(_ input: Tensor<Float>, _ p: ParameterScope) throws -> Tensor<Float> {
        try p["head"].dense(p["hidden"].dense(input, hidden, activation: .relu), 3)
    }

    static let input = TensorDeclaration("features", shape: [-1, 4])

    /// Parameters that depend on `seed` alone.
    func parameters(seed: UInt64 = 7) throws -> NamedTensors {
        try initialize(self, key: RandomKey(seed: seed), example: [1, 4]).initialValues()
    }

    /// Examples that depend on `seed` alone, of shape `[count, 4]`.
    static func examples(_ count: Int, seed: UInt64 = 1) throws -> AnyTensor {
        try Initializer.uniform(low: -1, high: 1).values(key: RandomKey(seed: seed), shape: [count, 4])
    }

    /// What the model itself says of `examples`.
    func output(of examples: AnyTensor, seed: UInt64 = 7) throws -> [Float] {
        try self(Tensor<Float>(examples), ParameterScope(parameters(seed: seed))).scalars
    }
}

extension ModelRegistry {
    /// Loads `small`, whose logits depend on the version.
    func loadSmall(version: Int = 1) throws {
        let model = SmallClassifier()
        try load(
            "small", version: version, from: .tensors(model.parameters(seed: UInt64(version))), as: model,
            input: SmallClassifier.input, output: "logits", maximumBatch: 64)
    }

    /// Adds `simple`, the model of NVIDIA Triton's examples: the sum and the difference of two rows of 16 integers.
    func addSimple() throws {
        let inputs = ["INPUT0", "INPUT1"].map { TensorDeclaration($0, dtype: .int32, shape: [-1, 16]) }
        let outputs = ["OUTPUT0", "OUTPUT1"].map { TensorDeclaration($0, dtype: .int32, shape: [-1, 16]) }
        try add("simple", version: 1, signature: ModelSignature(inputs: inputs, outputs: outputs)) { tensors in
            let first = try tensors.tensor(named: "INPUT0")
            let second = try tensors.tensor(named: "INPUT1")
            return try NamedTensors([("OUTPUT0", first + second), ("OUTPUT1", first - second)])
        }
    }

    /// Adds `echo_bool`, which returns its input.
    func addEcho() throws {
        let signature = ModelSignature(
            inputs: [TensorDeclaration("x", dtype: .bool, shape: [2, 3])],
            outputs: [TensorDeclaration("y", dtype: .bool, shape: [2, 3])])
        try add("echo_bool", version: 1, signature: signature) { tensors in
            try NamedTensors([("y", tensors.tensor(named: "x"))])
        }
    }

    /// Adds `fragile`, which divides 1 by its one number and fails for negative ones.
    func addFragile() throws {
        struct Negative: Error {}
        let signature = ModelSignature(
            inputs: [TensorDeclaration("x", shape: [1])], outputs: [TensorDeclaration("y", shape: [1])])
        try add("fragile", version: 1, signature: signature) { tensors in
            let x = try tensors.tensor(named: "x").scalars(as: Float.self)
            if x[0] < 0 { throw Negative() }
            return try NamedTensors([("y", AnyTensor([1 / x[0]], shape: [1]))])
        }
    }
}
