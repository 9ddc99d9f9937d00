import Coordination
package import ParameterServer
package import ProcessKit

/// The figures of one run, as written to `summary.json`.
package struct DemonstrationSummary: Codable, Sendable {
    /// Fractions of the held-out digits.
    package struct Accuracy: Codable, Sendable {
        /// Of the parameters as pulled from the parameter servers.
        package var trained: Double
        /// Of the answers of the model server.
        package var served: Double
    }

    package struct Partition: Codable, Sendable {
        package var name: String
        /// Applied pushes.
        package var version: UInt64
        /// The audit counter.
        package var counter: Int64
        /// Ids applied.
        package var ledger: UInt64

        package init(_ account: PartitionAccount) {
            name = account.name.description
            version = account.version.applied
            counter = account.counter
            ledger = account.appliedInLedger
        }
    }

    package struct Serving: Codable, Sendable {
        package var p50Microseconds: Double
        package var p99Microseconds: Double
        package var requests: Int
    }

    package var accuracy: Accuracy
    package var pushes: PushFigures
    package var partitions: [Partition]
    /// Workers that a SIGKILL ended.
    package var workersKilled: Int
    /// Servers that a SIGKILL ended, and that came back from their logs.
    package var serversKilled: Int
    package var trainingSeconds: Double
    package var serving: Serving
    /// The one version that every connection uses.
    package var tlsVersion: String
    /// The SPIFFE IDs of all processes' certificates, as the processes report them.
    package var identities: [String]
}
