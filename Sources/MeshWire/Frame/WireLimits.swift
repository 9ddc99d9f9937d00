/// What one side of a connection accepts. Each limit is enforced before memory is set aside for what it limits.
public struct WireLimits: Sendable, Hashable {
    /// The largest frame payload that is accepted, in bytes, 256 KiB or more. Default 1 MiB; senders of this library use
    /// up to 256 KiB.
    public var framePayloadBytes = 1 << 20
    /// The largest message head, in bytes: everything of a message but its segments. Default 4 MiB.
    public var messageHeadBytes = 4 << 20
    /// The largest message, head and segments, in bytes. Default 256 MiB.
    public var messageBytes = 256 << 20
    /// The most bytes of large messages that one connection holds: those that are arriving and those that wait to be
    /// taken, ``messageBytes`` or more. Default 512 MiB. A message is large if it needs more credit than its stream has;
    /// one that finds no room waits for it with its sender. (A peer of the first version, which knows no credit, has its
    /// call refused before it runs.)
    ///
    /// With what all streams may send before they are given more, ``concurrentCalls`` times ``streamCredit``, this is
    /// the most that a peer can make a connection hold.
    public var largeMessageBytes = 512 << 20
    /// The bytes that a peer may send on a stream before they are taken, 128 KiB or more. Default 256 KiB.
    public var streamCredit = 256 << 10
    /// The bytes that a peer may have on their way on all streams together, 1 MiB or more. Default 16 MiB: a connection
    /// of 1 GB/s is never held up by it where a round trip takes less than 8 ms.
    public var connectionCredit = 16 << 20
    /// Whether frames end with a checksum, if the peer's do as well. Default no: TLS notices every change of a byte.
    public var checksums = false
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
    /// The most bytes of replies that wait for the caller to take them, the largest reply aside, which may have
    /// ``messageBytes``. Default 64 MiB; beyond it calls that come wait, with what they may send, until replies have left
    /// (over gRPC they are refused, and may come again). Calls that run already add their replies: at most
    /// ``concurrentCalls`` of them. So much of what needs no credit, as small replies, and the connection is not read.
    public var queuedReplyBytes = 64 << 20
    /// How long a client may take for one frame, from its first byte to the last, and over gRPC for a call's header
    /// fields and for its opening as well. Default 20 s; a server ends a connection that takes once to twice as long.
    public var frameTimeout = Duration.seconds(20)
    /// How long the request of a call that has one may take until it has come whole, where the call's own deadline is not
    /// sooner. Default 5 min: 256 MiB at 1 MB/s. A server answers a call that takes longer with `deadlineExceeded`.
    public var requestTimeout = Duration.seconds(300)

    /// Makes the defaults.
    public init() {}

    /// Less than this and a message's head might never get enough credit.
    static let leastStreamCredit = 128 << 10
    static let leastConnectionCredit = 1 << 20

    /// So many entries of a head are over every limit that a side may set: a decoder keeps no more of them, however many
    /// a frame has.
    static let mostEntries = OutboundQueue.dataFrameBytes / 16

    /// Each property that is out of range, with what it must be.
    package var problems: [String] {
        var problems: [String] = []
        // A buffer holds no more than 2 GiB, however large the machine's memory is.
        for (name, bytes, least) in [
            ("framePayloadBytes", framePayloadBytes, OutboundQueue.dataFrameBytes),
            ("messageHeadBytes", messageHeadBytes, 1),
            ("streamCredit", streamCredit, Self.leastStreamCredit),
            ("connectionCredit", connectionCredit, Self.leastConnectionCredit),
        ] where !(least...Int(Int32.max)).contains(bytes) {
            problems.append("\(name) must be in \(least)...\(Int32.max), is \(bytes)")
        }
        for (name, limit) in [
            ("messageBytes", messageBytes), ("largeMessageBytes", largeMessageBytes),
            ("concurrentCalls", concurrentCalls), ("declaredMethods", declaredMethods), ("segments", segments),
            ("metadataBytes", metadataBytes), ("deduplicationEntries", deduplicationEntries),
            ("queuedReplyBytes", queuedReplyBytes),
        ] where limit < 1 {
            problems.append("\(name) must be at least 1, is \(limit)")
        }
        for (name, duration) in [("frameTimeout", frameTimeout), ("requestTimeout", requestTimeout)]
        where duration <= .zero {
            problems.append("\(name) must be above zero, is \(duration)")
        }
        // A call's head is one frame: its entries at their largest, and the beginning of its message behind them.
        let head = [(metadataBytes, 1), (segments, 19), (deduplicationEntries, 35)].reduce(
            128 + OutboundQueue.inlineHeadBytes
        ) {
            $0 + min($1.0, OutboundQueue.dataFrameBytes) * $1.1
        }
        if head > OutboundQueue.dataFrameBytes {
            problems.append(
                "metadataBytes, segments and deduplicationEntries must leave a call's head in a frame of "
                    + "\(OutboundQueue.dataFrameBytes) bytes, which may have \(head)")
        }
        // A message between the two would wait for ever.
        if messageBytes > largeMessageBytes {
            problems.append("messageBytes must be at most largeMessageBytes, is \(messageBytes)")
        }
        return problems
    }
}

extension Array {
    /// Adds an element unless there are `most` already: for what a peer sends, which is then over a limit in any case.
    mutating func append(_ element: Element, upTo most: Int) {
        if count < most { append(element) }
    }
}
