public import MeshWire

/// How far a partition has come: versions compare within a partition, and a partition that went back starts a new
/// epoch.
public struct PartitionVersion: Sendable, Hashable, Comparable, CustomStringConvertible {
    /// The partition's epoch, from 1 on.
    public var epoch: UInt64
    /// The pushes that it has applied in the epoch.
    public var applied: UInt64

    /// Makes a version.
    public init(epoch: UInt64, applied: UInt64) {
        self.epoch = epoch
        self.applied = applied
    }

    /// Compares the epochs, then the applied pushes.
    public static func < (left: PartitionVersion, right: PartitionVersion) -> Bool {
        (left.epoch, left.applied) < (right.epoch, right.applied)
    }

    /// `epoch.applied`.
    public var description: String { "\(epoch).\(applied)" }
}

extension PartitionVersion: MeshMessage {
    /// `meshwork.parameters.PartitionVersion`.
    public static let messageName = "meshwork.parameters.PartitionVersion"

    /// Reads a version.
    public init(from decoder: inout MessageDecoder) throws(WireError) {
        self.init(epoch: 0, applied: 0)
        while let field = try decoder.nextField() {
            switch field {
            case 1: epoch = try decoder.uint64()
            case 2: applied = try decoder.uint64()
            default: break
            }
        }
    }

    /// Writes the version.
    public func encode(to encoder: inout MessageEncoder) {
        encoder.uint64(1, epoch)
        encoder.uint64(2, applied)
    }
}
