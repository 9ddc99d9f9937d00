import Coordination
import Logging
import ParameterServer
import Tensor

extension [TableDeclaration] {
    /// A gradient of ones for each table, so that what was applied can be counted in the parameters.
    func ones() throws -> NamedTensors {
        var gradients = NamedTensors()
        for table in self { gradients[table.name] = try .full(table.shape, Float(1)) }
        return gradients
    }
}

extension PartitionMap {
    /// Whether every partition has as many followers as its table is to have, and nobody is still joining.
    var isWhole: Bool {
        tables.allSatisfy { table in
            table.partitions.allSatisfy { $0.followers.count >= table.replicas && $0.joining.isEmpty }
        }
    }
}

extension CoordinationClient {
    /// The map, once it is whole and suits; `nil` where it is not after so long. The coordinator may be away meanwhile.
    func wholeMap(
        within time: Duration, where suits: (PartitionMap) -> Bool = { !$0.tables.isEmpty }
    ) async throws -> PartitionMap? {
        let end = ContinuousClock.now + time
        while ContinuousClock.now < end {
            if let map = try? await fetchMap(), map.isWhole, suits(map) { return map }
            try await Task.sleep(for: .milliseconds(20))
        }
        return nil
    }
}

/// What coordinators and servers say in benchmarks that disturb them: what is lost, to standard error, as warnings are part
/// of the play.
enum DisturbedLog {
    static let logger: Logger = {
        var logger = Logger(label: "meshwork-bench", factory: { StreamLogHandler.standardError(label: $0) })
        logger.logLevel = .error
        return logger
    }()
}
