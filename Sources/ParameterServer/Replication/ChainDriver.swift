import Coordination

/// What a partition's ``ChainMember`` has come to, for whoever sends, answers and asks.
struct ChainNews: Sendable {
    var partition: PartitionID
    /// The successor, if something is to be sent to it.
    var successor: String?
    /// The predecessor's stream, if something is to be answered there.
    var replyStream: UInt64?
    var hasWish: Bool
    /// Whether the predecessor waits for what the log does not have yet.
    var waitsForLog: Bool
    /// By how much the kept records have become more, and of them those that count against a head's limit.
    var records: Int
    var bytes: Int
    var uncommittedBytes: Int
}

/// Sends, answers and asks what the chains of a server's partitions have come to. It is told while locks are held, and
/// neither waits nor calls back.
protocol ChainDriver: AnyObject, Sendable {
    /// Takes what has changed.
    func take(_ news: ChainNews)
    /// The most bytes of a record that is not refused for want of room: one that goes back to a checkpoint.
    var recordBytes: Int { get }
    /// Sets room aside for a record that a head is about to make; false if its limit is reached. It is given back with
    /// ``release(_:)`` when the record is kept.
    func reserve(_ bytes: Int) -> Bool
    func release(_ bytes: Int)
    /// A record that came on a stream is of an epoch before the chain's.
    func refuse(_ partition: PartitionID, on stream: UInt64, epoch: UInt64, newest: UInt64)
    /// Records are missing on a stream: it has to begin anew.
    func breakOff(_ stream: UInt64)
    /// The log is full: it is to be replaced by snapshots.
    func makeRoom()
    /// A record that came on a stream cannot be executed here, and the partition is followed no more.
    func cannotExecute(_ partition: PartitionName, _ error: ParameterServerError)
    /// How long a push that was executed waited for the chain.
    func waited(_ duration: Duration)
}
