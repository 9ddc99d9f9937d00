/// The endpoints that are connected and would take calls, by their priorities: those of the lowest number get them.
struct EndpointTiers {
    private var priorities: [Int: UInt16] = [:]
    private var counts: [UInt16: Int] = [:]
    /// The lowest number that one of them has.
    private var lowest: UInt16?

    /// How many would take calls.
    var count: Int { priorities.count }

    /// Whether an endpoint gets calls.
    func takesCalls(_ slot: Int) -> Bool { priorities[slot] != nil && priorities[slot] == lowest }

    /// Whether an endpoint would take calls has become known, or its priority.
    ///
    /// - Parameter priority: `nil` for one that takes none.
    /// - Returns: whether other endpoints than this one get calls now. O(1), but for O(priorities) then.
    mutating func set(_ slot: Int, _ priority: UInt16?) -> Bool {
        let old = priorities[slot]
        guard old != priority else { return false }
        priorities[slot] = priority
        if let old {
            counts[old, default: 0] -= 1
            if counts[old] == 0 { counts[old] = nil }
        }
        if let priority { counts[priority, default: 0] += 1 }
        let before = lowest
        if let old, old == lowest, counts[old] == nil { lowest = counts.keys.min() }
        if let priority { lowest = min(lowest ?? priority, priority) }
        return before != lowest
    }
}
