import SwiftProtobufPluginLibrary

/// What `--meshwork_opt` says, in the words of swift-protobuf's plugin.
struct GeneratorOptions {
    enum Visibility: String {
        case `internal` = "Internal"
        case package = "Package"
        case `public` = "Public"

        var keyword: String { rawValue.lowercased() }
    }

    /// How the output is named after its `.proto` file.
    enum FileNaming: String {
        case fullPath = "FullPath"
        case pathToUnderscores = "PathToUnderscores"
        case dropPath = "DropPath"
    }

    private(set) var visibility = Visibility.internal
    private(set) var fileNaming = FileNaming.fullPath
    private(set) var usesAccessLevelOnImports = false
    /// The module that the output is for, which it does not import.
    private(set) var module = ""
    private(set) var moduleMappings = ProtoFileToModuleMappings()

    init(_ parameter: any CodeGeneratorParameter) throws {
        for (key, value) in parameter.parsedPairs {
            switch key {
            case "Visibility": visibility = try Self.choice(key, value)
            case "FileNaming": fileNaming = try Self.choice(key, value)
            case "Module": module = value
            case "UseAccessLevelOnImports":
                guard let isSet = Bool(value) else {
                    throw GeneratorError(description: "UseAccessLevelOnImports is true or false, not \"\(value)\"")
                }
                usesAccessLevelOnImports = isSet
            case "ProtoPathModuleMappings":
                do {
                    moduleMappings = try ProtoFileToModuleMappings(path: value)
                } catch {
                    throw GeneratorError(description: "ProtoPathModuleMappings \(value) cannot be read: \(error)")
                }
            default:
                throw GeneratorError(
                    description: "\"\(key)\" is no option; there are Visibility, FileNaming, Module, "
                        + "UseAccessLevelOnImports and ProtoPathModuleMappings")
            }
        }
    }

    private static func choice<Choice: RawRepresentable<String>>(_ key: String, _ value: String) throws -> Choice {
        guard let choice = Choice(rawValue: value) else {
            throw GeneratorError(description: "\(key) has no choice \"\(value)\"")
        }
        return choice
    }

    /// What stands before a declaration.
    var access: String { visibility == .internal ? "" : "\(visibility.keyword) " }

    /// What stands before an import.
    var importAccess: String { usesAccessLevelOnImports ? "\(visibility.keyword) " : "" }

    func outputName(of file: FileDescriptor) -> String {
        let path = file.name.hasSuffix(".proto") ? String(file.name.dropLast(6)) : file.name
        let base =
            switch fileNaming {
            case .fullPath: path
            case .pathToUnderscores: path.split(separator: "/").joined(separator: "_")
            case .dropPath: path.split(separator: "/").last.map(String.init) ?? path
            }
        return base + ".mesh.swift"
    }
}
