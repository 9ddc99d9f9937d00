import Coordination
import Optimizers
import Tensor

/// The table whose only partition leads the rounds of a job.
enum RoundTable {
    /// What declares it beside tables that have rounds; `nil` if none has. It has as many followers as the most of
    /// them.
    ///
    /// - Throws: ``ParameterServerError/Code/invalidDeclaration`` if they have different ones.
    static func declaration(for tables: [TableDeclaration]) throws(ParameterServerError) -> TableDeclaration? {
        let own = tables.filter(\.consistency.hasRounds)
        guard let first = own.first else { return nil }
        for table in own where table.consistency != first.consistency {
            throw ParameterServerError(
                .invalidDeclaration,
                "table \(table.name) is \(table.consistency) and \(first.name) is \(first.consistency): the tables of a job have the same rounds"
            )
        }
        return try TableDeclaration(
            name: ReservedTables.rounds, shape: [1], initializer: .zeros, key: RandomKey(seed: 0),
            updateRule: .sgd(learningRate: 1), partitioning: .count(1), replicas: own.map(\.replicas).max() ?? 0,
            consistency: first.consistency)
    }
}

extension TableDeclaration {
    /// Whether its partition leads rounds, and takes no pushes.
    var leadsRounds: Bool { name == ReservedTables.rounds }
    /// Whether its partitions take steps in rounds.
    var takesRounds: Bool { consistency.hasRounds && !leadsRounds }
}
