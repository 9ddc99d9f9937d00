import Foundation
import MeshGRPC
import MeshTransport

/// gRPC's interoperability service, as its specification describes it.
struct TestService: Grpc_Testing_TestService.Handler {
    /// A case's own key, whose values come back before and after the responses.
    static let initialKey = "x-grpc-test-echo-initial"
    static let trailingKey = "x-grpc-test-echo-trailing-bin"

    /// Whether the mesh compresses its responses.
    var isCompressing = false

    func emptyCall(_ request: Grpc_Testing_Empty, _ call: CallContext) async throws -> Grpc_Testing_Empty { request }

    func unaryCall(
        _ request: Grpc_Testing_SimpleRequest, _ call: CallContext
    ) async throws -> Grpc_Testing_SimpleResponse {
        // A handler has no part in compression: better no answer than one that means nothing.
        if request.hasExpectCompressed {
            throw CallFailure(.unimplemented, "a handler cannot see whether its request was compressed")
        }
        if request.hasResponseCompressed, request.responseCompressed.value != isCompressing {
            throw CallFailure(.unimplemented, "a handler cannot choose whether its response is compressed")
        }
        if request.hasResponseStatus { try request.responseStatus.fail() }
        var response = Grpc_Testing_SimpleResponse()
        response.payload.body = Data(count: Int(request.responseSize))
        return response
    }

    func cacheableUnaryCall(
        _ request: Grpc_Testing_SimpleRequest, _ call: CallContext
    ) async throws -> Grpc_Testing_SimpleResponse {
        try await unaryCall(request, call)
    }

    func streamingOutputCall(
        _ request: Grpc_Testing_StreamingOutputCallRequest,
        _ responses: ResponseSender<Grpc_Testing_StreamingOutputCallResponse>, _ call: CallContext
    ) async throws {
        for parameters in request.responseParameters {
            if parameters.intervalUs > 0 {
                try await SystemRuntime.shared.sleep(for: .microseconds(Int64(parameters.intervalUs)))
            }
            var response = Grpc_Testing_StreamingOutputCallResponse()
            response.payload.body = Data(count: Int(parameters.size))
            try await responses.send(response)
        }
        if request.hasResponseStatus { try request.responseStatus.fail() }
    }

    func streamingInputCall(
        _ requests: RequestStream<Grpc_Testing_StreamingInputCallRequest>, _ call: CallContext
    ) async throws -> Grpc_Testing_StreamingInputCallResponse {
        var response = Grpc_Testing_StreamingInputCallResponse()
        for try await request in requests { response.aggregatedPayloadSize += Int32(request.payload.body.count) }
        return response
    }

    func fullDuplexCall(
        _ requests: RequestStream<Grpc_Testing_StreamingOutputCallRequest>,
        _ responses: ResponseSender<Grpc_Testing_StreamingOutputCallResponse>, _ call: CallContext
    ) async throws {
        responses.send(metadata: call.metadata.initial)
        responses.setTrailers(call.metadata.trailing)
        for try await request in requests { try await streamingOutputCall(request, responses, call) }
    }
}

extension Grpc_Testing_EchoStatus {
    func fail() throws(CallFailure) {
        throw CallFailure(CallStatus(rawValue: UInt32(code)), message)
    }
}

extension Metadata {
    fileprivate var initial: Metadata { only(TestService.initialKey) }
    fileprivate var trailing: Metadata { only(TestService.trailingKey) }

    private func only(_ key: String) -> Metadata {
        var found = Metadata()
        for entry in self where entry.key == key { found.append(entry) }
        return found
    }
}

extension Mesh {
    /// Answers the interoperability service; metadata beside a unary response is asked for by method.
    ///
    /// - Parameter isCompressing: whether the mesh compresses its responses. Default false.
    func serveInteroperability(isCompressing: Bool = false) {
        let service = TestService(isCompressing: isCompressing)
        serve(Grpc_Testing_TestService.emptyCall) { try await service.emptyCall($0, $1) }
        serveAnswer(Grpc_Testing_TestService.unaryCall) { request, call in
            Answer(
                try await service.unaryCall(request, call), metadata: call.metadata.initial,
                trailers: call.metadata.trailing)
        }
        serve(Grpc_Testing_TestService.streamingOutputCall) { try await service.streamingOutputCall($0, $1, $2) }
        serve(Grpc_Testing_TestService.streamingInputCall) { try await service.streamingInputCall($0, $1) }
        serve(Grpc_Testing_TestService.fullDuplexCall) { try await service.fullDuplexCall($0, $1, $2) }
    }
}
