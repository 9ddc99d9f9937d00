import Yams

/// Reads a mapping key by key, and knows which keys nobody has asked for.
struct MappingReader {
    private let setting: Setting
    private var values: [String: (key: Node, value: Node)] = [:]
    private var order: [String] = []
    private var asked: [String] = []
    private let earlierProblems: Int

    init(_ setting: Setting, _ mapping: Node.Mapping) {
        self.setting = setting
        earlierProblems = setting.problems.problems.count
        for (key, value) in mapping {
            guard let name = setting.name(of: key) else { continue }
            if values.updateValue((key, value), forKey: name) == nil { order.append(name) }
        }
    }

    private func path(_ key: String) -> String {
        let shown = pathComponent(key)
        return setting.path.isEmpty ? shown : "\(setting.path).\(shown)"
    }

    /// The value of a key, if it is there.
    mutating func setting(_ key: String) -> Setting? {
        asked.append(key)
        guard let found = values[key], setting.problems.takesValue() else { return nil }
        return Setting(node: found.value, path: path(key), problems: setting.problems)
    }

    /// Reads the value of a key into `target`, if it is there and is what it is to be.
    mutating func read<Value>(_ key: String, _ target: inout Value, _ read: (Setting) -> Value?) {
        if let value = setting(key).flatMap(read) { target = value }
    }

    /// The same for what there may be none of, which is written `none`.
    mutating func readOptional<Value>(_ key: String, _ target: inout Value?, _ read: (Setting) -> Value?) {
        guard let found = setting(key) else { return }
        if found.isNone { target = nil } else if let value = read(found) { target = value }
    }

    /// The value of a key that has to be there.
    mutating func required<Value>(_ key: String, _ what: String, _ read: (Setting) -> Value?) -> Value? {
        guard let found = setting(key) else {
            setting.note("expected \(key): \(what)")
            return nil
        }
        return read(found)
    }

    /// Whether nothing in the mapping was wrong so far: what is missing then is missing, and not merely unread.
    var isComplete: Bool { setting.problems.problems.count == earlierProblems }

    /// Notes what is wrong with the mapping as a whole.
    func note(_ message: String) { setting.note(message) }

    /// Notes the keys that nobody has asked for.
    func finish() {
        for name in order where !asked.contains(name) {
            guard let (key, _) = values[name] else { continue }
            let hint = KeySuggestion.nearest(to: name, of: asked).map { "; is \($0) meant?" } ?? ""
            setting.problems.note(
                line: key.mark?.line ?? 1, column: key.mark?.column ?? 1, path: path(name),
                "expected one of \(asked.joined(separator: ", ")), found \(quoted(name))\(hint)")
        }
    }
}
