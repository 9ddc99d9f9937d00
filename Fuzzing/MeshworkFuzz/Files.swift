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

    static func safetensorsSeeds() -> [[UInt8]] {
        let header = Array(#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"__metadata__":{"k":"v"}}"#.utf8)
        let length = (0..<8).map { UInt8(truncatingIfNeeded: header.count >> (8 * $0)) }
        return [length + header + [0, 0, 128, 63, 0, 0, 0, 64]]
    }

    static func inferRequestSeeds() -> [[UInt8]] {
        [
            #"{"id":"1","inputs":[{"name":"x","shape":[1,2],"datatype":"FP32","data":[1.5,-2e3]}]}"#,
            #"{"inputs":[{"name":"x","shape":[2],"datatype":"INT64","data":[[1],[2]]}],"outputs":[{"name":"y"}]}"#,
        ].map { Array($0.utf8) }
    }
}
