import Foundation
import TestSupport
import Testing

/// Protobuf's compiler, if it is installed.
private let protoc = Peer.find("protoc")

/// swift-protobuf's own files: the types that every `.proto` file may use.
private let wellKnown = Interoperability.root.appending(
    path: ".build/checkouts/swift-protobuf/Protos/Sources/SwiftProtobuf")

/// What is generated and committed, as `Scripts/generate-protobuf.sh` makes it.
@Suite(
    .timeLimit(.minutes(5)), .enabled(if: protoc != nil, "protoc is not installed"),
    .enabled(
        if: FileManager.default.fileExists(atPath: wellKnown.path), "swift-protobuf is not checked out into .build"))
struct CommittedCodeTests {
    /// A folder of generated code, and what it is made of.
    struct Place: Sendable, CustomTestStringConvertible {
        let folder: String
        let options: String
        let files: [String]
        /// What the plugin is told beside.
        var module = ""

        var testDescription: String { folder }
    }

    static let places = [
        Place(
            folder: "Sources/MeshGRPC/Generated", options: "Visibility=Package",
            files: ["google/rpc/status.proto", "grpc/health/v1/health.proto", "grpc/reflection/v1/reflection.proto"],
            module: ",Module=MeshGRPC"),
        Place(folder: "Tests/MeshGRPCTests/Generated", options: "Visibility=Internal", files: ["interop.proto"]),
        Place(folder: "Examples/PlainRPC/Generated", options: "Visibility=Internal", files: ["shop.proto"]),
    ]

    /// What protoc makes with a plugin, by the files' names.
    private func generated(
        _ name: String, _ plugin: String, _ options: String, _ files: [String]
    ) async throws -> [String: String] {
        let root = Interoperability.root
        let folder = try TemporaryFolder()
        let includes = ["Protos", "Tests/Interoperability", "Examples/PlainRPC/Orders"].map {
            "-I\(root.appending(path: $0).path)"
        }
        let output = folder.file("")
        let ending = try await Peer(
            protoc ?? "",
            includes + [
                "-I\(wellKnown.path)", "--plugin=protoc-gen-\(name)=\(plugin)", "--\(name)_out=\(output.path)",
                "--\(name)_opt=\(options),UseAccessLevelOnImports=true,FileNaming=DropPath",
            ] + files, complaints: .printed
        ).finish()
        try #require(ending.status == 0, "\(ending.lines)")
        var contents: [String: String] = [:]
        for file in try FileManager.default.contentsOfDirectory(atPath: output.path) {
            contents[file] = try String(contentsOf: output.appending(path: file), encoding: .utf8)
        }
        return contents
    }

    /// The committed files of a folder.
    private func committed(_ folder: String, _ suffix: String) throws -> [String: String] {
        let folder = Interoperability.root.appending(path: folder)
        var contents: [String: String] = [:]
        for file in try FileManager.default.contentsOfDirectory(atPath: folder.path) where file.hasSuffix(suffix) {
            contents[file] = try String(contentsOf: folder.appending(path: file), encoding: .utf8)
        }
        return contents
    }

    private func expectSame(_ made: [String: String], _ committed: [String: String]) {
        #expect(made.keys.sorted() == committed.keys.sorted())
        for (file, content) in made where content != committed[file] {
            Issue.record("\(file) is not what Scripts/generate-protobuf.sh makes")
        }
    }

    @Test(
        "the services' code is what the plugin makes of the .proto files",
        .enabled(
            if: Plugin.path != nil, "protoc-gen-meshwork is not built: swift build --product protoc-gen-meshwork"),
        arguments: places)
    func services(place: Place) async throws {
        let made = try await generated("meshwork", Plugin.path ?? "", place.options + place.module, place.files)
        expectSame(made, try committed(place.folder, ".mesh.swift"))
    }

    /// swift-protobuf's plugin, where the script has built it.
    private static let messagePlugin = Interoperability.root.appending(
        path: ".build/protoc-gen-swift/debug/protoc-gen-swift"
    ).path

    @Test(
        "the messages' code is what swift-protobuf's plugin makes of the .proto files",
        .enabled(
            if: FileManager.default.isExecutableFile(atPath: messagePlugin),
            "protoc-gen-swift is not built: Scripts/generate-protobuf.sh"),
        arguments: places + [
            Place(
                folder: "Sources/protoc-gen-meshwork/Generated", options: "Visibility=Internal",
                files: ["meshwork/options.proto"])
        ])
    func messages(place: Place) async throws {
        let made = try await generated("swift", Self.messagePlugin, place.options, place.files)
        expectSame(made, try committed(place.folder, ".pb.swift"))
    }
}
