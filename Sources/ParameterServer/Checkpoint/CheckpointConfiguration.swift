/// Where a server writes and reads checkpoints of its partitions, and how fast.
public struct CheckpointConfiguration: Sendable, Hashable {
    /// The folder, which all servers of the job and whoever asks for checkpoints see: a local one where all are on one
    /// machine, else one of a shared file system.
    public var folder: String
    /// The most bytes that the server writes in a second, so that checkpoints leave room for logs and others. Default
    /// 256 MiB.
    public var bytesPerSecond = 256 << 20

    /// Checkpoints in `folder`.
    public init(folder: String) { self.folder = folder }

    /// What is out of range; empty where nothing is.
    var problems: [String] {
        var problems: [String] = []
        if folder.isEmpty { problems.append("checkpoints.folder is empty") }
        if bytesPerSecond < 1 << 10 {
            problems.append("checkpoints.bytesPerSecond must be at least 1 KiB, is \(bytesPerSecond)")
        }
        return problems
    }
}
