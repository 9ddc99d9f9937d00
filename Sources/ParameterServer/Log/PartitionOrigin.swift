import Coordination
import MeshWire

/// What a partition begins with in a log: all that is needed to make it before its first record.
struct PartitionOrigin: MeshMessage, Hashable {
    static let messageName = "meshwork.parameters.PartitionOrigin"

    var partition: PartitionID
    /// The table as it was declared.
    var declaration: [UInt8]
    /// Which of the table's partitions it is.
    var index: Int
    var epoch: UInt64
    var intactSince: UInt64
    var fence: SessionFence

    init(
        partition: PartitionID, declaration: [UInt8], index: Int, epoch: UInt64, intactSince: UInt64,
        fence: SessionFence
    ) {
        self.partition = partition
        self.declaration = declaration
        self.index = index
        self.epoch = epoch
        self.intactSince = intactSince
        self.fence = fence
    }

    init(from decoder: inout MessageDecoder) throws(WireError) {
        self.init(
            partition: PartitionID(rawValue: 0), declaration: [], index: 0, epoch: 0, intactSince: 0,
            fence: SessionFence())
        while let field = try decoder.nextField() {
            switch field {
            case 1: partition = PartitionID(rawValue: try decoder.uint64())
            case 2: declaration = try decoder.bytes()
            case 3: index = try decoder.count()
            case 4: epoch = try decoder.uint64()
            case 5: intactSince = try decoder.uint64()
            case 6: fence = try decoder.message()
            default: break
            }
        }
    }

    func encode(to encoder: inout MessageEncoder) {
        encoder.uint64(1, partition.rawValue)
        encoder.bytes(2, declaration)
        encoder.uint64(3, UInt64(index))
        encoder.uint64(4, epoch)
        encoder.uint64(5, intactSince)
        encoder.message(6, fence)
    }
}
