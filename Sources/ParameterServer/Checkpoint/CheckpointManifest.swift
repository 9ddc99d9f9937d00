public import Coordination
public import MeshWire

/// What a checkpoint consists of: which tables, and for each of their partitions a file, the version that it is of and
/// what each session had applied then.
///
/// Each partition is consistent in itself; partitions are of different moments, and the manifest says of which. It is
/// written last: files without a whole manifest are no checkpoint.
public struct CheckpointManifest: Sendable, Hashable {
    /// What a living session had applied in a partition.
    public struct Session: Sendable, Hashable {
        /// The session.
        public var session: SessionID
        /// The worker's number.
        public var slot: Int
        /// The sequence numbers of its pushes that the file has.
        public var applied: SequenceSet

        /// Makes an entry.
        public init(session: SessionID, slot: Int, applied: SequenceSet) {
            self.session = session
            self.slot = slot
            self.applied = applied
        }
    }

    /// A partition's file.
    public struct Partition: Sendable, Hashable {
        /// The partition's number when the file was written.
        public var id: PartitionID
        /// The version that the file has.
        public var version: PartitionVersion
        /// The audit counter.
        public var counter: Int64
        /// The file's bytes.
        public var byteCount: Int64
        /// Their CRC32C.
        public var checksum: UInt32
        /// Every session that could push then, in the order of slots.
        public var sessions: [Session]

        /// Makes an entry.
        public init(
            id: PartitionID, version: PartitionVersion, counter: Int64, byteCount: Int64, checksum: UInt32,
            sessions: [Session]
        ) {
            self.id = id
            self.version = version
            self.counter = counter
            self.byteCount = byteCount
            self.checksum = checksum
            self.sessions = sessions
        }
    }

    /// A table, with its partitions in order.
    public struct Table: Sendable, Hashable {
        /// As it was declared.
        public var declaration: TableDeclaration
        /// The files.
        public var partitions: [Partition]

        /// Makes an entry.
        public init(declaration: TableDeclaration, partitions: [Partition]) {
            self.declaration = declaration
            self.partitions = partitions
        }
    }

    /// The number of this form of manifest. A manifest of a greater one is refused.
    public static let format = 1

    /// The job's name, which a restore must name as well.
    public var job: String
    /// The number by which checkpoints of a folder are told apart and ordered; whoever writes one says what it counts.
    public var step: UInt64
    /// The version of the partition map when the checkpoint began.
    public var mapVersion: UInt64
    /// The tables, in the order in which they were declared.
    public var tables: [Table]

    /// Makes a manifest.
    public init(job: String, step: UInt64, mapVersion: UInt64, tables: [Table]) {
        self.job = job
        self.step = step
        self.mapVersion = mapVersion
        self.tables = tables
    }

    /// The bytes of all files but the manifest itself.
    public var byteCount: Int64 { files.reduce(0) { $0 + $1.entry.byteCount } }

    /// A partition's file with its places.
    package struct File: Sendable {
        package var table: Int
        package var index: Int
        package var declaration: TableDeclaration
        package var entry: Partition
        package var name: PartitionName { PartitionName(table: declaration.name, index: index) }
    }

    /// Every partition's file, in the order of tables.
    package var files: [File] {
        tables.enumerated().flatMap { table, declared in
            declared.partitions.enumerated().map { index, entry in
                File(table: table, index: index, declaration: declared.declaration, entry: entry)
            }
        }
    }
}
