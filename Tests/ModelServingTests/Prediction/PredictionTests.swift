import ModelServing
import Telemetry
import Tensor
import Testing

struct PredictionTests {
    private func ints(_ count: Int, rows: Int = 1) throws -> AnyTensor {
        try AnyTensor(Array(repeating: Int32(1), count: rows * count), shape: Shape([rows, count]))
    }

    private func message(
        _ registry: ModelRegistry, _ request: PredictRequest, _ code: ServingError.Code = .invalidInput
    ) -> String {
        let error = #expect(throws: ServingError.self) { try registry.predict(request) }
        #expect(error?.code == code)
        return error?.message ?? ""
    }

    @Test("a prediction is the model's own output, for every batch", arguments: [1, 2, 3, 17, 64])
    func prediction(batch: Int) throws {
        let registry = ModelRegistry()
        try registry.loadSmall(version: 3)
        let examples = try SmallClassifier.examples(batch)
        let answer = try registry.predict(
            PredictRequest(model: "small", inputs: NamedTensors([("features", examples)])))
        #expect(answer.model == "small")
        #expect(answer.version == 3)
        let logits = try answer.outputs.tensor(named: "logits")
        #expect(logits.shape == [batch, 3])
        #expect(try logits.scalars() == SmallClassifier().output(of: examples, seed: 3))
    }

    @Test("the outputs that are asked for come in the order in which they are asked for")
    func outputs() throws {
        let registry = ModelRegistry()
        try registry.addSimple()
        let inputs = try NamedTensors([("INPUT0", ints(16)), ("INPUT1", ints(16))])
        func names(_ outputs: [String]) throws -> [String] {
            try registry.predict(PredictRequest(model: "simple", inputs: inputs, outputs: outputs)).outputs.names
        }
        #expect(try names([]) == ["OUTPUT0", "OUTPUT1"])
        #expect(try names(["OUTPUT1"]) == ["OUTPUT1"])
        #expect(try names(["OUTPUT1", "OUTPUT0"]) == ["OUTPUT1", "OUTPUT0"])
    }

    @Test("a request that does not fit the model is refused with Triton's words")
    func refusals() throws {
        let registry = ModelRegistry()
        try registry.addSimple()
        let one = try ints(16)
        func refusal(_ inputs: [(String, AnyTensor)], _ outputs: [String] = []) throws -> String {
            try message(registry, PredictRequest(model: "simple", inputs: NamedTensors(inputs), outputs: outputs))
        }
        #expect(
            try refusal([])
                == "expected 2 inputs but got 0 inputs for model 'simple'. Got input(s) [], but missing required input(s) "
                + "['INPUT0','INPUT1']")
        #expect(
            try refusal([("INPUT1", one)])
                == "expected 2 inputs but got 1 inputs for model 'simple'. Got input(s) ['INPUT1'], but missing required "
                + "input(s) ['INPUT0']")
        #expect(
            try refusal([("INPUT0", one), ("INPUT1", one), ("X", one)])
                == "unexpected inference input 'X' for model 'simple'")
        #expect(
            try refusal([("INPUT0", .zeros([1, 16])), ("INPUT1", one)])
                == "inference input 'INPUT0' data-type is 'FP32', but model 'simple' expects 'INT32'")
        #expect(
            try refusal([("INPUT0", ints(15)), ("INPUT1", one)])
                == "unexpected shape for input 'INPUT0' for model 'simple'. Expected [-1,16], got [1,15]")
        #expect(
            try refusal([("INPUT0", .zeros([16], dtype: .int32)), ("INPUT1", one)])
                == "unexpected shape for input 'INPUT0' for model 'simple'. Expected [-1,16], got [16]")
        #expect(
            try refusal([("INPUT0", ints(16, rows: 2)), ("INPUT1", one)])
                == "input 'INPUT1' has a batch of 1, but input 'INPUT0' one of 2")
        #expect(
            try refusal([("INPUT0", .zeros([0, 16], dtype: .int32)), ("INPUT1", one)])
                == "unexpected shape for input 'INPUT0' for model 'simple'. Expected [-1,16], got [0,16]")
        #expect(
            try refusal([("INPUT0", ints(16, rows: 4_097)), ("INPUT1", one)])
                == "input 'INPUT0' has a batch of 4097, but model 'simple' takes at most 4096")
        #expect(
            try refusal([("INPUT0", one), ("INPUT1", one)], ["OUTPUT2"])
                == "unexpected inference output 'OUTPUT2' for model 'simple'")
        #expect(
            try refusal([("INPUT0", one), ("INPUT1", one)], ["OUTPUT1", "OUTPUT1"])
                == "output 'OUTPUT1' already exists in request")
    }

    @Test("a model that fails, or makes something else than it declares, is an error that does not show why")
    func failures() throws {
        let registry = ModelRegistry()
        try registry.addFragile()
        let negative = try NamedTensors([("x", AnyTensor([-1] as [Float], shape: [1]))])
        #expect(
            message(registry, PredictRequest(model: "fragile", inputs: negative), .modelFailed)
                == "model 'fragile' version 1 failed")

        let signature = ModelSignature(
            inputs: [TensorDeclaration("x", shape: [1])], outputs: [TensorDeclaration("y", shape: [1])])
        let liars: [(String, LoadedModel.Evaluation)] = [
            ("nothing", { _ in NamedTensors() }),
            ("dtype", { _ in try NamedTensors([("y", .zeros([1], dtype: .int32))]) }),
            ("shape", { _ in try NamedTensors([("y", .zeros([2]))]) }),
        ]
        for (name, evaluate) in liars {
            try registry.add(name, version: 1, signature: signature, evaluate: evaluate)
            #expect(
                message(registry, PredictRequest(model: name, inputs: negative), .modelFailed)
                    .hasPrefix("model '\(name)' version 1 made "))
        }
    }

    @Test("predictions are counted by outcome, and their examples and time by model")
    func metrics() throws {
        let metrics = MetricsRegistry()
        let registry = ModelRegistry(metrics: metrics)
        try registry.addFragile()
        try registry.loadSmall()
        for value in [1, 2, -1] as [Float] {
            _ = try? registry.predict(
                PredictRequest(model: "fragile", inputs: NamedTensors([("x", AnyTensor([value], shape: [1]))])))
        }
        _ = try? registry.predict(PredictRequest(model: "fragile", inputs: NamedTensors()))
        _ = try registry.predict(
            PredictRequest(model: "small", inputs: NamedTensors([("features", SmallClassifier.examples(5))])))
        let text = String(decoding: PrometheusText.render(metrics), as: UTF8.self)
        for line in [
            #"inference_requests_total{model="fragile",version="1",outcome="success"} 2"#,
            #"inference_requests_total{model="fragile",version="1",outcome="failure"} 1"#,
            #"inference_requests_total{model="fragile",version="1",outcome="rejected"} 1"#,
            #"inference_examples_total{model="small",version="1"} 5"#,
            #"inference_compute_seconds_count{model="fragile",version="1"} 2"#,
        ] {
            #expect(text.contains(line), "\(line)")
        }
    }
}
