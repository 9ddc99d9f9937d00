import Identity
import ModelServing
import ProcessKit

extension Policies {
    /// The model server's.
    func modelServer() throws -> AuthorizationPolicy {
        try AuthorizationPolicy(rules: [
            .init(
                "predictions", methods: ["\(Inference.name)/Predict", "/v2", "/v2/*", "/metrics"],
                identities: [identities.launcher, identities.operator])
        ])
    }
}
