/// A share of the cluster for the tables of one owner: those whose names begin alike, and what they may take together.
///
/// ```swift
/// configuration.namespaces = [TableNamespace("ads", prefix: "ads/", tables: 100, bytes: 64 << 30)]
/// ```
/// Who may create, pull, push and administer the tables of a namespace is said by a ``TablePolicy`` with its prefix. A
/// table counts in every namespace whose prefix its name has, so that one may lie within another. Tables of no
/// namespace are bounded by the coordinator's other limits alone.
public struct TableNamespace: Sendable, Hashable {
    /// Its name in errors and metrics.
    public var name: String
    /// What the names of its tables begin with.
    public var prefix: String
    /// The most tables; `nil` for no limit of its own.
    public var tables: Int?
    /// The most partitions of all tables together; `nil` for no limit of its own.
    public var partitions: Int?
    /// The most bytes of all tables together, those of followers included; `nil` for no limit of its own. A dense table
    /// takes those of its parameters, without what the optimizer remembers of them, a row table those of the most rows
    /// that it may have, with what the optimizer remembers.
    public var bytes: UInt64?

    /// Makes a namespace.
    public init(
        _ name: String, prefix: String, tables: Int? = nil, partitions: Int? = nil, bytes: UInt64? = nil
    ) {
        self.name = name
        self.prefix = prefix
        self.tables = tables
        self.partitions = partitions
        self.bytes = bytes
    }

    /// What tables take together.
    struct Usage: Sendable, Hashable {
        var tables: UInt64 = 0
        var partitions: UInt64 = 0
        var bytes: UInt64 = 0

        mutating func add(partitionByteCounts: some Collection<UInt64>, replicas: Int) {
            tables += 1
            partitions += UInt64(partitionByteCounts.count)
            for count in partitionByteCounts {
                let (all, overflow) = count.multipliedReportingOverflow(by: UInt64(replicas) + 1)
                let (sum, sumOverflow) = bytes.addingReportingOverflow(all)
                bytes = overflow || sumOverflow ? .max : sum
            }
        }
    }

    /// The limits that there are, by the name of what they limit.
    var limits: [(resource: String, most: UInt64, of: any KeyPath<Usage, UInt64> & Sendable)] {
        [
            ("tables", tables.map(UInt64.init), \.tables), ("partitions", partitions.map(UInt64.init), \.partitions),
            ("bytes", bytes, \.bytes),
        ].compactMap { resource, most, path in most.map { (resource, $0, path) } }
    }

    func has(_ table: String) -> Bool { table.utf8.starts(with: prefix.utf8) }

    /// What the namespace's tables in a map take.
    func usage(in map: PartitionMap) -> Usage {
        var usage = Usage()
        for table in map.tables where has(table.name) {
            usage.add(partitionByteCounts: table.partitions.map(\.byteCount), replicas: table.replicas)
        }
        return usage
    }

    /// Throws ``CoordinationError/Code/quotaExceeded`` if the tables of a map and these together are over a limit.
    func check(_ requests: [TableRequest], beside map: PartitionMap) throws(CoordinationError) {
        let own = requests.filter { has($0.name) }
        guard !own.isEmpty else { return }
        let before = usage(in: map)
        var after = before
        for request in own { after.add(partitionByteCounts: request.partitionByteCounts, replicas: request.replicas) }
        for (resource, most, path) in limits where after[keyPath: path] > most {
            throw CoordinationError(
                .quotaExceeded,
                "namespace \(name): \(before[keyPath: path]) of \(most) \(resource) are taken, and \(Self.names(of: own)) need \(after[keyPath: path] - before[keyPath: path]): declare less, or raise the namespace's limit at the coordinator"
            )
        }
    }

    /// The names of a few of the tables, and how many others there are.
    private static func names(of requests: [TableRequest]) -> String {
        let first = requests.prefix(4).map(\.name).joined(separator: ", ")
        return requests.count > 4 ? "\(first) and \(requests.count - 4) others" : first
    }

    /// What is wrong with namespaces, in words.
    static func problems(_ namespaces: [TableNamespace]) -> [String] {
        var problems: [String] = []
        var names: Set<String> = []
        for namespace in namespaces {
            if namespace.name.isEmpty { problems.append("a namespace needs a name") }
            if !names.insert(namespace.name).inserted { problems.append("two namespaces are called \(namespace.name)") }
            if namespace.prefix.isEmpty { problems.append("namespace \(namespace.name) needs a prefix") }
            for (resource, most) in [("tables", namespace.tables), ("partitions", namespace.partitions)] {
                if let most, most < 0 {
                    problems.append("namespace \(namespace.name): \(resource) must not be negative, is \(most)")
                }
            }
        }
        return problems
    }
}
