/// Which state of its partitions a pull may show.
public enum ReadIsolation: Sendable, Hashable {
    /// What the head of a partition has executed: the newest there is, of which a failover may lose what nobody was
    /// told is applied. For training, where the next gradient is better off with it.
    case uncommitted
    /// What every server of a partition's chain has executed, and the log has as safe as it is to be: no failover loses
    /// it. A pull waits for that, about as long as a push does, and the partition's next push copies its parameters.
    /// For whoever acts on what it has read.
    case committed
}
