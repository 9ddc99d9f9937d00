/// How checkpoints are asked for, and how many are kept.
public struct ParameterCheckpointsConfiguration: Sendable, Hashable {
    /// How many checkpoints stay in the folder; older ones are removed when a new one is whole. Default 3.
    public var kept = 3
    /// How long writing a checkpoint, or going back to one, may take in all. Default 10 min.
    public var timeout: Duration = .seconds(600)
    /// The most bytes of parameters that a server is asked to write or to read in one call, unless one partition has
    /// more; it answers for progress between calls. Default 64 MiB.
    public var callBytes = 64 << 20

    /// Makes the defaults.
    public init() {}

    /// Throws ``ParameterServerError/Code/invalidConfiguration`` that names every property that is out of range.
    public func validate() throws(ParameterServerError) {
        var problems: [String] = []
        if kept < 1 { problems.append("kept must be at least 1, is \(kept)") }
        if timeout <= .zero { problems.append("timeout must be above zero, is \(timeout)") }
        if callBytes < 1 { problems.append("callBytes must be at least 1, is \(callBytes)") }
        guard problems.isEmpty else {
            throw ParameterServerError(.invalidConfiguration, problems.joined(separator: "; "))
        }
    }
}

/// How far a checkpoint has come.
public struct CheckpointProgress: Sendable, Hashable {
    /// The partitions that are done.
    public var done: Int
    /// All of them.
    public var total: Int
}
