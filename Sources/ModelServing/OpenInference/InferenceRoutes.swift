import HTTPTypes
public import Hummingbird
public import MeshHTTP
import MeshWire
import NIOCore
import Telemetry
import Tensor

extension RouterMethods where Context == MeshRequestContext {
    /// Adds the routes of the Open Inference Protocol, version 2, with tensors as JSON.
    ///
    /// | route | answer |
    /// |---|---|
    /// | `GET /v2` | who serves |
    /// | `GET /v2/health/live` | `{"live":true}` |
    /// | `GET /v2/health/ready` | `{"ready":true}`; 503 and false while no model is loaded |
    /// | `GET /v2/models/{model}` | the model's versions, inputs and outputs |
    /// | `GET /v2/models/{model}/ready` | `{"name":…,"ready":true}` |
    /// | `POST /v2/models/{model}/infer` | a prediction |
    ///
    /// The last three exist for one version too: `/v2/models/{model}/versions/{version}…`. Without a version the highest
    /// is meant. Errors are `{"error":…}` with status 400 for a request that is wrong, 404 for what does not exist, 405,
    /// 413, 415 and 500.
    ///
    /// The protocol leaves open what becomes of numbers that JSON does not have. Here a request cannot carry NaN or
    /// infinity (400), and an answer that would have to is an error (500) that names the output and the element; over
    /// the mesh, ``Inference`` carries every value.
    public func addInference(_ server: ModelServer) {
        let routes = InferenceRoutes(server: server)
        answerOnly("/v2", .get) { _, _ in routes.serverMetadata() }
        answerOnly("/v2/health/live", .get) { _, _ in routes.liveness() }
        answerOnly("/v2/health/ready", .get) { _, _ in routes.readiness() }
        for model in ["/v2/models/:model", "/v2/models/:model/versions/:version"] {
            answerOnly(RouterPath(model), .get) { _, context in try routes.metadata(context) }
            answerOnly(RouterPath(model + "/ready"), .get) { _, context in try routes.modelReadiness(context) }
            answerOnly(RouterPath(model + "/infer"), .post) { request, context in
                try await routes.infer(request, context)
            }
        }
    }
}

/// Answers the protocol's requests from a server's models.
struct InferenceRoutes: Sendable {
    let server: ModelServer

    /// What `GET /v2` calls the server.
    static let serverName = "meshwork"
    /// The package's version.
    static let serverVersion = "0.1.0"

    func serverMetadata() -> Response {
        answer { json in
            json.member("name") { $0.string(Self.serverName) }
            json.member("version") { $0.string(Self.serverVersion) }
            json.member("extensions") { $0.array { _ in } }
        }
    }

    func liveness() -> Response {
        answer { $0.member("live") { $0.bool(true) } }
    }

    func readiness() -> Response {
        let isReady = !server.registry.names.isEmpty
        return answer(isReady ? .ok : .serviceUnavailable) { $0.member("ready") { $0.bool(isReady) } }
    }

    func metadata(_ context: MeshRequestContext) throws -> Response {
        let (name, version) = try target(of: context)
        let model = try found(name, version)
        let versions = version.map { [$0] } ?? server.registry.versions(of: name)
        func write(_ tensors: [TensorDeclaration], to json: inout JSONWriter) {
            json.array { json in
                for tensor in tensors {
                    json.object { json in
                        json.member("name") { $0.string(tensor.name) }
                        json.member("datatype") { $0.string(tensor.dtype.openInferenceName) }
                        json.member("shape") { json in json.array { json in tensor.shape.forEach { json.integer($0) } }
                        }
                    }
                }
            }
        }
        return answer { json in
            json.member("name") { $0.string(name) }
            json.member("versions") { json in json.array { json in versions.forEach { json.string(String($0)) } } }
            json.member("platform") { $0.string(Self.serverName) }
            json.member("inputs") { write(model.signature.inputs, to: &$0) }
            json.member("outputs") { write(model.signature.outputs, to: &$0) }
        }
    }

    func modelReadiness(_ context: MeshRequestContext) throws -> Response {
        let (name, version) = try target(of: context)
        _ = try found(name, version)
        return answer { json in
            json.member("name") { $0.string(name) }
            json.member("ready") { $0.bool(true) }
        }
    }

    func infer(_ request: Request, _ context: MeshRequestContext) async throws -> Response {
        let (name, version) = try target(of: context)
        let model = try found(name, version)
        guard request.headers[.binaryHeaderLength] == nil else {
            throw HTTPError(.badRequest, message: "binary tensor data is not supported: send the tensors as JSON")
        }
        guard ["", "identity"].contains(request.headers[.contentEncoding]?.lowercased() ?? "") else {
            throw HTTPError(.unsupportedMediaType, message: "the body must not be compressed")
        }
        let body = try await request.body.collect(upTo: context.maxUploadSize)
        let bytes = Array(body.readableBytesView)
        do {
            // Reading and writing JSON takes longer than a small model does: all of it leaves the task pool.
            let answer = try await withTaskExecutorPreference(server.runtime.computeExecutor) {
                try await predict(with: model, bytes)
            }
            return respond(.ok, answer)
        } catch let error as ServingError {
            if error.code == .modelFailed { ModelServer.log(error, server.logger) }
            throw error.overHTTP
        }
    }

    @concurrent private func predict(
        with model: LoadedModel, _ body: [UInt8]
    ) async throws(ServingError) -> [UInt8] {
        let request: InferRequest
        let inputs: NamedTensors
        do throws(ServingError) {
            request = try InferRequest(parsing: body)
            inputs = try request.tensors(for: model)
        } catch {
            model.metrics.rejected.increment()
            throw error
        }
        let outputs = try server.registry.predict(with: model, inputs, outputs: request.outputs)
        return try InferResponse(id: request.id, model: model, outputs: outputs).json()
    }

    /// The model and version that a path names.
    private func target(of context: MeshRequestContext) throws -> (name: String, version: Int?) {
        let name = context.parameters.get("model") ?? ""
        guard let text = context.parameters.get("version") else { return (name, nil) }
        guard text.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }), let version = Int(text)
        else { throw HTTPError(.notFound, message: "Not Found") }
        return (name, version)
    }

    private func found(_ name: String, _ version: Int?) throws -> LoadedModel {
        do throws(ServingError) {
            return try server.registry.model(name, version: version)
        } catch {
            throw error.overHTTP
        }
    }

    private func answer(
        _ status: HTTPResponse.Status = .ok, _ members: (inout JSONWriter) -> Void
    ) -> Response {
        var json = JSONWriter()
        json.object(members)
        return respond(status, json.bytes)
    }

    private func respond(_ status: HTTPResponse.Status, _ json: [UInt8]) -> Response {
        Response(
            status: status, headers: [.contentType: JSONWriter.contentType],
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: json)))
    }
}

extension ServingError {
    /// The answer over HTTP.
    var overHTTP: HTTPError {
        let status: HTTPResponse.Status =
            switch code {
            case .unknownModel: .notFound
            case .malformedRequest, .invalidInput: .badRequest
            default: .internalServerError
            }
        return HTTPError(status, message: message)
    }
}

extension HTTPField.Name {
    /// Says where the JSON of a request with binary tensor data ends.
    fileprivate static let binaryHeaderLength = HTTPField.Name("Inference-Header-Content-Length")!
}
