/// Where in a map's arrays its servers, tables and partitions are, so that nobody searches. All indices are equal: what
/// makes maps differ is in their arrays.
struct PartitionMapIndex: Sendable, Hashable {
    /// A partition's table and its place in it.
    struct Place: Sendable {
        var table: Int
        var part: Int
    }

    // Looked up only, so that their order is none.
    private var servers: [String: Int] = [:]
    private var tables: [String: Int] = [:]
    private var partitions: [PartitionID: Place] = [:]

    static func == (left: PartitionMapIndex, right: PartitionMapIndex) -> Bool { true }

    func hash(into hasher: inout Hasher) {}

    func server(named name: String) -> Int? { servers[name] }

    func table(named name: String) -> Int? { tables[name] }

    func place(of partition: PartitionID) -> Place? { partitions[partition] }

    mutating func place(_ server: Int, named name: String) { servers[name] = server }

    /// Of two tables of one name, which no coordinator gives out, the first counts.
    mutating func place(_ table: PartitionMap.Table, at place: Int) {
        if tables[table.name] == nil { tables[table.name] = place }
        self.place(table.partitions, at: place, after: 0)
    }

    /// Places the partitions of the table at `place` that come after so many others.
    mutating func place(_ parts: [PartitionMap.Partition], at place: Int, after count: Int) {
        for (part, partition) in parts.enumerated() {
            partitions[partition.id] = Place(table: place, part: count + part)
        }
    }
}
