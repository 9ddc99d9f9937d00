import Coordination
import Identity
import MeshWire

/// The snapshots that a server keeps for readers, within limits: where there are too many, or they are too large, the
/// oldest makes way. A state machine without I/O or clock.
///
/// ```
///              keep                      keep, renew before the lease is over
///   (nothing) ──────► kept until its lease is over ◄──────┐
///                        │    └───────────────────────────┘
///                        ▼ release, the lease's end, or another that needs the room
///                     (nothing): whoever asks for it is told that it is gone
/// ```
/// A version of a partition that several snapshots have is in memory once, and counts once.
struct SnapshotTable: Sendable {
    /// Whose snapshot it is, and which of theirs.
    struct Key: Sendable, Hashable {
        var owner: SPIFFEID?
        var number: UInt64
    }

    /// Why a snapshot went.
    enum End: String, Sendable, CaseIterable {
        case released, expired, revoked
    }

    private struct Snapshot: Sendable {
        var key: Key
        var partitions: [PartitionID: KeptPartition] = [:]
        var expires: RuntimeInstant
    }

    private struct Version: Hashable {
        var partition: PartitionID
        var version: PartitionVersion
    }

    private let count: Int
    private let limit: Int
    /// Oldest first.
    private var snapshots: [Snapshot] = []
    /// How many snapshots have a version.
    private var holders: [Version: Int] = [:]
    /// What all of them keep in memory at most, rows not counted.
    private(set) var byteCount = 0
    /// How many are kept.
    var snapshotCount: Int { snapshots.count }

    init(_ limits: SnapshotConfiguration) {
        count = limits.count
        limit = limits.bytes
    }

    /// Keeps partitions in a snapshot, which begins if there is none; what it has of a partition already stays.
    ///
    /// - Returns: what it has of them, in their order, and what was revoked for it.
    /// - Throws: ``ParameterServerError/Code/snapshotTooLarge``; then there is no such snapshot any more.
    mutating func keep(
        _ partitions: [KeptPartition], in key: Key, until expiry: RuntimeInstant
    ) throws(ParameterServerError) -> (kept: [KeptPartition], revoked: (count: Int, partitions: [KeptPartition])) {
        if index(of: key) == nil { snapshots.append(Snapshot(key: key, expires: expiry)) }
        guard let own = index(of: key) else { preconditionFailure("a snapshot that was just added") }
        snapshots[own].expires = max(snapshots[own].expires, expiry)
        for partition in partitions where snapshots[own].partitions[partition.id] == nil {
            snapshots[own].partitions[partition.id] = partition
            hold(partition)
        }
        let bytes = snapshots[own].partitions.values.reduce(0) { $0 + $1.byteCount }
        guard bytes <= limit else {
            _ = remove(own)
            throw ParameterServerError(
                .snapshotTooLarge,
                "a snapshot of \(bytes) bytes, and the server keeps at most \(limit): take one of fewer tables, or raise ParameterServerConfiguration.snapshots.bytes"
            )
        }
        let kept = partitions.compactMap { snapshots[own].partitions[$0.id] }
        var revoked: (count: Int, partitions: [KeptPartition]) = (0, [])
        while snapshots.count > count || byteCount > limit, let oldest = snapshots.firstIndex(where: { $0.key != key })
        {
            revoked.count += 1
            revoked.partitions += remove(oldest)
        }
        return (kept, revoked)
    }

    /// What a snapshot has of a partition, unless its lease is over.
    func kept(_ partition: PartitionID, in key: Key, at now: RuntimeInstant) -> KeptPartition? {
        guard let index = index(of: key), snapshots[index].expires > now else { return nil }
        return snapshots[index].partitions[partition]
    }

    /// Keeps a snapshot until `expiry` or longer; false if it is gone.
    mutating func renew(_ key: Key, until expiry: RuntimeInstant) -> Bool {
        guard let index = index(of: key) else { return false }
        snapshots[index].expires = max(snapshots[index].expires, expiry)
        return true
    }

    /// Lets go of a snapshot, and returns what it had; `nil` if it is gone.
    mutating func release(_ key: Key) -> [KeptPartition]? { index(of: key).map { remove($0) } }

    /// Lets go of those whose lease is over.
    mutating func expire(_ now: RuntimeInstant) -> (count: Int, partitions: [KeptPartition]) {
        var expired: (count: Int, partitions: [KeptPartition]) = (0, [])
        while let index = snapshots.firstIndex(where: { $0.expires <= now }) {
            expired.count += 1
            expired.partitions += remove(index)
        }
        return expired
    }

    private func index(of key: Key) -> Int? { snapshots.firstIndex { $0.key == key } }

    private mutating func hold(_ partition: KeptPartition) {
        let version = Version(partition: partition.id, version: partition.version)
        holders[version, default: 0] += 1
        if holders[version] == 1 { byteCount += partition.byteCount }
    }

    private mutating func remove(_ index: Int) -> [KeptPartition] {
        let snapshot = snapshots.remove(at: index)
        for partition in snapshot.partitions.values {
            let version = Version(partition: partition.id, version: partition.version)
            holders[version] = holders[version].flatMap { $0 > 1 ? $0 - 1 : nil }
            if holders[version] == nil { byteCount -= partition.byteCount }
        }
        return Array(snapshot.partitions.values)
    }
}
