/// Which tables there are, into which partitions each is cut, and which servers hold each partition.
///
/// Servers, tables and partitions are found by name or number in constant time.
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
        /// The names of the servers that repeat what the head does, in the order in which records reach them. The first
        /// of them that lives is the next head.
        public var followers: [String]
        /// The server that is being given what the partition holds, to become its last follower; empty for none. It does
        /// not count yet.
        public var joining: String
        /// The first of the epochs, up to the present one, in all of which nothing could be acknowledged that is not in the
        /// head's log: a log that the head has written in one of them has all that was acknowledged. Of a head that was a
        /// follower it is the last epoch in which it followed.
        public var headSince: UInt64

        /// Makes an entry.
        public init(
            id: PartitionID, head: String, epoch: UInt64, intactSince: UInt64 = 1, byteCount: UInt64,
            followers: [String] = [], joining: String = "", headSince: UInt64 = 1
        ) {
            self.id = id
            self.head = head
            self.epoch = epoch
            self.intactSince = intactSince
            self.byteCount = byteCount
            self.followers = followers
            self.joining = joining
            self.headSince = headSince
        }

        /// The head and its followers, in the order in which records reach them.
        public var chain: [String] { [head] + followers }
    }

    /// A declared table.
    public struct Table: Sendable, Hashable {
        /// Its name.
        public var name: String
        /// What it was declared as, in the bytes of the room that reads it.
        public var declaration: [UInt8]
        /// Its parts, in order.
        public var partitions: [Partition]
        /// How many followers each part is to have; it has fewer while there are too few servers.
        public var replicas: Int

        /// Makes an entry.
        public init(name: String, declaration: [UInt8], partitions: [Partition], replicas: Int = 0) {
            self.name = name
            self.declaration = declaration
            self.partitions = partitions
            self.replicas = replicas
        }
    }

    /// Rises with each change.
    public var version: UInt64
    /// The registered servers, in the order of their names.
    public private(set) var servers: [ServerRecord]
    /// The tables, in the order in which they were declared.
    public private(set) var tables: [Table]
    /// The names of the servers that have not been heard of for too long, in their order. One that is heard of again is
    /// none of them any more.
    public private(set) var lost: [String]
    private var index = PartitionMapIndex()

    /// Makes a map.
    public init(version: UInt64 = 0, servers: [ServerRecord] = [], tables: [Table] = [], lost: [String] = []) {
        self.version = version
        self.servers = servers
        self.tables = tables
        self.lost = lost
        for server in servers.indices { index.place(server, named: servers[server].name) }
        for table in tables.indices { index.place(tables[table], at: table) }
    }

    /// The table of this name.
    public func table(named name: String) -> Table? { index.table(named: name).map { tables[$0] } }

    /// The server of this name.
    public func server(named name: String) -> ServerRecord? { index.server(named: name).map { servers[$0] } }

    /// The servers that are registered and not ``lost``, in the order of their names.
    public var living: [ServerRecord] { lost.isEmpty ? servers : servers.filter { !lost.contains($0.name) } }

    /// Whether the server of this name is registered and not ``lost``.
    public func isLiving(_ server: String) -> Bool { index.server(named: server) != nil && !lost.contains(server) }

    /// The partition of this number.
    public func partition(_ id: PartitionID) -> Partition? {
        index.place(of: id).map { tables[$0.table].partitions[$0.part] }
    }

    /// The table of which a partition is a part.
    public func table(of partition: PartitionID) -> Table? { index.place(of: partition).map { tables[$0.table] } }

    /// The partitions that `server` heads, in the map's order.
    public func partitions(headedBy server: String) -> [PartitionID] {
        tables.flatMap { $0.partitions.lazy.filter { $0.head == server }.map(\.id) }
    }
}

extension PartitionMap {
    /// Takes over what a change says of it. O(what it changes) and, where a server is new, O(servers).
    mutating func apply(_ change: CoordinatorChange) {
        if change.mapVersion != 0 { version = change.mapVersion }
        for server in change.servers { take(server) }
        for server in change.lost where !lost.contains(server) {
            lost.insert(server, at: lost.firstIndex { $0 > server } ?? lost.endIndex)
        }
        for table in change.tables { take(table) }
        for partition in change.partitions {
            guard let place = index.place(of: partition.id) else { continue }
            tables[place.table].partitions[place.part] = partition
        }
    }

    /// Takes in a table; one of the last one's name is what was left of that when a part of a change was full.
    private mutating func take(_ table: Table) {
        guard let last = tables.indices.last, tables[last].name == table.name else {
            index.place(table, at: tables.count)
            return tables.append(table)
        }
        index.place(table.partitions, at: last, after: tables[last].partitions.count)
        tables[last].partitions += table.partitions
    }

    /// Takes in a server that came, or came back, which is not lost any more.
    private mutating func take(_ server: ServerRecord) {
        lost.removeAll { $0 == server.name }
        if let known = index.server(named: server.name) {
            servers[known] = server
            return
        }
        servers.insert(server, at: servers.firstIndex { $0.name > server.name } ?? servers.endIndex)
        for place in servers.indices { index.place(place, named: servers[place].name) }
    }
}
