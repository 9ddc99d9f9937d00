import Foundation
import MeshGRPC
import MeshTransport
import TestSupport
import Testing

/// gRPC's interoperability cases for a client, by their names.
enum InteroperabilityCase: String, CaseIterable {
    case emptyUnary = "empty_unary"
    case largeUnary = "large_unary"
    case clientStreaming = "client_streaming"
    case serverStreaming = "server_streaming"
    case pingPong = "ping_pong"
    case emptyStream = "empty_stream"
    case cancelAfterBegin = "cancel_after_begin"
    case cancelAfterFirstResponse = "cancel_after_first_response"
    case timeoutOnSleepingServer = "timeout_on_sleeping_server"
    case customMetadata = "custom_metadata"
    case statusCodeAndMessage = "status_code_and_message"
    case specialStatusMessage = "special_status_message"
    case unimplementedMethod = "unimplemented_method"
    case unimplementedService = "unimplemented_service"

    func run(_ client: MeshClient) async throws {
        let service = Grpc_Testing_TestService.Client(client)
        switch self {
        case .emptyUnary:
            #expect(try await service.emptyCall(Grpc_Testing_Empty()) == Grpc_Testing_Empty())
        case .largeUnary:
            #expect(try await service.unaryCall(.large).payload.body.count == 314_159)
        case .clientStreaming:
            let response = try await service.streamingInputCall { requests in
                for size in [27_182, 8, 1_828, 45_904] {
                    var request = Grpc_Testing_StreamingInputCallRequest()
                    request.payload.body = Data(count: size)
                    try await requests.send(request)
                }
            }
            #expect(response.aggregatedPayloadSize == 74_922)
        case .serverStreaming:
            let sizes = [31_415, 9, 2_653, 58_979]
            let received = try await service.streamingOutputCall(.responses(sizes)) { responses in
                var received: [Int] = []
                for try await response in responses { received.append(response.payload.body.count) }
                return received
            }
            #expect(received == sizes)
        case .pingPong: try await pingPong(service)
        case .emptyStream:
            try await service.fullDuplexCall { requests, responses in
                requests.finish()
                for try await _ in responses { Issue.record("a response to no request") }
            }
        case .cancelAfterBegin, .cancelAfterFirstResponse: try await cancel(service)
        case .timeoutOnSleepingServer: await timeout(service)
        case .customMetadata: try await customMetadata(client, service)
        case .statusCodeAndMessage: await status(service, "test status message")
        case .specialStatusMessage:
            await status(service, "\t\ntest with whitespace\r\nand Unicode BMP \u{263A} and non-BMP \u{1F608}\t\n")
        case .unimplementedMethod:
            let method = UnaryMethod<Grpc_Testing_Empty, Grpc_Testing_Empty>(
                service: Grpc_Testing_TestService.name, method: "UnimplementedCall", retry: .never)
            let error = await meshError { _ = try await client.call(method, Grpc_Testing_Empty()) }
            #expect(error?.status == .unimplemented)
        case .unimplementedService:
            let missing = Grpc_Testing_UnimplementedService.Client(client)
            let error = await meshError { _ = try await missing.unimplementedCall(Grpc_Testing_Empty()) }
            #expect(error?.status == .unimplemented)
        }
    }

    private func pingPong(_ service: Grpc_Testing_TestService.Client) async throws {
        let sizes = [(27_182, 31_415), (8, 9), (1_828, 2_653), (45_904, 58_979)]
        try await service.fullDuplexCall { requests, responses in
            var iterator = responses.makeAsyncIterator()
            for (request, response) in sizes {
                try await requests.send(.responses([response], requestSize: request))
                #expect(try await iterator.next()?.payload.body.count == response)
            }
            requests.finish()
            #expect(try await iterator.next() == nil)
        }
    }

    private func cancel(_ service: Grpc_Testing_TestService.Client) async throws {
        let waitsForResponse = self == .cancelAfterFirstResponse
        let (begun, continuation) = AsyncStream.makeStream(of: Void.self)
        let call = Task {
            await meshError {
                try await service.fullDuplexCall { requests, responses in
                    var iterator = responses.makeAsyncIterator()
                    if waitsForResponse {
                        try await requests.send(.responses([31_415], requestSize: 27_182))
                        #expect(try await iterator.next()?.payload.body.count == 31_415)
                    }
                    continuation.finish()
                    _ = try await iterator.next()
                }
            }
        }
        for await _ in begun {}
        call.cancel()
        #expect(await call.value?.code == .cancelled)
    }

    private func timeout(_ service: Grpc_Testing_TestService.Client) async {
        let error = await meshError {
            try await service.fullDuplexCall(timeout: .milliseconds(100)) { requests, responses in
                try await requests.send(.responses([31_415], requestSize: 27_182, interval: .seconds(2_000)))
                for try await _ in responses { Issue.record("a response of a server that sleeps") }
            }
        }
        #expect(error?.code == .deadlineExceeded || error?.status == .deadlineExceeded)
    }

    private func customMetadata(
        _ client: MeshClient, _ service: Grpc_Testing_TestService.Client
    ) async throws {
        var metadata: Metadata = [TestService.initialKey: "test_initial_metadata_value"]
        metadata.append(.init(key: TestService.trailingKey, bytes: [0xAB, 0xAB, 0xAB]))
        let answer = try await client.answer(Grpc_Testing_TestService.unaryCall, .large, metadata: metadata)
        #expect(answer.metadata[TestService.initialKey] == "test_initial_metadata_value")
        #expect(answer.trailers[bytes: TestService.trailingKey] == [0xAB, 0xAB, 0xAB])
        let said = try await service.fullDuplexCall(metadata: metadata) { requests, responses in
            try await requests.send(.responses([314_159], requestSize: 271_828))
            requests.finish()
            for try await response in responses { #expect(response.payload.body.count == 314_159) }
            return (before: await responses.metadata(), after: await responses.trailers())
        }
        #expect(said.before[TestService.initialKey] == "test_initial_metadata_value")
        #expect(said.after[bytes: TestService.trailingKey] == [0xAB, 0xAB, 0xAB])
    }

    private func status(_ service: Grpc_Testing_TestService.Client, _ message: String) async {
        var request = Grpc_Testing_SimpleRequest()
        request.responseStatus.code = 2
        request.responseStatus.message = message
        let unary = await meshError { _ = try await service.unaryCall(request) }
        #expect(unary?.status == .unknown && unary?.message == message)
        let duplex = await meshError {
            try await service.fullDuplexCall { requests, responses in
                var last = Grpc_Testing_StreamingOutputCallRequest()
                last.responseStatus = request.responseStatus
                try await requests.send(last)
                requests.finish()
                for try await _ in responses {}
            }
        }
        #expect(duplex?.status == .unknown && duplex?.message == message)
    }
}

/// gRPC's interoperability cases of compression. A mesh compresses all its requests or none, so that a case takes a
/// client of either kind.
enum CompressionCase: String, CaseIterable {
    case clientCompressedUnary = "client_compressed_unary"
    case serverCompressedUnary = "server_compressed_unary"

    /// - Parameter relay: on the clients' way to the server.
    func run(compressing: MeshClient, plain: MeshClient, through relay: RecordingRelay) async throws {
        switch self {
        case .clientCompressedUnary:
            for (client, isCompressing) in [(plain, false), (compressing, true)] {
                let service = Grpc_Testing_TestService.Client(client)
                var request = Grpc_Testing_SimpleRequest.large
                request.expectCompressed.value = !isCompressing
                let error = await meshError { _ = try await service.unaryCall(request) }
                #expect(error?.status == .invalidArgument, "\(String(describing: error))")
                request.expectCompressed.value = isCompressing
                #expect(try await service.unaryCall(request).payload.body.count == 314_159)
            }
        case .serverCompressedUnary:
            for client in [plain, compressing] {
                let service = Grpc_Testing_TestService.Client(client)
                for isCompressed in [true, false] {
                    let before = relay.bytes.count
                    var request = Grpc_Testing_SimpleRequest.large
                    request.responseCompressed.value = isCompressed
                    #expect(try await service.unaryCall(request).payload.body.count == 314_159)
                    let received = relay.bytes.count - before
                    #expect(isCompressed ? received < 20_000 : received > 314_159, "\(received) bytes")
                }
            }
        }
    }
}

extension Grpc_Testing_SimpleRequest {
    /// The request of the cases that are about size.
    fileprivate static var large: Self {
        var request = Self()
        request.responseSize = 314_159
        request.payload.body = Data(count: 271_828)
        return request
    }
}

extension Grpc_Testing_StreamingOutputCallRequest {
    /// A request for responses of `sizes`.
    fileprivate static func responses(_ sizes: [Int], requestSize: Int = 0, interval: Duration = .zero) -> Self {
        var request = Self()
        request.responseParameters = sizes.map { size in
            var parameters = Grpc_Testing_ResponseParameters()
            parameters.size = Int32(size)
            parameters.intervalUs = Int32(interval / .microseconds(1))
            return parameters
        }
        request.payload.body = Data(count: requestSize)
        return request
    }
}
