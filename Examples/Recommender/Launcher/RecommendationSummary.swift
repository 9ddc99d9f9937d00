package import ProcessKit

/// The figures of one run, as written to `summary.json`.
package struct RecommendationSummary: Codable, Sendable {
    /// How good the model was at some point of the way.
    package struct Point: Codable, Sendable {
        /// The steps that all workers had made.
        package var steps: Int
        /// The area under the ROC curve of the held-out records.
        package var area: Double
    }

    /// The area under the ROC curve of the held-out records, at the end.
    package var area: Double
    package var curve: [Point]
    package var pushes: PushFigures
    /// Workers that a SIGKILL ended.
    package var workersKilled: Int
    /// Servers that a SIGKILL ended.
    package var serversKilled: Int
    package var trainingSeconds: Double
}
