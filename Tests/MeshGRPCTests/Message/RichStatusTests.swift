import MeshTransport
import MeshWire
import MeshworkTesting
import SwiftProtobuf
import TestSupport
import Testing

@testable import MeshGRPC

/// Details of failures as messages, from a handler to its caller.
@Suite(.timeLimit(.minutes(5))) struct RichStatusTests {
    private static let quota: Grpc_Testing_EchoStatus = {
        var quota = Grpc_Testing_EchoStatus()
        quota.code = 7
        quota.message = "täglich"
        return quota
    }()

    private static let second: Grpc_Testing_EchoStatus = {
        var second = Grpc_Testing_EchoStatus()
        second.code = 8
        return second
    }()

    private static let payload: Grpc_Testing_Payload = {
        var payload = Grpc_Testing_Payload()
        payload.body.append(contentsOf: [0, 255, 10])
        return payload
    }()

    /// A detail of a type that nobody here knows.
    private static let unknown: Google_Protobuf_Any = {
        var unknown = Google_Protobuf_Any()
        unknown.typeURL = "type.googleapis.com/shop.Unheard"
        unknown.value.append(contentsOf: [8, 1])
        return unknown
    }()

    /// The error of a call whose handler throws what `failure` makes.
    private func error(
        over wire: Wire, _ failure: @escaping @Sendable () throws -> CallFailure
    ) async throws -> MeshError {
        let loopback = try await GRPCLoopback.start { mesh in
            mesh.serve(Echo.fail) { _, _ in throw try failure() }
        }
        let client = try loopback.client(over: wire)
        let error = await meshError { _ = try await client.call(Echo.fail, Note("x")) }
        client.close()
        await loopback.server.stop()
        return try #require(error)
    }

    @Test("details of an error that a handler passes on are packed once")
    func passedOn() async throws {
        let first = try await error(over: .grpc) { try CallFailure(.aborted, "first", details: [Self.quota]) }
        let details = first.richDetails
        let second = try await error(over: .grpc) { try CallFailure(.aborted, "second", details: details) }
        #expect(second.richDetails == details)
        #expect(second.detail(Grpc_Testing_EchoStatus.self) == Self.quota)
    }

    @Test("the messages that a handler gives as details come back as what they are", arguments: Wire.allCases)
    func typed(wire: Wire) async throws {
        let error = try await error(over: wire) {
            try CallFailure(
                .resourceExhausted, "no more today", details: [Self.payload, Self.quota, Self.second],
                trailers: ["retry": "tomorrow"])
        }
        #expect(error.status == .resourceExhausted && error.message == "no more today")
        #expect(error.trailers["retry"] == "tomorrow")
        #expect(error.detail(Grpc_Testing_Payload.self) == Self.payload)
        #expect(error.detail(Grpc_Testing_EchoStatus.self) == Self.quota)
        #expect(error.detail(Grpc_Testing_SimpleRequest.self) == nil)
        #expect(
            try error.richDetails.dropFirst().map { try Grpc_Testing_EchoStatus(unpackingAny: $0) } == [
                Self.quota, Self.second,
            ])
        // As gRPC's libraries expect them.
        let status = try Google_Rpc_Status(serializedBytes: error.details)
        #expect(status.code == 8 && status.message == "no more today")
        #expect(
            status.details.map(\.typeURL) == [
                "type.googleapis.com/grpc.testing.Payload", "type.googleapis.com/grpc.testing.EchoStatus",
                "type.googleapis.com/grpc.testing.EchoStatus",
            ])
    }

    @Test("details of a type that the caller does not know are kept as they are", arguments: Wire.allCases)
    func unknown(wire: Wire) async throws {
        let error = try await error(over: wire) {
            var status = Google_Rpc_Status()
            status.code = 9
            status.details = [Self.unknown, try Google_Protobuf_Any(message: Self.quota), Self.unknown]
            let bytes: [UInt8] = try status.serializedBytes()
            return CallFailure(.failedPrecondition, "not yet", details: bytes)
        }
        #expect(error.richDetails.count == 3)
        #expect(error.richDetails.first == Self.unknown && error.richDetails.last == Self.unknown)
        #expect(error.detail(Grpc_Testing_EchoStatus.self) == Self.quota)
    }

    @Test("a failure without details has none", arguments: Wire.allCases)
    func absent(wire: Wire) async throws {
        let error = try await error(over: wire) { CallFailure(.notFound, "nothing") }
        #expect(error.status == .notFound)
        #expect(error.details.isEmpty && error.richDetails.isEmpty)
        #expect(error.detail(Grpc_Testing_EchoStatus.self) == nil)
    }

    @Test("details that are no google.rpc.Status are the caller's own to read", arguments: Wire.allCases)
    func foreign(wire: Wire) async throws {
        let bytes = Array("a form of our own".utf8)
        let error = try await error(over: wire) { CallFailure(.aborted, "own", details: bytes) }
        #expect(error.details == bytes)
        #expect(error.richDetails.isEmpty)
        #expect(error.detail(Grpc_Testing_EchoStatus.self) == nil)
    }

    @Test("a detail whose bytes are not of its type is none, and the next one is found", arguments: Wire.allCases)
    func malformed(wire: Wire) async throws {
        let error = try await error(over: wire) {
            var broken = try Google_Protobuf_Any(message: Self.quota)
            broken.value.removeAll()
            broken.value.append(contentsOf: [0x12, 200])
            var status = Google_Rpc_Status()
            status.details = [broken, try Google_Protobuf_Any(message: Self.quota)]
            let bytes: [UInt8] = try status.serializedBytes()
            return CallFailure(.internalError, "broken", details: bytes)
        }
        #expect(error.richDetails.count == 2)
        #expect(error.detail(Grpc_Testing_EchoStatus.self) == Self.quota)
    }

    @Test("a handler's promise that it has changed nothing stands beside its details")
    func hasNotRun() throws {
        let failure = try CallFailure(.unavailable, "full", hasNotRun: true, details: [Self.quota])
        #expect(failure.hasNotRun && !failure.details.isEmpty)
        #expect(try CallFailure(.unavailable, "full", details: [Self.quota]).hasNotRun == false)
    }
}
