/// The keys that lead to a value, shared by those that lead to its neighbours.
struct CodingPath {
    private final class Step {
        let key: any CodingKey
        let before: Step?

        init(_ key: any CodingKey, after before: Step?) {
            self.key = key
            self.before = before
        }
    }

    private var last: Step?

    init() {}

    /// The keys, outermost first.
    var keys: [any CodingKey] {
        var keys: [any CodingKey] = []
        var step = last
        while let current = step {
            keys.append(current.key)
            step = current.before
        }
        return keys.reversed()
    }

    func appending(_ key: any CodingKey) -> CodingPath {
        var path = self
        path.last = Step(key, after: last)
        return path
    }
}

/// The place of an element in an array.
struct IndexKey: CodingKey {
    let index: Int

    init(_ index: Int) { self.index = index }

    var stringValue: String { "\(index)" }
    var intValue: Int? { index }

    init?(stringValue: String) {
        guard let index = Int(stringValue) else { return nil }
        self.index = index
    }

    init?(intValue: Int) { index = intValue }
}

/// The key of a superclass's share of a value, where the class names no other: the same that the standard library's
/// coders use.
struct SuperKey: CodingKey {
    var stringValue: String { "super" }
    var intValue: Int? { nil }

    init() {}
    init?(stringValue: String) { guard stringValue == "super" else { return nil } }
    init?(intValue: Int) { nil }
}
