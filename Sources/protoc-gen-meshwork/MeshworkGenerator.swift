import SwiftProtobuf
import SwiftProtobufPluginLibrary

/// Makes typed methods, client and server stubs for the services of `.proto` files.
///
/// It is run by `protoc`, beside swift-protobuf's own plugin, which makes the messages.
@main
struct MeshworkGenerator: CodeGenerator {
    func generate(
        files: [FileDescriptor], parameter: any CodeGeneratorParameter,
        protoCompilerContext: any ProtoCompilerContext, generatorOutputs: any GeneratorOutputs
    ) throws {
        let options = try GeneratorOptions(parameter)
        for file in files where !file.messages.isEmpty || !file.services.isEmpty {
            var printer = FilePrinter(file, options)
            try generatorOutputs.add(fileName: options.outputName(of: file), contents: try printer.print())
        }
    }

    let supportedFeatures: [Google_Protobuf_Compiler_CodeGeneratorResponse.Feature] = [
        .proto3Optional, .supportsEditions,
    ]
    let supportedEditionRange = Google_Protobuf_Edition.proto2...Google_Protobuf_Edition.edition2023
    let customOptionExtensions: [any AnyMessageExtension] = [Meshwork_Extensions_retry]
    let version: String? = nil
    let projectURL: String? = nil
    let copyrightLine: String? = nil
}

/// A wish of the `.proto` file, or of the command line, that cannot be met.
struct GeneratorError: Error, CustomStringConvertible {
    let description: String
}
