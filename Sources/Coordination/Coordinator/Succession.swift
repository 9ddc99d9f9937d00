/// Who heads a partition, and who follows, when servers are lost or come back without what they held: one entry of the
/// map before and after. Pure.
///
/// A chain's servers all have what has been acknowledged, so any of them that lives can go on with nothing lost. One
/// that was started anew is none of them any more.
enum Succession {
    /// A chain without its lost servers, the first that lives at its head; `nil` if it stays as it is. A chain of which
    /// nobody lives stays: whoever of it comes back first goes on.
    static func withoutLost(
        _ entry: PartitionMap.Partition, isLiving: (String) -> Bool
    ) -> PartitionMap.Partition? {
        var next = entry
        if !entry.joining.isEmpty, !isLiving(entry.joining) { next.joining = "" }
        let living = entry.chain.filter(isLiving)
        if let head = living.first, living.count < entry.chain.count {
            next.followers = Array(living.dropFirst())
            next.epoch += 1
            next.isHeaded(by: head, after: entry)
        }
        return next == entry ? nil : next
    }

    /// What becomes of a partition when a server of it has been started anew; `nil` if it is none of the server's.
    ///
    /// Others that have it go on, in a new epoch, and the server is placed again as joining: what it holds is older. Where
    /// it is alone, or has kept the partition and nobody else lives, it heads it in the epoch after.
    ///
    /// - Parameter hasKept: whether it has begun the next epoch with all that was acknowledged.
    static func restarted(
        _ entry: PartitionMap.Partition, server: String, hasKept: Bool, isLiving: (String) -> Bool
    ) -> PartitionMap.Partition? {
        guard entry.chain.contains(server) else {
            guard entry.joining == server else { return nil }
            var next = entry
            next.joining = ""
            return next
        }
        let others = entry.chain.filter { $0 != server }
        var next = entry
        next.epoch += 1
        guard let heir = others.first(where: isLiving) ?? (hasKept ? nil : others.first) else {
            next.followers = []
            next.isHeaded(by: server, after: entry)
            if !hasKept { (next.intactSince, next.headSince) = (next.epoch, next.epoch) }
            return next
        }
        // The server has begun the next epoch for itself: nobody else heads that.
        if hasKept { next.epoch += 1 }
        next.followers = others.filter { $0 != heir }
        next.isHeaded(by: heir, after: entry)
        return next
    }

    /// A chain after a server's change of it; `nil` if the change is not one of this chain any more.
    static func changed(
        _ entry: PartitionMap.Partition, by change: ChainChange, isPresent: (String, UInt64) -> Bool
    ) -> PartitionMap.Partition? {
        var next = entry
        switch change {
        case .drop(let follower):
            guard let index = next.followers.firstIndex(of: follower) else { return nil }
            next.followers.remove(at: index)
            next.epoch += 1
        case .join(let server, let life):
            guard next.joining == server, isPresent(server, life) else { return nil }
            next.followers.append(server)
            next.joining = ""
            next.epoch += 1
        case .abandon(let server), .refuse(let server):
            guard next.joining == server else { return nil }
            next.joining = ""
        }
        return next
    }

    /// Whether an entry is what a change makes of the epoch before: the change was made and its answer lost.
    static func isResult(_ entry: PartitionMap.Partition, of change: ChainChange, ifEpoch epoch: UInt64) -> Bool {
        switch change {
        case .drop(let follower): entry.epoch == epoch + 1 && !entry.chain.contains(follower)
        case .join(let server, _): entry.epoch == epoch + 1 && entry.followers.last == server
        case .abandon(let server), .refuse(let server): entry.epoch == epoch && entry.joining != server
        }
    }
}

extension PartitionMap.Partition {
    /// Whether a server that has begun an epoch in its log, the one after that of a map, has all that was acknowledged:
    /// since ``headSince`` nothing was that is not in its log.
    func isKept(_ begun: UInt64, by server: String) -> Bool {
        head == server && begun > headSince && begun <= epoch + 1
    }

    /// Gives the present epoch a head. One that was of the chain before has in its log what was acknowledged then, though
    /// it may not have begun the new epoch when its life ends.
    fileprivate mutating func isHeaded(by server: String, after former: Self) {
        if head != server { headSince = former.epoch }
        head = server
    }
}
