import Coordination
import MeshWire
import NIOCore
import Synchronization

@testable import ParameterServer

/// What servers hold of the partitions in a map.
struct ServerChains: Sendable {
    let entries: [PartitionMap.Partition]
    let servers: [ParameterServer]

    /// A partition as one of the servers has it.
    func partition(_ id: PartitionID, at server: String) -> Partition? {
        servers.first { $0.name == server }?.hosted.known(id)
    }

    /// Whether every partition has so many followers, and they have all that its head has. False without partitions.
    func areSettled(replicas: Int) -> Bool {
        guard !entries.isEmpty else { return false }
        return entries.allSatisfy { entry in
            guard entry.followers.count == replicas, entry.joining.isEmpty else { return false }
            let chain = entry.chain.map { name in partition(entry.id, at: name)?.chain.withLock { $0 } }
            return chain.allSatisfy { member in
                guard let member else { return false }
                return member.place?.epoch == entry.epoch && member.committed == chain[0]?.executed
                    && member.window.count == 0
            }
        }
    }

    /// What is not alike, bit by bit, at the servers of a partition.
    func differences() async -> [String] {
        var differences: [String] = []
        for entry in entries {
            var first: [[UInt8]]?
            for name in entry.chain {
                guard let partition = partition(entry.id, at: name) else {
                    differences.append("partition \(entry.id) is not at \(name)")
                    continue
                }
                let payload = Payload(await partition.snapshot().1)
                let bytes =
                    [Array(payload.head.readableBytesView)]
                    + payload.segments.map { unsafe $0.segment.withUnsafeBytes { unsafe Array($0) } }
                if let first, first != bytes { differences.append("partition \(entry.id) differs at \(name)") }
                first = first ?? bytes
            }
        }
        return differences
    }
}
