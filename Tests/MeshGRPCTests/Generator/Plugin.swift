import Foundation
import MeshWire
import NIOCore
import SwiftProtobuf
import TestSupport

/// `protoc-gen-meshwork`, run as `protoc` runs it: a request on its input, an answer on its output.
enum Plugin {
    /// Where it is, if it was built: beside the tests.
    static let path: String? = {
        let marker = ".xctest"
        let bundle = ProcessInfo.processInfo.arguments.lazy.compactMap { argument in
            argument.range(of: marker).map { URL(filePath: String(argument[..<$0.upperBound])) }
        }.first
        let path = bundle?.deletingLastPathComponent().appending(path: "protoc-gen-meshwork").path
        return path.flatMap { FileManager.default.isExecutableFile(atPath: $0) ? $0 : nil }
    }()

    /// A `CodeGeneratorResponse`.
    struct Answer {
        var error = ""
        /// What the files say, by their names.
        var files: [String: String] = [:]

        init(_ bytes: [UInt8]) throws(WireError) {
            var decoder = MessageDecoder(head: ByteBuffer(bytes: bytes))
            while let field = try decoder.nextField() {
                switch field {
                case 1: error = try decoder.string()
                case 15:
                    var file = MessageDecoder(head: ByteBuffer(bytes: try decoder.bytes()))
                    var (name, content) = ("", "")
                    while let field = try file.nextField() {
                        if field == 1 { name = try file.string() }
                        if field == 15 { content = try file.string() }
                    }
                    files[name] = content
                default: break
                }
            }
        }
    }

    /// What it answers for the last of `files`, which may use those before it.
    static func answer(_ files: Google_Protobuf_FileDescriptorProto..., options: String = "") async throws -> Answer {
        var request = MessageEncoder()
        request.string(1, files.last?.name ?? "")
        request.string(2, options)
        for file in files { request.repeatedBytes(15, try file.serializedBytes()) }
        let plugin = try Peer(path ?? "", [])
        try plugin.endInput(with: Array(request.finish().readableBytesView))
        let ending = try await plugin.finish()
        guard ending.status == 0 else { throw CocoaError(.executableLoad) }
        return try Answer(ending.printed)
    }
}

extension Google_Protobuf_FileDescriptorProto {
    /// A file of package `shop` with a message and a service.
    static func orders(
        _ name: String = "orders.proto", uses: [String] = [], methods: [Google_Protobuf_MethodDescriptorProto]
    ) -> Self {
        var file = Self.messages("Order", in: name)
        file.dependency = uses
        var service = Google_Protobuf_ServiceDescriptorProto()
        service.name = "Orders"
        service.method = methods
        file.service = [service]
        return file
    }

    /// A file of a package with a message.
    static func messages(_ message: String, in name: String, package: String = "shop") -> Self {
        var file = Self()
        file.name = name
        file.package = package
        file.syntax = "proto3"
        file.messageType = [.named(message)]
        return file
    }
}

extension Google_Protobuf_DescriptorProto {
    static func named(_ name: String) -> Self {
        var message = Self()
        message.name = name
        return message
    }
}

extension Google_Protobuf_MethodDescriptorProto {
    /// A method; `retry` is the number of the project's own option.
    static func named(
        _ name: String, takes input: String = ".shop.Order", streams: (client: Bool, server: Bool) = (false, false),
        level: Google_Protobuf_MethodOptions.IdempotencyLevel? = nil, retry: UInt64? = nil
    ) throws -> Self {
        var method = Self()
        method.name = name
        method.inputType = input
        method.outputType = ".shop.Order"
        method.clientStreaming = streams.client
        method.serverStreaming = streams.server
        if let retry {
            var option = MessageEncoder()
            option.uint64(78_301, retry)
            method.options = try Google_Protobuf_MethodOptions(
                serializedBytes: Array(option.finish().readableBytesView))
        }
        if let level { method.options.idempotencyLevel = level }
        return method
    }
}
