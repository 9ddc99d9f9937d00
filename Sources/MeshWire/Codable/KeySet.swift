/// The keys of a map: a few are compared, which is faster than to hash them.
struct KeySet {
    private static let mostCompared = 16

    private var few: [String] = []
    private var many: Set<String> = []

    /// Adds a key; `false` if it is there already.
    mutating func insert(_ key: String) -> Bool {
        if few.count < Self.mostCompared {
            guard !few.contains(key) else { return false }
            few.append(key)
            return true
        }
        if many.isEmpty { many = Set(few) }
        return many.insert(key).inserted
    }
}
