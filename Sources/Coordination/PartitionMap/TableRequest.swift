public import MeshWire

/// A table that somebody wants to exist: what it is, and how large each of its partitions is.
///
/// The coordinator compares declarations byte by byte and reads nothing in them; it does not know tensors.
public struct TableRequest: Sendable, Hashable {
    /// The table's name.
    public var name: String
    /// What the table is; equal tables have equal bytes.
    public var declaration: [UInt8]
    /// The bytes of each partition's parameters.
    public var partitionByteCounts: [UInt64]
    /// How many followers each partition is to have, each on a server of its own; 0 for none.
    public var replicas: Int

    /// Makes a request.
    public init(name: String, declaration: [UInt8], partitionByteCounts: [UInt64], replicas: Int = 0) {
        self.name = name
        self.declaration = declaration
        self.partitionByteCounts = partitionByteCounts
        self.replicas = replicas
    }
}

extension TableRequest: MeshMessage {
    /// `meshwork.coordination.TableRequest`.
    public static let messageName = "meshwork.coordination.TableRequest"

    /// Reads the request.
    public init(from decoder: inout MessageDecoder) throws(WireError) {
        self.init(name: "", declaration: [], partitionByteCounts: [])
        while let field = try decoder.nextField() {
            switch field {
            case 1: name = try decoder.string()
            case 2: declaration = try decoder.bytes()
            case 3: try decoder.packed(into: &partitionByteCounts)
            case 4: replicas = try decoder.count()
            default: break
            }
        }
    }

    /// Writes the request.
    public func encode(to encoder: inout MessageEncoder) {
        encoder.string(1, name)
        encoder.bytes(2, declaration)
        encoder.packed(3, partitionByteCounts)
        encoder.uint64(4, UInt64(replicas))
    }
}

extension TableRequest {
    /// The most bytes that the request's message takes.
    var mostBytes: Int { name.utf8.count + declaration.count + 10 * partitionByteCounts.count + 32 }
}
