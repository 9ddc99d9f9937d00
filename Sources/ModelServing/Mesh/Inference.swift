public import MeshTransport

/// The mesh service that predicts.
///
/// ```swift
/// let answer = try await client.call(Inference.predict, PredictRequest(model: "digits", inputs: images))
/// let logits = answer.outputs["logits"]
/// ```
public enum Inference: MeshService {
    /// `meshwork.serving.Inference`.
    public static let name: ServiceName = "meshwork.serving.Inference"
    /// Predicts with one model. Asking twice changes nothing, so calls are retried, at any server.
    public static let predict = unary("Predict", PredictRequest.self, PredictResponse.self, retry: .idempotent)
}
