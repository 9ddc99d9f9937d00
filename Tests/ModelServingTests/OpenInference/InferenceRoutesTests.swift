import Foundation
import MeshHTTP
import ModelServing
import NIOHTTP1
import Tensor
import Testing

/// The Open Inference Protocol over real connections: mutual TLS on loopback.
@Suite(.timeLimit(.minutes(5))) struct InferenceRoutesTests {
    /// The first row of Triton's example: 0…15 and sixteen ones.
    private static let simple = """
        {"id":"42","parameters":{"any":[1,{}]},"inputs":[
        {"name":"INPUT0","shape":[1,16],"datatype":"INT32","data":[0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15]},
        {"data":[[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1]],"parameters":{"x":1},"datatype":"INT32","shape":[1,16],"name":"INPUT1"}]
        """

    private func prediction(_ body: String) throws -> [String: [Float]] {
        struct Answer: Decodable {
            struct Output: Decodable {
                var name: String
                var datatype: String
                var shape: [Int]
                var data: [Float]
            }
            var outputs: [Output]
        }
        let answer = try JSONDecoder().decode(Answer.self, from: Data(body.utf8))
        return Dictionary(uniqueKeysWithValues: answer.outputs.map { ($0.name, $0.data) })
    }

    @Test("server, health and model routes answer as the protocol says")
    func metadata() async throws {
        try await ServingMesh.running { serving in
            try await serving.http { client in
                func get(_ path: String) async throws -> (Int, String) {
                    let response = try await client.send(.GET, path)
                    #expect(response.headers["content-type"] == "application/json")
                    return (response.status, response.body)
                }
                #expect(try await get("/v2") == (200, #"{"name":"meshwork","version":"0.1.0","extensions":[]}"#))
                #expect(try await get("/v2/health/live") == (200, #"{"live":true}"#))
                #expect(try await get("/v2/health/ready") == (503, #"{"ready":false}"#))
                try serving.registry.loadSmall(version: 3)
                try serving.registry.loadSmall(version: 12)
                try serving.registry.addEcho()
                #expect(try await get("/v2/health/ready") == (200, #"{"ready":true}"#))
                let tensors =
                    #""platform":"meshwork","inputs":[{"name":"features","datatype":"FP32","shape":[-1,4]}],"#
                    + #""outputs":[{"name":"logits","datatype":"FP32","shape":[-1,3]}]}"#
                #expect(
                    try await get("/v2/models/small") == (200, #"{"name":"small","versions":["3","12"],"# + tensors))
                #expect(
                    try await get("/v2/models/small/versions/3") == (
                        200, #"{"name":"small","versions":["3"],"# + tensors
                    ))
                #expect(try await get("/v2/models/small/ready") == (200, #"{"name":"small","ready":true}"#))
                #expect(try await get("/v2/models/small/versions/3/ready").0 == 200)
                let unknown = #"{"error":"Request for unknown model: 'foo' is not found"}"#
                #expect(try await get("/v2/models/foo") == (404, unknown))
                #expect(try await get("/v2/models/foo/ready") == (404, unknown))
                #expect(
                    try await get("/v2/models/small/versions/7")
                        == (404, #"{"error":"Request for unknown model: 'small' version 7 is not found"}"#))
                #expect(try await get("/v2/models/small/versions/x") == (404, #"{"error":"Not Found"}"#))
                #expect(try await get("/v2/nothing") == (404, #"{"error":"Not Found"}"#))
                #expect(try await get("/v2/models/small/infer") == (405, #"{"error":"Method Not Allowed"}"#))
            }
        }
    }

    @Test("Triton's example is answered as Triton answers it: id echoed, flat data, members in any order")
    func example() async throws {
        try await ServingMesh.running { serving in
            try serving.registry.addSimple()
            try await serving.http { client in
                let all = try await client.send(.POST, "/v2/models/simple/infer", body: Self.simple + "}")
                #expect(all.status == 200)
                #expect(
                    all.body == #"{"id":"42","model_name":"simple","model_version":"1","outputs":["#
                        + #"{"name":"OUTPUT0","datatype":"INT32","shape":[1,16],"data":[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16]},"#
                        + #"{"name":"OUTPUT1","datatype":"INT32","shape":[1,16],"data":[-1,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14]}]}"#
                )
                let one = try await client.send(
                    .POST, "/v2/models/simple/versions/1/infer",
                    body: Self.simple + #","outputs":[{"name":"OUTPUT1","parameters":{"binary_data":true}}]}"#)
                #expect(try prediction(one.body).keys.sorted() == ["OUTPUT1"])
            }
        }
    }

    @Test("floats are predicted from as the model itself does, flat or nested", arguments: [false, true])
    func floats(isNested: Bool) async throws {
        try await ServingMesh.running { serving in
            try serving.registry.loadSmall(version: 7)
            try await serving.http { client in
                let examples = try SmallClassifier.examples(3)
                let values: [Float] = try examples.scalars()
                let rows = stride(from: 0, to: 12, by: 4).map { Array(values[$0..<$0 + 4]) }
                let data = isNested ? "\(rows)" : "\(values)"
                let response = try await client.send(
                    .POST, "/v2/models/small/infer",
                    body: #"{"inputs":[{"name":"features","shape":[3,4],"datatype":"FP32","data":\#(data)}]}"#)
                #expect(response.status == 200)
                #expect(!response.body.contains(#""id""#))
                #expect(try prediction(response.body)["logits"] == SmallClassifier().output(of: examples))
            }
        }
    }

    @Test("booleans are true and false")
    func bools() async throws {
        try await ServingMesh.running { serving in
            try serving.registry.addEcho()
            try await serving.http { client in
                let response = try await client.send(
                    .POST, "/v2/models/echo_bool/infer",
                    body:
                        #"{"inputs":[{"name":"x","shape":[2,3],"datatype":"BOOL","data":[[true,false,true],[false,false,true]]}]}"#
                )
                #expect(response.body.contains(#""data":[true,false,true,false,false,true]"#))
            }
        }
    }

    private static func features(_ members: String) -> String { #"{"inputs":[{"name":"features",\#(members)}]}"# }

    @Test(
        "a request that is wrong is answered 400 with the reason",
        arguments: [
            ("xx", "failed to parse the request JSON: expected an object at byte 0"),
            ("", "failed to parse the request JSON: expected an object at byte 0"),
            ("{}", "Unable to parse 'inputs'"),
            (#"{"inputs":[]} x"#, "something follows the value"),
            (#"{"id":7,"inputs":[]}"#, "failed to parse the request JSON"),
            (#"{"inputs":[]}"#, "expected 1 inputs but got 0 inputs for model 'small'"),
            (#"{"inputs":[{"shape":[1]}]}"#, "an input without a name"),
            (features(#""shape":[1,4]"#), "input 'features' lacks datatype, shape or data"),
            (features(#""shape":[1,4],"datatype":"FP32","parameters":7,"data":[1,2,3,4]"#), "expected an object"),
            (
                features(#""shape":[1,4],"datatype":"FP64","data":[1,2,3,4]"#),
                "data-type is 'FP64', but model 'small' expects 'FP32'"
            ),
            (features(#""shape":[1,5],"datatype":"FP32","data":[1,2,3,4,5]"#), "Expected [-1,4], got [1,5]"),
            (features(#""shape":[-1,4],"datatype":"FP32","data":[]"#), "Expected [-1,4], got [-1,4]"),
            (features(#""shape":[1,4.0],"datatype":"FP32","data":[]"#), "expected a whole number"),
            (features(#""shape":[65,4],"datatype":"FP32","data":[]"#), "takes at most 64"),
            (features(#""shape":[9223372036854775807,4],"datatype":"FP32","data":[]"#), "takes at most 64"),
            (features(#""shape":[1,1,1,1,1,1,1,1,1],"datatype":"FP32","data":[]"#), "at most 8 axes"),
            (
                features(#""shape":[1,4],"datatype":"FP32","data":[1,2,3]"#),
                "Shape does not match true shape of 'data' field: 3 elements, not 4"
            ),
            (features(#""shape":[1,4],"datatype":"FP32","data":[1,2,3,4,5]"#), "5 elements, not 4"),
            (features(#""shape":[1,4],"datatype":"FP32","data":7"#), "an array is missing"),
            (features(#""shape":[2,4],"datatype":"FP32","data":[[1,2,3,4],[5,6,7]]"#), "axis 1 has 3 elements, not 4"),
            (features(#""shape":[2,4],"datatype":"FP32","data":[[1,2,3,4]]"#), "axis 0 has 1 elements, not 2"),
            (features(#""shape":[1,4],"datatype":"FP32","data":[[[1],2,3,4]]"#), "no FP32 value"),
            (features(#""shape":[1,4],"datatype":"FP32","data":[1,2,3,"4"]"#), "no FP32 value"),
            (features(#""shape":[1,4],"datatype":"FP32","data":[1,2,3,null]"#), "no FP32 value"),
            (features(#""shape":[1,4],"datatype":"FP32","data":[1,2,3,1e39]"#), "no FP32 value"),
            (features(#""shape":[1,4],"datatype":"FP32","data":[1,2,3,NaN]"#), "failed to parse the request JSON"),
            (
                features(#""shape":[1,4],"datatype":"FP32","data":[1,2,3,4],"shape":[1,4]"#),
                "\\\"shape\\\" appears twice"
            ),
            (
                #"{"inputs":[{"name":"x","shape":[1,4],"datatype":"FP32","data":[1,2,3,4]}]}"#,
                "unexpected inference input 'x' for model 'small'"
            ),
            (
                #"{"outputs":[{"name":"x"}],"inputs":[{"name":"features","shape":[1,4],"datatype":"FP32","data":[1,2,3,4]}]}"#,
                "unexpected inference output 'x' for model 'small'"
            ),
        ])
    func refusals(body: String, text: String) async throws {
        try await ServingMesh.running { serving in
            try serving.registry.loadSmall()
            try await serving.http { client in
                let response = try await client.send(.POST, "/v2/models/small/infer", body: body)
                #expect(response.status == 400)
                #expect(response.headers["content-type"] == "application/json")
                #expect(response.body.hasPrefix(#"{"error":""#))
                #expect(response.body.contains(text), "\(response.body)")
            }
        }
    }

    @Test("whole numbers are read as such, and only if they fit")
    func integers() async throws {
        try await ServingMesh.running { serving in
            try serving.registry.addSimple()
            try await serving.http { client in
                for bad in ["1.0", "1e0", "2147483648", "-2147483649", "true"] {
                    let body = Self.simple.replacing("[0,1,", with: "[\(bad),1,") + "}"
                    let response = try await client.send(.POST, "/v2/models/simple/infer", body: body)
                    #expect(response.status == 400)
                    #expect(response.body.contains("no INT32 value"))
                }
                let body = Self.simple.replacing("[0,1,", with: "[-2147483648,2147483646,") + "}"
                let response = try await client.send(.POST, "/v2/models/simple/infer", body: body)
                #expect(response.body.contains(#""data":[-2147483647,2147483647,"#))
            }
        }
    }

    @Test("what goes wrong beside the body has the status that fits")
    func otherErrors() async throws {
        var http = HTTPConfiguration()
        http.requestBodyBytes = 2_000
        try await ServingMesh.running(http: http) { serving in
            try serving.registry.loadSmall()
            try serving.registry.addFragile()
            try await serving.http { client in
                let body = #"{"inputs":[{"name":"x","shape":[1],"datatype":"FP32","data":[DATA]}]}"#
                let zero = body.replacing("DATA", with: "0")
                let path = "/v2/models/fragile/infer"
                let binary = [("Inference-Header-Content-Length", "10")]
                let cases: [(path: String, headers: [(String, String)], body: String, status: Int, text: String)] = [
                    (path, [], zero, 500, "element 0 of output 'y' is NaN or infinite, which JSON cannot carry"),
                    (path, [], body.replacing("DATA", with: "-1"), 500, "model 'fragile' version 1 failed"),
                    ("/v2/models/foo/infer", [], zero, 404, "Request for unknown model: 'foo' is not found"),
                    ("/v2/models/small/versions/9/infer", [], zero, 404, "'small' version 9 is not found"),
                    (path, binary, zero, 400, "binary tensor data is not supported"),
                    (path, [("Content-Encoding", "gzip")], zero, 415, "must not be compressed"),
                    (path, [], String(repeating: " ", count: 2_001), 413, "the limit of 2000 bytes"),
                    ("/v2/models/small", [], zero, 405, "Method Not Allowed"),
                    (path, [], body.replacing("DATA", with: "4"), 200, #""data":[0.25]"#),
                ]
                for (path, headers, body, status, text) in cases {
                    let response = try await client.send(.POST, path, headers: headers, body: body)
                    #expect(response.status == status)
                    #expect(response.body.contains(text), "\(response.body)")
                }
            }
        }
    }

    @Test("an identity that the policy does not name is answered 403")
    func denied() async throws {
        try await ServingMesh.running { serving in
            try serving.registry.loadSmall()
            try await serving.http(as: "/stranger") { client in
                for (method, path) in [(HTTPMethod.GET, "/v2"), (.POST, "/v2/models/small/infer"), (.GET, "/metrics")] {
                    let response = try await client.send(method, path)
                    #expect(response.status == 403)
                    #expect(response.body == #"{"error":"not allowed for this caller"}"#)
                }
            }
        }
    }

    @Test("predictions side by side are each answered with their own, and /metrics counts them by model and route")
    func concurrent() async throws {
        try await ServingMesh.running { serving in
            try serving.registry.loadSmall(version: 7)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for connection in 0..<6 {
                    group.addTask {
                        try await serving.http { client in
                            for request in 0..<5 {
                                let examples = try SmallClassifier.examples(1, seed: UInt64(connection * 100 + request))
                                let values: [Float] = try examples.scalars()
                                let response = try await client.send(
                                    .POST, "/v2/models/small/infer",
                                    body:
                                        #"{"id":"\#(connection)/\#(request)","inputs":[{"name":"features","shape":[1,4],"#
                                        + #""datatype":"FP32","data":\#(values)}]}"#)
                                #expect(response.body.hasPrefix(#"{"id":"\#(connection)/\#(request)""#))
                                let logits = try self.prediction(response.body)["logits"]
                                #expect(try logits == SmallClassifier().output(of: examples))
                            }
                        }
                    }
                }
                try await group.waitForAll()
            }
            try await serving.http { client in
                let metrics = try await client.send(.GET, "/metrics").body
                #expect(
                    metrics.contains(#"inference_requests_total{model="small",version="7",outcome="success"} 30"#))
                #expect(metrics.contains(#"method="/v2/models/{model}/infer""#))
            }
        }
    }
}
