/// What one side of a connection accepts. Each limit is enforced before memory is set aside for what it limits.
public struct WireLimits: Sendable, Hashable {
    /// The largest frame payload that is accepted, in bytes. Default 1 MiB; senders of this library use up to 256 KiB.
    public var framePayloadBytes = 1 << 20
    /// The largest message head, in bytes: everything of a message but its segments. Default 4 MiB.
    public var messageHeadBytes = 4 << 20
    /// The largest message, head and segments, in bytes. Default 256 MiB.
    public var messageBytes = 256 << 20
    /// The most bytes of incomplete messages at a time on one connection, ``messageBytes`` or more. Default 512 MiB; a
    /// call beyond it is refused before it runs.
    public var incompleteMessageBytes = 512 << 20
    /// The most calls at a time on one connection. Default 1,024; a call beyond it is refused before it runs.
    public var concurrentCalls = 1_024
    /// The most methods that a client may declare on one connection. Default 1,024.
    public var declaredMethods = 1_024
    /// The most segments of a message. Default 4,096.
    public var segments = 4_096
    /// The most bytes of metadata keys and values in a call, and 32 for each entry. Default 16 KiB.
    public var metadataBytes = 16 << 10
    /// The most (scope, sequence) entries in a call. Default 4,096.
    public var deduplicationEntries = 4_096
    /// The most bytes of replies that wait for the caller to take them. Default 64 MiB; beyond it nothing more is read
    /// from the connection.
    public var queuedReplyBytes = 64 << 20

    /// Makes the defaults.
    public init() {}

    /// Each property that is out of range, with what it must be.
    package var problems: [String] {
        var problems: [String] = []
        // A buffer holds no more than 2 GiB, however large the machine's memory is.
        for (name, bytes, least) in [
            ("framePayloadBytes", framePayloadBytes, OutboundQueue.dataFrameBytes),
            ("messageHeadBytes", messageHeadBytes, 1),
        ] where !(least...Int(Int32.max)).contains(bytes) {
            problems.append("\(name) must be in \(least)...\(Int32.max), is \(bytes)")
        }
        for (name, limit) in [
            ("messageBytes", messageBytes), ("incompleteMessageBytes", incompleteMessageBytes),
            ("concurrentCalls", concurrentCalls), ("declaredMethods", declaredMethods), ("segments", segments),
            ("metadataBytes", metadataBytes), ("deduplicationEntries", deduplicationEntries),
            ("queuedReplyBytes", queuedReplyBytes),
        ] where limit < 1 {
            problems.append("\(name) must be at least 1, is \(limit)")
        }
        // A message between the two would be refused as one too many, and so tried again for nothing.
        if messageBytes > incompleteMessageBytes {
            problems.append("messageBytes must be at most incompleteMessageBytes, is \(messageBytes)")
        }
        return problems
    }
}
