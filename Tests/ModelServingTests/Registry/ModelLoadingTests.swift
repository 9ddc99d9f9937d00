import Foundation
import ModelServing
import NeuralNetwork
import Tensor
import Testing

struct ModelLoadingTests {
    private func load(_ parameters: NamedTensors, as model: SmallClassifier = SmallClassifier()) throws(ServingError) {
        try ModelRegistry().load(
            "small", version: 1, from: .tensors(parameters), as: model, input: SmallClassifier.input, output: "logits")
    }

    private func withFile(_ body: (String) throws -> Void) throws {
        let path = FileManager.default.temporaryDirectory
            .appending(path: "meshwork-serving-\(UUID().uuidString).safetensors").path
        defer { try? FileManager.default.removeItem(atPath: path) }
        try body(path)
    }

    @Test("the signature follows from the model: the output's first axis is the batch if it follows the input's")
    func signature() throws {
        let registry = ModelRegistry()
        try registry.loadSmall()
        let signature = try registry.model("small").signature
        #expect(signature.inputs == [TensorDeclaration("features", shape: [-1, 4])])
        #expect(signature.outputs == [TensorDeclaration("logits", shape: [-1, 3])])

        let model = SmallClassifier()
        try registry.load(
            "fixed", version: 1, from: .tensors(model.parameters()), as: model,
            input: TensorDeclaration("features", shape: [5, 4]), output: "logits")
        #expect(try registry.model("fixed").signature.outputs == [TensorDeclaration("logits", shape: [5, 3])])
    }

    @Test("parameters that are not the model's are refused with the tensor's name")
    func mismatches() throws {
        let good = try SmallClassifier().parameters()
        try load(good)

        var missing = good
        missing["head/bias"] = nil
        var shape = good
        shape["hidden/weight"] = try .zeros([8, 4])
        var dtype = good
        dtype["head/weight"] = try .zeros([8, 3], dtype: .int32)
        var extra = good
        extra["optimizer/step"] = try .zeros([])
        var poisoned = good
        poisoned["head/bias"] = try AnyTensor([0, .nan, 0] as [Float], shape: [3])
        for (parameters, text) in [
            (missing, "tensor 'head/bias' [3], which model 'small' needs, is missing"),
            (shape, "tensor 'hidden/weight' is float32 [8, 4], but model 'small' needs float32 [4, 8]"),
            (dtype, "tensor 'head/weight' is int32 [8, 3], but model 'small' needs float32 [8, 3]"),
            (extra, "tensor 'optimizer/step' is none that model 'small' has"),
            (poisoned, "tensor 'head/bias' is not finite at element 1"),
        ] {
            let error = #expect(throws: ServingError.self) { try load(parameters) }
            #expect(error?.code == .parametersMismatch)
            #expect(error?.message == "the parameters: \(text)")
        }
    }

    @Test("a model that does not take its declared input is refused")
    func wrongInput() throws {
        let model = SmallClassifier()
        for input in [TensorDeclaration("x", shape: [4]), TensorDeclaration("x", dtype: .int32, shape: [-1, 4])] {
            #expect(throws: ServingError.self) {
                try ModelRegistry().load(
                    "small", version: 1, from: .tensors(model.parameters()), as: model, input: input, output: "y")
            }
        }
    }

    @Test("a safetensors file is served, and what becomes of the file afterwards does not matter")
    func file() throws {
        try withFile { path in
            let model = SmallClassifier()
            try Safetensors.write(model.parameters(), to: path)
            let registry = ModelRegistry()
            try registry.load(
                "small", version: 1, from: .safetensors(path), as: model, input: SmallClassifier.input,
                output: "logits")
            // In place, as a careless copy would: the mapping of the file would end here.
            let handle = try FileHandle(forWritingTo: URL(filePath: path))
            try handle.truncate(atOffset: 0)
            try handle.close()
            let examples = try SmallClassifier.examples(3)
            let answer = try registry.predict(
                PredictRequest(model: "small", inputs: NamedTensors([("features", examples)])))
            #expect(try answer.outputs.tensor(named: "logits").scalars() == model.output(of: examples))
        }
    }

    @Test("a file that is missing, cut short or not the model's is refused with its name")
    func badFiles() throws {
        try withFile { path in
            let model = SmallClassifier()
            func load() throws(ServingError) {
                try ModelRegistry().load(
                    "small", version: 1, from: .safetensors(path), as: model, input: SmallClassifier.input,
                    output: "logits")
            }
            #expect(#expect(throws: ServingError.self) { try load() }?.code == .parametersUnreadable)

            try Safetensors.write(SmallClassifier(hidden: 9).parameters(), to: path)
            let other = #expect(throws: ServingError.self) { try load() }
            #expect(other?.code == .parametersMismatch)
            #expect(other?.message.contains("\(path): tensor 'hidden/weight'") == true)

            let handle = try FileHandle(forWritingTo: URL(filePath: path))
            try handle.truncate(atOffset: 100)
            try handle.close()
            let cut = #expect(throws: ServingError.self) { try load() }
            #expect(cut?.code == .parametersUnreadable)
            #expect(cut?.message.contains(path) == true)
        }
    }

    @Test("a model whose output mixes the examples' number into another axis is refused")
    func batchElsewhere() {
        struct Transposed: Model {
            func callAsFunction(_ input: Tensor<Float>, _ p: ParameterScope) throws -> Tensor<Float> {
                input.transposed()
            }
        }
        let error = #expect(throws: ServingError.self) {
            try ModelRegistry().load(
                "t", version: 1, from: .tensors(NamedTensors()), as: Transposed(), input: SmallClassifier.input,
                output: "y")
        }
        #expect(error?.message.contains("only the first axis may follow the batch") == true)
    }
}
