package import MeshWire

/// A partition that a server has kept from an earlier life, and the epoch in which it goes on: the one after the map's.
///
/// That epoch is in the server's log before the coordinator hears of it, as every epoch is before something is acknowledged
/// in it, by a head or a follower. So a log that has an epoch from which on nothing was acknowledged without it (`headSince`)
/// has all that was acknowledged, whenever a life ended; one that another server, or a life without it, came after does not
/// have it: to be of the chain again takes two epochs more.
package struct RecoveredPartition: Sendable, Hashable {
    package var partition: PartitionID
    package var epoch: UInt64

    package init(partition: PartitionID, epoch: UInt64) {
        self.partition = partition
        self.epoch = epoch
    }
}

/// What a server says when it makes itself known.
package struct ServerRegistration: MeshMessage, Hashable {
    package static let messageName = "meshwork.coordination.ServerRegistration"

    package var server: ServerRecord
    /// The partitions that it has kept.
    package var recovered: [RecoveredPartition]
    /// The version of the map that they were looked up in; 0 where the server has kept nothing.
    package var mapVersion: UInt64

    package init(server: ServerRecord, recovered: [RecoveredPartition] = [], mapVersion: UInt64 = 0) {
        self.server = server
        self.recovered = recovered
        self.mapVersion = mapVersion
    }

    package init(from decoder: inout MessageDecoder) throws(WireError) {
        var server: ServerRecord?
        recovered = []
        mapVersion = 0
        while let field = try decoder.nextField() {
            switch field {
            case 1: server = try decoder.message()
            case 2: recovered.append(try decoder.message())
            case 3: mapVersion = try decoder.uint64()
            default: break
            }
        }
        guard let server else { throw WireError(.malformed, "a registration names no server") }
        self.server = server
    }

    package func encode(to encoder: inout MessageEncoder) {
        encoder.message(1, server)
        for partition in recovered { encoder.message(2, partition) }
        encoder.uint64(3, mapVersion)
    }
}

extension RecoveredPartition: MeshMessage {
    package static let messageName = "meshwork.coordination.RecoveredPartition"

    package init(from decoder: inout MessageDecoder) throws(WireError) {
        self.init(partition: PartitionID(rawValue: 0), epoch: 0)
        while let field = try decoder.nextField() {
            switch field {
            case 1: partition = PartitionID(rawValue: try decoder.uint64())
            case 2: epoch = try decoder.uint64()
            default: break
            }
        }
    }

    package func encode(to encoder: inout MessageEncoder) {
        encoder.uint64(1, partition.rawValue)
        encoder.uint64(2, epoch)
    }
}
