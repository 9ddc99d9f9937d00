package import MeshWire

/// A head's question for a new epoch of its partition, in which nothing that was acknowledged before has to stand.
package struct RollBackRequest: MeshMessage, Hashable {
    package static let messageName = "meshwork.coordination.RollBackRequest"

    package var partition: PartitionID
    /// The head's name, and which of its lives asks.
    package var server: String
    package var life: UInt64

    package init(partition: PartitionID, server: String, life: UInt64) {
        self.partition = partition
        self.server = server
        self.life = life
    }

    package init(from decoder: inout MessageDecoder) throws(WireError) {
        self.init(partition: PartitionID(rawValue: 0), server: "", life: 0)
        while let field = try decoder.nextField() {
            switch field {
            case 1: partition = PartitionID(rawValue: try decoder.uint64())
            case 2: server = try decoder.string()
            case 3: life = try decoder.fixed64()
            default: break
            }
        }
    }

    package func encode(to encoder: inout MessageEncoder) {
        encoder.uint64(1, partition.rawValue)
        encoder.string(2, server)
        encoder.fixed64(3, life)
    }
}

/// The epoch that begins.
package struct BegunEpoch: MeshMessage, Hashable {
    package static let messageName = "meshwork.coordination.BegunEpoch"

    package var epoch: UInt64

    package init(epoch: UInt64) { self.epoch = epoch }

    package init(from decoder: inout MessageDecoder) throws(WireError) {
        epoch = 0
        while let field = try decoder.nextField() {
            if field == 1 { epoch = try decoder.uint64() }
        }
    }

    package func encode(to encoder: inout MessageEncoder) { encoder.uint64(1, epoch) }
}
