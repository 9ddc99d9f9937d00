/// Chooses servers for each new partition, by size.
///
/// The largest partition goes first. Its head is the server that heads the fewest bytes so far, and its followers are
/// the others that hold the fewest (Graham's "longest processing time" rule: the fullest server gets at most 4/3 of the
/// optimum). Ties go to who holds fewer bytes, then to the lower index, so that the same requests and loads give the
/// same placement.
enum Placement {
    /// The bytes that a server has.
    struct Load: Sendable {
        /// Of partitions that it heads.
        var headed: UInt64 = 0
        /// Of all of which it has a copy, or is being given one.
        var held: UInt64 = 0

        /// Sizes are bounded where they come in; a sum beyond 64 bits would only stop comparing well.
        mutating func add(_ bytes: UInt64, asHead: Bool) {
            if asHead { headed &+= bytes }
            held &+= bytes
        }
    }

    /// A new partition.
    struct Request: Sendable {
        var bytes: UInt64
        /// How many followers it is to have; it gets fewer where there are too few servers.
        var replicas = 0
    }

    /// - Parameter loads: what each server has; there is at least one.
    /// - Returns: for each partition, the indices of its head and then of its followers, all different.
    static func chains(of requests: [Request], loads: [Load]) -> [[Int]] {
        precondition(!loads.isEmpty, "nothing can be placed on no server")
        var loads = loads
        var chains: [[Int]] = Array(repeating: [], count: requests.count)
        let largestFirst = requests.indices.sorted { (requests[$1].bytes, $0) < (requests[$0].bytes, $1) }
        for partition in largestFirst {
            let request = requests[partition]
            for _ in 0...min(request.replicas, loads.count - 1) {
                let isHead = chains[partition].isEmpty
                guard let server = lightest(of: loads, forHead: isHead, except: chains[partition]) else { break }
                chains[partition].append(server)
                loads[server].add(request.bytes, asHead: isHead)
            }
        }
        return chains
    }

    private static func lightest(of loads: [Load], forHead isHead: Bool, except taken: [Int]) -> Int? {
        loads.indices.lazy.filter { !taken.contains($0) }.min { left, right in
            let (one, other) = (loads[left], loads[right])
            guard isHead else { return (one.held, left) < (other.held, right) }
            return (one.headed, one.held, left) < (other.headed, other.held, right)
        }
    }
}
