/// The Swift names of a service's methods.
enum MethodNames {
    /// What a service's declaration has besides its methods, and words that Swift keeps for itself.
    private static let taken: Set<String> = ["name", "client", "init", "self", "Type", "Protocol"]

    /// Words that need backticks where a name stands.
    private static let keywords: Set<String> = [
        "as", "associatedtype", "break", "case", "catch", "class", "continue", "default", "defer", "deinit", "do",
        "else",
        "enum", "extension", "fallthrough", "false", "fileprivate", "for", "func", "guard", "if", "import", "in",
        "inout",
        "internal", "is", "let", "nil", "operator", "precedencegroup", "private", "protocol", "public", "repeat",
        "rethrows", "return", "static", "struct", "subscript", "super", "switch", "throw", "throws", "true", "try",
        "typealias", "var", "where", "while",
    ]

    /// `GetURL` is `getURL`, `URLOf` is `urlOf`, `do_it` is `doIt`.
    static func swiftName(_ method: String) -> String {
        let words = method.split(separator: "_")
        let joined =
            words.enumerated().map { index, word in
                index == 0 ? String(word) : word.prefix(1).uppercased() + word.dropFirst()
            }.joined()
        let name = lowerFirstWord(joined)
        if taken.contains(name) { return name + "Method" }
        return keywords.contains(name) ? "`\(name)`" : name
    }

    private static func lowerFirstWord(_ name: String) -> String {
        let capitals = name.prefix { $0.isUppercase || $0.isNumber }
        // The last capital begins the next word, unless there is none.
        let count = capitals.count > 1 && capitals.count < name.count ? capitals.count - 1 : capitals.count
        return name.prefix(count).lowercased() + name.dropFirst(count)
    }
}
