import Yams

/// A value in a document, at its path. What it is read as and is not, it notes.
struct Setting {
    let node: Node
    let path: String
    let problems: ProblemList

    /// Notes that something else was expected here.
    func note(_ message: String) {
        problems.note(line: node.mark?.line ?? 1, column: node.mark?.column ?? 1, path: path, message)
    }

    /// Notes what is wrong with a key's value, at the key, or here if there is none.
    func note(_ message: String, ofKey name: String) {
        guard let key = node.mapping?.first(where: { $0.key.scalar?.string == name })?.key else { return note(message) }
        problems.note(line: key.mark?.line ?? 1, column: key.mark?.column ?? 1, path: name, message)
    }

    /// Whether it is a mapping, of several forms that it may have.
    var isMapping: Bool { node.mapping != nil }

    /// Notes what was expected, and what is here.
    func expected(_ what: String) { note("expected \(what), found \(found)") }

    /// What is here, for errors.
    private var found: String {
        switch node {
        case .scalar(let scalar):
            isNothing ? "nothing" : scalar.style == .plain ? quoted(scalar.string) : "the text \(quoted(scalar.string))"
        case .mapping: "a mapping"
        case .sequence: "a list"
        case .alias: "an alias"
        }
    }

    /// YAML's null, which no setting has: it is what is left where a value was forgotten.
    private var isNothing: Bool {
        guard let scalar = node.scalar, scalar.style == .plain else { return false }
        return ["", "~", "null", "Null", "NULL"].contains(scalar.string)
    }

    private var isUntagged: Bool {
        let tag = Tag.Name(rawValue: node.tag.rawValue)
        guard tag == .str || tag == .seq || tag == .map else {
            note("expected a value without a tag, found \(quoted(tag.rawValue))")
            return false
        }
        return true
    }

    // MARK: Texts

    /// A text, whatever it looks like.
    func text(_ what: String = "a text") -> String? {
        guard isUntagged else { return nil }
        guard let scalar = node.scalar, !isNothing, !scalar.string.isEmpty else {
            expected(what)
            return nil
        }
        return scalar.string
    }

    /// What is written without quotation marks, which is no text.
    func word(_ what: String) -> String? {
        guard isUntagged else { return nil }
        guard let scalar = node.scalar, scalar.style == .plain, !isNothing else {
            expected(what)
            return nil
        }
        return scalar.string
    }

    /// Whether it says that there is none.
    var isNone: Bool { node.scalar?.style == .plain && node.scalar?.string == "none" }

    // MARK: Collections

    /// The list's values.
    func list(_ what: String = "a list") -> [Setting]? {
        guard isUntagged else { return nil }
        guard let sequence = node.sequence else {
            expected(what)
            return nil
        }
        return sequence.enumerated().compactMap { index, node in
            problems.takesValue() ? Setting(node: node, path: "\(path)[\(index)]", problems: problems) : nil
        }
    }

    /// The list's texts.
    func texts(_ what: String = "a list of texts") -> [String]? { list(what)?.compactMap { $0.text() } }

    /// Reads a mapping by its keys; those that `body` has not asked for are problems.
    func mapping(_ what: String = "a mapping", _ body: (inout MappingReader) -> Void) {
        guard isUntagged else { return }
        guard let mapping = node.mapping else { return expected(what) }
        var reader = MappingReader(self, mapping)
        body(&reader)
        reader.finish()
    }

    /// The text that a key is.
    func name(of key: Node) -> String? {
        guard let name = key.scalar?.string else {
            problems.note(
                line: key.mark?.line ?? 1, column: key.mark?.column ?? 1, path: path,
                "expected every key to be a text, found a list or a mapping as one")
            return nil
        }
        return name
    }

    /// The mapping's keys and values, where the keys are anybody's.
    func entries(_ what: String) -> [(key: String, value: Setting)]? {
        guard isUntagged else { return nil }
        guard let mapping = node.mapping else {
            expected(what)
            return nil
        }
        return mapping.compactMap { key, value in
            guard let name = name(of: key), problems.takesValue() else { return nil }
            return (name, Setting(node: value, path: "\(path).\(pathComponent(name))", problems: problems))
        }
    }
}
