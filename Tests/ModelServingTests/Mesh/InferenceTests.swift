import MeshTransport
import MeshWire
import ModelServing
import Tensor
import Testing

/// Predictions over a real mesh: mutual TLS on loopback.
@Suite(.timeLimit(.minutes(5))) struct InferenceTests {
    private func request(_ examples: AnyTensor) throws -> PredictRequest {
        try PredictRequest(model: "small", inputs: NamedTensors([("features", examples)]))
    }

    @Test("a prediction over the mesh is the model's own output")
    func prediction() async throws {
        try await ServingMesh.running { serving in
            try serving.registry.loadSmall(version: 1)
            try serving.registry.loadSmall(version: 2)
            try await serving.client { client in
                let examples = try SmallClassifier.examples(5)
                var request = try request(examples)
                for (asked, version) in [(nil, 2), (1, 1), (2, 2)] as [(Int?, Int)] {
                    request.version = asked
                    let answer = try await client.call(Inference.predict, request)
                    #expect(answer.model == "small")
                    #expect(answer.version == version)
                    let logits: [Float] = try answer.outputs.tensor(named: "logits").scalars()
                    #expect(try logits == SmallClassifier().output(of: examples, seed: UInt64(version)))
                }
            }
        }
    }

    @Test("calls side by side are each answered with their own prediction")
    func concurrent() async throws {
        try await ServingMesh.running { serving in
            try serving.registry.loadSmall(version: 7)
            try await serving.client { client in
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for seed in 0..<64 {
                        group.addTask {
                            let examples = try SmallClassifier.examples(1 + seed % 5, seed: UInt64(seed))
                            let answer = try await client.call(Inference.predict, self.request(examples))
                            let logits: [Float] = try answer.outputs.tensor(named: "logits").scalars()
                            #expect(try logits == SmallClassifier().output(of: examples))
                        }
                    }
                    try await group.waitForAll()
                }
            }
        }
    }

    @Test("NaN and infinity, which JSON does not have, travel over the mesh")
    func nonFinite() async throws {
        try await ServingMesh.running { serving in
            try serving.registry.addFragile()
            try await serving.client { client in
                for (value, expected) in [(Float(0), Float.infinity), (.nan, .nan)] {
                    let answer = try await client.call(
                        Inference.predict,
                        PredictRequest(
                            model: "fragile", inputs: NamedTensors([("x", AnyTensor([value], shape: [1]))])))
                    let result = try answer.outputs.tensor(named: "y").scalars(as: Float.self)
                    #expect(result == [expected] || (result[0].isNaN && expected.isNaN))
                }
            }
        }
    }

    @Test("what is wrong with a request is told with a status and the reason")
    func refusals() async throws {
        try await ServingMesh.running { serving in
            try serving.registry.loadSmall()
            try serving.registry.addFragile()
            try await serving.client { client in
                let one = try AnyTensor([-1] as [Float], shape: [1])
                let cases: [(PredictRequest, CallStatus, String)] = [
                    (
                        PredictRequest(model: "other", inputs: NamedTensors()), .notFound,
                        "Request for unknown model: 'other' is not found"
                    ),
                    (
                        try request(.zeros([2, 5])), .invalidArgument,
                        "unexpected shape for input 'features' for model 'small'. Expected [-1,4], got [2,5]"
                    ),
                    (
                        PredictRequest(model: "fragile", inputs: try NamedTensors([("x", one)])), .internalError,
                        "model 'fragile' version 1 failed"
                    ),
                ]
                for (request, status, message) in cases {
                    let error = await #expect(throws: MeshError.self) {
                        try await client.call(Inference.predict, request)
                    }
                    #expect(error?.status == status)
                    #expect(error?.message.contains(message) == true, "\(error?.message ?? "")")
                }
                // And the connection goes on.
                _ = try await client.call(Inference.predict, request(SmallClassifier.examples(1)))
            }
        }
    }

    @Test("an identity that the policy does not name may not predict")
    func denied() async throws {
        try await ServingMesh.running { serving in
            try serving.registry.loadSmall()
            try await serving.client(as: "/stranger") { client in
                let error = await #expect(throws: MeshError.self) {
                    try await client.call(Inference.predict, request(SmallClassifier.examples(1)))
                }
                #expect(error?.status == .permissionDenied)
            }
        }
    }
}
