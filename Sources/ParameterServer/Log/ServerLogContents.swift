package import Coordination
package import MeshWire

/// What a server's log has of its partitions, for people who look at one.
package struct ServerLogContents: Sendable {
    /// A partition as it stands at the log's end.
    package struct Partition: Sendable {
        package var name: PartitionName
        package var declaration: TableDeclaration
        package var snapshot: PartitionSnapshot
        /// The records that the log has of it, beside those that a snapshot stands for.
        package var records: Int
    }

    /// In the order of their numbers.
    package var partitions: [Partition] = []
    /// What the files are like.
    package var report: LogReport

    /// Reads a log that no process goes on with, and changes nothing. Takes memory for the partitions.
    ///
    /// - Throws: ``ParameterServerError/Code/logFailed``, which names the file and the byte.
    package init(of configuration: PartitionLogConfiguration, on runtime: any Runtime)
        async throws(ParameterServerError)
    {
        var partitions: [PartitionID: RecoveringPartition] = [:]
        var records: [PartitionID: Int] = [:]
        do throws(LogFileError) {
            report = try await WriteAheadLog.read(configuration.folder, on: runtime, limits: configuration.limits) {
                (record) throws(LogFileError) in
                try ServerLog.read(
                    record.payload, into: &partitions, ledger: PushLedger.Limits(), folder: configuration.folder)
                guard let entry = ServerLogEntry(record.payload) else { return }
                switch entry.kind {
                case .origin: records[entry.partition] = 0
                case .record: records[entry.partition, default: 0] += 1
                case .snapshot: break
                }
            }
        } catch {
            throw ParameterServerError(error)
        }
        for id in partitions.keys.sorted() {
            guard var recovering = partitions.removeValue(forKey: id) else { continue }
            let state = try recovering.finish()
            self.partitions.append(
                Partition(
                    name: state.name, declaration: state.table, snapshot: state.snapshot, records: records[id] ?? 0))
        }
    }
}
