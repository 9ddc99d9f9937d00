import MeshWire
import NIOCore
import SwiftProtobuf
import Testing

@testable import MeshGRPC

@Suite struct ProtobufMessageTests {
    @Test("a generated type travels as a message")
    func roundTrip() throws {
        var request = Grpc_Reflection_V1_ServerReflectionRequest()
        request.host = "somewhere"
        request.fileContainingExtension.containingType = "a.B"
        request.fileContainingExtension.extensionNumber = 7
        let payload = Payload(request)
        #expect(payload.segments.isEmpty)
        #expect(try payload.head.array == request.serializedBytes())
        #expect(try payload.decode(as: Grpc_Reflection_V1_ServerReflectionRequest.self) == request)
        #expect(Grpc_Reflection_V1_ServerReflectionRequest.messageName == "grpc.reflection.v1.ServerReflectionRequest")
    }

    @Test("an empty message has no bytes")
    func empty() throws {
        #expect(Payload(Grpc_Health_V1_HealthCheckRequest()).head.readableBytes == 0)
        #expect(try Payload().decode(as: Grpc_Health_V1_HealthCheckRequest.self).service == "")
    }

    @Test("a hand-written message's segments are a generated type's bytes fields")
    func segments() throws {
        let blobs: [[UInt8]] = [[1, 2], [], [UInt8](repeating: 3, count: 300)]
        let payload = Payload(segments: blobs.map { SegmentField(number: 1, segment: Segment(copying: $0)) })
        let message = try payload.decode(as: FileDescriptors.self).message
        #expect(message.fileDescriptorProto.map { Array($0) } == blobs)
    }

    @Test("it can be part of a hand-written one")
    func embedded() throws {
        var inner = Grpc_Health_V1_HealthCheckRequest()
        inner.service = "a.B"
        let read = try Payload(Wrapper(inner: inner)).decode(as: Wrapper.self)
        #expect(read.inner == inner)
    }

    @Test(
        "bytes that are no such message are a WireError",
        arguments: [[0x0A], [0x0A, 5, 1], [0x00], [0x0A, 1, 0xFF]] as [[UInt8]])
    func malformed(bytes: [UInt8]) {
        #expect(throws: WireError.self) {
            try payload(bytes).decode(as: Grpc_Health_V1_HealthCheckRequest.self)
        }
    }

    @Test("a message that cannot be serialized is not mistaken for an empty one")
    func unserializable() throws {
        var status = Google_Rpc_Status()
        // An Any from JSON whose type nobody knows can be written as JSON only.
        status.details = [try Google_Protobuf_Any(jsonString: #"{"@type": "x/unknown.Type", "a": 1}"#)]
        #expect(throws: WireError.self) { try Payload(status).decode(as: Google_Rpc_Status.self) }
    }
}

/// A message whose field is a generated one.
private struct Wrapper: MeshMessage {
    static let messageName = "test.Wrapper"
    var inner: Grpc_Health_V1_HealthCheckRequest

    init(inner: Grpc_Health_V1_HealthCheckRequest) { self.inner = inner }

    init(from decoder: inout MessageDecoder) throws(WireError) {
        inner = Grpc_Health_V1_HealthCheckRequest()
        while let field = try decoder.nextField() {
            if field == 4 { inner = try decoder.message() }
        }
    }

    func encode(to encoder: inout MessageEncoder) { encoder.message(4, inner) }
}

/// What a generated type reads of a payload.
private struct FileDescriptors: MeshMessage {
    static let messageName = "test.FileDescriptors"
    var message: Grpc_Reflection_V1_FileDescriptorResponse

    init(from decoder: inout MessageDecoder) throws(WireError) {
        do {
            message = try Grpc_Reflection_V1_FileDescriptorResponse(serializedBytes: decoder.rest().array)
        } catch {
            throw WireError(.malformed, "\(error)")
        }
    }

    func encode(to encoder: inout MessageEncoder) {}
}
