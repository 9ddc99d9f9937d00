import Foundation

/// What stands in `Tests/Interoperability`: peers that are not this library, or not this version of it.
enum Interoperability {
    /// The file of a name.
    static func file(_ name: String) -> URL {
        let tests = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../..")
        return tests.appending(path: "Interoperability").appending(path: name).standardized
    }

    /// The bytes that a file says in hexadecimal; lines that begin with `#` are comments.
    static func bytes(_ name: String) throws -> [UInt8] {
        try String(contentsOf: file(name), encoding: .utf8).split(separator: "\n").filter { !$0.hasPrefix("#") }
            .flatMap { $0.split(separator: " ") }
            .map { word in
                guard let byte = UInt8(word, radix: 16) else { throw CocoaError(.fileReadCorruptFile) }
                return byte
            }
    }
}
