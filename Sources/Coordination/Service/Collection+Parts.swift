extension Collection {
    /// The elements in order, in parts that a message has room for.
    ///
    /// - Parameters:
    ///   - bytes: the most bytes of a part, unless one element has more.
    ///   - count: the most elements of a part.
    ///   - byteCount: what an element takes.
    package func parts(
        ofBytes bytes: Int, elements count: Int = .max, _ byteCount: (Element) -> Int
    ) -> [[Element]] {
        var parts: [[Element]] = []
        var taken = 0
        for element in self {
            let own = byteCount(element)
            if parts.isEmpty || taken + own > bytes || parts[parts.count - 1].count == count {
                parts.append([])
                taken = 0
            }
            parts[parts.count - 1].append(element)
            taken += own
        }
        return parts
    }
}
