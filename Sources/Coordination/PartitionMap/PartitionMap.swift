public import MeshWire

/// Which tables there are, into which partitions each is cut, and which server heads each partition.
public struct PartitionMap: Sendable, Hashable {
    /// One part of a table.
    public struct Partition: Sendable, Hashable {
        /// Its number.
        public var id: PartitionID
        /// The name of the server that applies its pushes.
        public var head: String
        /// Rises whenever another process heads the partition, or another life of one.
        public var epoch: UInt64
        /// The first epoch from which on nothing that was acknowledged has been lost: the present one if its head came
        /// without what the partition held.
        public var intactSince: UInt64
        /// The bytes of its parameters, which placement weighs.
        public var byteCount: UInt64

        /// Makes an entry.
        public init(id: PartitionID, head: String, epoch: UInt64, intactSince: UInt64 = 1, byteCount: UInt64) {
            self.id = id
            self.head = head
            self.epoch = epoch
            self.intactSince = intactSince
            self.byteCount = byteCount
        }
    }

    /// A declared table.
    public struct Table: Sendable, Hashable {
        /// Its name.
        public var name: String
        /// What it was declared as, in the bytes of the room that reads it.
        public var declaration: [UInt8]
        /// Its parts, in order.
        public var partitions: [Partition]

        /// Makes an entry.
        public init(name: String, declaration: [UInt8], partitions: [Partition]) {
            self.name = name
            self.declaration = declaration
            self.partitions = partitions
        }
    }

    /// Rises with each change.
    public var version: UInt64
    /// The registered servers, in the order of their names.
    public var servers: [ServerRecord]
    /// The tables, in the order in which they were declared.
    public var tables: [Table]

    /// Makes a map.
    public init(version: UInt64 = 0, servers: [ServerRecord] = [], tables: [Table] = []) {
        self.version = version
        self.servers = servers
        self.tables = tables
    }

    /// The table of this name.
    public func table(named name: String) -> Table? {
        tables.first { $0.name == name }
    }

    /// The server of this name.
    public func server(named name: String) -> ServerRecord? {
        servers.first { $0.name == name }
    }

    /// The partitions that `server` heads, in the map's order.
    public func partitions(headedBy server: String) -> [PartitionID] {
        tables.flatMap { $0.partitions.lazy.filter { $0.head == server }.map(\.id) }
    }
}

extension PartitionMap: MeshMessage {
    /// `meshwork.coordination.PartitionMap`.
    public static let messageName = "meshwork.coordination.PartitionMap"

    /// Reads the map.
    public init(from decoder: inout MessageDecoder) throws(WireError) {
        self.init()
        while let field = try decoder.nextField() {
            switch field {
            case 1: version = try decoder.uint64()
            case 2: servers.append(try decoder.message())
            case 3: tables.append(try decoder.message())
            default: break
            }
        }
    }

    /// Writes the map.
    public func encode(to encoder: inout MessageEncoder) {
        encoder.uint64(1, version)
        for server in servers { encoder.message(2, server) }
        for table in tables { encoder.message(3, table) }
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
            default: break
            }
        }
    }

    /// Writes the table.
    public func encode(to encoder: inout MessageEncoder) {
        encoder.string(1, name)
        encoder.bytes(2, declaration)
        for partition in partitions { encoder.message(3, partition) }
    }
}

extension PartitionMap.Partition: MeshMessage {
    /// `meshwork.coordination.Partition`.
    public static let messageName = "meshwork.coordination.Partition"

    /// Reads the partition.
    public init(from decoder: inout MessageDecoder) throws(WireError) {
        self.init(id: PartitionID(rawValue: 0), head: "", epoch: 0, byteCount: 0)
        while let field = try decoder.nextField() {
            switch field {
            case 1: id = PartitionID(rawValue: try decoder.uint64())
            case 2: head = try decoder.string()
            case 3: epoch = try decoder.uint64()
            case 4: byteCount = try decoder.uint64()
            case 5: intactSince = try decoder.uint64()
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
    }
}
