package import MeshWire
package import SwiftProtobuf

/// What `grpc.reflection.v1.ServerReflection` answers from: the services of a server, and the files that describe them.
///
/// A value without transport. Each answer with files has the one that was asked for first and then all that it needs, so
/// that a client can link them without asking again.
package struct ReflectionIndex: Sendable {
    private struct File: Sendable {
        let descriptor: Google_Protobuf_FileDescriptorProto
        /// The file alone, as it is sent.
        let response: Grpc_Reflection_V1_FileDescriptorResponse
    }

    private struct ExtensionKey: Hashable {
        let type: String
        let number: Int32
    }

    private var services: Set<String> = []
    private var files: [String: File] = [:]
    /// The file of each message, field, enumeration, value, service, method and extension.
    private var fileOfSymbol: [String: String] = [:]
    private var fileOfExtension: [ExtensionKey: String] = [:]

    package init() {}

    /// Lists a service as one that the server has, whether or not a file describes it.
    package mutating func addService(_ name: String) { services.insert(name) }

    /// Adds the files of a serialized `google.protobuf.FileDescriptorSet`, which is what `protoc --descriptor_set_out
    /// --include_imports` writes. A file that is there already stays as it is.
    package mutating func addFiles(descriptorSet bytes: [UInt8]) throws(WireError) {
        let set: Google_Protobuf_FileDescriptorSet
        do {
            set = try Google_Protobuf_FileDescriptorSet(serializedBytes: bytes)
        } catch {
            throw WireError(.malformed, "the bytes are no google.protobuf.FileDescriptorSet: \(error)")
        }
        for file in set.file { try add(file) }
    }

    /// Adds a file. One of the same name that is there already stays as it is.
    package mutating func add(_ file: Google_Protobuf_FileDescriptorProto) throws(WireError) {
        guard files[file.name] == nil else { return }
        var response = Grpc_Reflection_V1_FileDescriptorResponse()
        do {
            response.fileDescriptorProto = [try file.serializedData()]
        } catch {
            throw WireError(.malformed, "the descriptor of \(file.name) cannot be serialized: \(error)")
        }
        files[file.name] = File(descriptor: file, response: response)
        for symbol in file.symbols where fileOfSymbol[symbol] == nil { fileOfSymbol[symbol] = file.name }
        for (type, number) in file.extensionNumbers {
            fileOfExtension[ExtensionKey(type: type, number: number)] = file.name
        }
    }

    /// The answer to one request of a stream.
    package func answer(
        _ request: Grpc_Reflection_V1_ServerReflectionRequest
    ) -> Grpc_Reflection_V1_ServerReflectionResponse {
        var response = Grpc_Reflection_V1_ServerReflectionResponse()
        response.validHost = request.host
        response.originalRequest = request
        response.messageResponse =
            switch request.messageRequest {
            case .fileByFilename(let name):
                fileResponse(name, else: "file \"\(name)\"")
            case .fileContainingSymbol(let symbol):
                fileResponse(fileOfSymbol[symbol], else: "symbol \"\(symbol)\"")
            case .fileContainingExtension(let found):
                fileResponse(
                    fileOfExtension[ExtensionKey(type: found.containingType, number: found.extensionNumber)],
                    else: "extension \(found.extensionNumber) of \"\(found.containingType)\"")
            case .allExtensionNumbersOfType(let type):
                extensionNumbers(of: type)
            case .listServices:
                listServices()
            case nil:
                Self.error(.invalidArgument, "the request asks nothing that this server knows")
            }
        return response
    }

    private typealias Answer = Grpc_Reflection_V1_ServerReflectionResponse.OneOf_MessageResponse

    private func fileResponse(_ name: String?, else missing: String) -> Answer {
        guard let name, files[name] != nil else { return Self.error(.notFound, "\(missing) is not known") }
        var response = Grpc_Reflection_V1_FileDescriptorResponse()
        var names = [name]
        var next = 0
        while next < names.count {
            // A file that is needed and was never added is left for the client to miss.
            if let file = files[names[next]] {
                response.fileDescriptorProto += file.response.fileDescriptorProto
                for needed in file.descriptor.dependency where !names.contains(needed) { names.append(needed) }
            }
            next += 1
        }
        return .fileDescriptorResponse(response)
    }

    private func extensionNumbers(of type: String) -> Answer {
        guard fileOfSymbol[type] != nil else { return Self.error(.notFound, "type \"\(type)\" is not known") }
        var response = Grpc_Reflection_V1_ExtensionNumberResponse()
        response.baseTypeName = type
        response.extensionNumber = fileOfExtension.keys.filter { $0.type == type }.map(\.number).sorted()
        return .allExtensionNumbersResponse(response)
    }

    private func listServices() -> Answer {
        var response = Grpc_Reflection_V1_ListServiceResponse()
        response.service = services.sorted().map { name in
            var service = Grpc_Reflection_V1_ServiceResponse()
            service.name = name
            return service
        }
        return .listServicesResponse(response)
    }

    private static func error(_ status: CallStatus, _ message: String) -> Answer {
        var response = Grpc_Reflection_V1_ErrorResponse()
        response.errorCode = Int32(status.rawValue)
        response.errorMessage = message
        return .errorResponse(response)
    }
}
