/// Which bundle the workloads of federated domains have that follow an authority's: it issued none of their leaves, and
/// knows those alone that have come.
///
/// One that has come is waited for until it has the bundle or its certificate ends, whether it is connected or not: it could
/// not even connect to an authority whose own leaf leads to a root that it does not know. A value without a clock.
public struct FederatedFollowers: Sendable {
    private struct Follower: Sendable {
        let id: SPIFFEID
        let notAfter: UnixTime
        var sequence: UInt64 = 0
        /// Whether it follows now.
        var isHere = true
    }

    /// The most that are away and remembered; of more the ones that came last.
    static let mostAway = 4_096

    /// By the number of its call, in the order of their beginnings.
    private var followers: [(number: UInt64, follower: Follower)] = []
    private var lastNumber: UInt64 = 0

    /// How many are remembered, whether they are here or away.
    var count: Int { followers.count }

    /// Nobody has come.
    public init() {}

    /// A workload begins to follow. It takes the place of one with its SPIFFE ID that has gone away, which it most likely is.
    ///
    /// - Parameter notAfter: when its certificate ends.
    /// - Returns: what it is known by until it goes away.
    public mutating func began(_ id: SPIFFEID, until notAfter: UnixTime) -> UInt64 {
        if let gone = followers.firstIndex(where: { !$0.follower.isHere && $0.follower.id == id }) {
            followers.remove(at: gone)
        }
        lastNumber += 1
        followers.append((lastNumber, Follower(id: id, notAfter: notAfter)))
        return lastNumber
    }

    /// A follower says that it has the bundle of a sequence number.
    public mutating func acknowledged(_ sequence: UInt64, by number: UInt64) {
        guard let index = followers.firstIndex(where: { $0.number == number }),
            followers[index].follower.sequence < sequence
        else { return }
        followers[index].follower.sequence = sequence
    }

    /// A follower goes away.
    public mutating func ended(_ number: UInt64) {
        guard let index = followers.firstIndex(where: { $0.number == number }) else { return }
        followers[index].follower.isHere = false
        guard followers.count(where: { !$0.follower.isHere }) > Self.mostAway,
            let oldest = followers.firstIndex(where: { !$0.follower.isHere })
        else { return }
        followers.remove(at: oldest)
    }

    /// Which of `domains` do not have the bundle of a sequence number, or a later one, in the order of the names: no workload
    /// of theirs has come whose certificate is good at `now`, or one that has come has said nothing of it.
    public func without(_ sequence: UInt64, of domains: Set<TrustDomain>, now: UnixTime) -> [TrustDomain] {
        domains.filter { domain in
            let known = followers.filter { $0.follower.id.trustDomain == domain && $0.follower.notAfter >= now }
            return known.isEmpty || known.contains { $0.follower.sequence < sequence }
        }.sorted()
    }

    /// Forgets those that are away and whose certificates have ended.
    public mutating func forgetEnded(now: UnixTime) {
        followers.removeAll { !$0.follower.isHere && $0.follower.notAfter < now }
    }
}
