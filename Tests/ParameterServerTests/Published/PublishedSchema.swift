import Foundation
import NIOCore
import TestSupport

/// What the `.proto` files of `Protos/meshwork` say of messages and services, and how a message looks to who goes by
/// them.
///
/// It reads what those files use of the language: messages in messages, enumerations, methods of one request with one
/// option, one declaration a line.
struct PublishedSchema {
    struct Field: Equatable {
        var name: String
        var type: String
        var isRepeated: Bool
    }

    struct Method: Equatable {
        var request: String
        var response: String
        var streamsRequests: Bool
        var streamsResponses: Bool
        var retry: String
    }

    struct Problem: Error, CustomStringConvertible {
        var description: String
    }

    private(set) var messages: [String: [UInt64: Field]] = [:]
    private(set) var enumerations: [String: [UInt64: String]] = [:]
    /// By path.
    private(set) var methods: [String: Method] = [:]

    /// The text of a file.
    static func text(of file: String) throws -> String {
        try String(contentsOf: Interoperability.root.appending(path: "Protos/meshwork/\(file)"), encoding: .utf8)
    }

    /// Reads files in which all names are of the package `meshwork`.
    init(_ files: String...) throws {
        for file in files {
            // What the lines are in, outermost first.
            var scopes: [(kind: Substring, name: Substring)] = []
            for line in try Self.text(of: file).split(separator: "\n") {
                let words = line.prefix { $0 != "/" }.split { " ;(){}=".contains($0) }
                let path = scopes.map(\.name).joined(separator: ".")
                switch words.first {
                case "message", "enum", "service":
                    scopes.append((words[0], words[1]))
                    let inner = scopes.map(\.name).joined(separator: ".")
                    if words[0] == "message" { messages[inner] = [:] }
                    if words[0] == "enum" { enumerations[inner] = [:] }
                case "rpc":
                    // rpc Name [stream] Request returns [stream] Response option meshwork.retry SAFETY
                    let parts = words.filter { $0 != "stream" }
                    guard parts.count == 8 else { throw Problem(description: "\(file): \(line)") }
                    methods["meshwork.\(path)/\(parts[1])"] = Method(
                        request: String(parts[2]), response: String(parts[4]), streamsRequests: words[2] == "stream",
                        streamsResponses: words.dropFirst(3).contains("stream"), retry: String(parts[7]))
                case "syntax", "package", "import": continue
                case nil:
                    if line.prefix(while: { $0 != "/" }).contains("}") { scopes.removeLast() }
                default:
                    guard let number = words.last.flatMap({ UInt64($0) }) else {
                        throw Problem(description: "\(file): \(line)")
                    }
                    if scopes.last?.kind == "enum" {
                        enumerations[path]?[number] = String(words[0])
                    } else {
                        let isRepeated = words[0] == "repeated"
                        messages[path]?[number] = Field(
                            name: String(words[words.count - 2]), type: String(words[isRepeated ? 1 : 0]),
                            isRepeated: isRepeated)
                    }
                }
            }
        }
    }

    /// A serialized message as its fields' names and values, which ends with an error where the bytes are not of the
    /// published fields and types.
    ///
    /// - Parameter seen: gathers the fields that occur, as `Message.field`.
    func text(of bytes: ByteBuffer, as message: String, seen: inout Set<String>) throws -> String {
        guard let fields = messages[message] else { throw Problem(description: "\(message) is not published") }
        var bytes = bytes
        var parts: [String] = []
        while bytes.readableBytes > 0 {
            let key = try bytes.varint()
            guard let field = fields[key >> 3] else {
                throw Problem(description: "\(message) has no field \(key >> 3)")
            }
            seen.insert("\(message).\(field.name)")
            parts.append(
                "\(field.name): \(try value(of: &bytes, field, wireType: key & 7, in: message, seen: &seen))")
        }
        return parts.joined(separator: ", ")
    }

    private func value(
        of bytes: inout ByteBuffer, _ field: Field, wireType: UInt64, in message: String, seen: inout Set<String>
    ) throws -> String {
        func expect(_ type: UInt64) throws {
            guard wireType == type else {
                throw Problem(description: "\(message).\(field.name): wire type \(wireType), \(field.type) has \(type)")
            }
        }
        switch field.type {
        case "uint32", "uint64", "int64", "bool":
            if field.isRepeated {
                try expect(2)
                var packed = try bytes.delimited()
                var numbers: [UInt64] = []
                while packed.readableBytes > 0 { numbers.append(try packed.varint()) }
                return "\(numbers)"
            }
            try expect(0)
            let number = try bytes.varint()
            if field.type == "int64" { return "\(Int64(bitPattern: number))" }
            return field.type == "bool" ? "\(number != 0)" : "\(number)"
        case "fixed64":
            try expect(1)
            return String(try bytes.number(UInt64.self), radix: 16)
        case "float":
            try expect(5)
            return "\(Float(bitPattern: try bytes.number(UInt32.self)))"
        case "string":
            try expect(2)
            let text = try bytes.delimited()
            guard let text = String(validating: text.readableBytesView, as: UTF8.self) else {
                throw Problem(description: "\(message).\(field.name) is no text")
            }
            return "\"\(text)\""
        case "bytes":
            try expect(2)
            return "<\(try bytes.delimited().readableBytesView.map { String($0, radix: 16) }.joined(separator: " "))>"
        default:
            // The name of a message or an enumeration: from the innermost scope outwards.
            var scope = message.split(separator: ".")
            while true {
                let name = (scope + [field.type[...]]).joined(separator: ".")
                if let names = enumerations[name] {
                    try expect(0)
                    let number = try bytes.varint()
                    return names[number] ?? "\(number)"
                }
                if messages[name] != nil {
                    try expect(2)
                    return "{\(try text(of: try bytes.delimited(), as: name, seen: &seen))}"
                }
                guard !scope.isEmpty else { throw Problem(description: "\(field.type) is not published") }
                scope.removeLast()
            }
        }
    }
}

extension ByteBuffer {
    fileprivate mutating func varint() throws -> UInt64 {
        var value: UInt64 = 0
        for shift in stride(from: UInt64(0), to: 70, by: 7) {
            let byte = try number(UInt8.self)
            value |= UInt64(byte & 0x7F) << shift
            if byte < 0x80 { return value }
        }
        throw PublishedSchema.Problem(description: "a varint of more than ten bytes")
    }

    fileprivate mutating func number<Number: FixedWidthInteger>(_ type: Number.Type) throws -> Number {
        guard let number = readInteger(endianness: .little, as: type) else {
            throw PublishedSchema.Problem(description: "the bytes end within a field")
        }
        return number
    }

    fileprivate mutating func delimited() throws -> ByteBuffer {
        guard let slice = readSlice(length: Int(clamping: try varint())) else {
            throw PublishedSchema.Problem(description: "the bytes end within a field")
        }
        return slice
    }
}
