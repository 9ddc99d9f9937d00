/// Chooses a server for each new partition, by size.
///
/// The largest partition goes first, each to the server that holds the fewest bytes so far (Graham's "longest
/// processing time" rule: the fullest server gets at most 4/3 of the optimum). Ties go to the lower index, so that the
/// same requests and loads give the same placement.
enum Placement {
    /// - Parameters:
    ///   - sizes: the bytes of each partition.
    ///   - loads: the bytes that each server holds; there is at least one.
    /// - Returns: for each partition, the index of its server.
    static func servers(forPartitionsOf sizes: [UInt64], loads: [UInt64]) -> [Int] {
        precondition(!loads.isEmpty, "nothing can be placed on no server")
        var loads = loads
        var assignment = Array(repeating: 0, count: sizes.count)
        let largestFirst = sizes.indices.sorted { (sizes[$1], $0) < (sizes[$0], $1) }
        for partition in largestFirst {
            var lightest = 0
            for server in loads.indices where loads[server] < loads[lightest] { lightest = server }
            assignment[partition] = lightest
            // Sizes are bounded where they come in; a sum beyond 64 bits would only stop comparing well.
            loads[lightest] = loads[lightest] &+ sizes[partition]
        }
        return assignment
    }
}
