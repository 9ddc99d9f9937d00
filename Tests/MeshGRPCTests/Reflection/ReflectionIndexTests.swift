import MeshWire
import SwiftProtobuf
import Testing

@testable import MeshGRPC

@Suite struct ReflectionIndexTests {
    /// Two files, one of which needs the other, with an extension.
    private func index() throws -> ReflectionIndex {
        var base = Google_Protobuf_FileDescriptorProto()
        base.name = "base.proto"
        base.package = "shop"
        var item = Google_Protobuf_DescriptorProto()
        item.name = "Item"
        var field = Google_Protobuf_FieldDescriptorProto()
        field.name = "price"
        item.field = [field]
        var nested = Google_Protobuf_DescriptorProto()
        nested.name = "Tag"
        item.nestedType = [nested]
        base.messageType = [item]
        var color = Google_Protobuf_EnumDescriptorProto()
        color.name = "Color"
        var red = Google_Protobuf_EnumValueDescriptorProto()
        red.name = "RED"
        color.value = [red]
        base.enumType = [color]

        var main = Google_Protobuf_FileDescriptorProto()
        main.name = "main.proto"
        main.package = "shop"
        main.dependency = ["base.proto", "missing.proto"]
        var service = Google_Protobuf_ServiceDescriptorProto()
        service.name = "Scoring"
        var method = Google_Protobuf_MethodDescriptorProto()
        method.name = "Score"
        service.method = [method]
        main.service = [service]
        main.extension = ([100, 50] as [Int32]).map { number in
            var found = Google_Protobuf_FieldDescriptorProto()
            found.name = "extra\(number)"
            found.extendee = ".shop.Item"
            found.number = number
            return found
        }

        var index = ReflectionIndex()
        try index.add(main)
        try index.add(base)
        index.addService("shop.Scoring")
        return index
    }

    private typealias Request = Grpc_Reflection_V1_ServerReflectionRequest.OneOf_MessageRequest

    private func ask(_ index: ReflectionIndex, _ question: Request?) -> Grpc_Reflection_V1_ServerReflectionResponse {
        var request = Grpc_Reflection_V1_ServerReflectionRequest()
        request.host = "h"
        request.messageRequest = question
        let response = index.answer(request)
        #expect(response.originalRequest == request)
        #expect(response.validHost == "h")
        return response
    }

    private func files(_ response: Grpc_Reflection_V1_ServerReflectionResponse) throws -> [String] {
        try response.fileDescriptorResponse.fileDescriptorProto.map {
            try Google_Protobuf_FileDescriptorProto(serializedBytes: $0).name
        }
    }

    @Test(
        "every name that a file declares finds it",
        arguments: [
            "shop.Scoring", "shop.Scoring.Score", "shop.extra100",
        ])
    func symbols(symbol: String) throws {
        #expect(try files(ask(index(), .fileContainingSymbol(symbol))) == ["main.proto", "base.proto"])
    }

    @Test(
        "names of messages, fields and enumerations do, by protobuf's scopes",
        arguments: [
            "shop.Item", "shop.Item.price", "shop.Item.Tag", "shop.Color", "shop.RED",
        ])
    func types(symbol: String) throws {
        #expect(try files(ask(index(), .fileContainingSymbol(symbol))) == ["base.proto"])
    }

    @Test("a file comes with what it needs, itself first")
    func byName() throws {
        #expect(try files(ask(index(), .fileByFilename("main.proto"))) == ["main.proto", "base.proto"])
    }

    @Test("extensions are found by type and number")
    func extensions() throws {
        var wanted = Grpc_Reflection_V1_ExtensionRequest()
        wanted.containingType = "shop.Item"
        wanted.extensionNumber = 50
        #expect(try files(ask(index(), .fileContainingExtension(wanted))).first == "main.proto")
        wanted.extensionNumber = 51
        #expect(try ask(index(), .fileContainingExtension(wanted)).errorResponse.errorCode == 5)
        let numbers = try ask(index(), .allExtensionNumbersOfType("shop.Item")).allExtensionNumbersResponse
        #expect(numbers.baseTypeName == "shop.Item")
        #expect(numbers.extensionNumber == [50, 100])
        #expect(try ask(index(), .allExtensionNumbersOfType("shop.Other")).errorResponse.errorCode == 5)
    }

    @Test("services are listed in order")
    func services() throws {
        var index = try index()
        index.addService("a.A")
        #expect(ask(index, .listServices("")).listServicesResponse.service.map(\.name) == ["a.A", "shop.Scoring"])
    }

    @Test("what is not known is not found, and no question is an error")
    func unknown() throws {
        #expect(try ask(index(), .fileByFilename("x.proto")).errorResponse.errorCode == 5)
        #expect(try ask(index(), .fileContainingSymbol("shop.Nothing")).errorResponse.errorCode == 5)
        #expect(try ask(index(), nil).errorResponse.errorCode == 3)
    }

    @Test("reflection tells of itself, and the room's own services describe themselves")
    func own() throws {
        var index = ReflectionIndex()
        try index.addOwnServices()
        #expect(
            ask(index, .listServices("")).listServicesResponse.service.map(\.name) == [
                "grpc.reflection.v1.ServerReflection"
            ])
        #expect(
            try files(ask(index, .fileContainingSymbol("grpc.health.v1.Health.Watch"))) == [
                "grpc/health/v1/health.proto"
            ])
    }

    @Test("bytes that are no descriptors are refused")
    func malformed() throws {
        var index = ReflectionIndex()
        #expect(throws: WireError.self) { try index.addFiles(descriptorSet: [0xFF]) }
    }
}
