import Identity
import MeshTransport
import MeshWire
import ModelServing
import ParameterServer
import ProcessKit
import Tensor

extension LauncherMesh {
    /// Writes the parameters that the servers hold as a safetensors file.
    func writeModel(to path: String) async throws {
        try Safetensors.write(try await reader.pull(), metadata: ["model": "784-512-256-10, ReLU"], to: path)
    }

    /// Asks the model server what each digit shows, one at a time.
    func predict(_ digits: HeldOutDigits, at modelServer: MeshProcess) async throws -> [PredictedDigit] {
        let endpoint = try modelServer.endpoint("mesh")
        let client = mesh.client(
            Destination(
                host: endpoint.host, port: endpoint.port,
                identities: [.exact(try SPIFFEID(parsing: modelServer.spiffeID))]))
        defer { client.close() }
        // The connection is made before the first call is timed.
        _ = try await client.connection()
        let clock = ContinuousClock()
        var answers: [PredictedDigit] = []
        for index in digits.labels.indices {
            let request = PredictRequest(
                model: "digits", inputs: try NamedTensors([("image", digits.image(index).core)]))
            let start = clock.now
            let answer = try await client.call(Inference.predict, request)
            let time = start.duration(to: clock.now)
            let logits = try Tensor<Float>(answer.outputs.tensor(named: "logits"))
            guard let digit = logits.scalars.indices.max(by: { logits.scalars[$0] < logits.scalars[$1] }) else {
                throw LaunchError("the model server answered without logits")
            }
            answers.append(PredictedDigit(digit: digit, microseconds: time / .microseconds(1)))
        }
        return answers
    }
}
