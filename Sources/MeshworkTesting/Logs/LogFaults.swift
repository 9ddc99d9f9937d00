/// What goes wrong on a simulated disk.
public struct LogFaults: Sendable, Hashable {
    /// The most bytes of all files together; `nil` for no limit. Default `nil`.
    public var capacity: Int64?
    /// How long a sync takes, of a file or of a folder; each draws its own time. Default none.
    public var syncTime: ClosedRange<Duration> = .zero ... .zero
    /// The share of syncs of files that fail with `ioFailure`, without having made anything durable. Default 0.
    public var failedSyncShare = 0.0

    /// No faults.
    public init() {}

    /// What is out of range; empty where nothing is.
    var problems: [String] {
        var problems: [String] = []
        if let capacity, capacity < 0 { problems.append("capacity must not be negative, is \(capacity)") }
        if syncTime.lowerBound < .zero { problems.append("syncTime must not be negative, is \(syncTime)") }
        if !(0...1).contains(failedSyncShare) {
            problems.append("failedSyncShare must be in 0...1, is \(failedSyncShare)")
        }
        return problems
    }
}
