import SwiftProtobuf

extension Google_Protobuf_FileDescriptorProto {
    /// The full names of all that the file declares, by protobuf's scopes: an enumeration's values stand beside it.
    var symbols: [String] {
        let prefix = package.isEmpty ? "" : package + "."
        var symbols = enumType.flatMap { $0.symbols(prefix) } + `extension`.map { prefix + $0.name }
        for message in messageType { symbols += message.symbols(prefix) }
        for service in service {
            let name = prefix + service.name
            symbols.append(name)
            symbols += service.method.map { "\(name).\($0.name)" }
        }
        return symbols
    }

    /// The extensions that the file declares: the types that they extend, and their numbers.
    var extensionNumbers: [(type: String, number: Int32)] {
        `extension`.map(\.target) + messageType.flatMap(\.extensionNumbers)
    }
}

extension Google_Protobuf_DescriptorProto {
    fileprivate func symbols(_ prefix: String) -> [String] {
        let name = prefix + self.name
        let inner = name + "."
        var symbols = [name] + field.map { inner + $0.name } + oneofDecl.map { inner + $0.name }
        symbols += `extension`.map { inner + $0.name }
        symbols += enumType.flatMap { $0.symbols(inner) }
        for message in nestedType { symbols += message.symbols(inner) }
        return symbols
    }

    fileprivate var extensionNumbers: [(type: String, number: Int32)] {
        `extension`.map(\.target) + nestedType.flatMap(\.extensionNumbers)
    }
}

extension Google_Protobuf_EnumDescriptorProto {
    fileprivate func symbols(_ prefix: String) -> [String] {
        [prefix + name] + value.map { prefix + $0.name }
    }
}

extension Google_Protobuf_FieldDescriptorProto {
    /// What an extension extends; type names in descriptors begin with a dot.
    fileprivate var target: (type: String, number: Int32) {
        (extendee.hasPrefix(".") ? String(extendee.dropFirst()) : extendee, number)
    }
}
