import Tensor

@testable import ModelServing

/// What comes as a file or as a request's text.
enum Files {
    static func safetensors(_ bytes: [UInt8]) {
        _ = try? Safetensors.decode(bytes, source: "fuzzer")
    }

    static func inferRequest(_ bytes: [UInt8]) {
        _ = try? InferRequest(parsing: bytes)
    }
}
