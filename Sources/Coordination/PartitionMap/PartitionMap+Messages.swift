public import MeshWire

extension PartitionMap: MeshMessage {
    /// `meshwork.coordination.PartitionMap`.
    public static let messageName = "meshwork.coordination.PartitionMap"

    /// Reads the map.
    public init(from decoder: inout MessageDecoder) throws(WireError) {
        var (version, servers, tables, lost) = (UInt64(0), [ServerRecord](), [Table](), [String]())
        while let field = try decoder.nextField() {
            switch field {
            case 1: version = try decoder.uint64()
            case 2: servers.append(try decoder.message())
            case 3: tables.append(try decoder.message())
            case 4: lost.append(try decoder.string())
            default: break
            }
        }
        self.init(version: version, servers: servers, tables: tables, lost: lost)
    }

    /// Writes the map.
    public func encode(to encoder: inout MessageEncoder) {
        encoder.uint64(1, version)
        for server in servers { encoder.message(2, server) }
        for table in tables { encoder.message(3, table) }
        for server in lost { encoder.string(4, server) }
    }
}

extension PartitionMap.Table: MeshMessage {
    /// `meshwork.coordination.Table`.
    public static let messageName = "meshwork.coordination.Table"

    /// Reads the table.
    public init(from decoder: inout MessageDecoder) throws(WireError) {
        self.init(name: "", declaration: [], partitions: [])
        while let field = try decoder.nextField() {
            switch field {
            case 1: name = try decoder.string()
            case 2: declaration = try decoder.bytes()
            case 3: partitions.append(try decoder.message())
            case 4: replicas = try decoder.count()
            default: break
            }
        }
    }

    /// Writes the table.
    public func encode(to encoder: inout MessageEncoder) {
        encoder.string(1, name)
        encoder.bytes(2, declaration)
        for partition in partitions { encoder.message(3, partition) }
        encoder.uint64(4, UInt64(replicas))
    }
}

extension PartitionMap.Partition: MeshMessage {
    /// `meshwork.coordination.Partition`.
    public static let messageName = "meshwork.coordination.Partition"

    /// Reads the partition.
    public init(from decoder: inout MessageDecoder) throws(WireError) {
        self.init(id: PartitionID(rawValue: 0), head: "", epoch: 0, intactSince: 0, byteCount: 0, headSince: 0)
        while let field = try decoder.nextField() {
            switch field {
            case 1: id = PartitionID(rawValue: try decoder.uint64())
            case 2: head = try decoder.string()
            case 3: epoch = try decoder.uint64()
            case 4: byteCount = try decoder.uint64()
            case 5: intactSince = try decoder.uint64()
            case 6: followers.append(try decoder.string())
            case 7: joining = try decoder.string()
            case 8: headSince = try decoder.uint64()
            default: break
            }
        }
    }

    /// Writes the partition.
    public func encode(to encoder: inout MessageEncoder) {
        encoder.uint64(1, id.rawValue)
        encoder.string(2, head)
        encoder.uint64(3, epoch)
        encoder.uint64(4, byteCount)
        encoder.uint64(5, intactSince)
        for follower in followers { encoder.string(6, follower) }
        encoder.string(7, joining)
        encoder.uint64(8, headSince)
    }
}
