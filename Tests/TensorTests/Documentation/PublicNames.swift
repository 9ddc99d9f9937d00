import Foundation

/// What the sources of `Tensor` and `TensorFiles` declare as public, as far as a page can name it.
struct PublicNames {
    /// The argument labels of each function of a name.
    private(set) var functions: [String: [Set<String>]] = [:]
    private(set) var initializers: [Set<String>] = []
    private(set) var operators: Set = ["="]
    /// Types, cases and properties.
    private(set) var others: Set<String> = []

    static let root = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../..").standardized

    init() throws {
        for target in ["Tensor", "TensorFiles"] {
            let folder = Self.root.appending(path: "Sources/\(target)")
            let files = FileManager.default.enumerator(at: folder, includingPropertiesForKeys: nil)!
            for case let file as URL in files where file.pathExtension == "swift" {
                read(try String(contentsOf: file, encoding: .utf8))
            }
        }
    }

    private mutating func read(_ source: String) {
        for match in source.matches(of: /public [^\n({=]*?func (\w+)(?:<[^>]*>)?(?=\()/) {
            let arguments = source[match.range.upperBound...].firstParentheses
            functions[String(match.1), default: []].append(Self.labels(of: arguments))
        }
        for match in source.matches(of: /public init(?:<[^>]*>)?(?=\()/) {
            initializers.append(Self.labels(of: source[match.range.upperBound...].firstParentheses))
        }
        for match in source.matches(of: /public [^\n(]*?func ([^\w\s(]+) ?[(<]/) { operators.insert(String(match.1)) }
        for match in source.matches(of: /public [^\n=(]*?(?:struct|enum|class|protocol|var|let) (\w+)/) {
            others.insert(String(match.1))
        }
        for match in source.matches(of: /\n +case (\w+)/) { others.insert(String(match.1)) }
    }

    /// The labels in an argument list, of a declaration or a call.
    private static func labels(of arguments: Substring) -> Set<String> {
        Set(arguments.matches(of: /(?:^|[,(])\s*(\w+)(?: \w+)?:/).map { String($0.1) })
            .union(arguments.matches(of: /(\w+):(?=[\w)])/).map { String($0.1) })
            .subtracting(["_"])
    }

    /// What a piece of code of the page names and the sources do not declare.
    func unknown(in code: Substring) -> [String] {
        var unknown: [String] = []
        for match in code.matches(of: /(\.?)([A-Za-z]\w*)(\(?)/) {
            let name = String(match.2)
            if !match.3.isEmpty {
                let labels = Self.labels(of: code[code.index(before: match.range.upperBound)...].firstParentheses)
                let known = (functions[name] ?? []) + (others.contains(name) ? initializers : [])
                if !known.contains(where: { labels.isSubset(of: $0) }) { unknown.append("\(name)(\(labels.sorted()))") }
            } else if !match.1.isEmpty || match.range == code.startIndex..<code.endIndex {
                let isKnown = functions[name] != nil || others.contains(name) || name == "self"
                if !isKnown { unknown.append(name) }
            }
        }
        for match in code.matches(of: /\s([.=!<>&|^+*\/~%-]+)\s/) where !operators.contains(String(match.1)) {
            unknown.append(String(match.1))
        }
        return unknown
    }
}

extension Substring {
    /// From the parenthesis that it begins with to the one that closes it.
    fileprivate var firstParentheses: Substring {
        var depth = 0
        for index in indices {
            if self[index] == "(" { depth += 1 }
            if self[index] == ")" { depth -= 1 }
            if depth == 0 { return self[startIndex...index] }
        }
        return self
    }
}
