public import Coordination

/// What a session has lost of its pushes in one partition, which went back: its head came without what it held.
public struct RollBack: Sendable, Hashable {
    /// The partition's number.
    public var partition: PartitionID
    /// The partition's table and index.
    public var name: PartitionName
    /// The epoch that began without them.
    public var epoch: UInt64
    /// The numbers of the session's pushes that had been acknowledged and are lost.
    public var lost: SequenceSet
}

/// The pushes of one session that were acknowledged, to know which of them a roll-back takes. A state machine.
struct AcknowledgedPushes: Sendable {
    private struct Partition: Sendable {
        var sequences = SequenceSet()
        /// The latest epoch that one of them was acknowledged in.
        var epoch: UInt64 = 0
    }

    private var partitions: [PartitionID: Partition] = [:]

    /// A push was acknowledged.
    mutating func insert(_ push: PushIdentity, epoch: UInt64) {
        var known = partitions.removeValue(forKey: push.partition) ?? Partition()
        known.sequences.insert(push.sequence)
        known.epoch = max(known.epoch, epoch)
        partitions[push.partition] = known
    }

    /// A partition has said what stands of the session's pushes; of the others, those that had been acknowledged are lost.
    mutating func rolledBack(_ push: PushIdentity, to standing: SequenceSet, epoch: UInt64) -> RollBack {
        let known = partitions.removeValue(forKey: push.partition)?.sequences ?? SequenceSet()
        let lost = known.subtracting(standing)
        partitions[push.partition] = Partition(sequences: known.subtracting(lost), epoch: epoch)
        return RollBack(partition: push.partition, name: push.name, epoch: epoch, lost: lost)
    }

    /// What a gradient that was computed from `pulled` says that it is of.
    ///
    /// Where acknowledged pushes may be lost that nobody has been told of, it is of the epoch of the last of them: then the
    /// partition refuses the next push and says what stands. That it may not is known from a map of the pulled epoch.
    func basis(_ pulled: PartitionVersion, of partition: PartitionID, _ map: PartitionMap) -> PartitionVersion {
        guard let known = partitions[partition], known.epoch < pulled.epoch else { return pulled }
        if let entry = map.partition(partition), entry.epoch >= pulled.epoch, entry.intactSince <= known.epoch {
            return pulled
        }
        return PartitionVersion(epoch: known.epoch, applied: pulled.applied)
    }
}
