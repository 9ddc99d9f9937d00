package import Foundation

/// What stands in `Tests/Interoperability`: peers that are not this library, or not this version of it.
package enum Interoperability {
    /// The project's folder.
    package static let root = (0..<4).reduce(URL(filePath: #filePath)) { folder, _ in folder.deletingLastPathComponent()
    }

    /// The file of a name.
    package static func file(_ name: String) -> URL {
        root.appending(path: "Tests/Interoperability").appending(path: name)
    }

    /// The bytes that a file says in hexadecimal; lines that begin with `#` are comments.
    package static func bytes(_ name: String) throws -> [UInt8] {
        try String(contentsOf: file(name), encoding: .utf8).split(separator: "\n").filter { !$0.hasPrefix("#") }
            .flatMap { $0.split(separator: " ") }
            .map { word in
                guard let byte = UInt8(word, radix: 16) else { throw CocoaError(.fileReadCorruptFile) }
                return byte
            }
    }
}
