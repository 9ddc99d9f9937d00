import Foundation

/// The figures of one run, as written to `summary.json`.
package struct DemonstrationSummary: Codable, Sendable, Equatable {
    /// Fractions of the held-out digits.
    package struct Accuracy: Codable, Sendable, Equatable {
        /// Of the parameters as pulled from the parameter servers.
        package var trained: Double
        /// Of the answers of the model server.
        package var served: Double

        package init(trained: Double, served: Double) {
            self.trained = trained
            self.served = served
        }
    }

    /// Partition pushes; attempts are not counted.
    package struct Pushes: Codable, Sendable, Equatable {
        package var sent: Int
        package var acknowledged: Int
        package var applied: Int
        package var duplicatesSuppressed: Int

        package init(sent: Int, acknowledged: Int, applied: Int, duplicatesSuppressed: Int) {
            self.sent = sent
            self.acknowledged = acknowledged
            self.applied = applied
            self.duplicatesSuppressed = duplicatesSuppressed
        }
    }

    package struct Partition: Codable, Sendable, Equatable {
        package var name: String
        /// Applied pushes.
        package var version: Int
        /// The audit counter.
        package var counter: Int
        /// Ids applied.
        package var ledger: Int

        package init(name: String, version: Int, counter: Int, ledger: Int) {
            self.name = name
            self.version = version
            self.counter = counter
            self.ledger = ledger
        }
    }

    package struct Serving: Codable, Sendable, Equatable {
        package var p50Microseconds: Double
        package var p99Microseconds: Double
        package var requests: Int

        package init(p50Microseconds: Double, p99Microseconds: Double, requests: Int) {
            self.p50Microseconds = p50Microseconds
            self.p99Microseconds = p99Microseconds
            self.requests = requests
        }
    }

    package var accuracy: Accuracy
    package var pushes: Pushes
    package var partitions: [Partition]
    package var workersKilled: Int
    package var trainingSeconds: Double
    package var serving: Serving
    /// The one version that every connection uses.
    package var tlsVersion: String
    /// The SPIFFE IDs of all processes.
    package var identities: [String]

    package init(
        accuracy: Accuracy, pushes: Pushes, partitions: [Partition], workersKilled: Int, trainingSeconds: Double,
        serving: Serving, tlsVersion: String, identities: [String]
    ) {
        self.accuracy = accuracy
        self.pushes = pushes
        self.partitions = partitions
        self.workersKilled = workersKilled
        self.trainingSeconds = trainingSeconds
        self.serving = serving
        self.tlsVersion = tlsVersion
        self.identities = identities
    }

    /// Writes the summary as JSON, whole or not at all, and makes the folder it stands in.
    package func write(to path: String) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        let file = URL(fileURLWithPath: path)
        try FileManager.default.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        try (try encoder.encode(self) + Data("\n".utf8)).write(to: file, options: .atomic)
    }
}
