extension Array where Element: Sendable {
    /// What `body` makes of each element, all at once, each in a task of its own; in the elements' order.
    func mapAllAtOnce<Result: Sendable>(
        _ body: @escaping @Sendable (Element) async -> Result
    ) async -> [Result] {
        await withTaskGroup(of: (Int, Result).self) { group in
            for (index, element) in enumerated() {
                group.addTask { (index, await body(element)) }
            }
            var results = [Result?](repeating: nil, count: count)
            for await (index, result) in group { results[index] = result }
            return results.compactMap { $0 }
        }
    }
}
