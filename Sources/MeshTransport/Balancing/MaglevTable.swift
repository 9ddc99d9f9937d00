/// Which endpoint a key goes to: a table in which every endpoint has its share of places, and keeps nearly all of them
/// when others come or go.
///
/// Source: D. Eisenbud et al., "Maglev: a fast and reliable software network load balancer", NSDI 2016, section 3.4;
/// with weights: an endpoint has as many places as its weight says. Looking a key up is O(1). Building is O(``size``
/// log ``size``) on average, whatever the number of endpoints: whoever changes endpoints builds one table for all the
/// changes at hand.
struct MaglevTable: Sendable {
    /// How many places there are: a prime. Each endpoint's share is within 1 / (places an endpoint) of its weight's, 1 %
    /// for 650 endpoints.
    static let size = 65_537

    /// The endpoint of each place; empty without endpoints.
    private let places: [Int32]

    /// - Parameter endpoints: their slots, hashed names and weights, each above 0.
    init(_ endpoints: [(slot: Int, name: UInt64, weight: UInt32)]) {
        guard !endpoints.isEmpty else {
            places = []
            return
        }
        // Whoever comes first in the list gets contested places: the order must not be the caller's.
        let ordered = endpoints.sorted { $0.name < $1.name }
        let size = UInt64(Self.size)
        var next = ordered.map { StableHash.mixed($0.name ^ 0x5EED) % size }
        let steps = ordered.map { StableHash.mixed($0.name ^ 0x57E9) % (size - 1) + 1 }
        var left = Self.shares(ordered.map(\.weight))
        var active = ordered.indices.filter { left[$0] > 0 }
        var places = [Int32](repeating: -1, count: Self.size)
        while !active.isEmpty {
            // Each takes one place each time round, until it has all of its own.
            for index in active {
                while places[Int(next[index])] >= 0 { next[index] = (next[index] + steps[index]) % size }
                places[Int(next[index])] = Int32(ordered[index].slot)
                left[index] -= 1
            }
            active.removeAll { left[$0] == 0 }
        }
        self.places = places
    }

    /// How many places each weight has of all: in proportion, what is left over going to those that lost most by rounding.
    private static func shares(_ weights: [UInt32]) -> [Int] {
        let total = weights.reduce(0) { $0 + UInt64($1) }
        let exact = weights.map { Double($0) / Double(total) * Double(size) }
        var shares = exact.map { Int($0) }
        let missing = size - shares.reduce(0, +)
        let byLoss = weights.indices.sorted {
            (exact[$0] - Double(shares[$0]), $1) > (exact[$1] - Double(shares[$1]), $0)
        }
        for index in byLoss.prefix(max(0, missing)) { shares[index] += 1 }
        return shares
    }

    /// The endpoint of a hashed key, or if that does not suit, the first that does of those that other places lead to:
    /// the keys of one endpoint that is away are spread over all others, and everybody else's stay.
    func slot(of key: UInt64, where suits: (Int) -> Bool) -> Int? {
        guard !places.isEmpty else { return nil }
        var hash = key
        for _ in 0..<16 {
            let slot = Int(places[Int(hash % UInt64(Self.size))])
            if suits(slot) { return slot }
            hash = StableHash.mixed(hash)
        }
        // Few are left: the first of them from here on.
        let start = Int(hash % UInt64(Self.size))
        for offset in 0..<Self.size {
            let slot = Int(places[(start + offset) % Self.size])
            if suits(slot) { return slot }
        }
        return nil
    }
}
